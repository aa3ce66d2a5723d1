"""The user's cache folder, for files that can be recreated; if it is not writable, nothing is cached."""

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from scriven.base.errors import OutputError
from scriven.base.files import atomic


def cache_folder(kind: str) -> Path | None:
    """The folder of cached files of one kind: in $SCRIVEN_CACHE if set, else in the platform's user cache folder.

    None if the user has no home folder, as in some containers.
    """
    if chosen := os.environ.get("SCRIVEN_CACHE"):
        return Path(chosen) / kind
    try:
        folder = platformdirs.user_cache_path("scriven", appauthor=False)
    except RuntimeError:
        return None
    return folder / kind if folder.is_absolute() else None


def read_cached(kind: str, name: str) -> bytes | None:
    """The content of a cached file, None if there is none or it cannot be read."""
    folder = cache_folder(kind)
    try:
        return (folder / name).read_bytes() if folder else None
    except OSError:
        return None


def write_cached(kind: str, name: str, data: bytes) -> None:
    """Write a file into the cache, atomically. Does nothing if the home is read-only or the disk full."""
    if folder := cache_folder(kind):
        with suppress(OutputError), atomic(folder / name) as file:
            file.write(data)
