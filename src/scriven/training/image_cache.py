"""Decoded pictures of one height on disk, shared by all data-loading processes."""

import multiprocessing
import os
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from scriven.base import OutputError


class ImageCache:
    """Grey pictures (height, W) in a temporary file, read by position, so that they take no memory.

    Where processes are forked the file has no name, so that a killed run leaves nothing behind. Where they are spawned,
    or the platform has no `os.pread`, it has a name: every process opens it, and the one that created it deletes it.
    """

    def __init__(self, height: int):
        self.height = height
        self._offsets = [0]
        self._file: IO[bytes]
        self._path: Path | None = None
        if hasattr(os, "pread") and multiprocessing.get_start_method() == "fork":
            self._file = tempfile.TemporaryFile(prefix="scriven-images-", buffering=0)
            weakref.finalize(self, self._file.close)
        else:
            number, path = tempfile.mkstemp(prefix="scriven-images-")
            self._path, self._file = Path(path), os.fdopen(number, "r+b", buffering=0)
            weakref.finalize(self, _remove, self._file, self._path, os.getpid())
        self._own()

    def _own(self) -> None:
        self._process, self._lock = os.getpid(), threading.Lock()

    def add(self, picture: np.ndarray) -> None:
        """Append a picture. Raises OutputError when the disk is full."""
        data = memoryview(np.ascontiguousarray(picture).tobytes())
        try:
            self._file.seek(self._offsets[-1])
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise OutputError(
                f"cannot keep the decoded pictures in {tempfile.gettempdir()}: {error.strerror}; free some space "
                "there, or set TMPDIR to another folder"
            ) from error
        self._offsets.append(self._offsets[-1] + picture.size)

    @property
    def nbytes(self) -> int:
        """Bytes on disk so far."""
        return self._offsets[-1]

    def get(self, index: int) -> np.ndarray:
        """Picture number `index`, (height, W) uint8."""
        start, end = self._offsets[index], self._offsets[index + 1]
        return np.frombuffer(self._read(start, end - start), np.uint8).reshape(self.height, -1)

    def _read(self, start: int, count: int) -> bytes:
        if self._path is None:
            return os.pread(self._file.fileno(), count, start)
        if self._process != os.getpid():  # a forked process must not share the file position
            self._file = open(self._path, "rb", buffering=0)
            self._own()
        with self._lock:
            self._file.seek(start)
            found = b""
            while len(found) < count and (more := self._file.read(count - len(found))):
                found += more
            return found

    def __getstate__(self) -> dict[str, Any]:
        if self._path is None:
            raise TypeError("decoded pictures without a file name can be shared with forked processes only")
        return {"height": self.height, "_offsets": self._offsets, "_path": self._path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        assert self._path is not None
        self._file = open(self._path, "rb", buffering=0)
        weakref.finalize(self, self._file.close)
        self._own()


def _remove(file: IO[bytes], path: Path, process: int) -> None:
    file.close()
    if os.getpid() == process:  # not in a forked process, which may end earlier
        with suppress(OSError):
            path.unlink()
