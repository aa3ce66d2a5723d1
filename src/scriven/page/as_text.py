"""Plain text: one line of text per line of a page."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO

from scriven.base import Skipped
from scriven.page.records import Page


def write(pages: Iterable[Page | Skipped], file: IO[str], folder: Path | None = None) -> None:
    """Write pages one by one. Plain text has neither the names of pictures nor skipped inputs."""
    for page in pages:
        if isinstance(page, Page):
            file.writelines(f"{line.text}\n" for line in page.lines)
