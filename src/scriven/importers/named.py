"""Pictures that a list names without their extension, and perhaps without their folder."""

import os
from pathlib import Path

from scriven.images import PICTURE_SUFFIXES
from scriven.importers.common import pictures_under


class NamedPictures:
    """The pictures below a folder, found by their path below it or by their name alone."""

    def __init__(self, root: Path):
        self.root = root
        self._names: dict[str, list[Path]] | None = None

    def find(self, name: str) -> Path | str:
        """The picture of a name, with or without extension, or the reason why there is none."""
        for suffix in (*PICTURE_SUFFIXES, ""):
            if os.path.isfile(found := self.root / f"{name}{suffix}"):
                return found
        if self._names is None:
            self._names = {}
            for picture in pictures_under(self.root):
                self._names.setdefault(picture.stem, []).append(picture)
        several = self._names.get(name, [])
        if len(several) == 1:
            return several[0]
        if several:
            return f"{len(several)} pictures below {self.root} are named {name!r}; write their folders into the list"
        return f"there is no picture {name}.png below {self.root}; give the folder of the pictures as --set images=NAME"

    def path(self, name: str, found: Path) -> str:
        """The path that determines the id: the name in the list with the extension of its picture."""
        return name if found == self.root / name else f"{name}{found.suffix}"
