"""One writer at a time: a lock on a folder, which the operating system releases when its process ends."""

import os
import sys
import weakref
from pathlib import Path

from scriven.base import OutputError

NAME = ".writing.lock"


class FolderLock:
    """Holds the lock of a folder until `release`, or until it is collected or its process ends.

    Raises OutputError where another writer, in this process or another one, holds it.
    """

    def __init__(self, folder: Path):
        self.file = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = self._taken()
        except OSError as error:
            raise OutputError(f"cannot write {folder}: {error.strerror or error}; choose another -o") from error
        if descriptor is None:
            raise OutputError(f"another process is writing {folder}; wait for it, or choose another -o")
        self._close = weakref.finalize(self, os.close, descriptor)

    def release(self) -> None:
        """Delete the lock file and let others write. Does nothing the second time."""
        if self._close.alive:
            if sys.platform == "win32":  # where an open file cannot be deleted
                self._close()
                self.file.unlink(missing_ok=True)
            else:
                self.file.unlink(missing_ok=True)
                self._close()

    def _taken(self) -> int | None:
        """The descriptor of the locked file; None where it is locked already."""
        while True:
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                if not _lock(descriptor):
                    os.close(descriptor)
                    return None
                if _same_file(descriptor, self.file):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its last holder deleted it meanwhile


def _lock(descriptor: int) -> bool:
    """Lock an open file without waiting; whether that worked. Without locks in the file system every lock works."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _same_file(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    except FileNotFoundError:
        return False
