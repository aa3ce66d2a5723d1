"""What exporters share: a picture under a safe name that an importer turns back into the id."""

from collections.abc import Callable, Iterable
from pathlib import Path

from scriven.importers.common import file_names
from scriven.lines import Line
from scriven.lines.writer import suffix_of

Lines = Iterable[tuple[str, Line]]
Exporter = Callable[[Lines, Path], None]

FOLDERS = {"train": "train", "valid": "val", "test": "test"}  # the names most other programs look for


class Pictures:
    """Writes pictures as OUT/<split>/<id>.<suffix>; ids that differ in case only get names that differ in more."""

    def __init__(self, out: Path):
        self.out = out
        self._taken: set[str] = set()

    def save(self, split: str, line: Line) -> Path:
        """The path of the picture below `out`. Bytes are written as they are."""
        names = file_names(line.id)
        name = next((n for n in names if f"{split}/{n}".casefold() not in self._taken), names[0])
        self._taken.add(f"{split}/{name}".casefold())
        path = Path(FOLDERS[split]) / f"{name}.{suffix_of(line.image)}"
        (self.out / path).parent.mkdir(parents=True, exist_ok=True)
        (self.out / path).write_bytes(line.image)
        return path
