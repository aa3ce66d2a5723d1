"""CSV and TSV: one row per line with the columns `id image text confidence`, as `scriven.lines` reads them.

Both are quoted by `lines.delimited`, which reads back unchanged whatever it writes.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import IO

from scriven.base import Skipped
from scriven.lines.delimited import write_row
from scriven.page.records import Page
from scriven.text import normalise

COLUMNS = ("id", "image", "text", "confidence")


def write(pages: Iterable[Page | Skipped], file: IO[str], folder: Path | None = None, delimiter: str = ",") -> None:
    """Write pages one by one; skipped inputs are left out."""
    file.write(write_row(COLUMNS, delimiter))
    for page in pages:
        if isinstance(page, Page):
            for line in page.lines:
                confidence = f"{line.reading.confidence:.3g}" if line.reading else None
                file.write(write_row((line.id, line.picture(folder), normalise(line.text), confidence), delimiter))


write_tabs = partial(write, delimiter="\t")
