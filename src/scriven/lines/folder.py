"""Reading a lines folder: streamed by row groups, or single lines by their ids."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from scriven.base import ImageError, LinesError, Skipped
from scriven.base.settings import check_choice
from scriven.images import SUFFIXES, Grey, decode, pad_to_height, size
from scriven.lines import rows
from scriven.lines.heights import Heights
from scriven.lines.records import Group, Line
from scriven.lines.splits import LEVELS, NO_SPLIT, find
from scriven.lines.table import Block, Table

CACHE_BYTES = 64 << 20  # row groups kept for `find`


class LinesFolder:
    """Lines on disk, read a row group at a time. `skipped` collects the rows that were left out, with reasons.

    `level` is the one that was asked for; None where any is good.
    """

    def __init__(self, path: str | Path, level: str | None = None, *, within: Sequence[Path] = ()):
        """`within`: the CSV files that led here. Raises LinesError when there is nothing to read at `path`.

        `level` is words or lines; SettingsError where it is something else.
        """
        if level:
            check_choice("level", level, LEVELS)
        self.path, self.level = Path(path), level
        self.skipped: list[Skipped] = []
        self._named: set[tuple[Group, int]] = set()
        self._tables: dict[Path, Table] = {}
        self._within = tuple(within)
        if not self.path.exists():
            raise LinesError(f"there is no lines folder {self.path}; check the path")
        if self.path.resolve() in self._within:
            raise LinesError(f"{self.path} refers to itself in its column image; correct the column")
        self.splits, unnamed = find(self.path, level)
        if not self.splits and level and (others := [o for o in LEVELS if o != level and find(self.path, o)[0]]):
            raise LinesError(f"{self.path} has no {level}; it has {' and '.join(others)}: give --level {others[0]}")
        if not self.splits:
            raise LinesError(f"{self.path} {_no_lines(self.path)}")
        self.skipped += [Skipped(file.name, NO_SPLIT) for file in unnamed]

    @cached_property
    def about(self) -> dict[str, Any]:
        """What about.json says; empty when there is none. Raises LinesError for a damaged one."""
        return read_about(self.path / "about.json") or {}

    def groups(self, split: str) -> list[Group]:
        """The row groups of a split, in order. Raises LinesError for a damaged file or one without id or image."""
        return [
            group
            for file in self.splits.get(split, ())
            for group in (self._table(file).groups() if file.suffix == ".csv" else rows.row_groups(file))
        ]

    def read(self, group: Group) -> Iterator[Line]:
        """The lines of a row group. A row without id or picture is refused, not raised."""
        for _, line in self._numbered(group):
            yield line

    def lines(self, split: str | None = None) -> Iterator[Line]:
        """All lines of a split (or of all splits), streamed; a repeated id is refused."""
        seen: set[str] = set()
        for name in [split] if split else self.splits:
            for group in self.groups(name):
                for number, line in self._numbered(group):
                    if line.id in seen:
                        why = "its id occurs more than once; only the first is used"
                        self._refuse(group, number, Skipped(line.id, why))
                        continue
                    seen.add(line.id)
                    yield line

    def picture(self, line: Line) -> Grey:
        """The picture of one of its lines, with the room around it that a word needs. Raises ImageError."""
        return pad_to_height(decode(line.image, line.id), self.high(line))

    def high(self, line: Line) -> int:
        """How high the picture of one of its lines is made, in px; a row of a table as the folder it refers to says."""
        if line.place and line.place[1]:
            return self._table(self.path).holder(line.place).heights.of(line.page)
        return self.heights.of(_page(line))

    @cached_property
    def heights(self) -> Heights:
        """How high its own pictures are made, by what the headers of all of them say."""
        called_lines = all(file.stem == LEVELS[0] for files in self.splits.values() for file in files)
        return Heights(() if called_lines else self._sizes())

    def columns(self, split: str, names: Sequence[str]) -> dict[str, list[Any]]:
        """Columns without the pictures, aligned with `groups`; a missing column is a list of None."""
        result: dict[str, list[Any]] = {n: [] for n in names}
        for file in self.splits.get(split, ()):
            part = self._table(file).columns(names) if file.suffix == ".csv" else rows.columns(file, names)
            for n in result:
                result[n] += part[n]
        return result

    def count(self, split: str) -> int:
        """How many rows a split has, those that reading will refuse included."""
        return sum(group.rows for group in self.groups(split))

    def has(self, id: str) -> bool:
        """Whether there is a line of this id. Raises LinesError for a damaged folder."""
        return id in self._places

    def find(self, id: str) -> Line:
        """The line of this id; row groups are read as needed and a few of them kept. Raises LinesError."""
        if id not in self._places:
            raise LinesError(f"{self.path} has no line {id!r}; correct the id")
        group, row = self._places[id]
        if group not in self._recent:
            self._recent[group] = self._block(group)
            while len(self._recent) > 1 and sum(block.nbytes for block in self._recent.values()) > CACHE_BYTES:
                self._recent.popitem(last=False)
        self._recent.move_to_end(group)
        return self._recent[group].line(row)

    def values(self, name: str) -> dict[str, Any]:
        """One column by id, kept in memory."""
        if name not in self._values:
            pairs: dict[str, Any] = {}
            for split in self.splits:
                columns = self.columns(split, ["id", name])
                for id, value in zip(columns["id"], columns[name], strict=True):
                    pairs.setdefault(id, value)
            self._values[name] = pairs
        return self._values[name]

    def fingerprint(self) -> str:
        """sha256 over the names and bytes of all files of lines."""
        digest = hashlib.sha256()
        for split, files in self.splits.items():
            for file in files:
                digest.update(f"{split}/{file.name}\0".encode())
                with open(file, "rb") as stream:
                    while block := stream.read(1 << 20):
                        digest.update(block)
        return digest.hexdigest()

    @cached_property
    def _places(self) -> dict[str, tuple[Group, int]]:
        """Where each id is: its row group, its row."""
        places: dict[str, tuple[Group, int]] = {}
        for split in self.splits:
            ids = iter(self.columns(split, ["id"])["id"])
            for group in self.groups(split):
                for row in range(group.rows):
                    places.setdefault(next(ids), (group, row))
        return places

    @cached_property
    def _recent(self) -> "OrderedDict[Group, rows.Rows | Block]":
        return OrderedDict()

    @cached_property
    def _values(self) -> dict[str, dict[str, Any]]:
        return {}

    def _sizes(self) -> Iterator[tuple[str, int, int]]:
        """Page, width and height of every picture of every split; what cannot be read is named when it is wanted."""
        for split in self.splits:
            with suppress(LinesError):
                for group in self.groups(split):
                    for line in self._block(group).lines():
                        if isinstance(line, Line) and not (line.place and line.place[1]):
                            with suppress(ImageError):
                                yield _page(line), *size(line.image, line.id)

    def _block(self, group: Group) -> "rows.Rows | Block":
        return self._table(group.file).block(group) if group.file.suffix == ".csv" else rows.Rows(group)

    def _table(self, file: Path) -> Table:
        if file not in self._tables:
            within = (*self._within, file.resolve())
            self._tables[file] = Table(file, lambda path: _levels(path, within))
        return self._tables[file]

    def _numbered(self, group: Group) -> Iterator[tuple[int, Line]]:
        """The lines of a row group, each with the number of its row."""
        for number, line in enumerate(self._block(group).lines()):
            if isinstance(line, Skipped):
                self._refuse(group, number, line)
            else:
                yield number, line

    def _refuse(self, group: Group, number: int, why: Skipped) -> None:
        """Every row is named once, however often the folder is read."""
        if (group, number) not in self._named:
            self._named.add((group, number))
            self.skipped.append(why)


def _page(line: Line) -> str:
    """Its page; of a picture that a table names without one, the folder that it lies in."""
    return line.page or (str(line.place[0].parent) if line.place else "")


def _levels(path: Path, within: Sequence[Path]) -> list[LinesFolder]:
    """The lines folder at a path; of a tree that holds both levels the one of its lines, then that of its words."""
    first = LinesFolder(path, within=within)
    words = find(path, "words")[0] if path.is_dir() else {}
    return [first, LinesFolder(path, "words", within=within)] if words and words != first.splits else [first]


def _no_lines(path: Path) -> str:
    """What is there instead of lines, and what next."""
    endings = {file.suffix.lower() for file in path.iterdir()} if path.is_dir() else set()
    if not endings & set(SUFFIXES):
        return (
            "holds no train, valid or test Parquet files and is no CSV of lines; make a lines folder with "
            "`scriven import`"
        )
    if ".txt" in endings:
        return "has pictures and texts but is no lines folder; make one from them with `scriven import pairs`"
    return "has pictures but is no lines folder; make one with `scriven import pictures`, with texts `import pairs`"


def read_about(file: Path) -> dict[str, Any] | None:
    """An about.json; None where there is none. Raises LinesError for a damaged one."""
    if not file.is_file():
        return None
    try:
        about = json.loads(file.read_text("utf-8"))
        if not isinstance(about, dict):
            raise ValueError("it holds no JSON object")
    except (ValueError, OSError, RecursionError) as error:
        raise LinesError(f"{file} is not readable JSON ({error}); delete it or write the folder again") from error
    return about
