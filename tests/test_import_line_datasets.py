"""The importers of Bentham, Saint Gall, HKR and Digital Peter, on miniatures of their layout; Cyrillic included."""

import re
from pathlib import Path

import numpy as np
import pytest

from scriven.base import LinesError
from scriven.images import as_stored
from scriven.importers import IMPORTERS
from scriven.importers.crops import is_vertical, turned
from scriven.importers.saintgall import decoded
from scriven.lines import LinesFolder
from toy_datasets import bentham, hkr, peter, read2018, saintgall
from toy_imports import lines_of, read, save, skipped_of


def test_bentham_in_its_partition_by_its_rules(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = bentham(tmp_path)
    ids = ("071_088_003_01_01", "071_088_003_01_02", "072_001_001_02_01")
    expected = list(zip(("train", "valid", "test"), ids, ("a fete, (sic)", "&amp;c", "null"), strict=True))
    assert read("bentham", source) == (expected, [])
    assert "1 texts have marks of XML" in caplog.text and "unlike the published partition" in caplog.text
    texts = [text for _, _, text in read("bentham", source / "BenthamDatasetR0-GT", texts="original")[0]]
    assert texts == ["a fête , ( sic )", "&amp;c", "null"]
    first = lines_of("bentham", source)[0][1]
    assert first.page == "071_088_003"
    pixels = as_stored(first.image, "a")
    assert pixels[6, 30] == 200 and pixels[10, 30] == 40 and pixels[0, 0] == 255, "transparent pixels are paper"


def test_what_bentham_lacks_is_named(tmp_path: Path) -> None:
    root = bentham(tmp_path) / "BenthamDatasetR0-GT"
    (root / "Transcriptions" / "071_088_003_01_02.txt").unlink()
    (root / "Images" / "Lines" / "072_001_001_02_01.png").unlink()
    why = skipped_of("bentham", tmp_path)
    assert set(why) == {"071_088_003_01_02", "072_001_001_02_01"}
    assert "ValidationLines.lst lists it, but there is no 071_088_003_01_02.txt" in why["071_088_003_01_02"]
    for file in (root / "Partitions").iterdir():
        file.unlink()
    with pytest.raises(LinesError, match="should have TrainLines.lst and the like"):
        list(IMPORTERS["bentham"](tmp_path))
    with pytest.raises(LinesError, match=re.escape("should have the lists in Partitions/")):
        list(IMPORTERS["bentham"](tmp_path / "BenthamDatasetR0-GT" / "Images"))


def test_saint_gall_by_pages(tmp_path: Path) -> None:
    lines, skipped = read("saintgall", saintgall(tmp_path))
    assert lines == [
        ("train", "csg562-003-01", "in prin. &"),
        ("train", "csg562-003-02", "Ab"),
        ("valid", "csg562-005-01", "null"),
        ("test", "csg562-009-01", "na"),
    ]
    why = {item.id: item.reason for item in skipped}
    assert "no list of the partition has it" in why["csg562-010-01"]
    assert why["csg562-009-02"].startswith("it has an empty token") and "token 'st'" in why["csg562-009-03"]
    assert "should be `id tokens`" in why["transcription.txt:8"]
    assert "test.txt lists it, but transcription.txt has it not" in why["csg562-011"]
    assert lines_of("saintgall", tmp_path)[0][1].page == "csg562-003"
    (tmp_path / "sets" / "train.txt").unlink()
    (tmp_path / "ground_truth" / "transcription.txt").unlink()
    with pytest.raises(LinesError, match="should have the transcriptions in ground_truth/transcription.txt"):
        list(IMPORTERS["saintgall"](tmp_path))


def test_the_word_et_is_no_ampersand() -> None:
    assert decoded("e-t|et|p-t-pt") == "et & pt."


def test_hkr_in_the_partition_of_its_authors(tmp_path: Path) -> None:
    source = hkr(tmp_path)
    lines, skipped = read("hkr", source)
    assert lines == [
        ("train", "1_28_104", "ты"),
        ("valid", "0_0_1", "Шымкент"),
        ("test", "2_2_2_", "NA"),
        ("test", "3_3_3", "Өскемен"),
    ]
    why = {item.id: item.reason for item in skipped}
    assert set(why) == {"4_4_4", "5_5_5", "6_6_6", "7_7_7", "8_8_8"}
    assert "its stage 'unknown' is not train, val" in why["4_4_4"] and "its stage '' is not" in why["5_5_5"]
    assert "no text as `description`" in why["6_6_6"] and "is not JSON" in why["7_7_7"] and "8_8_8" in why["8_8_8"]
    assert [id for split, id, _ in read("hkr", source, test="test2")[0] if split == "test"] == ["3_3_3"]


def test_hkr_without_its_partition_is_not_imported(tmp_path: Path) -> None:
    table = (hkr(tmp_path / "hkr") / "HKR_splitting.csv").rename(tmp_path / "lists.csv")
    with pytest.raises(LinesError, match="should have HKR_splitting.csv, the partition of its authors"):
        list(IMPORTERS["hkr"](tmp_path / "hkr"))
    assert len(lines_of("hkr", tmp_path / "hkr", partition=str(table))) == 4
    save(table, "name,stage\n")
    with pytest.raises(LinesError, match="should have the columns id, stage"):
        list(IMPORTERS["hkr"](tmp_path / "hkr", partition=str(table)))
    with pytest.raises(LinesError, match=re.escape("should have img/ with the pictures and ann/")):
        list(IMPORTERS["hkr"](tmp_path / "hkr" / "20200923_Dataset_Words_Public" / "img"))


def test_digital_peter_in_the_published_partition(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = peter(tmp_path)
    lines, skipped = read("peter", source)
    assert lines == [
        ("train", "1_1_10", "зело многа i"),
        ("valid", "1_1_11", "NA"),
        ("test", "2_1_1", "вверх"),
        ("test", "2_1_2", "вниз"),
        ("test", "2_1_3", "1"),
        ("train", "27_46_30", "крѣпость"),
    ]
    why = {item.id: item.reason for item in skipped}
    assert "mapper.csv has it in no split" in why["9_9_9"] and "in several splits" in why["9_9_8"]
    assert set(why) == {"9_9_9", "9_9_8", "4_4_4"} and "4_4_4" in why["4_4_4"]
    assert "characters that are not in the published set of peter: 'A'" in caplog.text
    assert [line.text for _, line in lines_of("peter", source, texts="original")][0] == "зело многa і"
    assert lines_of("peter", source)[0][1].page == "1_1"


def test_vertical_lines_of_digital_peter_are_turned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, listed = peter(tmp_path / "peter"), save(tmp_path / "upside_down.txt", "2_1_2\n")
    found = {line.id: line for _, line in lines_of("peter", source, upside_down=str(listed))}
    assert (found["2_1_1"].width, found["2_1_1"].height) == (60, 20) and "2 vertical lines were turned" in caplog.text
    assert (found["2_1_3"].width, found["2_1_3"].height) == (20, 60), "a single character is not vertical writing"
    left, right = (as_stored(found[id].image, id) for id in ("2_1_1", "2_1_2"))
    assert left[:, :5].mean() < 60 < left[:, -5:].mean() and right[:, -5:].mean() < 60 < right[:, :5].mean()


def test_a_line_is_vertical_by_its_shape_and_its_text() -> None:
    high = np.full((41, 20), 255, np.uint8)
    assert is_vertical(high, "ab") and not is_vertical(high, " a ") and not is_vertical(high[:40], "ab")
    high[0] = 0
    assert (turned(high)[:, 0] == 0).all() and (turned(high, clockwise=True)[:, -1] == 0).all()


def test_digital_peter_without_its_partition(tmp_path: Path) -> None:
    source = peter(tmp_path)
    (source / "data_anon" / "mapper.csv").unlink()
    with pytest.raises(LinesError, match="should have the partition mapper.csv"):
        list(IMPORTERS["peter"](source))
    assert {split for split, _ in lines_of("peter", source, partition="all")} == {"train"}
    assert len(lines_of("peter", source, partition="all")) == 8
    with pytest.raises(LinesError, match=re.escape("should have images/ with the pictures")):
        list(IMPORTERS["peter"](source / "data_anon" / "words"))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_rules_are_those_of_every_split(tmp_path: Path, number: int) -> None:
    """StackMix applies them to what it trains on and to what it reads, and scores against texts as they are."""
    source = bentham(tmp_path)
    id = ("071_088_003_01_01", "071_088_003_01_02", "072_001_001_02_01")[number]
    save(source / "BenthamDatasetR0-GT" / "Transcriptions" / f"{id}.txt", "é , à\n")
    assert read("bentham", source)[0][number] == (("train", "valid", "test")[number], id, "e, a")


def test_settings_of_these_importers_on_the_command_line(tmp_path: Path, scriven) -> None:
    hkr(tmp_path / "hkr"), read2018(tmp_path / "read"), bentham(tmp_path / "bentham")
    code, out, err = scriven("import", "hkr", tmp_path / "hkr", "-o", tmp_path / "h", "--set", "test=test1")
    assert code == 1 and "1 train, 1 valid, 1 test" in out and "its stage 'unknown'" in err
    given = ("--set", "collection=ricordi", "--set", "outside=black")
    code, out, err = scriven("import", "read2018", tmp_path / "read", "-o", tmp_path / "r", *given)
    assert code == 0 and "3 train" in out and "unlike the published partition: (295, 19, 69)" in err
    code, _, err = scriven("import", "read2018", tmp_path / "read", "-o", tmp_path / "x", "--set", "collection=goethe")
    assert code == 2 and "collection" in err and "patzig" in err
    code, out, _ = scriven("import", "bentham", tmp_path / "bentham", "-o", tmp_path / "b", "--set", "texts=original")
    assert code == 0 and [line.text for line in LinesFolder(tmp_path / "b").lines("train")] == ["a fête , ( sic )"]
