"""The importer of the George Washington database, on a miniature of the published layout made here."""

import re
from pathlib import Path

import pytest

from scriven.base import LinesError
from scriven.importers import IMPORTERS
from scriven.importers.washington import decoded
from scriven.lines import LinesFolder
from toy_imports import lines_of, read, save, skipped_of


def washington(path: Path) -> Path:
    save(
        path / "ground_truth" / "transcription.txt",
        "270-01 s_2-s_7-s_0-s_pt|L-e-t-t-e-r-s-s_cm\n271-01 s_GW\n272-01 a\n",
    )
    words = "270-01-01 s_2-s_7-s_0-s_pt\n270-01-02 L-e-t-t-e-r-s-s_cm\n271-01-01 s_GW\n272-01-01 s_xy\n"
    save(path / "ground_truth" / "word_labels.txt", words)
    for id in ("270-01", "271-01", "272-01"):
        save(path / "data" / "line_images_normalized" / f"{id}.png")
    for id in ("270-01-01", "270-01-02", "271-01-01", "272-01-01"):
        save(path / "data" / "word_images_normalized" / f"{id}.png")
    for name, id in (("train", "270-01"), ("valid", "271-01"), ("test", "272-01")):
        save(path / "sets" / "cv1" / f"{name}.txt", f"{id}\n")
    return path


def test_george_washington_lines_and_words(tmp_path: Path) -> None:
    source = washington(tmp_path)
    assert read("washington", source) == (
        [("train", "270-01", "270. Letters,"), ("valid", "271-01", "G.W."), ("test", "272-01", "a")],
        [],
    )
    assert read("washington", source, level="words")[0] == [
        ("train", "270-01-01", "270."),
        ("train", "270-01-02", "Letters,"),
        ("valid", "271-01-01", "G.W."),
    ]
    assert "token 's_xy' is not one" in skipped_of("washington", source, level="words")["272-01-01"]
    assert lines_of("washington", source)[0][1].page == "270"


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("s_1-s_7-s_5-s_5", "1755"),
        ("s_2nd|s_1st|s_0th", "2nd 1st 0th"),
        ("a-s_mi-b-s_sq|s_bl-x-s_br|s_qt-s-s_s-s_qo", "a-b; (x) 'ss:"),
        ("s_lb-s_3|s_et|s_etc", "£3 & etc"),
    ],
)
def test_digits_and_punctuation_of_george_washington_are_decoded(tokens: str, text: str) -> None:
    assert decoded(tokens) == text


@pytest.mark.parametrize("tokens", ["A--b", "-A", "A-", "A||b", "A|b|", ""])
def test_empty_tokens_of_george_washington_are_not_dropped(tokens: str) -> None:
    """A character that was lost between two separators used to vanish from the text."""
    with pytest.raises(ValueError, match="empty token"):
        decoded(tokens)


def test_what_george_washington_lacks_is_named(tmp_path: Path) -> None:
    source = washington(tmp_path)
    save(source / "sets" / "cv1" / "test.txt", "279-01\n")
    with open(source / "ground_truth" / "transcription.txt", "a") as file:
        file.write("279-01 A--b\n")
    why = skipped_of("washington", source)
    assert why.pop("279-01").startswith("it has an empty token")
    save(source / "sets" / "cv1" / "test.txt", "280-01\n")
    why = skipped_of("washington", source)
    assert "no list of" in why["272-01"] and "test.txt lists it" in why["280-01"]
    with pytest.raises(LinesError, match=re.escape("should have the lists of the partition in sets/cv2")):
        list(IMPORTERS["washington"](source, fold="cv2"))
    (source / "ground_truth" / "word_labels.txt").unlink()
    with pytest.raises(LinesError, match=re.escape("should have the transcriptions in ground_truth/word_labels.txt")):
        list(IMPORTERS["washington"](source, level="words"))


def test_a_data_set_is_imported_by_the_command(tmp_path: Path, scriven) -> None:
    source = washington(tmp_path / "gw")
    exit_code, _, err = scriven("import", "washington", source, "-o", tmp_path / "lines", "--set", "level=words")
    assert exit_code == 1 and "s_xy" in err
    assert [line.text for line in LinesFolder(tmp_path / "lines").lines("train")] == ["270.", "Letters,"]
    exit_code, _, err = scriven("import", "washington", source, "-o", tmp_path / "other", "--set", "level=pages")
    assert exit_code == 2 and "level" in err


def test_each_of_the_four_folds_is_a_partition(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, ids = washington(tmp_path), ["270-01", "271-01", "272-01"]
    for number in range(1, 5):
        for place, name in enumerate(("train", "valid", "test")):
            save(source / "sets" / f"cv{number}" / f"{name}.txt", f"{ids[(place + number) % 3]}\n")
    for number in range(1, 5):
        caplog.clear()
        found = {split: line.id for split, line in lines_of("washington", source, fold=f"cv{number}")}
        assert found == {name: ids[(place + number) % 3] for place, name in enumerate(("train", "valid", "test"))}
        assert ("unlike the published partition: (325, 168, 163)" in caplog.text) == (number == 1)
