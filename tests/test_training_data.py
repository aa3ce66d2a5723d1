"""What a training learns from: the characters of its inputs, and languages that no folder takes the name of."""

import numpy as np
import pytest

from scriven.base import TextError
from scriven.jobs import texts as jobs
from scriven.jobs.train import TrainSettings
from scriven.language.texts import charset_of, source
from scriven.reader.trainable import InputSpec
from scriven.text import Charset
from scriven.training.data import TrainingData, characters, languages


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a folder of texts that is called `fr`, and a word list."""
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "a.txt").write_text("ŵŷ ŵŷŵ\n", "utf-8")
    (tmp_path / "list.csv").write_text("word,count\nŵŷn,3\nafon,1\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_does_not_take_the_place_of_a_language(here):
    for kind in ("words", "lines", "fonts"):
        texts = source(f"{kind}:fr+en")
        assert "ŵ" not in "".join(texts.draw(np.random.default_rng(i)) for i in range(40))
        texts = source(f"{kind}:fr")
        assert "ŵ" not in "".join(texts.draw(np.random.default_rng(i)) for i in range(40))
    assert "ŵŷ" not in jobs.words(["fr"], here / "out.csv")[0].words


@pytest.mark.parametrize("name", ["fr/", "./fr", "fr/a.txt"])
def test_a_path_is_written_with_a_separator_or_a_dot(here, name):
    assert set(source(f"words:{name}").words) == {"ŵŷ", "ŵŷŵ"}
    assert set(jobs.words([name], here / "out.csv")[0].words) == {"ŵŷ", "ŵŷŵ"}


def test_a_missing_file_and_an_unknown_language_are_told_apart(here):
    with pytest.raises(TextError, match="no text file or folder gone/texts"):
        source("words:gone/texts")
    with pytest.raises(TextError, match="cannot read the word list gone.csv"):
        source("words:gone.csv")
    with pytest.raises(TextError, match="no word list for the language 'xx'"):
        source("words:xx")


def test_training_takes_characters_from_a_word_list_of_ones_own(here):
    """`train fonts:FILE` said that there is no word list for the language of the file's name."""
    needed = characters(["fonts:list.csv"], "lines")
    assert set("ŵŷnafo 0.") <= needed and "é" not in needed
    assert characters(["fonts:fr"], "lines") == set(charset_of("fr").characters)
    assert languages(["fonts:list.csv", "fonts:fr+en"]) == ["fr", "en"]
    made = TrainingData.of(
        ["fonts:list.csv"], InputSpec(64, 4, Charset(tuple(sorted(needed)))), TrainSettings(steps=1, validate_fonts=2)
    )
    assert made.sources[0].make(0, 0.0)[1]
