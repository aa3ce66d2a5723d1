"""A Hugging Face imagefolder: pictures, and `metadata.csv` or `metadata.jsonl` with file_name and a text column."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scriven.base import LinesError, Skipped
from scriven.importers.common import Ids, ImportItem, folder, item, read_text, split_of
from scriven.importers.csv import TableColumns, of_row, pick, stage_of, table, unknown_stage
from scriven.importers.parquet import parquet
from scriven.lines.paths import existing


def imagefolder(source: Path, *, text: str = "", split: str = "train") -> Iterator[ImportItem]:
    """Lines of every metadata file below a folder; top-level folders train/, val/, test/ give the split.

    `text`: the name of the text column, if unusual. A data set stored as Parquet is imported as `parquet` does.
    Raises LinesError if there is neither.
    """
    ids = Ids()
    files = sorted([*folder(source, "pictures").rglob("metadata.csv"), *source.rglob("metadata.jsonl")])
    if not files and any(source.rglob("*.parquet")):
        yield from parquet(source, text=text)
        return
    if not files:
        raise LinesError(f"{source} has no metadata.csv, metadata.jsonl or Parquet files; check the path")
    columns = TableColumns.named(text=text)
    for file in files:
        for row in table(file, columns) if file.suffix == ".csv" else _json_lines(file):
            if isinstance(row, Skipped):
                yield row
                continue
            name = str(row.get("file_name") or "")
            picture = existing(file.parent, name)
            where = picture.relative_to(source) if picture.is_relative_to(source) else Path(name)
            id = str(row.get("id") or ids(where))
            if not name:
                yield Skipped(f"{file}: {id!r}", "its row has no file_name; correct it")
                continue
            part = stage_of(row, split_of(where, split))
            if part is None:
                yield unknown_stage(row, id)
                continue
            yield item(part, of_row(row, id, picture, pick(row, columns.texts)))


def _json_lines(file: Path) -> Iterator[dict[str, Any] | Skipped]:
    for number, row in enumerate(read_text(file).split("\n"), start=1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
            if not isinstance(value, dict):
                raise ValueError("it is another JSON value")
            yield value
        except (ValueError, RecursionError) as error:
            yield Skipped(f"{file.name}:{number}", f"the row is not a JSON object ({error}); correct it")
