"""Output folder of `read`: one file per input; an interrupted run is resumed."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from scriven.base import InputError, OutputError, Skipped, atomic, listed
from scriven.page import Page
from scriven.page.formats import Format
from scriven.page.inputs import Input

ABOUT_FILE = Path("about.json")  # settings of the call, and its progress

Entry = Input | Page | Skipped


def check(read: int, skipped: Sequence[Skipped]) -> None:
    """Raise InputError if inputs were skipped and nothing was read."""
    if not read and skipped:
        raise InputError(f"nothing could be read:{listed(skipped)}")


def unread(
    out: Path, about: dict[str, Any], found: Sequence[Input], format: Format, defaults: Mapping[str, Any] | None = None
) -> list[Input]:
    """The inputs without a complete output file in `out`, a folder that is new or was begun by the same call.

    `defaults`: of settings that the version which began the folder may not have had. Raises OutputError for a finished
    folder, and for one begun by another call.
    """
    file, lacking = out / ABOUT_FILE, list[str]()
    if file.is_file():
        try:
            old = json.loads(file.read_text("utf-8"))
        except ValueError:
            old = {}
        if old.pop("finished", True):
            raise OutputError(f"{out} is finished; choose another -o")
        lacking = old.pop("lacking", [])
        old["settings"] = {**(defaults or {}), **old.get("settings", {})}
        if old != about:
            raise OutputError(f"{out} was begun with other settings; choose another -o or delete it")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists and was not begun by this command; choose another -o")
    return [one for one in found if one.name in lacking or not _file(out, one, format).is_file()]


def begin(out: Path, about: dict[str, Any]) -> None:
    """Write about.json into a new folder."""
    if not (out / ABOUT_FILE).is_file():
        _save(out, {**about, "lacking": [], "finished": False})


def write_each(entries: Iterable[Entry], out: Path, format: Format) -> None:
    """Write one file for each input with at least one page, atomically when the input has been read."""
    for source, some in _by_input(entries):
        first = _until_page(some)
        if not first or not isinstance(first[-1], Page):
            continue
        file = _file(out, source, format)
        with atomic(file, "w") as stream:
            pages = _Pages(chain(first, some))
            format.write(pages, stream, file.parent)
            if pages.skipped:
                note(out, source.name, lacking=True)  # before the file appears, in case the process is killed
        if not pages.skipped:
            note(out, source.name)


def any_written(out: Path, format: Format) -> bool:
    """Whether the folder has an output file."""
    return any(file != out / ABOUT_FILE for file in out.rglob(f"*{format.suffix}"))


def note(out: Path, name: str = "", lacking: bool = False, finished: bool = False) -> None:
    """Record in about.json whether the file of an input is incomplete, and whether the run is finished."""
    about = json.loads((out / ABOUT_FILE).read_text("utf-8"))
    before = set(about.get("lacking", ()))
    names = before | {name} if lacking else before - {name}
    changed = {**about, "lacking": sorted(names), "finished": finished}
    if changed != about:
        _save(out, changed)


def _file(out: Path, source: Input, format: Format) -> Path:
    return out / f"{source.name}{format.suffix}"


def _by_input(entries: Iterable[Entry]) -> Iterator[tuple[Input, Iterator[Page | Skipped]]]:
    """Entries grouped by input; each input precedes its entries."""
    current: list[Input] = []

    def key(entry: Entry) -> str:
        if isinstance(entry, Input):
            current[:] = [entry]
        return current[0].name

    for _, group in groupby(entries, key):
        yield current[0], (entry for entry in group if not isinstance(entry, Input))


def _until_page(entries: Iterator[Page | Skipped]) -> list[Page | Skipped]:
    """The entries up to and including the first page, or all of them."""
    taken: list[Page | Skipped] = []
    for entry in entries:
        taken.append(entry)
        if isinstance(entry, Page):
            break
    return taken


class _Pages:
    """The pages of an input and what was skipped of it, in order; `skipped` is filled while they are read."""

    def __init__(self, entries: Iterable[Page | Skipped]):
        self.entries, self.skipped = entries, list[Skipped]()

    def __iter__(self) -> Iterator[Page | Skipped]:
        for entry in self.entries:
            if isinstance(entry, Skipped):
                self.skipped.append(entry)
            yield entry


def _save(out: Path, about: dict[str, Any]) -> None:
    with atomic(out / ABOUT_FILE, "w") as stream:
        json.dump(about, stream, indent=2, ensure_ascii=False)
