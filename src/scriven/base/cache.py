"""What can be made anew and takes a while: kept on disk for the user, forgotten without a word where it cannot be."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from scriven.base import OutputError, atomic


def cache_folder(kind: str) -> Path | None:
    """Where files of a kind are kept: $SCRIVEN_CACHE, else the platform's per-user cache; None without a home."""
    if chosen := os.environ.get("SCRIVEN_CACHE"):
        return Path(chosen) / kind
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home, as in some containers
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "scriven" / kind


def remembered(kind: str, name: str) -> bytes | None:
    """A file of the cache, None where it is not there or cannot be read."""
    folder = cache_folder(kind)
    try:
        return (folder / name).read_bytes() if folder else None
    except OSError:
        return None


def remember(kind: str, name: str, data: bytes) -> None:
    """Keep a file in the cache. With a read-only home or a full disk it is not kept, and made again next time."""
    if folder := cache_folder(kind):
        with suppress(OutputError), atomic(folder / name) as file:
            file.write(data)
