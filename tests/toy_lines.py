"""Small lines folders and Parquet files for the tests of the room `lines`."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scriven.lines import Line, LinesWriter, StreamSizes

SMALL = StreamSizes(group_rows=3, shard_rows=5)
PNG = b"\x89PNG\r\n\x1a\n"


def some(count: int, prefix: str = "l", **fields: Any) -> list[Line]:
    return [Line(f"{prefix}{n}", PNG + bytes([n % 256]), f"word {n}", **fields) for n in range(count)]


def write(path: Path, lines: list[Line], split: str = "train", sizes: StreamSizes = SMALL) -> Path:
    with LinesWriter(path, {"command": "test"}, sizes) as writer:
        for line in lines:
            writer.write(line, split)
    return path


def parquet(file: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, row_group_size=2)
    return file


def row(id: Any = "a", **more: Any) -> dict[str, Any]:
    return {"id": id, "image": {"bytes": PNG, "path": None}, **more}
