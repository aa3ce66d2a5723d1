"""Lines listed in a CSV or TSV file, as `scriven read -f csv` writes it: `id,image,text,confidence`.

`image` is a picture file, a page of one (`FILE#3`) or a line of a lines folder (`FOLDER#id`), relative to the table.
The file is read once to index its rows and find repeated ids; after that, a few hundred rows and a few row groups of
the folders it refers to are in memory at a time.
"""

import hashlib
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from scriven.base import LinesError, Skipped
from scriven.lines.delimited import Header, TableRow, read_header, read_rows
from scriven.lines.paths import same
from scriven.lines.records import REPEATED, Group, Line, SkippedRow, skipped_row
from scriven.lines.references import LinesById, References, picture_bytes
from scriven.lines.rows import line_of
from scriven.lines.schema import KNOWN
from scriven.lines.splits import ALIASES, STAGE_COLUMNS
from scriven.text import normalise

log = logging.getLogger("scriven")

NEEDED_COLUMNS = frozenset(("id", "image", "text"))
MOVED = 3  # pictures from which on a table of which none exists counts as moved
NUMBERS = ("confidence", "width", "height")
OWN = ("id", "text", "confidence")  # columns of a table that replace those of the line it refers to, even if empty

Record = dict[str, str | None]


@dataclass(frozen=True)
class _Layout:
    """The index of a table: byte offset and line number of the first row of each group, and the repeated rows."""

    header: Header
    starts: tuple[tuple[int, int], ...]
    rows: int
    repeated: frozenset[int]


class Table:
    """A table of lines. `opened` opens the lines folders that its rows refer to, one for each level of a tree."""

    def __init__(self, file: Path, opened: Callable[[Path], Sequence[LinesById]], group_rows: int):
        self.file, self.group_rows = file, group_rows
        self.references = References(file.parent, opened)
        self._warned = self._placed = False

    @cached_property
    def _layout(self) -> _Layout:
        starts, seen, repeated, count = list[tuple[int, int]](), set[str](), set[int](), 0
        with _open(self.file) as stream:
            header = read_header(stream, self.file)
            if not {"id", "image"} <= set(header.names):
                raise LinesError(
                    f"{self.file} does not have the columns id and image; write it with `scriven read -f csv`, in UTF-8"
                )
            for count, row in enumerate(read_rows(stream, header, needed=NEEDED_COLUMNS), start=1):
                self._check_stage(row)
                if (count - 1) % self.group_rows == 0:
                    starts.append((row.start, row.number))
                if key := same((row.cells or {}).get("id") or ""):
                    if key in seen:
                        repeated.add(count - 1)
                    seen.add(key)
        return _Layout(header, tuple(starts), count, frozenset(repeated))

    def _check_stage(self, row: TableRow) -> None:
        """Raise LinesError for a row that a column of stages puts into another split than train."""
        for name in STAGE_COLUMNS:
            stage = (row.cells or {}).get(name) or ""
            if name in (row.cells or {}) and ALIASES.get(stage.strip().lower()) != "train":
                raise LinesError(
                    f"{self.file}:{row.number} has the {name} {stage!r}, but a table is read as one split, train; make "
                    f"a lines folder of it: scriven import csv {self.file} -o FOLDER"
                )

    def groups(self) -> list[Group]:
        """Consecutive groups of `group_rows` rows. Raises LinesError for a file without the columns id and image."""
        step, rows = self.group_rows, self._layout.rows
        return [Group(self.file, i, min(step, rows - i * step)) for i in range(len(self._layout.starts))]

    def block(self, group: Group) -> "Block":
        """A group of rows in memory, its pictures not opened yet. Raises LinesError if the table was moved."""
        self._check_place()
        return Block(self, group, list(self._read(group.index * self.group_rows, group.rows)))

    def _check_place(self) -> None:
        """Raise LinesError if the table has several pictures and none exists: it was moved without them."""
        if self._placed:
            return
        missing = []
        for _, record in self._read(0, self._layout.rows):
            if not isinstance(record, dict) or not record["image"]:
                continue
            with suppress(LinesError):
                if os.path.exists(self.references.target(record["image"])[0]):
                    break
            missing.append(record["image"])
        else:
            if len(missing) >= MOVED:
                raise LinesError(
                    f"{self.file} lists {len(missing):,} pictures, and none of them exists (first: {missing[0]!r}); "
                    "paths in a table are relative to its own folder, so move the table back or the pictures with it"
                )
        self._placed = True

    def columns(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Columns, without opening pictures; values missing in the table are those of the line a row refers to."""
        result: dict[str, list[Any]] = {n: [] for n in names}
        for _, record in self._read(0, self._layout.rows):
            for n in names:
                result[n].append(self._value(record, n) if isinstance(record, dict) else None)
        return result

    def line(self, record: Record) -> Line:
        """The line of a row. Raises LinesError if it cannot be used."""
        if not record["id"]:
            raise LinesError("the row has no id; give every line one")
        if not record["image"]:
            raise LinesError("the row has no picture; write its path into the column image")
        own: dict[str, Any] = {k: v for k, v in record.items() if k != "image"}
        own |= {name: parse_number(own[name]) for name in NUMBERS if name in own}
        if record.get("confidence") and own["confidence"] is None:
            self._warn(record)
        path, part = self.references.target(record["image"])
        if (holder := self.references.holder(path, part)) is not None:
            found = holder.find(part)
            return _changed(replace(found, place=found.place or (path, part)), own)
        picture = picture_bytes(path, part)
        return replace(line_of({**own, "image": picture}, self.file.parent), place=(path, part))

    def padded_height(self, line: Line) -> int | None:
        """The height in px to which the picture of a line of another folder is padded; None for other pictures."""
        holder = self.references.holder(*line.place) if line.place else None
        return None if holder is None else holder.heights.of(line.page)

    def digest_pictures(self, digest: "hashlib._Hash") -> None:
        """Add the contents of all pictures and folders that the rows refer to to a digest."""
        for _, record in self._read(0, self._layout.rows):
            if not isinstance(record, dict) or not record["image"]:
                continue
            try:
                target = self.references.target(record["image"])
                if self.references.holder(*target) is None:
                    digest.update(target[0].read_bytes())
            except (LinesError, OSError, ValueError):
                continue  # reported when the row is read
        for fingerprint in self.references.fingerprints():
            digest.update(fingerprint.encode())

    def _warn(self, record: Record) -> None:
        if not self._warned:
            self._warned = True
            log.warning(
                "%s: the confidence %r of %s is not a number; lines are used without such values",
                self.file, record["confidence"], record["id"],
            )  # fmt: skip

    def _value(self, record: Record, name: str) -> Any:
        cell = record.get(name)
        if not cell and name == "hand":
            cell = record.get("writer")
        if cell or (name in record and name in OWN):
            if name in NUMBERS:
                return parse_number(cell)
            return same(cell) if cell and name in ("id", "hand", "page") else cell
        try:
            path, part = self.references.target(record["image"] or "")
            holder = self.references.holder(path, part)
            return None if holder is None else holder.values(name).get(same(part))
        except LinesError:
            return None  # reported when the row is read

    def _read(self, first: int, rows: int) -> Iterator[tuple[int, Record | Skipped]]:
        """`rows` rows from index `first`, the first of a group, each with its line number in the file."""
        layout = self._layout
        if not rows:
            return
        start, line = layout.starts[first // self.group_rows]
        with _open(self.file) as stream:
            stream.seek(start)
            for index, row in enumerate(read_rows(stream, layout.header, line, NEEDED_COLUMNS), start=first):
                if index == first + rows:
                    return
                yield row.number, self._record(row, index in layout.repeated)

    def _record(self, row: TableRow, repeated: bool) -> Record | Skipped:
        if row.cells is None:
            return SkippedRow(f"{self.file.name}:{row.number}", row.reason)
        return SkippedRow(row.cells["id"] or "", REPEATED, "id") if repeated else row.cells


class Block:
    """A group of rows of a table in memory; their pictures are opened one by one."""

    def __init__(self, table: Table, group: Group, records: Sequence[tuple[int, Record | Skipped]]):
        self.group, self._table, self._records = group, table, records
        self.nbytes = 1024 * len(records)

    def line(self, index: int) -> Line:
        """One row by index. Raises LinesError if it cannot be used."""
        record = self._records[index][1]
        if isinstance(record, Skipped):
            raise LinesError(record.reason)
        return self._table.line(record)

    def lines(self) -> Iterator[Line | Skipped]:
        """Every row in order: a line, or the record of an unusable row."""
        for line, record in self._records:
            if isinstance(record, Skipped):
                yield record
                continue
            try:
                yield self._table.line(record)
            except LinesError as error:
                yield skipped_row(record["id"] or f"{self.group.file.name}:{line}", error)


def _changed(line: Line, own: dict[str, Any]) -> Line:
    """A line of a folder, updated with the values of a row of a table."""
    changes = {k: own[k] for k in OWN if k in own}
    changes["id"] = same(own["id"])
    if own.get("text"):
        changes["text"] = normalise(own["text"])
    hand = own.get("hand") or own.get("writer")
    changes |= {k: same(v) for k, v in {**own, "hand": hand}.items() if v and k in ("hand", "page", "origin")}
    others = {k: v for k, v in own.items() if k not in (*KNOWN, "writer")}
    return replace(line, **changes, extra={**line.extra, **others})


def parse_number(cell: str | None) -> float | None:
    """A cell as a finite number, with a decimal point or a decimal comma; None if it is not one."""
    text = (cell or "").strip()
    try:
        value = float(text if "." in text else text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@contextmanager
def _open(file: Path) -> Iterator[IO[bytes]]:
    """An open table. Raises LinesError if it cannot be opened."""
    try:
        with open(file, "rb") as stream:
            yield stream
    except OSError as error:
        raise LinesError(f"cannot open {file}: {error.strerror or error}; check the path") from error
