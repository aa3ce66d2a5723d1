"""Rows of a Parquet file as lines: one row group at a time, or a single row of it."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scriven.base import LinesError, Skipped
from scriven.lines.paths import existing, same
from scriven.lines.records import Group, Line, skipped_row
from scriven.lines.references import picture_bytes
from scriven.lines.schema import KNOWN, check
from scriven.text import normalise


def line_of(row: Mapping[str, Any], folder: Path) -> Line:
    """The line of a row; a picture that is only given by `path` is looked up in `folder`.

    Raises LinesError for a row without id or picture, or with a text that is not UTF-8.
    """
    image = row.get("image")
    if isinstance(image, Mapping):
        path = image.get("path")
        image = image.get("bytes") or (picture_bytes(existing(folder, word(path))) if path else None)
    if row.get("id") in (None, ""):
        raise LinesError("the row has no id; give every line one")
    if not isinstance(image, bytes) or not image:
        raise LinesError("the row has no picture; write the folder again")
    text = row.get("text")
    own = KNOWN if "hand" in row else (*KNOWN, "writer")
    return Line(
        id=same(word(row["id"])),
        image=image,
        text=None if text is None else normalise(word(text)),
        hand=same(word(row.get("hand")) or word(row.get("writer"))),
        page=same(word(row.get("page"))),
        origin=word(row.get("origin")) or "human",
        confidence=finite(row.get("confidence")),
        width=int(finite(row.get("width")) or 0),
        height=int(finite(row.get("height")) or 0),
        extra={k: v for k, v in row.items() if k not in own},
    )


def word(value: Any) -> str:
    """A cell as text, empty for null. Raises LinesError for bytes that are not UTF-8."""
    try:
        return "" if value is None else value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError as error:
        raise LinesError(f"the row has text that is not UTF-8 ({error}); write it as UTF-8") from None


def finite(value: Any) -> float | None:
    """A cell as a number; None for NaN, which tables use for missing values."""
    return None if value is None or not math.isfinite(value) else value


class Rows:
    """A row group in memory. `line` converts a single row to Python objects, `lines` all of them."""

    def __init__(self, group: Group):
        """Raises LinesError for a damaged file."""
        self.group = group
        with _open(group.file) as reader, _damage(group.file):
            self._table = reader.read_row_group(group.index)
        self.nbytes = int(self._table.nbytes)

    def line(self, index: int) -> Line:
        """One row by index. Raises LinesError if it cannot be used."""
        try:
            (row,) = self._table.slice(index, 1).to_pylist()
        except UnicodeDecodeError as error:
            raise LinesError(f"the row has text that is not UTF-8 ({error}); write it as UTF-8") from None
        return line_of(row, self.group.file.parent)

    def lines(self) -> Iterator[Line | Skipped]:
        """Every row in order: a line, or the record of an unusable row."""
        try:
            rows = self._table.to_pylist()
        except UnicodeDecodeError:  # of one row; the others are read one by one
            rows = [None] * self._table.num_rows
        for index, row in enumerate(rows):
            try:
                yield self.line(index) if row is None else line_of(row, self.group.file.parent)
            except LinesError as error:
                yield skipped_row(self._name(index), error)

    def _name(self, index: int) -> str:
        try:
            found = word(self._table["id"][index].as_py())
        except (LinesError, UnicodeDecodeError):
            found = ""
        return found or f"{self.group.file.name}:{self.group.index}:{index}"


def row_groups(file: Path) -> list[Group]:
    """The row groups of a file. Raises LinesError for a file that is damaged or has no lines."""
    with _open(file) as reader:
        meta = reader.metadata
        return [Group(file, i, meta.row_group(i).num_rows) for i in range(meta.num_row_groups)]


def columns(file: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    """Columns of a file as stored, ids, hands and pages as text; a missing column is a list of None."""
    with _open(file) as reader, _damage(file):
        have = set(reader.schema_arrow.names)
        wanted = {n: [c for c in ((n, "writer") if n == "hand" else (n,)) if c in have] for n in names}
        table = reader.read(columns=sorted({c for found in wanted.values() for c in found}))
        rows = reader.metadata.num_rows
    result: dict[str, list[Any]] = {}
    for name, sources in wanted.items():
        cells = [_cells(table[c]) for c in sources] or [[None] * rows]
        if name in ("id", "text", "hand", "page", "origin"):
            cells = [[_stored(value, name) for value in column] for column in cells]
        result[name] = [a or b for a, b in zip(*cells, strict=True)] if len(cells) == 2 else cells[0]
    return result


def digest_pictures(file: Path, digest: "hashlib._Hash") -> None:
    """Add the contents of the pictures that a file gives by `path` only. Raises LinesError for a damaged file."""
    for group in row_groups(file):
        with _open(file) as reader, _damage(file):
            meta = reader.metadata.row_group(group.index)
            chunks = [meta.column(i) for i in range(meta.num_columns)]
            own = next((chunk for chunk in chunks if chunk.path_in_schema == "image.bytes"), None)
            if own is None or (own.is_stats_set and own.statistics.null_count == 0):
                continue
            images = reader.read_row_group(group.index, columns=["image"])["image"].to_pylist()
        for image in images:
            path = (image or {}).get("path")
            if path and not image.get("bytes"):
                with suppress(OSError, ValueError):  # reported when the row is read
                    digest.update(existing(file.parent, word(path)).read_bytes())


def _cells(column: pa.ChunkedArray) -> list[Any]:
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [_cell(value) for value in column]


def _cell(value: pa.Scalar) -> Any:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return None  # reported when the row is read


def _stored(value: Any, name: str) -> str | None:
    try:
        return None if value is None else same(word(value)) if name in ("id", "hand", "page") else word(value)
    except LinesError:
        return None


@contextmanager
def _damage(file: Path) -> Iterator[None]:
    """Context manager that raises Arrow's errors about a damaged file as LinesError."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise LinesError(f"{file} is damaged ({error}); copy or write it again") from error


def _open(file: Path) -> pq.ParquetFile:
    try:
        reader = pq.ParquetFile(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise LinesError(f"{file} is not a complete Parquet file ({error}); copy or write it again") from error
    try:
        check(reader.schema_arrow, file)
    except LinesError:
        reader.close()
        raise
    return reader
