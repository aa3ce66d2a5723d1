"""The five specific collections of the ICFHR 2018 competition on the READ data set: Konzilsprotokolle C, Schiller,
Ricordi, Patzig and Schwerin.

Their test sets are not public. The published partition of StackMix uses the lists of training pages: the list of one
page is valid, that of four pages without it is test, that of sixteen pages without both is train.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from scriven.base import ImageError, LinesError, Skipped
from scriven.images import as_stored, encode, mask_polygon
from scriven.importers.common import ImportItem, folder, item, line, read_text
from scriven.importers.published import as_published
from scriven.lines import Line
from scriven.lines.datasets import DATA_SETS

COLLECTIONS = {  # name: number and folder in specific_data/NUMBER_train/FOLDER
    "konzil": ("30866", "Konzilsprotokolle_C"),
    "schiller": ("30882", "Schiller"),
    "ricordi": ("30893", "Ricordi"),
    "patzig": ("35013", "Patzig"),
    "schwerin": ("35015", "Schwerin"),
}
PICTURES, LISTS = "specific_data", "specific_data_train_list"
PAGES = {"valid": 1, "test": 4, "train": 16}  # split: pages of its list; a line is in the split of the shortest list
_POINT = re.compile(r"\[\s*(-?\d+(?:\.\d+)?)\s*[,;]\s*(-?\d+(?:\.\d+)?)\s*\]")


def read2018(
    source: Path,
    *,
    collection: Literal["", "konzil", "schiller", "ricordi", "patzig", "schwerin"] = "",
    outside: Literal["paper", "black"] = "paper",
) -> Iterator[ImportItem]:
    """Lines of one `collection`, below `specific_data/` and `specific_data_train_list/`.

    The polygon of a line is the last row of `ID.jpg.info`; what is `outside` it becomes paper, or black as in StackMix.
    Without a `collection`, the source must have only one. Raises LinesError if that or a list is missing.
    """
    name = collection or _only(folder(source, "the unpacked archives of ICFHR 2018"))
    yield from as_published(_lines(source, name, outside), name, sizes=DATA_SETS[name].sizes)


def _only(source: Path) -> str:
    """The one collection in the source. Raises LinesError if there are none or several."""
    found = [name for name, place in COLLECTIONS.items() if _place(source, *place).is_dir()]
    if len(found) != 1:
        have = f"has {', '.join(found)}" if found else f"has none of {', '.join(COLLECTIONS)} in {PICTURES}/"
        raise LinesError(f"{source} {have}; give one as --set collection=NAME")
    return found[0]


def _place(source: Path, number: str, name: str) -> Path:
    return source / PICTURES / f"{number}_train" / name


def _lines(source: Path, name: str, outside: Literal["paper", "black"]) -> Iterator[ImportItem]:
    number, place = COLLECTIONS[name]
    for file, split in _partition(source / LISTS, number).items():
        yield item(split, _line(_place(source, number, place) / file, outside))


def _partition(lists: Path, number: str) -> dict[str, str]:
    """The split of each picture file; a shorter list takes precedence. Raises LinesError for a missing list."""
    splits: dict[str, str] = {}
    for split, pages in PAGES.items():
        file = lists / f"{number}_train_{pages}.lst"
        names = [row.strip() for row in read_text(file).split("\n") if row.strip()]
        if not names:
            raise LinesError(f"{file} should have the names of pictures, one a row, but is empty; get it again")
        for name in names:
            splits.setdefault(name, split)
    return splits


def _line(file: Path, outside: Literal["paper", "black"]) -> Line | Skipped:
    id = file.name.removesuffix(".jpg")
    try:
        points = _polygon(file.with_name(f"{file.name}.info"))
        picture = encode(mask_polygon(as_stored(file.read_bytes(), str(file)), points, outside))
        text = read_text(file.with_name(f"{file.name}.txt"))
    except (LinesError, ImageError) as error:
        return Skipped(id, str(error))
    except OSError as error:
        return Skipped(id, f"cannot open {file}: {error.strerror or error}; get the data set again")
    return line(id, picture, text, page="_".join(id.split("_")[:3]))


def _polygon(file: Path) -> list[tuple[float, float]]:
    """The polygon in the last row of a file, such as [[0,1];[9,1];[9,5]]. Raises LinesError if there is none."""
    rows = [row for row in read_text(file).split("\n") if row.strip()]
    points = [(float(x), float(y)) for x, y in _POINT.findall(rows[-1])] if rows else []
    if len(points) < 3:
        raise LinesError(f"{file.name} should end with the polygon of the line, [x,y];[x,y];..., but does not")
    return points
