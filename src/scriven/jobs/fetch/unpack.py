"""Unpacking archives (zip, tar and its compressed forms), never outside the folder and never over another file."""

import filecmp
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO

from scriven.base import InputError, OutputError, printable

SUFFIXES = (".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".gz", ".bz2", ".xz")
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, RuntimeError)
KEPT_FREE = 1 << 26  # bytes of the disk that unpacking leaves

Member = tuple[str, int, IO[bytes] | None]  # name, size in bytes, content; None for a folder


def is_archive(file: Path) -> bool:
    """Whether a file is an archive that `unpack` reads, by its name."""
    return file.suffix.lower() in SUFFIXES


def unpack(archive: Path, folder: Path) -> int:
    """Unpack an archive into a folder; returns the number of files. An interrupted run can be repeated.

    Files are first written into a hidden folder, then moved. Raises InputError for a damaged archive, a member whose
    path leaves the folder, that is a link or a device, or that differs from another one only in case on a file system
    that ignores it; OutputError if a file with another content is in the way, or space is missing.
    """
    place = folder / f".{archive.name}.unpacking"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        count = 0
        for name, size, content in _members(archive):
            target = place.joinpath(*_parts(archive, name))
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
            else:
                _write(archive, target, name, size, content)
                count += 1
        _move(place, folder)
    except DAMAGED as error:
        raise InputError(f"{archive} is damaged or not an archive ({error}); delete it and fetch it again") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise InputError(
            f"{archive} has {Path(str(error.filename)).name!r} twice, or beside it a name that differs only in case, "
            "which this file system does not tell apart; unpack it on another one"
        ) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise InputError(f"{archive} is damaged ({error}); delete it and fetch it again") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return count


def _members(archive: Path) -> Iterator[Member]:
    """The files and folders of an archive in order. Raises InputError for links and devices."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _refused(archive, info.filename, "is a link or a device")
                if info.is_dir():
                    yield info.filename, 0, None
                else:
                    with opened.open(info) as content:
                        yield info.filename, info.file_size, content
        return
    with tarfile.open(archive, "r|*") as packed:
        for member in packed:
            if not member.isreg() and not member.isdir():
                raise _refused(archive, member.name, "is a link or a device")
            yield member.name, member.size, packed.extractfile(member) if member.isreg() else None


def _parts(archive: Path, name: str) -> tuple[str, ...]:
    """The folders and the name of a member below the folder. Raises InputError for a path that leaves it."""
    path = PurePosixPath(name.replace("\\", "/"))
    parts = tuple(part for part in path.parts if part != ".")
    if path.is_absolute() or ".." in parts or any(set(part) & set(":\0") for part in parts):
        raise _refused(archive, name, "has a path that leaves the folder")
    return parts


def _refused(archive: Path, name: str, why: str) -> InputError:
    return InputError(f"{archive.name} is not unpacked: its member {printable(name)!r} {why}; it may be malicious")


def _write(archive: Path, target: Path, name: str, size: int, content: IO[bytes]) -> None:
    """Write a member, of at most the size that the archive states, to a path that does not exist yet."""
    free = shutil.disk_usage(archive.parent).free - KEPT_FREE
    if size > free:
        raise OutputError(f"{archive.name} needs {size:,} bytes for {name}, but {free:,} are free; free some space")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "xb") as stream:
        left = size
        while data := content.read(min(1 << 20, left + 1)):
            left -= len(data)
            if left < 0:
                raise _refused(archive, name, "is longer than the archive states")
            stream.write(data)
    if left:
        raise EOFError(f"{name} ends early")


def _move(place: Path, folder: Path) -> None:
    """Move the files of `place` to the same paths below `folder`; one that is there with the same content is kept."""
    for source in sorted(place.rglob("*")):
        target = folder / source.relative_to(place)
        if source.is_dir():
            with suppress(FileExistsError):
                target.mkdir(parents=True)
            if not target.is_dir():
                raise OutputError(f"{target} is a file, but a folder is to be unpacked there; choose another -o")
        elif not os.path.lexists(target):
            os.replace(source, target)
        elif not target.is_file() or not filecmp.cmp(source, target, shallow=False):
            raise OutputError(f"{target} is there already, with other content; choose another -o")
