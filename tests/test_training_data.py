"""Training data: the characters of the inputs, and language codes beside folders of the same name."""

from dataclasses import replace

import numpy as np
import pytest

from scriven.base import SettingsError, TextError
from scriven.jobs import texts as jobs
from scriven.jobs.train import TrainSettings
from scriven.language.texts import charset_of, source
from scriven.reader.trainable import InputSpec, faults
from scriven.text import Charset
from scriven.training.data import DataSettings, TrainingData, characters, languages

PLAIN = InputSpec(64, 4)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a folder of texts that is called `fr`, and a word list."""
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "a.txt").write_text("ŵŷ ŵŷŵ\n", "utf-8")
    (tmp_path / "list.csv").write_text("word,count\nŵŷn,3\nafon,1\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_language_code_is_not_read_as_the_folder_of_that_name(here):
    for kind in ("words", "lines", "fonts"):
        texts = source(f"{kind}:fr+en")
        assert "ŵ" not in "".join(texts.draw(np.random.default_rng(i)) for i in range(40))
        texts = source(f"{kind}:fr")
        assert "ŵ" not in "".join(texts.draw(np.random.default_rng(i)) for i in range(40))
    assert "ŵŷ" not in jobs.words(["fr"], here / "out.csv")[0].words


@pytest.mark.parametrize("name", ["fr/", "./fr", "fr/a.txt"])
def test_a_path_needs_a_separator_or_a_dot(here, name):
    assert set(source(f"words:{name}").words) == {"ŵŷ", "ŵŷŵ"}
    assert set(jobs.words([name], here / "out.csv")[0].words) == {"ŵŷ", "ŵŷŵ"}


def test_a_missing_file_and_an_unknown_language_have_different_messages(here):
    with pytest.raises(TextError, match="no text file or folder gone/texts"):
        source("words:gone/texts")
    with pytest.raises(TextError, match="cannot read the word list gone.csv"):
        source("words:gone.csv")
    with pytest.raises(TextError, match="no word list for the language 'xx'"):
        source("words:xx")


def test_the_character_set_includes_the_characters_of_a_custom_word_list(here):
    """Regression: `train fonts:FILE` took the name of the file for a language."""
    needed = characters(["fonts:list.csv"], "lines")
    assert set("ŵŷnafo 0.") <= needed and "é" not in needed
    assert characters(["fonts:fr"], "lines") == set(charset_of("fr").characters)
    assert languages(["fonts:list.csv", "fonts:fr+en"]) == ["fr", "en"]
    made = TrainingData.of(
        ["fonts:list.csv"], InputSpec(64, 4, Charset(tuple(sorted(needed)))), DataSettings(validate_fonts=2)
    )
    assert made.mixture.sources[0].make(0, 0.0)[1]


def test_what_data_are_taken_is_a_record_of_its_own_which_train_extends():
    for wrong in ({"weights": (0, 0)}, {"weights": (-1,)}, {"lines": 2}, {"level": "pages"}, {"validate_on": 0}):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            DataSettings(**wrong)
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            TrainSettings(steps=1, **wrong)
    chosen = TrainSettings(steps=1, weights=(1, 3), seed=4)
    assert isinstance(chosen, DataSettings) and (chosen.weights, chosen.seed) == ((1, 3), 4)
    assert TrainSettings(steps=1).validate_on == DataSettings().validate_on
    with pytest.raises(SettingsError, match="exactly one of steps and minutes"):
        TrainSettings()


@pytest.mark.parametrize(("text", "narrowest"), [("abc", 9), ("aab", 13), ("a b", 9)])
def test_a_text_that_is_too_long_is_said_in_characters_and_px(text, narrowest):
    assert faults(text, narrowest, PLAIN) == []
    (fault,) = faults(text, narrowest - 1, PLAIN)
    assert fault.kind == "frames" and "frames" not in fault.reason
    assert f"({len(text)} characters) is too long for its picture, which is {narrowest - 1} px wide" in fault.reason
    assert f"at least {narrowest} px are needed" in fault.reason


def test_a_text_beyond_the_frames_of_a_network_of_fixed_width_is_not_blamed_on_its_picture():
    (fault,) = faults("abcdefghi", 4000, replace(PLAIN, frames=8))
    assert fault.kind == "frames" and "4097" not in fault.reason
    assert "(9 characters) is longer than this network can read in any picture; split the line" in fault.reason


def test_no_text_and_an_empty_text_are_two_reasons():
    assert [f.kind for f in faults(None, 100, PLAIN)] == ["no-text"]
    assert [f.kind for f in faults("", 5000, PLAIN)] == ["empty-text", "width"]
