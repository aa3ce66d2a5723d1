"""References in the column `image` of a table: a picture file, a page of a TIFF or PDF, a line of a lines folder."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from scriven.base import ImageError, LinesError, printable
from scriven.images import count_pages, encode, page_of
from scriven.lines.heights import Heights
from scriven.lines.paths import existing
from scriven.lines.records import Line, PictureNotFound

PAGED = (".tif", ".tiff", ".pdf")  # files that can have several pages


class LinesById(Protocol):
    """What references need of a lines folder."""

    @property
    def heights(self) -> Heights: ...

    def has(self, id: str) -> bool: ...

    def find(self, id: str) -> Line: ...

    def values(self, name: str) -> Mapping[str, Any]: ...

    def fingerprint(self) -> str: ...


class References:
    """Resolves the references of a table in the folder `root`.

    `opened` opens the lines folders at a path: one for each level of a tree with words and lines.
    """

    def __init__(self, root: Path, opened: Callable[[Path], Sequence[LinesById]]):
        self.root, self._opened = root, opened
        self._folders: dict[Path, Sequence[LinesById]] = {}

    def target(self, reference: str) -> tuple[Path, str]:
        """(picture file, ""), (file, page number) or (lines folder, id).

        Raises LinesError for a reference with `#` that is none of these. A picture file may be missing.
        """
        file = existing(self.root, reference)
        if "#" not in reference or file.is_file():
            return file, ""
        for at in (i for i, c in enumerate(reference) if c == "#" and i):
            folder = existing(self.root, reference[:at])
            if folder in self._folders or os.path.exists(folder):
                return folder, reference[at + 1 :]
        raise PictureNotFound(f"there is no picture and no lines folder {reference!r}; correct the column image")

    def holder(self, path: Path, part: str) -> LinesById | None:
        """The lines folder at `path` that has the line `part`; None if the target is a picture or a page.

        If no folder has the line, the first one, whose `find` then raises the error. Raises LinesError if the folder
        cannot be opened.
        """
        if not part or is_page(path, part):
            return None
        if path not in self._folders:
            self._folders[path] = self._opened(path)
        found = self._folders[path]
        return next((folder for folder in found if folder.has(part)), found[0])

    def fingerprints(self) -> list[str]:
        """The fingerprints of all folders opened so far."""
        return [folder.fingerprint() for _, folders in sorted(self._folders.items()) for folder in folders]


def is_page(path: Path, part: str) -> bool:
    """Whether `path#part` is a page of a file."""
    return part.isdecimal() and path.suffix.lower() in PAGED


def picture_bytes(file: Path, part: str = "") -> bytes:
    """The encoded picture of a file or, with `part`, of one of its pages.

    Raises LinesError for a file that cannot be opened, and for one of several pages if `part` is empty.
    """
    try:
        if file.exists() and not file.is_file():
            raise PictureNotFound(f"the picture {str(file)!r} is not a regular file (a folder or pipe?)")
        if file.suffix.lower() not in PAGED:
            return file.read_bytes()
        pages = count_pages(file)
        if not part and pages > 1:
            raise LinesError(f"{file.name} has {pages} pages; name one of them, as {file.name}#1")
        if not part and file.suffix.lower() != ".pdf":
            return file.read_bytes()
        return encode(page_of(file, int(part or 1)), "png")
    except ImageError as error:
        raise LinesError(str(error)) from error
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        why = getattr(error, "strerror", None) or error
        raise PictureNotFound(f"cannot open the picture {printable(file)!r} ({why}); correct its path") from error
