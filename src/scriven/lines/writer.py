"""Writing a lines folder in shards, each of which is written atomically."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scriven.base import LinesError, OutputError, atomic
from scriven.lines.folder import read_about
from scriven.lines.lock import NAME, FolderLock
from scriven.lines.records import Line
from scriven.lines.schema import KNOWN, extra_columns, extra_value, schema
from scriven.lines.sizes import STREAM_SIZES, StreamSizes
from scriven.lines.splits import SPLITS


class LinesWriter:
    """Writes a lines folder in shards, each of them atomically.

    `about` is written to about.json with `finished: false` until `close`. Opening an unfinished folder with the same
    `about` continues it: `done[split]` is the number of lines written already. Unknown columns (`Line.extra`) are kept;
    their names and types are those of the lines written before the first shard. Raises OutputError for a finished
    folder, an unfinished one of another command, and one that another writer is writing.
    """

    def __init__(self, path: str | Path, about: Mapping[str, Any], sizes: StreamSizes = STREAM_SIZES):
        self.path, self.sizes = Path(path), sizes
        self.about = json.loads(json.dumps(dict(about)))
        self.done: dict[str, int] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._bytes: dict[str, int] = {}
        self._shards: dict[str, int] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._extra: dict[str, pa.DataType] | None = None  # until the first file is written
        self._unfinished()  # before anything is written
        self._lock = FolderLock(self.path)
        try:
            if self._unfinished() is not None:  # again: another writer may have finished it in the meantime
                self._resume()
            for file in filter(_part, self.path.glob(".*.part")):
                file.unlink(missing_ok=True)  # incomplete, from a writer that was killed
            self._save_about(finished=False)
        except BaseException:
            self._lock.release()
            raise

    def _unfinished(self) -> dict[str, Any] | None:
        """The about.json of the unfinished folder to continue; None if the path is free. Raises OutputError."""
        try:
            old = read_about(self.path / "about.json")
        except LinesError as error:
            raise OutputError(f"{error}; or choose another -o") from error
        if old is None:
            if self.path.exists() and (not self.path.is_dir() or any(not _ours(p) for p in self.path.iterdir())):
                raise OutputError(f"{self.path} exists and is not an unfinished lines folder; choose another -o")
            return None
        if old.pop("finished", True):
            raise OutputError(f"{self.path} is a finished lines folder; choose another -o")
        old.pop("counts", None)
        if old != self.about:
            raise OutputError(f"{self.path} was begun with other settings; choose another -o or delete it")
        return old

    def _resume(self) -> None:
        for split in SPLITS:
            files = sorted(self.path.glob(f"{split}-*.parquet"))
            if [f.name for f in files] != [f"{split}-{n:05d}.parquet" for n in range(len(files))]:
                raise OutputError(
                    f"{self.path} has a gap in the numbers of its {split} files; delete it and start again"
                )
            for file in files:
                try:
                    with pq.ParquetFile(file) as reader:
                        origins = reader.read(columns=["origin"])["origin"].to_pylist()
                        found = reader.schema_arrow
                except (pa.ArrowException, OSError, ValueError, KeyError) as error:
                    raise OutputError(f"{file} is damaged ({error}); delete {self.path} and start again") from error
                self._extra = {n: found.field(n).type for n in found.names if n not in KNOWN}
                self.done[split] = self.done.get(split, 0) + len(origins)
                self._shards[split] = self._shards.get(split, 0) + 1
                self._count(split, origins)

    def write(self, line: Line, split: str = "train") -> None:
        """Add a line. Raises LinesError for an extra column that does not match the shards written before."""
        if split not in SPLITS:
            raise LinesError(f"there is no split {split!r}; use train, valid or test")
        if clash := sorted(set(line.extra) & set(KNOWN)):
            raise LinesError(f"the line {line.id!r} has {clash[0]!r} among its unknown columns; give it another name")
        if self._extra is not None:
            _fitting(line.id, line.extra, self._extra)
        rows = self._rows.setdefault(split, [])
        row = {name: getattr(line, name) for name in KNOWN}
        rows.append(
            {**row, "image": {"bytes": line.image, "path": f"{line.id}.{suffix_of(line.image)}"}, "extra": line.extra}
        )
        self._bytes[split] = self._bytes.get(split, 0) + len(line.image)
        if len(rows) >= self.sizes.shard_rows or self._bytes[split] >= self.sizes.shard_bytes:
            self._flush(split)

    def _flush(self, split: str) -> None:
        if self._extra is None:
            self._extra = extra_columns(row["extra"] for rows in self._rows.values() for row in rows)
        rows = self._rows.pop(split, [])
        self._bytes.pop(split, None)
        if not rows:
            return
        full = [{**row, **_fitting(row["id"], row["extra"], self._extra)} for row in rows]
        table = pa.Table.from_pylist(full, schema=schema(self._extra))
        number = self._shards.get(split, 0)
        with atomic(self.path / f"{split}-{number:05d}.parquet") as file:
            pq.write_table(table, file, row_group_size=self.sizes.group_rows, compression="none")
        self._shards[split] = number + 1
        self._count(split, [row["origin"] for row in rows])

    def _count(self, split: str, origins: Iterable[str]) -> None:
        counts = self._counts.setdefault(split, {})
        for origin in origins:
            counts[origin] = counts.get(origin, 0) + 1

    def _save_about(self, finished: bool) -> None:
        with atomic(self.path / "about.json", "w") as file:
            json.dump({**self.about, "counts": self._counts, "finished": finished}, file, indent=2, ensure_ascii=False)

    def close(self) -> None:
        """Write the lines still in memory, mark the folder as finished and release it."""
        for split in list(self._rows):
            self._flush(split)
        self._save_about(finished=True)
        self.release()

    def release(self) -> None:
        """Release the folder to other writers; lines in memory are lost unless `close` was called."""
        self._lock.release()

    def __enter__(self) -> "LinesWriter":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.release()


def _fitting(id: str, extra: Mapping[str, Any], columns: Mapping[str, pa.DataType]) -> dict[str, Any]:
    """The extra columns of a line converted to those of the folder, None for missing ones. Raises LinesError."""
    for key, value in extra.items():
        if key not in columns and value is not None:
            raise LinesError(
                f"the line {id!r} has the column {key!r}, which no line of the first file has; "
                "give the first line that column too, empty if it is unknown"
            )
    fitting = {}
    for key, kind in columns.items():
        try:
            fitting[key] = extra_value(extra.get(key), kind)
        except ValueError as error:
            raise LinesError(f"the line {id!r} does not match the column {key!r}: {error}; give it one type") from None
    return fitting


def _ours(file: Path) -> bool:
    """Whether a file was left by a writer that was killed."""
    return file.name == NAME or _part(file)


def _part(file: Path) -> bool:
    """Whether a file is an incomplete one of `atomic`, left by a writer that was killed."""
    named = file.name.removeprefix(".").startswith((*(f"{split}-" for split in SPLITS), "about.json."))
    return named and file.name.startswith(".") and file.name.endswith(".part")


def suffix_of(image: bytes) -> str:
    """The extension for an encoded picture, without its dot, by its first bytes: png, webp, else jpg."""
    if image[:4] == b"\x89PNG":
        return "png"
    return "webp" if image[8:12] == b"WEBP" else "jpg"
