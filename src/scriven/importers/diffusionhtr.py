"""The regenerated data sets of SyntheticHTR / DiffusionHTR: IAM, George Washington, Imgur5K, and unseen words.

Their pictures are 64 x 256 px and were generated; those of a list have the ids of the real words.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scriven.base import LinesError, Skipped, printable
from scriven.importers.common import Ids, ImportItem, folder, from_file, item, pictures_under, read_text
from scriven.importers.named import NamedPictures
from scriven.lines import Line
from scriven.lines.delimited import not_utf8

HEIGHT, WIDTH = 64, 256  # px
ORIGIN = "generated"
LISTS = ("*.txt", "*.filter27")
WRITERS = "*writers_dict_train*.json"  # names of hands with their numbers, as WordStylist writes them
_WORD_OF_HAND = re.compile(r"(.+)_(\d+)")


@dataclass(frozen=True)
class _Layout:
    """How the list of a data set is written."""

    row: re.Pattern[str]
    said: str
    hand: str  # of a row, by the groups of the pattern
    page: str


_LAYOUTS = (
    _Layout(re.compile(r"(?P<hand>[^,\s]+),(?P<name>\S+) (?P<text>\S.*)"), "writer,id word", r"\g<hand>", ""),
    _Layout(re.compile(r"(?P<hand>[^_\s]+)(?P<rest>\S*)\t(?P<text>\S.*)"), "name<TAB>word", r"\g<hand>", ""),
    _Layout(re.compile(r"(?P<page>[^-,\s]+)(?P<rest>\S*) (?P<text>\S.*)"), "id word", "", r"\g<page>"),
)


def diffusionhtr(
    source: Path, *, gt: str = "", images: str = "", writers: str = "", split: str = "train"
) -> Iterator[ImportItem]:
    """Words of a regenerated data set: of the list `gt`, else of the list in the folder, else by the names of pictures.

    IAM has rows `writer,id word`, George Washington `id word`, Imgur5K `name<TAB>word` with the writer before the first
    `_` of the name. Pictures out of vocabulary have no list and are named `word_number.png`; `writers` (or a
    `writers_dict_train.json` in the folder) has the names of the hands by number. `images`: the folder of the pictures.
    Pictures of another size, rows without a picture and pictures without a row are skipped.
    Raises LinesError for a folder of another layout.
    """
    place = source.parent if source.is_file() else folder(source, "a regenerated data set")
    root = Path(images) if images else place / "images" if (place / "images").is_dir() else place
    listed = source if source.is_file() else Path(gt) if gt else _list_in(place)
    yield from _by_list(listed, root, split) if listed else _by_name(source, root, place, writers, split)


def _list_in(place: Path) -> Path | None:
    """The only file of a folder whose first row is that of a list. Raises LinesError if there are several."""
    found = [file for pattern in LISTS for file in sorted(place.glob(pattern)) if _layout(file)]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise LinesError(f"{place} has several lists ({names}); give one of them as --set gt=FILE")
    return found[0] if found else None


def _rows(file: Path) -> Iterator[tuple[int, str]]:
    """The rows of a list that are not empty, with their numbers."""
    for number, row in enumerate(read_text(file).split("\n"), start=1):
        if row.strip():
            yield number, row.rstrip("\r")


def _layout(file: Path) -> _Layout | None:
    """The layout of a list, by its first row."""
    first = next((row for _, row in _rows(file)), "")
    return next((one for one in _LAYOUTS if one.row.fullmatch(first)), None)


def _by_list(file: Path, root: Path, part: str) -> Iterator[ImportItem]:
    layout = _layout(file)
    if layout is None:
        known = ", ".join(f"`{one.said}`" for one in _LAYOUTS)
        raise LinesError(f"the rows of {file} are none of {known}; give the list of a regenerated data set")
    pictures, ids, used = NamedPictures(root), Ids(), set[Path]()
    for number, row in _rows(file):
        match = layout.row.fullmatch(row)
        if match is None or not_utf8(row):
            why = f"{printable(row)[:40]!r} should be `{layout.said}`; correct it"
            yield Skipped(f"{file.name}:{number}", why)
            continue
        parts = match.groupdict()
        name = parts.get("name") or row[: match.start("text") - 1]
        found = pictures.find(name)
        if isinstance(found, str):
            yield Skipped(printable(name), found)
            continue
        used.add(found)
        id = ids(Path(part, pictures.path(name, found)))
        hand, page = match.expand(layout.hand), match.expand(layout.page)
        yield item(part, _checked(from_file(id, found, parts["text"], hand=hand, page=page, origin=ORIGIN), WIDTH))
    for picture in pictures_under(root):
        if picture not in used:
            yield Skipped(printable(picture.relative_to(root)), f"{file.name} has no row for it; add one, or remove it")


def _by_name(source: Path, root: Path, place: Path, writers: str, part: str) -> Iterator[ImportItem]:
    found = [(file, _WORD_OF_HAND.fullmatch(file.stem)) for file in pictures_under(root)]
    if not any(match for _, match in found):
        known = ", ".join(f"`{one.said}`" for one in _LAYOUTS)
        raise LinesError(
            f"{source} is no regenerated data set of DiffusionHTR: it has neither a list with rows {known} nor "
            "pictures named word_number.png; give the list as --set gt=FILE, or use another importer"
        )
    names = _hands(place, writers)
    ids = Ids()
    for file, match in found:
        if match is None or not_utf8(file.stem):
            yield Skipped(printable(file.name), "its name should be `word_number.png`; rename it")
            continue
        hand = names.get(int(match[2]), match[2])
        id = ids(Path(part, file.relative_to(root)))
        yield item(part, _checked(from_file(id, file, match[1], hand=hand, origin=ORIGIN)))


def _checked(made: Line | Skipped, width: int = 0) -> Line | Skipped:
    """A line, or why it is left out: its picture is not 64 px high and `width` px wide (0: any up to WIDTH)."""
    if isinstance(made, Skipped):
        return made
    high, wide = made.height or 0, made.width or 0
    if (high, wide) == (HEIGHT, width) or (not width and high <= HEIGHT and wide <= WIDTH):
        return made
    return Skipped(
        made.id,
        f"it is {wide} x {high} px, and pictures of these data sets are {WIDTH} x {HEIGHT}; use another importer",
    )


def _hands(place: Path, given: str) -> dict[int, str]:
    """The names of hands by number; none without a file of them. Raises LinesError for one that is damaged."""
    file = Path(given) if given else next(iter(sorted(place.glob(WRITERS))), None)
    if file is None:
        return {}
    try:
        return {int(number): str(name) for name, number in json.loads(read_text(file)).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise LinesError(f"{file} should be JSON of names and numbers of writers; correct it ({error})") from error
