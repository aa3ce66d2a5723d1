"""Pages: finding the pictures to read (`inputs`), pages with their readings (`records`), and output formats.

An output format is one file of this room and one row of `formats.FORMATS`.
"""

from scriven.page.records import Page, PageLine, Region, lines_of, page_of_line, picture_name

__all__ = ["Page", "PageLine", "Region", "lines_of", "page_of_line", "picture_name"]
