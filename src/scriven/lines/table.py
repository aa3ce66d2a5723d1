"""Lines listed in a CSV file, as `scriven read -f csv` writes it: `id,image,text,confidence`.

`image` is the path of a picture, seen from the file, or `FOLDER#id`, a line of a lines folder. The file is gone through
once to find its rows and repeated ids; after that a few hundred rows are in memory at a time, and of the folders it
names a few row groups.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import scriven.lines as room
from scriven.base import LinesError, Skipped
from scriven.lines.records import Group, Line
from scriven.lines.rows import line_of
from scriven.lines.schema import KNOWN
from scriven.text import normalise

if TYPE_CHECKING:
    from scriven.lines.folder import LinesFolder

Record = dict[str, str]
OWN = ("id", "text", "confidence")  # what a table says of a line of a folder, even where its cell is empty


@dataclass(frozen=True)
class _Layout:
    """Where the rows are: the byte offset of every GROUP_ROWS-th, and the numbers of repeated ids."""

    names: tuple[str, ...]
    delimiter: str
    starts: tuple[int, ...]
    rows: int
    repeated: frozenset[int]


class Table:
    """One CSV file of lines. `opened` opens the lines folders that its rows refer to, of a tree one for each level."""

    def __init__(self, file: Path, opened: "Callable[[Path], list[LinesFolder]]"):
        self.file, self._opened = file, opened
        self._folders: dict[Path, list[LinesFolder]] = {}

    @cached_property
    def _layout(self) -> _Layout:
        starts, seen, repeated, number = list[int](), set[str](), set[int](), 0
        with _reading(self.file) as stream:
            head = stream.readline().decode("utf-8-sig")
            delimiter = max(",;\t", key=head.count)
            names = tuple(name.strip() for name in next(csv.reader([head], delimiter=delimiter), []))
            if not {"id", "image"} <= set(names):
                raise LinesError(f"{self.file} lacks the columns id and image; write it with `scriven read -f csv`")
            id = names.index("id")
            for number, (start, cells) in enumerate(_records(stream, delimiter), start=1):
                if (number - 1) % room.GROUP_ROWS == 0:
                    starts.append(start)
                key = cells[id] if id < len(cells) else ""
                if key in seen:
                    repeated.add(number - 1)
                seen.add(key)
        return _Layout(names, delimiter, tuple(starts), number, frozenset(repeated))

    def groups(self) -> list[Group]:
        """Runs of GROUP_ROWS rows. Raises LinesError for a file that is no UTF-8 CSV, or lacks id or image."""
        step, rows = room.GROUP_ROWS, self._layout.rows
        return [Group(self.file, i, min(step, rows - i * step)) for i in range(len(self._layout.starts))]

    def block(self, group: Group) -> "Block":
        """A group of rows read into memory, pictures not yet opened."""
        return Block(self, group, list(self._read(group.index * room.GROUP_ROWS, group.rows)))

    def columns(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Columns without opening a picture; what the table does not say is asked of the folder a row refers to."""
        result: dict[str, list[Any]] = {n: [] for n in names}
        for record in self._read(0, self._layout.rows):
            for n in names:
                result[n].append(self._value(record, n) if isinstance(record, dict) else None)
        return result

    def line(self, record: Record) -> Line:
        """The line of a row. Raises LinesError where it cannot be used."""
        if not record["id"]:
            raise LinesError("the row has no id; give every line one")
        own: dict[str, Any] = {k: v for k, v in record.items() if k != "image"}
        if "confidence" in own:
            own["confidence"] = _confidence(record)
        if target := self._target(record["image"]):
            found = self.holder(target).find(target[1])
            return _changed(replace(found, place=found.place or target), own)
        file = self.file.parent / record["image"]
        try:
            picture = file.read_bytes()
        except (OSError, ValueError) as error:
            raise LinesError(f"cannot open the picture {record['image']!r} ({error}); correct its path") from error
        sizes = {k: _number(own.pop(k, "")) for k in ("width", "height")}
        return replace(line_of({**own, **sizes, "image": picture}, self.file.parent), place=(file, ""))

    def _value(self, record: Record, name: str) -> Any:
        cell = record.get(name) or (record.get("writer") if name == "hand" else None)
        if cell or (name in record and name in OWN):
            return _number(cell or "") if name in ("confidence", "width", "height") else (cell or "")
        try:
            target = self._target(record["image"])
            return self.holder(target).values(name).get(target[1]) if target else None
        except LinesError:
            return None  # reading refuses this row by name

    def _read(self, first: int, rows: int) -> Iterator[Record | Skipped]:
        """`rows` rows from number `first`, which begins a group."""
        layout = self._layout
        if not rows:
            return
        with _reading(self.file) as stream:
            stream.seek(layout.starts[first // room.GROUP_ROWS])
            for number, (_, cells) in enumerate(_records(stream, layout.delimiter), start=first):
                if number == first + rows:
                    return
                record = dict(zip(layout.names, cells, strict=False))
                name = record.get("id") or f"{self.file.name}:{number + 2}"
                if len(cells) != len(layout.names):
                    yield Skipped(name, "the row has too many or too few fields; put quotes around its text")
                elif number in layout.repeated and record["id"]:
                    yield Skipped(name, "its id occurs more than once; only the first is used")
                else:
                    yield record

    def _target(self, image: str) -> tuple[Path, str] | None:
        """The folder and the id that `FOLDER#id` means; None for the path of a picture."""
        if "#" not in image or (self.file.parent / image).is_file():
            return None
        for at in (i for i, c in enumerate(image) if c == "#"):
            if (folder := self.file.parent / image[:at]) in self._folders or (image[:at] and folder.exists()):
                return folder, image[at + 1 :]
        raise LinesError(f"there is no picture and no lines folder {image!r}; correct the column image")

    def holder(self, target: tuple[Path, str]) -> "LinesFolder":
        """The lines folder that holds a folder's line of some id; where none does, the one that says so.

        Raises LinesError where the folder cannot be opened.
        """
        path, id = target
        if path not in self._folders:
            self._folders[path] = self._opened(path)
        return next((folder for folder in self._folders[path] if folder.has(id)), self._folders[path][0])


class Block:
    """A few hundred rows of a table in memory; their pictures are opened one by one."""

    def __init__(self, table: Table, group: Group, records: Sequence[Record | Skipped]):
        self.group, self._table, self._records = group, table, records
        self.nbytes = 1024 * len(records)

    def line(self, index: int) -> Line:
        """One row. Raises LinesError where it cannot be used."""
        record = self._records[index]
        if isinstance(record, Skipped):
            raise LinesError(record.reason)
        return self._table.line(record)

    def lines(self) -> Iterator[Line | Skipped]:
        """Every row in order, as a line or as the reason why it is none."""
        first = self.group.index * room.GROUP_ROWS
        for number, record in enumerate(self._records, start=first + 2):
            if isinstance(record, Skipped):
                yield record
                continue
            try:
                yield self._table.line(record)
            except LinesError as error:
                yield Skipped(record["id"] or f"{self.group.file.name}:{number}", str(error))


def _changed(line: Line, own: dict[str, Any]) -> Line:
    """A line of a folder as a row of a table tells it."""
    changes = {k: own[k] for k in OWN if k in own}
    if "text" in own:
        changes["text"] = normalise(own["text"])
    hand = own.get("hand") or own.get("writer")
    changes |= {k: v for k, v in {**own, "hand": hand}.items() if v and k in ("hand", "page", "origin")}
    others = {k: v for k, v in own.items() if k not in (*KNOWN, "writer")}
    return replace(line, **changes, extra={**line.extra, **others})


def _confidence(record: Record) -> float | None:
    if not record["confidence"]:
        return None
    if (value := _number(record["confidence"])) is None:
        raise LinesError(f"its confidence {record['confidence']!r} is no number; correct it")
    return value


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _records(stream: IO[bytes], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of an open table from where it stands, each with the byte where it begins; empty lines are none."""
    lines = (line.decode("utf-8") for line in iter(stream.readline, b""))
    start = stream.tell()
    for cells in csv.reader(lines, delimiter=delimiter):
        if cells:
            yield start, cells
        start = stream.tell()


@contextmanager
def _reading(file: Path) -> Iterator[IO[bytes]]:
    """An open table. Raises LinesError for what is no UTF-8 CSV file."""
    try:
        with open(file, "rb") as stream:
            yield stream
    except (UnicodeDecodeError, csv.Error) as error:
        raise LinesError(f"{file} is not a UTF-8 CSV file ({error}); save it as CSV, UTF-8") from error
    except OSError as error:
        raise LinesError(f"cannot open {file}: {error.strerror or error}; check the path") from error
