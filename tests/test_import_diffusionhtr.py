"""The importer of the regenerated data sets of DiffusionHTR, on miniatures of their layouts made here."""

import json
from pathlib import Path

import numpy as np
import pytest

from scriven.base import LinesError
from scriven.images import encode
from scriven.importers import IMPORTERS
from scriven.lines import LinesFolder
from toy_imports import lines_of, read, save, skipped_of

CANVAS = encode(np.full((64, 256), 200, np.uint8), "png")  # the size of a regenerated picture
CROPPED = encode(np.full((41, 90), 200, np.uint8), "png")


def iam(path: Path) -> Path:
    save(
        path / "gan.iam.tr_va.gt.filter27",
        "000,a01-000u-00-00 MOVE\n000,a01-000u-00-02 to\r\n025,b04-010-03-01 stop\n\n",
    )
    for id in ("a01-000u-00-00", "a01-000u-00-02", "b04-010-03-01"):
        save(path / "images" / f"{id}.png", CANVAS)
    return path


def washington(path: Path) -> Path:
    save(path / "gt.txt", "270-01-01 270\n270-01-02 Letters\n")
    for id in ("270-01-01", "270-01-02"):
        save(path / f"{id}.png", CANVAS)
    return path


def imgur5k(path: Path) -> Path:
    save(path / "gt_150_words_per_image.txt", "AbC12_3.png\tlove\nAbC12_14.png\tyou\nzz9_0.png\tNow\n")
    for name in ("AbC12_3", "AbC12_14", "zz9_0"):
        save(path / "images" / f"{name}.png", CANVAS)
    return path


def out_of_vocabulary(path: Path) -> Path:
    for name in ("house_0", "house_12", "don't_3", "a_b_7"):
        save(path / "images" / f"{name}.png", CROPPED)
    return path


def test_iam_has_the_ids_of_the_real_words_and_their_writers(tmp_path: Path) -> None:
    source = iam(tmp_path)
    assert read("diffusionhtr", source) == (
        [
            ("train", "a01-000u-00-00", "MOVE"),
            ("train", "a01-000u-00-02", "to"),
            ("train", "b04-010-03-01", "stop"),
        ],
        [],
    )
    lines = [line for _, line in lines_of("diffusionhtr", source)]
    assert [line.hand for line in lines] == ["000", "000", "025"] and {line.origin for line in lines} == {"generated"}
    assert {(line.height, line.width) for line in lines} == {(64, 256)}
    assert read("diffusionhtr", source / "gan.iam.tr_va.gt.filter27", split="valid")[0][0][0] == "valid"


def test_george_washington_has_pages(tmp_path: Path) -> None:
    lines = [line for _, line in lines_of("diffusionhtr", washington(tmp_path))]
    assert [(line.id, line.text, line.page) for line in lines] == [
        ("270-01-01", "270", "270"),
        ("270-01-02", "Letters", "270"),
    ]


def test_imgur5k_has_a_hand_a_page(tmp_path: Path) -> None:
    lines = [line for _, line in lines_of("diffusionhtr", imgur5k(tmp_path))]
    assert [(line.text, line.hand) for line in lines] == [("love", "AbC12"), ("you", "AbC12"), ("Now", "zz9")]
    assert len({line.id for line in lines}) == 3


def test_words_out_of_vocabulary_are_named_by_word_and_hand(tmp_path: Path) -> None:
    source = out_of_vocabulary(tmp_path)
    found = {line.id: (line.text, line.hand) for _, line in lines_of("diffusionhtr", source)}
    assert set(found.values()) == {("house", "0"), ("house", "12"), ("don't", "3"), ("a_b", "7")} and len(found) == 4
    (source / "writers_dict_train_IAM.json").write_text(json.dumps({"a01": 0, "b7": 12}))
    hands = {line.hand for _, line in lines_of("diffusionhtr", source)}
    assert hands == {"a01", "b7", "3", "7"}
    (source / "w.json").write_text("[1, 2]")
    with pytest.raises(LinesError, match=r"w\.json should be JSON of names and numbers of writers"):
        list(IMPORTERS["diffusionhtr"](source, writers=str(source / "w.json")))


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    source = iam(tmp_path / "iam")
    save(source / "images" / "b04-010-03-01.png", encode(np.full((64, 300), 200, np.uint8), "png"))
    save(source / "images" / "left.png", CANVAS)
    with open(source / "gan.iam.tr_va.gt.filter27", "a") as file:
        file.write("000,a01-000u-00-09 gone\nno row\n")
    why = skipped_of("diffusionhtr", source)
    assert "is 300 x 64 px, and pictures of these data sets are 256 x 64" in why["b04-010-03-01"]
    assert "no picture a01-000u-00-09.png below" in why["a01-000u-00-09"]
    assert "should be `writer,id word`; correct it" in why["gan.iam.tr_va.gt.filter27:6"]
    assert "has no row for it" in why["left.png"] and len(why) == 4
    other = out_of_vocabulary(tmp_path / "oov")
    save(other / "images" / "house.png", CROPPED)
    save(other / "images" / "high_3.png", encode(np.full((80, 90), 200, np.uint8), "png"))
    why = skipped_of("diffusionhtr", other)
    assert "should be `word_number.png`" in why["house.png"] and "is 90 x 80 px" in why["high_3"]


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "pictures" / "a.png")
    with pytest.raises(
        LinesError,
        match=r"no regenerated data set of DiffusionHTR: it has neither a list with rows `writer,id word`.* nor "
        r"pictures named word_number\.png; give the list as --set gt=FILE",
    ):
        list(IMPORTERS["diffusionhtr"](tmp_path / "pictures"))
    (tmp_path / "list.txt").write_text("word\n")
    with pytest.raises(LinesError, match=r"the rows of .*list\.txt are none of `writer,id word`"):
        list(IMPORTERS["diffusionhtr"](tmp_path / "pictures", gt=str(tmp_path / "list.txt")))
    with pytest.raises(LinesError, match="is not a folder of a regenerated data set"):
        list(IMPORTERS["diffusionhtr"](tmp_path / "gone"))
    source = iam(tmp_path / "iam")
    save(source / "more.txt", "270-01-01 270\n")
    with pytest.raises(
        LinesError, match=r"has several lists \(more\.txt, gan\.iam.*; give one of them as --set gt=FILE"
    ):
        list(IMPORTERS["diffusionhtr"](source))
    assert len(lines_of("diffusionhtr", source, gt=str(source / "gan.iam.tr_va.gt.filter27"))) == 3


def test_the_command_writes_a_lines_folder_of_generated_words(tmp_path: Path, scriven) -> None:
    code, _, _ = scriven("import", "diffusionhtr", iam(tmp_path / "iam"), "-o", tmp_path / "lines")
    assert code == 0
    lines = list(LinesFolder(tmp_path / "lines").lines())
    assert [line.origin for line in lines] == ["generated"] * 3 and lines[0].id == "a01-000u-00-00"
