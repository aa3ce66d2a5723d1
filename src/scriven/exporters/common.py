"""Shared by exporters: writing a picture under a safe name from which an importer restores the id."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from scriven.base import ImageError, Skipped
from scriven.images import decode, encode
from scriven.importers.common import SAFE, file_names
from scriven.lines import Line
from scriven.lines.writer import suffix_of

Lines = Iterable[tuple[str, Line]]
Exporter = Callable[[Lines, Path], list[Skipped]]

FOLDERS = {"train": "train", "valid": "val", "test": "test"}  # the names that most other programs use
FORMATS = ("png", "jpg", "webp")  # of pictures in a lines folder
MAX_NAME_BYTES = 255 - len(".gt.txt")  # bytes of a file or folder in a name; file systems allow 255
MAX_PATH_BYTES = 800  # bytes of a name with its folders, of the 1024 that macOS allows


class PictureWriter:
    """Writes pictures as OUT/<split>/<id>.<extension>; names are unique even on case-insensitive file systems.

    `below`: a folder between the split and the id. `safe`: the ASCII characters of ids that are kept in names, beside
    letters and digits. `formats`: those that the reading program knows; other pictures are converted to grey PNG.
    """

    def __init__(self, out: Path, *, below: str = "", safe: str = SAFE, formats: Collection[str] = FORMATS):
        self.out, self.below, self.safe, self.formats = out, below, safe, formats
        self._taken: set[str] = set()
        self.skipped: list[Skipped] = []

    def saved(self, lines: Lines) -> Iterator[tuple[str, Line, Path]]:
        """Every line with its split and the path of its picture, which is written; `skipped` has the damaged ones."""
        for split, line in lines:
            try:
                path = self.save(split, line)
            except ImageError as error:
                self.skipped.append(Skipped(line.id, str(error)))
                continue
            yield split, line, path

    def save(self, split: str, line: Line) -> Path:
        """Write the encoded picture; returns its path below `out`.

        A name that is too long for file systems is truncated and ends in a hash; the id cannot be restored from it.
        Raises ImageError for a damaged picture, of which nothing is written.
        """
        picture = converted(line, self.formats)
        names = [_short(name, line.id) for name in file_names(line.id, self.safe)]
        name = next((n for n in names if f"{split}/{n}".casefold() not in self._taken), names[0])
        self._taken.add(f"{split}/{name}".casefold())
        path = Path(FOLDERS[split], self.below, f"{name}.{suffix_of(picture)}")
        (self.out / path).parent.mkdir(parents=True, exist_ok=True)
        (self.out / path).write_bytes(picture)
        return path


def converted(line: Line, formats: Collection[str]) -> bytes:
    """The encoded picture of a line, as grey PNG if it has none of these formats.

    It is decoded in any case: raises ImageError for a damaged picture, which other programs would train on.
    """
    grey = decode(line.image, line.id)
    return line.image if suffix_of(line.image) in formats else encode(grey, "png")


def about(line: Line) -> dict[str, str | float]:
    """What is known of a line beside picture and text: hand, page, confidence, and its origin unless it is `human`."""
    known = {"hand": line.hand, "page": line.page, "origin": "" if line.origin == "human" else line.origin}
    found: dict[str, str | float] = {name: value for name, value in known.items() if value}
    return found if line.confidence is None else found | {"confidence": line.confidence}


def _short(name: str, id: str) -> str:
    longest = max(len(part.encode()) for part in name.split("/"))
    if longest <= MAX_NAME_BYTES and len(name.encode()) <= MAX_PATH_BYTES:
        return name
    head = name.replace("/", "_").encode()[:100].decode(errors="ignore")
    return f"{head}~{hashlib.sha256(id.encode()).hexdigest()[:16]}"
