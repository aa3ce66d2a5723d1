"""Parquet with pictures and texts: trees `<collection>/<split>/<level>.parquet`, and Hugging Face data sets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scriven.base import LinesError, Skipped
from scriven.importers.common import ImportItem, from_file, item, line
from scriven.lines import ALIASES
from scriven.lines.paths import existing
from scriven.lines.schema import EXTRA, KNOWN, extra_value

TEXTS = ("text", "transcription", "transcript", "sentence", "ground_truth", "label")
_OWN = (*KNOWN, "writer")


@dataclass(frozen=True)
class _Source:
    """A Parquet file: the names of its columns of pictures and texts ("": no texts), and its other columns by type."""

    file: Path
    split: str
    image: str
    text: str
    extra: Mapping[str, pa.DataType]


def parquet(source: Path, *, level: str = "lines", text: str = "", image: str = "image") -> Iterator[ImportItem]:
    """Lines of a Parquet file, of a folder of them, or of a folder of such folders (one per collection).

    `level`: lines or words, if a tree has both. `text`, `image`: names of the columns, if unusual. The split of a file
    is taken from its name or folder; a row with a column `stage` or `split` is in that one. Every line has the unknown
    columns of all files, None where its file lacks one. Raises LinesError if there are no such files.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*.parquet")) if source.is_dir() else []
    usable = [f for f in files if f.stem not in ("lines", "words") or f.stem == level]
    if not usable:
        raise LinesError(f"{source} has no Parquet files of {level}; {_other(files, level)}")
    sources = [_opened(file, _split(file, source), text, image) for file in usable]
    columns = _union([source.extra for source in sources])
    for each in sources:
        yield from _file(each, columns)


def _other(files: Sequence[Path], level: str) -> str:
    other = "words" if level == "lines" else "lines"
    return f"it has {other}: give --set level={other}" if any(f.stem == other for f in files) else "check the path"


def _opened(file: Path, split: str, text: str, image: str) -> _Source:
    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise _incomplete(file, error) from error
    types = {n: _plain(kind) for n, kind in zip(schema.names, schema.types, strict=True)}
    column = text or next((t for t in TEXTS if t in types), "")
    for name, key in ((image, "image"), (column or image, "text")):
        if name not in types:
            raise LinesError(f"{file} has no column {name!r}; it has {', '.join(types)}; give --set {key}=NAME")
    if column and str(types[column]) not in ("string", "large_string", "string_view", "null"):
        raise LinesError(f"{file} has {types[column]}, not text, in its column {column!r}; give --set text=NAME")
    return _Source(file, split, image, column, {n: k for n, k in types.items() if n not in (*_OWN, column, image)})


def _incomplete(file: Path, error: Exception) -> LinesError:
    return LinesError(f"{file} is not a complete Parquet file ({error}); copy it again")


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _union(files: list[Mapping[str, pa.DataType]]) -> dict[str, pa.DataType]:
    """The unknown columns of all files, with the types that a lines folder stores.

    A mixture of integers and floats becomes float; any other mixture, and lists and objects, become text.
    """
    kinds: dict[str, set[pa.DataType]] = {}
    for columns in files:
        for name, kind in columns.items():
            kinds.setdefault(name, set()).update(() if pa.types.is_null(kind) else {_stored(kind)})
    numbers = {EXTRA[int], EXTRA[float]}
    return {
        name: EXTRA[float] if found == numbers else found.pop() if len(found) == 1 else EXTRA[str]
        for name, found in kinds.items()
    }


def _stored(kind: pa.DataType) -> pa.DataType:
    checks = {int: pa.types.is_integer, float: pa.types.is_floating, bool: pa.types.is_boolean}
    if str(kind).partition("[")[0] in ("binary", "large_binary", "binary_view", "fixed_size_binary"):
        return EXTRA[bytes]
    return EXTRA[next((python for python, check in checks.items() if check(kind)), str)]


def _file(source: _Source, columns: Mapping[str, pa.DataType]) -> Iterator[ImportItem]:
    number = 0
    try:
        for batch in pq.ParquetFile(source.file).iter_batches(batch_size=256):
            for row in _rows(batch):
                name = f"{source.file.stem}-{number:06d}"
                if row is None:
                    yield Skipped(name, "its row has text that is not UTF-8; write the file as UTF-8")
                else:
                    yield _row(row, name, source, columns)
                number += 1
    except (pa.ArrowException, OSError) as error:
        raise _incomplete(source.file, error) from error


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | None]:
    """The rows of a batch; None for one with text that is not UTF-8."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for index in range(batch.num_rows):
            try:
                yield batch.slice(index, 1).to_pylist()[0]
            except UnicodeDecodeError:
                yield None


def _row(row: dict[str, Any], name: str, source: _Source, columns: Mapping[str, pa.DataType]) -> ImportItem:
    id = name if row.get("id") in (None, "") else str(row["id"])
    picture, text = row[source.image], row.get(source.text)
    path = picture.get("path") if isinstance(picture, dict) else None
    picture = picture.get("bytes") if isinstance(picture, dict) else picture
    known: dict[str, Any] = {
        "hand": str(row.get("hand") or row.get("writer") or ""),
        "page": str(row.get("page") or ""),
        "origin": str(row.get("origin") or "human"),
        "confidence": row.get("confidence"),
    }
    stage = row.get("stage") or row.get("split")
    split = ALIASES.get(stage.strip().lower()) if isinstance(stage, str) else source.split
    if split is None:
        return Skipped(id, f"its stage {stage!r} is not train, valid or test; correct it to import the row")
    extra = {}
    for key, kind in columns.items():
        try:
            extra[key] = extra_value(row[key] if key in source.extra else None, kind)
        except ValueError as error:
            return Skipped(id, f"it does not match the column {key!r}: {error}; give the column one type")
    if isinstance(picture, bytes) and picture:
        return item(split, line(id, picture, text, **known, extra=extra))
    if isinstance(path, str) and path:
        return item(split, from_file(id, existing(source.file.parent, path), text, **known, extra=extra))
    return Skipped(id, f"its column {source.image!r} has no picture; write the file with the pictures embedded")


def _split(file: Path, source: Path) -> str:
    """The split by the name of the file (train-00000-of-00001.parquet) or of its nearest folder; else train."""
    within = file.relative_to(source).parts if source.is_dir() else (file.name,)
    for part in reversed(within):
        found = ALIASES.get(re.split(r"[-_.]", part.lower())[0])
        if found:
            return found
    return "train"
