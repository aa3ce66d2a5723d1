"""Digital Peter: 9,694 lines of manuscripts of Peter the Great, 1704-1713 (Potanin et al. 2021).

`images/X_Y_Z.jpg` (series, page, line), `words/X_Y_Z.txt`, and the partition `mapper.csv` (`new_name`, and of `train`,
`public` and `private` one that is true: train, valid and test). Vertical lines are turned.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from scriven.base import ImageError, LinesError, Skipped
from scriven.images import as_stored, encode
from scriven.importers.common import ImportItem, folder, item, line, read_text
from scriven.importers.crops import is_vertical, turned
from scriven.importers.partition import read_columns
from scriven.importers.published import Texts, as_published
from scriven.lines import Line
from scriven.lines.datasets import DATA_SETS

log = logging.getLogger("scriven")

SPLITS = {"train": "train", "public": "valid", "private": "test"}  # columns of mapper.csv
ALL = "all"  # in place of the partition
# in none of these columns, and train in the published partition
WITHOUT = frozenset(
    "27_46_30 26_53_19 25_3_2 9_18_23 25_11_23 27_28_0 5_54_23 9_18_20 31_18_0 27_56_31 21_4_20 39_9_2 32_16_17 "
    "20_1_28 27_36_0 31_8_11 20_1_12 0_18_16 28_12_19 27_27_0 25_22_0 27_9_25 27_23_2 25_19_0 27_40_0 5_93_4 25_21_17 "
    "26_3_55 27_38_0 38_44_9 39_3_21 5_70_13 38_48_6 31_2_21 42_9_18 29_3_0 27_9_7 27_46_29 24_38_7 25_6_0 "
    "24_37_1".split()
)


def peter(
    source: Path, *, texts: Texts = "published", partition: str = "", upside_down: str = ""
) -> Iterator[ImportItem]:
    """Lines in the partition `mapper.csv` of the source, or of the file `partition`; `all`: everything is train.

    `texts`: published applies the rules of text (Latin look-alikes become Cyrillic), original keeps the transcriptions.
    A picture more than twice as high as it is wide, whose text has several characters, is turned by 90 degrees
    counter-clockwise; those of the ids in the file `upside_down` (one a row) are turned clockwise. Raises LinesError if
    a folder or file is missing.
    """
    sizes = None if partition == ALL else DATA_SETS["peter"].sizes
    yield from as_published(_lines(source, partition, upside_down), "peter", texts, sizes)


def _lines(source: Path, partition: str, upside_down: str) -> Iterator[ImportItem]:
    root = source / "data_anon" if (folder(source, "Digital Peter") / "data_anon").is_dir() else source
    if not (root / "images").is_dir() or not (root / "words").is_dir():
        raise LinesError(f"{source} should have images/ with the pictures and words/ with the texts; check the path")
    clockwise = {row.strip() for row in read_text(Path(upside_down)).split("\n")} if upside_down else set()
    vertical = 0
    for row in _everything(root) if partition == ALL else _partition(root, partition):
        if isinstance(row, Skipped):
            yield row
            continue
        id, split = row
        made, was_vertical = _line(root, id, id in clockwise)
        vertical += was_vertical
        yield item(split, made)
    if vertical:
        log.warning(
            "%d vertical lines were turned, counter-clockwise unless listed in --set upside_down=FILE; look at them",
            vertical,
        )


def _everything(root: Path) -> Iterator[tuple[str, str]]:
    return ((file.stem, "train") for file in sorted((root / "images").glob("*.jpg")))


def _partition(root: Path, partition: str) -> Iterator[tuple[str, str] | Skipped]:
    """The id and split of each row of mapper.csv. Raises LinesError if there is none."""
    table = Path(partition) if partition else root / "mapper.csv"
    if not table.is_file():
        raise LinesError(
            f"{root} should have the partition mapper.csv, but has not; give it as --set partition=FILE, or "
            "partition=all to import everything as train"
        )
    for row in read_columns(table, frozenset(("new_name", *SPLITS))):
        if isinstance(row, Skipped):
            yield row
            continue
        id = row["new_name"].removesuffix(".jpg")
        splits = [split for column, split in SPLITS.items() if row[column].lower() in ("true", "1", "1.0")]
        if len(splits) == 1 or (not splits and id in WITHOUT):
            yield id, splits[0] if splits else "train"
        else:
            why = "several splits" if splits else "no split (train, public or private)"
            yield Skipped(id, f"{table.name} has it in {why}; correct the table to import it")


def _line(root: Path, id: str, clockwise: bool) -> tuple[Line | Skipped, bool]:
    """The line, and whether it was vertical."""
    picture, words = root / "images" / f"{id}.jpg", root / "words" / f"{id}.txt"
    try:
        text, data = read_text(words), picture.read_bytes()
        grey = as_stored(data, str(picture))
    except (LinesError, ImageError) as error:
        return Skipped(id, str(error)), False
    except OSError as error:
        return Skipped(id, f"cannot open {picture}: {error.strerror or error}; get the data set again"), False
    vertical = is_vertical(grey, text)
    if vertical:
        data = encode(turned(grey, clockwise), "png")
    return line(id, data, text, page=id.rpartition("_")[0]), vertical
