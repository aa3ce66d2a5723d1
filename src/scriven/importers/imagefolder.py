"""A Hugging Face imagefolder: pictures, and `metadata.csv` or `metadata.jsonl` with file_name and a text column."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scriven.base import LinesError, Skipped
from scriven.importers.common import Ids, Item, folder, item, read_text, split_of
from scriven.importers.csv import TEXTS, of_row, pick, table
from scriven.importers.parquet import parquet


def imagefolder(source: Path, *, text: str = "", split: str = "train") -> Iterator[Item]:
    """Lines of every metadata file below a folder; folders train/, val/, test/ at its top give the split.

    `text`: the name of the text column, where it is unusual. A data set stored as Parquet is read as such.
    Raises LinesError when there is neither.
    """
    ids = Ids()
    files = sorted([*folder(source, "pictures").rglob("metadata.csv"), *source.rglob("metadata.jsonl")])
    if not files and any(source.rglob("*.parquet")):
        yield from parquet(source, text=text)
        return
    if not files:
        raise LinesError(f"{source} holds no metadata.csv, metadata.jsonl or Parquet files; check the path")
    wanted = (text,) if text else TEXTS
    for file in files:
        for row in table(file, wanted) if file.suffix == ".csv" else _json_lines(file):
            if isinstance(row, Skipped):
                yield row
                continue
            name = str(row.get("file_name") or "")
            where = file.parent.relative_to(source) / name
            id = str(row.get("id") or ids(where))
            words = pick(row, wanted)
            if not name:
                yield Skipped(f"{file}: {id!r}", "its row has no file_name; correct it")
                continue
            yield item(split_of(where, split), of_row(row, id, file.parent / name, words))


def _json_lines(file: Path) -> Iterator[dict[str, Any] | Skipped]:
    for number, row in enumerate(read_text(file).split("\n"), start=1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
            if not isinstance(value, dict):
                raise ValueError("no object")
            yield value
        except (ValueError, RecursionError) as error:
            yield Skipped(f"{file.name}:{number}", f"the row is no JSON object ({error}); correct it")
