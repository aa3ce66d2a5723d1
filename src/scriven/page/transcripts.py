"""Readings as text, JSON, TSV or CSV, written one after another as they come."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from scriven.base import SettingsError, Skipped
from scriven.lines import Reading
from scriven.lines.delimited import write_row
from scriven.page.inputs import Item
from scriven.text import normalise

COLUMNS = ("id", "image", "text", "confidence")
DELIMITERS = {"csv": ",", "tsv": "\t"}
SUFFIXES = {"text": ".txt", "json": ".json", "tsv": ".tsv", "csv": ".csv"}


FOREIGN = {".doc", ".docx", ".odt", ".rtf", ".md", ".pdf", ".xml", ".xls", ".xlsx", ".ods", ".html"}  # not written


def format_of(
    out: Path | None, format: str | None, suffixes: Mapping[str, str], default: str, file: bool = False
) -> tuple[str, bool]:
    """The format, of the ending of `out` where none is given, else `default`; and whether `out` is a file of it.

    Raises SettingsError for a format that is not among `suffixes`, and for the ending of another kind of file; with
    `file`, for every other ending.
    """
    ending = out.suffix.lower() if out is not None else ""
    chosen = format or next((name for name, suffix in suffixes.items() if suffix == ending), default)
    if chosen not in suffixes:
        raise SettingsError(f"cannot write the format {chosen!r}; use one of {', '.join(suffixes)}")
    fits = ending == suffixes[chosen]
    if out is not None and not fits and (file or ending in FOREIGN or ending in suffixes.values()):
        raise SettingsError(f"{out} does not end as the format {chosen} does; name it {out.stem}{suffixes[chosen]}")
    return chosen, fits


class Transcript:
    """Writes readings to an open text file. `folder`: where the file lies; paths of pictures are written from there."""

    def __init__(self, file: IO[str], format: str, folder: Path | None = None):
        """Raises SettingsError for a format that is not in SUFFIXES."""
        if format not in SUFFIXES:
            raise SettingsError(f"cannot write the format {format!r}; use one of {', '.join(SUFFIXES)}")
        self.file, self.format, self.folder = file, format, folder
        self.count = 0
        if format == "json":
            file.write('{"readings": [')
        elif format in ("csv", "tsv"):
            file.write(write_row(COLUMNS, DELIMITERS[format]))

    def add(self, item: Item, reading: Reading) -> None:
        """Write one reading, as the format has it."""
        image = where(item, self.folder)
        if self.format == "text":
            self.file.write(reading.text + "\n")
        elif self.format == "json":
            self.file.write(",\n" if self.count else "\n")
            json.dump(as_json(reading, image), self.file, ensure_ascii=False)
        else:
            cells = (reading.id, image, normalise(reading.text), f"{reading.confidence:.3g}")
            self.file.write(write_row(cells, DELIMITERS[self.format]))
        self.count += 1

    def close(self, skipped: Iterable[Skipped] = ()) -> None:
        """Write what stands at the end; the file itself stays open."""
        if self.format == "json":
            left_out = json.dumps([{"id": r.id, "reason": r.reason} for r in skipped], ensure_ascii=False)
            self.file.write(f'\n], "refused": {left_out}}}\n')
        self.file.flush()


def where(item: Item, folder: Path | None = None) -> str:
    """The picture of an item as a path, `FOLDER#id` for a line of a lines folder; seen from `folder` if given."""
    path = item.path if folder is None or str(item.path) == "-" else Path(os.path.relpath(item.path, folder))
    return f"{path.as_posix()}#{item.part}" if item.part else path.as_posix()


def as_json(reading: Reading, image: str) -> dict[str, Any]:
    """A reading as JSON takes it: spans in px of the picture that was given, from its left edge."""
    return {
        "id": reading.id,
        "image": image,
        "text": reading.text,
        "confidence": float(f"{reading.confidence:.6g}"),  # of a long line it can be very small
        "characters": [
            {
                "text": c.text,
                "confidence": round(c.confidence, 4),
                "span": [round(c.start, 1), round(c.end, 1)],
                "alternatives": [[text, round(p, 4)] for text, p in c.alternatives],
            }
            for c in reading.characters
        ],
    }
