"""Plain text: one line of the file for every line of a page."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO

from scriven.base import Skipped
from scriven.page.records import Page


def write(pages: Iterable[Page | Skipped], file: IO[str], folder: Path | None = None) -> None:
    """Write pages as they come. Neither names of pictures nor what was skipped have a place in plain text."""
    for page in pages:
        if isinstance(page, Page):
            file.writelines(f"{line.text}\n" for line in page.lines)
