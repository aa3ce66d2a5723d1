"""Parquet with pictures and texts: trees `<collection>/<split>/<level>.parquet`, and Hugging Face data sets."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scriven.base import LinesError, Refused
from scriven.importers.common import Item, item, line
from scriven.lines import ALIASES
from scriven.lines.schema import KNOWN

TEXTS = ("text", "transcription", "transcript", "sentence", "ground_truth", "label")
_OWN = (*KNOWN, "writer")
_TEXT_TYPES = (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)


def parquet(source: Path, *, level: str = "lines", text: str = "", image: str = "image") -> Iterator[Item]:
    """Lines of a Parquet file, of a folder of them, or of a folder of such folders (one a collection).

    `level`: lines or words, where a tree holds both. `text`, `image`: names of the columns, where they are unusual.
    A file's split is that in its name or folder. Raises LinesError when there is nothing to read.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*.parquet")) if source.is_dir() else []
    files = [f for f in files if f.stem not in ("lines", "words") or f.stem == level]
    if not files:
        raise LinesError(f"{source} holds no Parquet files of {level}; check the path")
    for file in files:
        yield from _file(file, source, text, image)


def _file(file: Path, source: Path, text: str, image: str) -> Iterator[Item]:
    try:
        reader = pq.ParquetFile(file)
        names = reader.schema_arrow.names
        if image not in names:
            raise LinesError(f"{file} has no column {image!r}; it has {', '.join(names)}; give --set image=NAME")
        column = text or next((t for t in TEXTS if t in names), "")
        kind = reader.schema_arrow.field(column).type if column in names else None
        if column and not (kind and any(check(kind) for check in _TEXT_TYPES)):
            raise LinesError(f"{file} has no text column {column!r}; it has {', '.join(names)}; give --set text=NAME")
        split, number = _split(file, source), 0
        for batch in reader.iter_batches(batch_size=256):
            for row in _rows(batch):
                name = f"{file.stem}-{number:06d}"
                if row is None:
                    yield Refused(name, "its row has text that is not UTF-8; write it as UTF-8")
                else:
                    yield _row(row, split, name, file, column, image)
                number += 1
    except (pa.ArrowException, OSError) as error:
        raise LinesError(f"{file} is not a complete Parquet file ({error}); copy it again") from error


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | None]:
    """The rows of a batch; None for one with text that is no UTF-8."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for index in range(batch.num_rows):
            try:
                yield batch.slice(index, 1).to_pylist()[0]
            except UnicodeDecodeError:
                yield None


def _row(row: dict[str, Any], split: str, name: str, file: Path, text: str, image: str) -> Item:
    id = name if row.get("id") in (None, "") else str(row["id"])
    picture = row[image]
    if isinstance(picture, dict):
        path = picture.get("path")
        picture = picture.get("bytes") or (
            (file.parent / path).read_bytes() if path and (file.parent / path).is_file() else None
        )
    if not isinstance(picture, bytes):
        return Refused(id, f"its column {image!r} holds no picture; write the file with pictures inside")
    columns: dict[str, Any] = {
        "hand": str(row.get("hand") or row.get("writer") or ""),
        "page": str(row.get("page") or ""),
        "origin": str(row.get("origin") or "human"),
        "confidence": row.get("confidence"),
        "extra": {k: v for k, v in row.items() if k not in _OWN and k not in (text, image)},
    }
    return item(split, line(id, picture, row.get(text), **columns))


def _split(file: Path, source: Path) -> str:
    """By the file's name (train-00000-of-00001.parquet) or its nearest folder that names a split; else train."""
    within = file.relative_to(source).parts if source.is_dir() else (file.name,)
    for part in reversed(within):
        found = ALIASES.get(re.split(r"[-_.]", part.lower())[0])
        if found:
            return found
    return "train"
