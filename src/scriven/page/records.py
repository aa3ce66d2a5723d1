"""The result of `read`: pages of regions of lines, each line with its reading.

A picture of one line is a page with one line. Polygons and baselines are in px of the picture of the page, empty if
unknown.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scriven.lines import Reading

Points = tuple[tuple[float, float], ...]  # (x, y), px


def picture_name(source: Path, part: str = "", folder: Path | None = None) -> str:
    """The name of a picture in results: its path, or `PATH#PART` for a page of a file or a line of a lines folder.

    With `folder`, the path is relative to it, so that a file in that folder can refer to the picture.
    """
    path = source
    if folder is not None and str(source) != "-":
        try:
            path = Path(os.path.relpath(source, folder))
        except ValueError:  # another drive
            path = source.resolve()
    return f"{path.as_posix()}#{part}" if part else path.as_posix()


@dataclass(frozen=True)
class PageLine:
    """A line of a page. `source` and `part` locate its picture: a file and a page, or a lines folder and an id."""

    id: str
    source: Path
    part: str = ""
    reading: Reading | None = None
    polygon: Points = ()
    baseline: Points = ()

    @property
    def text(self) -> str:
        """The text of the reading; empty if the line was not read."""
        return self.reading.text if self.reading else ""

    def picture(self, folder: Path | None = None) -> str:
        """The name of its picture in results; see `picture_name`."""
        return picture_name(self.source, self.part, folder)


@dataclass(frozen=True)
class Region:
    """Lines that belong together, in reading order: a paragraph, a column, a marginal note."""

    lines: tuple[PageLine, ...] = ()
    id: str = ""
    polygon: Points = ()


@dataclass(frozen=True)
class Page:
    """One picture of a page and its regions in reading order."""

    id: str
    source: Path
    part: str = ""
    regions: tuple[Region, ...] = ()

    @property
    def lines(self) -> tuple[PageLine, ...]:
        """All lines in reading order."""
        return tuple(line for region in self.regions for line in region.lines)

    @property
    def text(self) -> str:
        """The text of all lines, separated by line breaks."""
        return "\n".join(line.text for line in self.lines)


def page_of_line(id: str, source: Path, part: str, reading: Reading | None) -> Page:
    """The page of a picture that shows one line."""
    return Page(id, source, part, (Region((PageLine(id, source, part, reading),)),))


def lines_of(pages: Sequence[Page]) -> list[PageLine]:
    """The lines of several pages, in order."""
    return [line for page in pages for line in page.lines]
