"""Downloading a file: an interrupted download is continued, and a file is in its place only when it was checked."""

import hashlib
import http.client
import json
import logging
import os
import shutil
import time
import urllib.error
import urllib.request
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from scriven.base import InputError, OutputError
from scriven.base.progress import percent
from scriven.jobs.fetch.sources import RemoteDataSet, RemoteFile, check_address

log = logging.getLogger("scriven")

CHUNK = 1 << 20  # bytes
TIMEOUT = 60.0  # seconds without any data
ATTEMPTS = 5  # in a row that bring no data
MOST_OF_RECORD = 1 << 24  # bytes of the description of a record
BROKEN = (OSError, http.client.HTTPException)  # of a connection; URLError is an OSError


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to addresses that `check_address` accepts."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            check_address(newurl)
        except InputError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_address(address: str, headers: dict[str, str] | None = None) -> Any:
    """The open response of an address. Raises InputError for an address that is not https, OSError if it fails."""
    opener = urllib.request.build_opener(_Redirects)
    request = urllib.request.Request(check_address(address), headers={"User-Agent": "scriven", **(headers or {})})
    return opener.open(request, timeout=TIMEOUT)


def files_of_record(source: RemoteDataSet) -> tuple[tuple[RemoteFile, ...], str]:
    """The files of a record of Zenodo whose names match `wanted`, with their size and MD5, and its licence.

    Raises InputError if the record cannot be read or has no such file.
    """
    try:
        with open_address(source.record) as response:
            found = json.loads(response.read(MOST_OF_RECORD))
        files = [_of_record(row, source.record) for row in found["files"]]
        licence = str((found.get("metadata", {}).get("license") or {}).get("id") or source.licence)
    except BROKEN as error:
        raise _unreachable(source.record, error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{source.record} does not describe its files as Zenodo does; see {source.page}") from error
    wanted = [file for file in files if any(fnmatch(file.name, pattern) for pattern in source.wanted)]
    if not wanted:
        have = ", ".join(file.name for file in files) or "none"
        raise InputError(f"{source.page} has no file {' or '.join(source.wanted)}, but {have}; see its page")
    return tuple(wanted), licence


def _of_record(row: dict[str, Any], record: str) -> RemoteFile:
    """A file of a record; its address must be on the server of the record."""
    kind, _, checksum = str(row["checksum"]).partition(":")
    address, name = str(row["links"]["self"]), str(row["key"])
    if kind not in ("md5", "sha256") or urlsplit(address).netloc != urlsplit(record).netloc:
        raise ValueError(address)
    return RemoteFile(address, name, int(row["size"]), **{kind: checksum})


def download(file: RemoteFile, folder: Path, pause: float = 1.0) -> Path:
    """Download a file into a folder, continuing an earlier attempt; returns its path.

    A broken connection is tried again ATTEMPTS times, after `pause` seconds, twice as long each time. Raises InputError
    if the server refuses, the file is larger than it should be, or it has another checksum; OutputError without space.
    """
    target = folder / _plain_name(file.name)
    if target.is_file():  # of an earlier run, or put there by the user
        if _is_other(file, target):
            raise InputError(f"{target} is not the published file; move it away, and it is fetched")
        return target
    part, failures, seen = folder / f".{target.name}.part", 0, -1
    while True:
        try:
            if _continue(file, part):
                break
            error: Exception = OSError("the connection ended early")
        except urllib.error.HTTPError as refused:
            refused.close()
            error = refused
            if refused.code < 500 and refused.code not in (408, 429):
                raise _unreachable(file.address, refused) from refused
        except BROKEN as broken:
            error = broken
        size = _size(part)
        failures, seen = (1 if size > seen else failures + 1), max(size, seen)
        if failures >= ATTEMPTS:
            raise _unreachable(file.address, error) from error
        log.warning("%s: %s; trying again from byte %d", file.name, _reason(error), size)
        time.sleep(pause * 2 ** (failures - 1))
    _check(file, part)
    os.replace(part, target)
    part.with_suffix(".etag").unlink(missing_ok=True)
    return target


def _plain_name(name: str) -> str:
    """A name that is no path. Raises InputError."""
    if not name or name.startswith(".") or set(name) & set('/\\:\0<>|"?*') or not name.isprintable():
        raise InputError(f"{name!r} is no name of a file; correct the table of data sets")
    return name


def _continue(file: RemoteFile, part: Path) -> bool:
    """Download what is missing of a file; whether it is complete. Raises OSError and HTTPException if it breaks off."""
    start, etag = _size(part), part.with_suffix(".etag")
    if file.size is not None and start == file.size:
        return True
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and etag.is_file():
        headers["If-Range"] = etag.read_text("utf-8")  # the server begins anew if the file has changed
    try:
        response = open_address(file.address, headers)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416 or not start:
            raise
        if file.size is None and str(error.headers.get("Content-Range")) == f"bytes */{start}":
            return True
        part.unlink()  # what is there is not the beginning of this file
        return False
    with response:
        if response.status == 206 and not str(response.headers.get("Content-Range")).startswith(f"bytes {start}-"):
            part.unlink()
            return False
        if response.status != 206:
            start = 0
        if (tag := str(response.headers.get("ETag") or "")).startswith('"'):
            etag.write_text(tag, "utf-8")
        else:
            etag.unlink(missing_ok=True)
        length = response.headers.get("Content-Length")
        offered = start + int(length) if length else None
        if file.size is not None and offered not in (None, file.size):
            raise InputError(f"{file.name} has {offered:,} bytes there, but {file.size:,} were published; see its page")
        whole = file.size if file.size is not None else offered
        _check_space(part.parent, (whole or 0) - start)
        with _opened(part, "ab" if start else "wb") as stream:
            done = _copy(response, stream, start, whole, file.name)
    return whole is None or done == whole


def _opened(part: Path, mode: str) -> IO[bytes]:
    try:
        return open(part, mode)
    except OSError as error:
        raise OutputError(f"cannot write {part}: {error.strerror or error}; choose another -o") from error


def _copy(response: Any, stream: IO[bytes], done: int, whole: int | None, name: str) -> int:
    """Append the response to a file that has `done` of `whole` bytes. Raises InputError for more than these."""
    while data := response.read(CHUNK):
        done += len(data)
        if whole is not None and done > whole:
            stream.truncate(0)
            raise InputError(f"{name} has more than the {whole:,} bytes that it should have; try it again later")
        try:
            stream.write(data)
            stream.flush()
        except OSError as error:
            raise OutputError(f"cannot write {name}: {error.strerror or error}; free some space") from error
        if whole:
            percent(f"fetching {name}", done / whole)
    return done


def _check(file: RemoteFile, part: Path) -> None:
    """Compare size and checksum; a wrong file is deleted. Raises InputError."""
    if _is_other(file, part):
        part.unlink()
        part.with_suffix(".etag").unlink(missing_ok=True)
        raise InputError(
            f"{file.name} is not the published file: its {file.checked or 'size'} is another; it was deleted, so fetch "
            "it again, and if that repeats, look at its page"
        )


def _is_other(file: RemoteFile, path: Path) -> bool:
    """Whether a file has another size or checksum than the published one; False where none is known."""
    other = file.size is not None and _size(path) != file.size
    if file.checked and not other:
        other = checksum(path, file.checked) != getattr(file, file.checked).lower()
    return other


def checksum(path: Path, kind: str) -> str:
    """The sha256 or md5 of a file, in hex."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(f"{folder} has {free:,} bytes of free space, but {needed:,} are needed; choose another -o")


def _size(part: Path) -> int:
    with suppress(FileNotFoundError):
        return part.stat().st_size
    return 0


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "reason", error) or type(error).__name__).split())


def _unreachable(address: str, error: Exception) -> InputError:
    code = f"HTTP {error.code}, " if isinstance(error, urllib.error.HTTPError) else ""
    return InputError(
        f"cannot download {address} ({code}{_reason(error)}); check the connection and run the command again, which "
        "continues"
    )
