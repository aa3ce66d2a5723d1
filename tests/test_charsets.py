"""Character sets by name, file or characters, and texts mapped to them: nothing is changed without being counted."""

import re
import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriven.base import InputError, SettingsError
from scriven.images import encode
from scriven.jobs.train import TrainSettings, train
from scriven.lines import Line, LinesFolder
from scriven.reader.charsets import NAMED, MappedText, TextMapping, charset_of
from scriven.reader.trainable import InputSpec
from scriven.text import Charset
from scriven.training.data import DataSettings, TrainingData
from scriven.training.sources import FolderSource, ScribeSource
from toy_training import brief_settings, folder, no_export, picture  # noqa: F401


def test_named_sets_are_those_of_the_published_recognisers() -> None:
    assert len(NAMED["case-insensitive-36"]) == 36 and set(NAMED["case-insensitive-36"]) == set(string.printable[:36])
    assert len(NAMED["case-sensitive-94"]) == 94 and set(NAMED["case-sensitive-94"]) == set(string.printable[:-6])


def test_a_set_is_a_name_a_file_or_its_characters(tmp_path: Path) -> None:
    assert charset_of("case-sensitive-94").characters == tuple(NAMED["case-sensitive-94"])
    assert charset_of("xyz-é").characters == tuple("xyz-é")
    (tmp_path / "set.txt").write_text("ab\n \ncb é\n", "utf-8")
    assert charset_of(str(tmp_path / "set.txt")).characters == tuple("ab cé")
    (tmp_path / "set.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="cannot read the characters in .*set.txt"):
        charset_of(str(tmp_path / "set.txt"))
    with pytest.raises(SettingsError, match="did you mean 'case-sensitive-94'"):
        charset_of("case-sensitve-94")
    with pytest.raises(SettingsError, match="is empty"):
        charset_of("")


def test_a_set_without_both_cases_does_not_tell_them_apart() -> None:
    lower = TextMapping(charset_of("case-insensitive-36"))
    assert lower.mapped("Café 7B") == MappedText("café 7b", 2)
    assert TextMapping(Charset(tuple("ABC"))).mapped("aBcd") == MappedText("ABCd", 2)
    for tells in ("abcA", NAMED["case-sensitive-94"]):
        assert TextMapping(Charset(tuple(tells))).mapped("É B") == MappedText("É B")
    assert TextMapping(Charset(tuple("ß"))).mapped("ẞSS") == MappedText("ßSS", 1)  # never by two letters


def test_other_characters_stay_and_are_refused_or_are_dropped_and_counted() -> None:
    lower = TextMapping(charset_of("case-insensitive-36"), drop=True)
    assert lower.mapped("Don't, 7!") == MappedText("dont7", 1, "', !")
    spaced = TextMapping(Charset(tuple("ab ")), drop=True)
    assert spaced.mapped("a - b .") == MappedText("a b", 0, "-.")
    assert spaced.mapped("...") == MappedText("", 0, "...")


@given(st.text(max_size=30), st.sampled_from([*NAMED.values(), "abcXYZ ", "АБВ"]))
def test_a_dropped_text_is_within_the_set_and_mapping_again_changes_nothing(text: str, characters: str) -> None:
    mapping = TextMapping(Charset(tuple(characters)), drop=True)
    once = mapping.mapped(text)
    assert not mapping.charset.missing([once.text]) and mapping.mapped(once.text) == MappedText(once.text)


ROWS = [Line("a", encode(picture("ink")), "Ink", hand="h0"), Line("b", encode(picture("dont")), "don't", hand="h0"),
        Line("c", encode(picture("...")), "...", hand="h1")]  # fmt: skip


def source(path: Path, drop: bool) -> FolderSource:
    mapping = TextMapping(charset_of("case-insensitive-36"), drop)
    spec = InputSpec(64, 4, mapping.charset, mapping=mapping)
    return FolderSource(LinesFolder(folder(path, count=1, extra=ROWS)), "train", spec)


def test_lines_outside_the_set_are_refused_by_name_or_lose_the_characters(tmp_path: Path) -> None:
    refused = source(tmp_path / "a", drop=False)
    assert refused.texts == ["ink", "ink"] and {one.id for one in refused.skipped} == {"b", "c"}
    assert 'characters outside the character set: "\'" (U+0027 APOSTROPHE)' in refused.skipped[0].reason
    assert refused.mapped.as_json() == {"texts": 1, "other_case": 1, "dropped": {}}
    dropped = source(tmp_path / "b", drop=True)
    assert dropped.texts == ["ink", "ink", "dont"]
    assert [one.sentence() for one in dropped.skipped] == ["c: no character of its text is in the character set: '...'"]
    assert dropped.mapped.as_json() == {"texts": 2, "other_case": 1, "dropped": {"'": 1}}
    assert dropped.mapped.sentence() == (
        '2 texts were mapped to the character set: 1 letters in the other case, 1 characters dropped ("\'" 1)'
    )


def test_synthetic_pictures_are_single_words_where_the_set_has_no_space() -> None:
    mapping = TextMapping(charset_of("case-insensitive-36"))
    spec = InputSpec(64, 4, mapping.charset, mapping=mapping)
    data = TrainingData.of(["fonts:en"], spec, DataSettings(lines=0.9, validate_fonts=4))
    (written,) = data.mixture.sources
    assert isinstance(written, ScribeSource)
    for index in range(20):
        _, text, _ = written.make(index, 0.0)
        assert text and not mapping.charset.missing([text])


def test_train_writes_the_named_set_and_what_was_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = folder(tmp_path / "lines", extra=ROWS)
    few = brief_settings(charset="case-insensitive-36", outside="drop")
    refusing = replace(few, outside="refuse")
    with caplog.at_level("INFO", "scriven"):
        assert len(train([lines], tmp_path / "fewer", settings=refusing).skipped) == 2
    assert "2 lines left out for characters outside the character set; --set outside=drop uses them" in caplog.text
    assert re.search(r"convtext tiny, \d\.\d million parameters: \d+ lines, \d+ validation lines?\n", caplog.text)
    info = train([lines], tmp_path / "m", settings=few).info
    assert "".join(info.charset) == NAMED["case-insensitive-36"]
    assert info.data[0]["mapped"] == {"texts": 2, "other_case": 1, "dropped": {"'": 1}}
    plain = train([lines], tmp_path / "plain", settings=brief_settings()).info
    assert {"'", ".", "I", " "} < set(plain.charset) and "mapped" not in plain.data[0]
    both = train([lines], tmp_path / "both", parent=tmp_path / "plain", settings=few).info
    assert both.charset[: len(plain.charset)] == plain.charset and set(both.charset) > set(info.charset)
    assert both.data[0]["mapped"] == info.data[0]["mapped"]


def test_outside_needs_a_set() -> None:
    with pytest.raises(SettingsError, match="set charset too"):
        TrainSettings(steps=1, outside="drop")
