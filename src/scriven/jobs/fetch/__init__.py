"""fetch: published data sets, downloaded, checked and unpacked."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scriven.base import InputError, OutputError, SettingsError, atomic, counted
from scriven.base.settings import validated
from scriven.jobs.fetch.download import checksum, download, files_of_record
from scriven.jobs.fetch.sources import SOURCES, RemoteDataSet, RemoteFile, read_table
from scriven.jobs.fetch.unpack import is_archive, unpack
from scriven.lines.lock import FolderLock

log = logging.getLogger("scriven")

FINISHED = "fetched.json"  # of a finished folder: page, licence, address, size and sha256 of every file


@validated
@dataclass(frozen=True)
class FetchSettings:
    """How a data set is fetched."""

    unchecked: bool = False  # also files of which no checksum is published
    keep: bool = False  # keep the archives beside what was unpacked of them


@dataclass(frozen=True)
class Fetched:
    """A fetched data set: its folder, licence and page, its files with their sha256, and the files unpacked of them."""

    out: Path
    licence: str
    page: str
    files: tuple[dict[str, Any], ...]
    unpacked: int
    format: str


def fetch(
    name: str,
    out: str | Path | None = None,
    settings: FetchSettings | None = None,
    *,
    table: str | Path | Mapping[str, RemoteDataSet] = "",
) -> Fetched:
    """Download the data set `name` of SOURCES, check and unpack it into the folder `out` (default: its name).

    An interrupted download continues. `table`: a JSON file with sources of your own (`read_table`). Raises InputError
    for a data set that is not openly downloadable, has no published checksum (unless `settings.unchecked`), or another
    one than published; OutputError for a finished folder; SettingsError for an unknown name.

    >>> import scriven
    >>> done = scriven.fetch("letters", "fetched", table="mirror.json")
    >>> done.unpacked, done.licence
    (2, 'CC0')
    """
    settings = settings or FetchSettings()
    sources = table if isinstance(table, Mapping) else read_table(table) if table else SOURCES
    if name not in sources:
        raise SettingsError(f"there is no data set {name!r}; there are: {', '.join(sources)}")
    source, folder = sources[name], Path(out if out is not None else name)
    if source.closed:
        raise InputError(f"{name} cannot be fetched: {source.closed} ({source.page})")
    if (folder / FINISHED).exists():
        raise OutputError(f"{folder} is a finished data set; choose another -o")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, but a data set is a folder; choose another -o")
    if not settings.unchecked:
        _all_checked(name, source, source.files)
    lock = FolderLock(folder)
    try:
        files, licence = files_of_record(source) if source.record else (source.files, source.licence)
        if not settings.unchecked:
            _all_checked(name, source, files)
        return _fetched(name, source, files, licence, folder, settings)
    finally:
        lock.release()


def _all_checked(name: str, source: RemoteDataSet, files: tuple[RemoteFile, ...]) -> None:
    """Raises SettingsError if no checksum of a file is known."""
    if without := [file.name for file in files if not file.checked]:
        raise SettingsError(
            f"no checksum of {', '.join(without)} is published, so a wrong file would not be noticed; fetch it with "
            f"--set unchecked=yes, and compare it with {source.page}"
        )


def _fetched(
    name: str, source: RemoteDataSet, files: tuple[RemoteFile, ...], licence: str, folder: Path, settings: FetchSettings
) -> Fetched:
    """Download and unpack all files, then write FINISHED."""
    about, unpacked = list[dict[str, Any]](), 0
    for file in files:
        path = download(file, folder)
        row = {**asdict(file), "size": path.stat().st_size, "sha256": checksum(path, "sha256")}
        about.append({**row, "checked": file.checked or "not checked"})
        if not file.checked:
            log.warning("%s is not checked; its sha256 is %s", file.name, row["sha256"])
    for file in files:
        if is_archive(Path(file.name)):
            unpacked += unpack(folder / file.name, folder)
    with atomic(folder / FINISHED, "w") as stream:
        data = {"name": name, "page": source.page, "licence": licence, "format": source.format, "files": about}
        json.dump(data, stream, ensure_ascii=False, indent=2)
    for file in files:
        if is_archive(Path(file.name)) and not settings.keep:
            (folder / file.name).unlink()
    log.info("%s of %s in %s", counted(unpacked or len(files), "file"), name, folder)
    return Fetched(folder, licence, source.page, tuple(about), unpacked, source.format)


def list_(table: str | Path = "") -> list[dict[str, str]]:
    """The data sets of SOURCES, or of a table of your own: name, licence, how files are checked, page, why closed."""
    shown = ("licence", "checked", "page", "closed", "format")
    rows = (read_table(table) if table else SOURCES).items()
    return [{"name": name, **{key: getattr(source, key) for key in shown}} for name, source in rows]
