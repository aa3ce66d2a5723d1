"""Pages: pictures found for reading (`inputs`), what was read on them (`records`), and the formats they are written in.

A format is one file of this room and one row of `formats.FORMATS`.
"""

from scriven.page.records import Page, PageLine, Region, lines_of, page_of_line, picture_name

__all__ = ["Page", "PageLine", "Region", "lines_of", "page_of_line", "picture_name"]
