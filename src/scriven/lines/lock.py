"""A lock on a folder for one writer at a time; the operating system releases it when the process ends."""

import os
import sys
import weakref
from pathlib import Path

from scriven.base import OutputError

NAME = ".writing.lock"


class FolderLock:
    """The lock of a folder, held until `release`, garbage collection or the end of the process.

    Raises OutputError if another writer, in this or another process, holds it.
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
        """Delete the lock file and release the lock; a second call does nothing."""
        if self._close.alive:
            if sys.platform == "win32":  # which cannot delete an open file
                self._close()
                self.file.unlink(missing_ok=True)
            else:
                self.file.unlink(missing_ok=True)
                self._close()

    def _taken(self) -> int | None:
        """The descriptor of the locked file; None if it is locked already."""
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
            os.close(descriptor)  # its previous holder has deleted it in the meantime


def _lock(descriptor: int) -> bool:
    """Lock an open file without waiting; False if it is locked. True on file systems that do not support locks."""
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
