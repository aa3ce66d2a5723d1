"""The formats that pages are written in. A new one is a file beside this one and a row of FORMATS."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scriven.base import SettingsError, Skipped
from scriven.page import as_csv, as_json, as_text
from scriven.page.records import Page

Write = Callable[[Iterable[Page | Skipped], IO[str], Path | None], None]


@dataclass(frozen=True)
class Format:
    """How pages become a file.

    `write(pages, file, folder)` takes pages one after another, and among them what was skipped, and writes them to an
    open text file as they come. `folder` is where that file lies: pictures are named relative to it (None: as given).
    """

    suffix: str
    write: Write


FORMATS: dict[str, Format] = {
    "text": Format(".txt", as_text.write),
    "json": Format(".json", as_json.write),
    "tsv": Format(".tsv", as_csv.write_tabs),
    "csv": Format(".csv", as_csv.write),
}

SPREADSHEET_SUFFIXES = {".xls", ".xlsx", ".ods", ".numbers"}  # for these a spreadsheet takes CSV
DOCUMENT_SUFFIXES = {".doc", ".docx", ".odt", ".rtf", ".md", ".pdf", ".xml", ".html"}


def choose_format(
    out: Path | None, format: str | None, suffixes: Mapping[str, str], default: str, file: bool = False
) -> tuple[str, bool]:
    """The format by its name, else by the extension of `out`, else `default`; and whether `out` is one file of it.

    Raises SettingsError for a format that is not among `suffixes`, and for the extension of another kind of file; with
    `file`, for every other extension.
    """
    ending = out.suffix.lower() if out is not None else ""
    chosen = format or next((name for name, suffix in suffixes.items() if suffix == ending), None)
    if chosen is None and ending in SPREADSHEET_SUFFIXES and "csv" in suffixes:
        raise SettingsError(f"cannot write {ending} files; a spreadsheet opens CSV: name it {_named(out, '.csv')}")
    chosen = chosen or default
    if chosen not in suffixes:
        raise SettingsError(f"cannot write the format {chosen!r}; use one of {', '.join(suffixes)}")
    fits = ending == suffixes[chosen]
    if (
        out is not None
        and not fits
        and (file or ending in SPREADSHEET_SUFFIXES | DOCUMENT_SUFFIXES or ending in suffixes.values())
    ):
        raise SettingsError(
            f"the extension of {out} does not match the format {chosen!r}; name it {_named(out, suffixes[chosen])}"
        )
    return chosen, fits


def _named(out: Path | None, suffix: str) -> str:
    return f"{out.stem if out else ''}{suffix}"
