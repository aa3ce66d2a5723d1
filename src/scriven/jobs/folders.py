"""Output folders of jobs: checking that the path is free, and cleaning up after a failed job."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scriven.base import OutputError
from scriven.lines import LinesWriter, StreamSizes
from scriven.lines.sizes import STREAM_SIZES


@contextmanager
def filling(out: str | Path, about: Mapping[str, Any], sizes: StreamSizes = STREAM_SIZES) -> Iterator[LinesWriter]:
    """A LinesWriter; if the job fails before a line is on disk, the folder is removed.

    Raises OutputError as LinesWriter does.
    """
    folder = Path(out)
    was_there = folder.exists()
    writer = None
    try:
        writer = LinesWriter(out, about, sizes)
        yield writer
        writer.close()
    except BaseException:
        if writer:
            writer.release()
        if writer and not any(folder.rglob("*.parquet")):
            (folder / "about.json").unlink(missing_ok=True)
        if not was_there and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise


def free(out: Path, *own: str) -> None:
    """Check that a model can be written to `out`: it does not exist, is empty, or was begun by this command.

    `own`: the files that this command writes first; one of them must exist. Partial files of a killed run are deleted.
    Raises OutputError.
    """
    if (out / "model.json").exists():
        raise OutputError(f"{out} is a finished model folder; choose another -o")
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file, but a model is a folder; choose another -o")
    for part in [*out.glob(".*.part"), *out.glob("state/.*.part")]:
        part.unlink(missing_ok=True)
    if not any((out / name).is_file() for name in own) and any(not p.is_dir() for p in out.rglob("*")):
        raise OutputError(f"{out} exists and is not a model begun by this command; choose another -o")
