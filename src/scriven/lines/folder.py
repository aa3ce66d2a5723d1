"""Reading a lines folder: streamed by row group, or single lines by id."""

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
from scriven.images import PICTURE_SUFFIXES, Grey, decode, pad_to_height, size
from scriven.lines import rows
from scriven.lines.heights import Heights
from scriven.lines.paths import same
from scriven.lines.records import REPEATED, Group, Line, SkippedRow
from scriven.lines.references import is_page
from scriven.lines.sizes import STREAM_SIZES, StreamSizes
from scriven.lines.splits import LEVELS, NO_SPLIT, find, is_table
from scriven.lines.table import Block, Table


class LinesFolder:
    """Lines on disk, read one row group at a time. `skipped` lists the rows skipped so far, with reasons.

    `level`: the requested level (lines or words), None for any.
    """

    def __init__(
        self,
        path: str | Path,
        level: str | None = None,
        *,
        within: Sequence[Path] = (),
        sizes: StreamSizes = STREAM_SIZES,
    ):
        """Open the folder or file at `path`. `within`: the tables that refer to it, to detect cycles.

        Raises LinesError if there are no lines at `path`, SettingsError for a `level` other than lines and words.
        """
        if level:
            check_choice("level", level, LEVELS)
        self.path, self.level, self.sizes = Path(path), level, sizes
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
        """The contents of about.json; empty if there is none. Raises LinesError if it is damaged."""
        return read_about(self.path / "about.json") or {}

    def groups(self, split: str) -> list[Group]:
        """The row groups of a split, in order. Raises LinesError for a damaged file or one without id or image."""
        return [
            group
            for file in self.splits.get(split, ())
            for group in (self._table(file).groups() if is_table(file) else rows.row_groups(file))
        ]

    def read(self, group: Group) -> Iterator[Line]:
        """The lines of a row group. Rows without id or picture are added to `skipped`."""
        for _, line in self._numbered(group):
            yield line

    def lines(self, split: str | None = None) -> Iterator[Line]:
        """All lines of a split (None: of all splits), streamed; rows with a repeated id are added to `skipped`."""
        seen: set[str] = set()
        for name in [split] if split else self.splits:
            for group in self.groups(name):
                for number, line in self._numbered(group):
                    if line.id in seen:
                        self._refuse(group, number, SkippedRow(line.id, REPEATED, "id"))
                        continue
                    seen.add(line.id)
                    yield line

    def picture(self, line: Line) -> Grey:
        """The picture of a line, (H, W) uint8; words are padded to the height of their page. Raises ImageError."""
        return pad_to_height(decode(line.image, line.id), self.padded_height(line))

    def padded_height(self, line: Line) -> int:
        """The height in px to which the picture of a line is padded; 0: it is not padded.

        For a row of a table that refers to a line of another folder, the height is that of the other folder.
        """
        height = self._table(self.path).padded_height(line) if line.place else None
        return self.heights.of(_page(line)) if height is None else height

    @cached_property
    def heights(self) -> Heights:
        """The padded heights of the folder's own pictures by page, computed from the headers of all of them."""
        called_lines = all(file.stem == LEVELS[0] for files in self.splits.values() for file in files)
        return Heights(() if called_lines else self._sizes())

    def columns(self, split: str, names: Sequence[str]) -> dict[str, list[Any]]:
        """Columns of a split other than `image`, in the order of `groups`; a missing column is a list of None."""
        result: dict[str, list[Any]] = {n: [] for n in names}
        for file in self.splits.get(split, ()):
            part = self._table(file).columns(names) if is_table(file) else rows.columns(file, names)
            for n in result:
                result[n] += part[n]
        return result

    def count(self, split: str) -> int:
        """The number of rows of a split, including unusable ones."""
        return sum(group.rows for group in self.groups(split))

    def has(self, id: str) -> bool:
        """Whether there is a line with this id. Raises LinesError for a damaged folder."""
        return same(id) in self._places

    def find(self, id: str) -> Line:
        """The line with this id; recently used row groups are cached. Raises LinesError if there is none."""
        if (id := same(id)) not in self._places:
            raise LinesError(f"{self.path} has no line {id!r}; correct the id")
        group, row = self._places[id]
        if group not in self._recent:
            self._recent[group] = self._block(group)
            while (
                len(self._recent) > 1 and sum(block.nbytes for block in self._recent.values()) > self.sizes.cache_bytes
            ):
                self._recent.popitem(last=False)
        self._recent.move_to_end(group)
        return self._recent[group].line(row)

    def values(self, name: str) -> dict[str, Any]:
        """One column by id; cached in memory."""
        if name not in self._values:
            pairs: dict[str, Any] = {}
            for split in self.splits:
                columns = self.columns(split, ["id", name])
                for id, value in zip(columns["id"], columns[name], strict=True):
                    pairs.setdefault(id, value)
            self._values[name] = pairs
        return self._values[name]

    def fingerprint(self) -> str:
        """SHA-256 in hexadecimal of the names and contents of all files of lines and of the pictures they refer to."""
        digest = hashlib.sha256()
        for split, files in self.splits.items():
            for file in files:
                digest.update(f"{split}/{file.name}\0".encode())
                with open(file, "rb") as stream:
                    while block := stream.read(1 << 20):
                        digest.update(block)
                if is_table(file):
                    self._table(file).digest_pictures(digest)
                else:
                    rows.digest_pictures(file, digest)
        return digest.hexdigest()

    @cached_property
    def _places(self) -> dict[str, tuple[Group, int]]:
        """The row group and the row index of each id."""
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
        """Page, width and height in px of every picture; unreadable ones are left out here and reported by `read`."""
        for split in self.splits:
            with suppress(LinesError):
                for group in self.groups(split):
                    for line in self._block(group).lines():
                        if isinstance(line, Line) and _own(line):
                            with suppress(ImageError):
                                yield _page(line), *size(line.image, line.id)

    def _block(self, group: Group) -> "rows.Rows | Block":
        return self._table(group.file).block(group) if is_table(group.file) else rows.Rows(group)

    def _table(self, file: Path) -> Table:
        if file not in self._tables:
            within = (*self._within, file.resolve())
            self._tables[file] = Table(file, lambda path: folders_at(path, within, self.sizes), self.sizes.group_rows)
        return self._tables[file]

    def _numbered(self, group: Group) -> Iterator[tuple[int, Line]]:
        """The lines of a row group, each with its row index."""
        for number, line in enumerate(self._block(group).lines()):
            if isinstance(line, Skipped):
                self._refuse(group, number, line)
            else:
                yield number, line

    def _refuse(self, group: Group, number: int, why: Skipped) -> None:
        """Add a row to `skipped`, once even if the folder is read several times."""
        if (group, number) not in self._named:
            self._named.add((group, number))
            self.skipped.append(why)


def _own(line: Line) -> bool:
    """Whether the picture of a line belongs to this folder, not to another lines folder that its row refers to."""
    return line.place is None or not line.place[1] or is_page(*line.place)


def _page(line: Line) -> str:
    """The page of a line; for a picture file in a table without pages, the folder of the file."""
    return line.page or (str(line.place[0].parent) if line.place else "")


def folders_at(path: Path, within: Sequence[Path] = (), sizes: StreamSizes = STREAM_SIZES) -> list[LinesFolder]:
    """The lines folder at a path; for a tree with both levels, that of its lines and that of its words."""
    first = LinesFolder(path, within=within, sizes=sizes)
    words = find(path, "words")[0] if path.is_dir() else {}
    both = words and words != first.splits
    return [first, LinesFolder(path, "words", within=within, sizes=sizes)] if both else [first]


def _no_lines(path: Path) -> str:
    """What a path without lines contains, and what to do: the end of an error message."""
    endings = {file.suffix.lower() for file in path.iterdir()} if path.is_dir() else set()
    if not endings & set(PICTURE_SUFFIXES):
        return (
            "has no train, valid or test Parquet files and is not a CSV or TSV file of lines; make a lines folder with "
            "`scriven import`"
        )
    if ".txt" in endings:
        return "has pictures and texts but is not a lines folder; make one from them with `scriven import pairs`"
    return "has pictures but is not a lines folder; make one with `scriven import pictures`, with texts `import pairs`"


def read_about(file: Path) -> dict[str, Any] | None:
    """The contents of an about.json; None if there is none. Raises LinesError if it is damaged."""
    if not file.is_file():
        return None
    try:
        about = json.loads(file.read_text("utf-8"))
        if not isinstance(about, dict):
            raise ValueError("it is not a JSON object")
    except (ValueError, OSError, RecursionError) as error:
        raise LinesError(f"{file} is not readable JSON ({error}); delete it or write the folder again") from error
    return about
