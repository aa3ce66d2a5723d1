"""One marking.csv as StackMix reads it (sample_id,path,stage,text), the pictures beside it."""

import csv as tables
from pathlib import Path

from scriven.base import Skipped
from scriven.exporters.common import Lines, Pictures

COLUMNS = ("sample_id", "path", "stage", "text", "hand", "page", "origin", "confidence")


def csv(lines: Lines, out: Path) -> list[Skipped]:
    """Pictures in folders by split, beside `marking.csv` with a row each."""
    pictures = Pictures(out)
    with open(out / "marking.csv", "w", newline="", encoding="utf-8") as file:
        table = tables.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for split, line in lines:
            path = pictures.save(split, line).as_posix()
            table.writerow((line.id, path, split, line.text, line.hand, line.page, line.origin, line.confidence))
    return []
