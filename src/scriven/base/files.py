"""Files on disk: atomic writes, and the encoding of everything that is written as text."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from scriven.base.errors import OutputError

TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace"}  # of all text files and streams


@contextmanager
def atomic(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file for writing that appears under its name only when it is complete (temporary name, fsync, rename).

    Text is written as UTF-8; surrogates (file names in other encodings) are escaped as `\\udcXX`, which JSON restores.
    Raises OutputError when the disk is full or the folder cannot be written; nothing is left behind then. An OSError
    about another file, opened by the caller in the meantime, is raised unchanged.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, mode.replace("w", "x"), **({} if "b" in mode else TEXT)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is not None and str(error.filename) not in map(str, (temporary, path, *path.parents)):
            raise
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another -o"
        ) from error
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def printable(name: str | Path) -> str:
    """A file name as text that can be stored anywhere: bytes that are not UTF-8 are escaped."""
    return str(name).encode(**TEXT).decode("utf-8")
