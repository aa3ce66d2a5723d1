"""The Imgur5K importer, on a miniature of the published layout made here."""

import json
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest

from scriven.base import LinesError
from scriven.images import as_stored, decode, encode
from scriven.importers import IMPORTERS
from toy_imports import lines_of, save, skipped_of


def imgur5k(path: Path, page: np.ndarray, annotations: dict[str, tuple[str, object]], **about: str) -> Path:
    """A miniature with the page `one` in train, and `two` in test, whose picture is missing."""
    save(path / "images" / "one.jpg", encode(page, "png"))
    content = {
        "index_id": {index: {"image_path": f"images/{index}.jpg"} | about for index in ("one", "two")},
        "index_to_ann_map": {"one": list(annotations), "two": ["two_0"]},
        "ann_id": {id: {"word": word, "bounding_box": box} for id, (word, box) in annotations.items()}
        | {"two_0": {"word": "x", "bounding_box": "[1, 1, 1, 1, 0]"}},
    }
    save(path / "dataset_info" / "imgur5k_annotations.json", json.dumps(content))
    for name, index in (("train", "one"), ("val", "gone"), ("test", "two")):
        save(path / "dataset_info" / f"{name}_index_ids.lst", f"{index}\n")
    save(path / "dataset_info" / "imgur5k_hashes.lst", "one 0\n")
    return path


def gradient(width: int, height: int) -> np.ndarray:
    """A picture in which every place has its own grey, smooth enough to be compared after interpolation."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return np.asarray(40 + 120 * x + 80 * y * y, np.uint8)


def test_rotated_boxes_of_imgur5k_are_cut_out_upright(tmp_path: Path) -> None:
    """The text of a box with a positive angle ascends. Earlier scripts rotated the whole page for every word."""
    word = gradient(90, 30)
    turned = cv2.getRotationMatrix2D((44.5, 14.5), 30, 1) + np.array([[0, 0, 75.5], [0, 0, 85.5]])
    page = cv2.warpAffine(word, turned, (240, 200), borderMode=cv2.BORDER_CONSTANT, borderValue=255)
    source = imgur5k(
        tmp_path, page, {"one_0": ("a", "[120.5, 100.5, 90.0, 30.0, 30.0]"), "one_1": ("b", [20, 20, 30, 20, 0])}
    )
    (_, first), (_, second) = lines_of("imgur5k", source)
    cut = as_stored(first.image, "")
    assert cut.shape == (30, 90)
    assert np.abs(cut[3:-3, 3:-3].astype(float) - word[3:-3, 3:-3]).mean() < 1.5
    assert np.array_equal(decode(second.image, ""), page[10:30, 5:35])
    assert (first.id, first.text, first.page) == ("one_0", "a", "one")


def test_boxes_beyond_the_border_have_no_black_corners(tmp_path: Path) -> None:
    page = np.full((60, 100), 200, np.uint8)
    boxes = {
        "one_0": ("corner", "[5, 5, 40, 20, 20]"),
        "one_1": ("far", "[500, 500, 40, 20, 0]"),
        "one_2": ("thin", "[9, 9, 1, 9, 0]"),
    }
    source = imgur5k(
        tmp_path, page, boxes | {"one_3": ("no end", "[50.0, 30.0, 20.0, 10.0, 5.0"), "one_4": ("bad", "[1]")}
    )
    found = lines_of("imgur5k", source)
    assert [line.id for _, line in found] == ["one_0", "one_3"]  # a published box lacks its bracket
    assert all((decode(line.image, "") == 200).all() for _, line in found)
    why = skipped_of("imgur5k", source)
    assert "outside its page" in why["one_1"] and "too small" in why["one_2"] and "five numbers" in why["one_4"]


def test_full_stops_of_imgur5k_are_kept_and_untranscribed_boxes_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    boxes = {
        "one_0": ("Great", "[50, 30, 60, 20, 0]"),
        "one_1": (".", "[90, 38, 5, 5, 0]"),
        "one_2": (".", "[50, 50, 40, 20, 0]"),
        "one_3": ("NA", "[30, 30, 60, 24, 0]"),
    }
    source = imgur5k(tmp_path, np.full((60, 100), 200, np.uint8), boxes)
    assert [line.id for _, line in lines_of("imgur5k", source)] == ["one_0", "one_1", "one_3"]
    assert '1 boxes have the word ".", not transcribed' in caplog.text
    assert [line.id for _, line in lines_of("imgur5k", source, dots="none")] == ["one_0", "one_3"]
    assert len(lines_of("imgur5k", source, dots="all")) == 4


def test_a_page_of_imgur5k_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, opened = import_module("scriven.importers.imgur5k"), list[str]()
    monkeypatch.setattr(module, "as_stored", lambda data, name: opened.append(name) or as_stored(data, name))
    boxes = {f"one_{number}": ("x", "[50, 30, 60, 20, 0]") for number in range(40)}
    assert len(lines_of("imgur5k", imgur5k(tmp_path, np.full((60, 100), 200, np.uint8), boxes))) == 40
    assert opened == [str(tmp_path / "images" / "one.jpg")]


def changed(source: Path, part: str, **entries: object) -> None:
    """Set entries of a part of the annotations."""
    file = source / "dataset_info" / "imgur5k_annotations.json"
    content = json.loads(file.read_text())
    content[part] |= entries
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("entry", ["str", 3, None, [], {}, {"word": None}, {"word": {"x": 1}, "bounding_box": "[]"}])
def test_an_odd_annotation_skips_its_word_only(entry: object, tmp_path: Path) -> None:
    """An annotation that is no object used to be a traceback, and the word null the text "None"."""
    box = "[50, 30, 60, 20, 0]"
    source = imgur5k(tmp_path, np.full((60, 100), 200, np.uint8), {"one_0": ("a", box), "one_1": ("b", box)})
    changed(source, "ann_id", one_0=entry)
    assert [line.id for _, line in lines_of("imgur5k", source)] == ["one_1"]
    assert "its ann_id is " in skipped_of("imgur5k", source)["one_0"]


@pytest.mark.parametrize("ids", ["one_0", {"one_0": 1}, [["one_0"]], [3], 7, None])
def test_an_odd_list_of_annotations_skips_its_page_only(ids: object, tmp_path: Path) -> None:
    """A text in place of the list used to be taken for a list of letters."""
    box = "[50, 30, 60, 20, 0]"
    source = imgur5k(tmp_path, np.full((60, 100), 200, np.uint8), {"one_0": ("a", box)})
    changed(source, "index_to_ann_map", two=ids)
    changed(source, "index_id", one={"image_path": "images/one.jpg", "image_hash": None})
    assert [line.id for _, line in lines_of("imgur5k", source)] == ["one_0"]
    why = skipped_of("imgur5k", source)
    assert set(why) == {"two", "gone"} and "not a list of ids" in why["two"]


def test_names_that_no_file_can_have_skip_their_page(tmp_path: Path) -> None:
    source = imgur5k(tmp_path, np.full((60, 100), 200, np.uint8), {"one_0": ("a", "[50, 30, 60, 20, 0]")})
    for name in ("\0", "\ud800"):
        changed(source, "index_id", two={"image_path": f"{name}.jpg"})
        assert "there is no picture" in skipped_of("imgur5k", source)["two"]
        assert len(lines_of("imgur5k", source)) == 1


def test_what_imgur5k_lacks_is_named(tmp_path: Path) -> None:
    source = imgur5k(tmp_path / "i", np.full((60, 100), 200, np.uint8), {"one_0": ("a", "[50, 30, 60, 20, 0]")})
    why = skipped_of("imgur5k", source)
    assert "there is no picture" in why["two"] and "its 1 words are left out" in why["two"]
    assert "val_index_ids.lst lists its page" in why["gone"]
    other = imgur5k(
        tmp_path / "j", np.full((60, 100), 200, np.uint8), {"one_0": ("a", "[50, 30, 60, 20, 0]")}, image_hash="0"
    )
    assert "not the published picture" in skipped_of("imgur5k", other)["one"]
    info = source / "dataset_info"
    (info / "imgur5k_annotations.json").rename(info / "imgur5k_annotations_val.json")
    assert [split for split, _ in lines_of("imgur5k", source)] == ["valid"]
    save(info / "imgur5k_annotations_val.json", "{}")
    with pytest.raises(LinesError, match="should have the objects index_id, index_to_ann_map, ann_id"):
        list(IMPORTERS["imgur5k"](source))
    (info / "imgur5k_annotations_val.json").unlink()
    with pytest.raises(LinesError, match="should have dataset_info/imgur5k_annotations.json with the lists"):
        list(IMPORTERS["imgur5k"](source))
    save(info / "imgur5k_annotations.json", "{")
    for name in ("train", "val", "test"):
        (info / f"{name}_index_ids.lst").unlink()
    with pytest.raises(LinesError, match="should have train_index_ids.lst, val_index_ids.lst and test_index_ids.lst"):
        list(IMPORTERS["imgur5k"](source))
