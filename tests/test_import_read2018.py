"""The importer of the READ collections of ICFHR 2018, on a miniature of their layout, and masks of polygons."""

import re
from pathlib import Path

import numpy as np
import pytest

from scriven.base import ImageError, LinesError
from scriven.images import as_stored, encode, mask_polygon
from scriven.importers import IMPORTERS
from scriven.importers.read2018 import COLLECTIONS
from scriven.lines.datasets import DATA_SETS
from toy_datasets import read2018
from toy_imports import lines_of, read, save, skipped_of


@pytest.mark.parametrize("name", COLLECTIONS)
def test_the_lists_of_pages_make_the_partition(name: str, tmp_path: Path) -> None:
    source, number = read2018(tmp_path, *COLLECTIONS[name]), COLLECTIONS[name][0]
    lines, skipped = read("read2018", source)
    assert not skipped and name in DATA_SETS
    texts = {f"{number}_0012_1067657_r_{i}": text for i, text in enumerate(("Ella", "NA", "null", "..", "a/b"))}
    splits = ("valid", "test", "train", "train", "train")
    assert lines == [(split, id, text) for split, (id, text) in zip(splits, texts.items(), strict=True)]
    assert lines_of("read2018", source, collection=name)[0][1].page == f"{number}_0012_1067657"


def test_pixels_outside_the_polygon_are_paper_or_black(tmp_path: Path) -> None:
    source = read2018(tmp_path)
    picture = next((source / "specific_data").rglob("*_r_0.jpg"))
    pixels = np.full((20, 60), 220, np.uint8)
    pixels[:5] = 20  # ink of the line above
    save(picture, encode(pixels, "png"))
    found = as_stored(lines_of("read2018", source)[0][1].image, "paper")
    assert found.shape == (20, 60) and found.min() > 180 and found[10, 30] == 220
    found = as_stored(lines_of("read2018", source, outside="black")[0][1].image, "black")
    assert found[10, 30] == 220 and found[2, 30] == 0 and found[10, 2] == 0


def test_masks_of_polygons() -> None:
    image = np.full((20, 40), 200, np.uint8)
    image[:, 20:] = 40
    whole = [(0, 0), (39, 0), (39, 19), (0, 19)]
    assert (mask_polygon(image, whole) == image).all()
    left = mask_polygon(image, [(0, 0), (19, 0), (19, 19), (0, 19)], "black")
    assert (left[:, :20] == 200).all() and (left[:, 20:] == 0).all()
    for points in ([(0, 0), (9, 9)], [(50, 50), (90, 50), (90, 90)]):
        with pytest.raises(ImageError, match="has no area in the picture of 40 x 20 px"):
            mask_polygon(image, points)


def test_what_a_collection_lacks_is_named(tmp_path: Path) -> None:
    source = read2018(tmp_path)
    files = sorted((source / "specific_data").rglob("*.jpg"))
    save(Path(f"{files[0]}.info"), "no polygon\n")
    save(Path(f"{files[1]}.info"), "[[90,90];[95,90];[95,95]]\n")
    Path(f"{files[2]}.txt").unlink()
    files[3].unlink()
    Path(f"{files[4]}.info").unlink()
    save(files[4].with_name("more.jpg.txt"), "")
    why = list(skipped_of("read2018", source).values())
    expected = ("should end with the polygon", "has no area", "cannot open", "cannot open", "cannot open")
    assert all(text in reason for text, reason in zip(expected, why, strict=True)), why
    save(source / "specific_data_train_list" / "30893_train_4.lst", "\n")
    with pytest.raises(LinesError, match="30893_train_4.lst should have the names of pictures"):
        list(IMPORTERS["read2018"](source))


def test_one_of_several_collections_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(LinesError, match=re.escape("has none of konzil, schiller, ricordi, patzig, schwerin")):
        list(IMPORTERS["read2018"](tmp_path))
    read2018(read2018(tmp_path), "35015", "Schwerin")
    with pytest.raises(LinesError, match="has ricordi, schwerin; give one as --set collection=NAME"):
        list(IMPORTERS["read2018"](tmp_path))
    assert len(lines_of("read2018", tmp_path, collection="schwerin")) == 5
