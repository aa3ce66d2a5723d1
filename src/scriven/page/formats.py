"""The formats in which pages are written. A new one is a file beside this one and a row of FORMATS."""

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
    """An output format: the extension of its files, and a function that writes pages.

    `write(pages, file, folder)` consumes pages and skipped inputs in order and writes them to an open text file one by
    one. `folder` is the folder of that file: paths of pictures are relative to it (None: as given).
    """

    suffix: str
    write: Write


FORMATS: dict[str, Format] = {
    "text": Format(".txt", as_text.write),
    "json": Format(".json", as_json.write),
    "tsv": Format(".tsv", as_csv.write_tabs),
    "csv": Format(".csv", as_csv.write),
}

SPREADSHEET_SUFFIXES = {".xls", ".xlsx", ".ods", ".numbers"}  # not written; spreadsheets open CSV
DOCUMENT_SUFFIXES = {".doc", ".docx", ".odt", ".rtf", ".md", ".pdf", ".xml", ".html"}


def choose_format(
    out: Path | None, format: str | None, suffixes: Mapping[str, str], default: str, file: bool = False
) -> tuple[str, bool]:
    """The format by its name, else by the extension of `out`, else `default`; and whether `out` is a file of it.

    Raises SettingsError for a format that is not among `suffixes`, and if `out` has the extension of another kind of
    file; with `file`, if it has any other extension.
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
