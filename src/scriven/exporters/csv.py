"""A marking.csv (sample_id,path,stage,text) as StackMix reads it, with the pictures beside it."""

from pathlib import Path

from scriven.base import Skipped
from scriven.exporters.common import Lines, PictureWriter
from scriven.lines.delimited import write_row

COLUMNS = ("sample_id", "path", "stage", "text", "hand", "page", "origin", "confidence")


def csv(lines: Lines, out: Path) -> list[Skipped]:
    """Write pictures into folders by split, and `marking.csv` with one row per picture."""
    pictures = PictureWriter(out)
    with open(out / "marking.csv", "w", newline="", encoding="utf-8") as file:
        file.write(write_row(COLUMNS))
        for split, line, path in pictures.saved(lines):
            about = (line.hand or None, line.page or None, line.origin, line.confidence)
            file.write(write_row((line.id, path.as_posix(), split, line.text, *about)))
    return pictures.skipped
