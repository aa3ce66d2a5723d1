"""One HTML page that holds everything it shows: text, tables, curves, pictures with what was read in them.

    page("Adapting to letters/", [section("Result", headline([...]), curve({...}, x="round", y="CER"))])

No scripts, no outside files (a content policy in the page forbids both); light and dark; prints well.
"""

from scriven.report.chart import curve
from scriven.report.document import Html, page, save, section
from scriven.report.pieces import Picture, confusions, headline, pictures, table, text

__all__ = [
    "Html",
    "Picture",
    "confusions",
    "curve",
    "headline",
    "page",
    "pictures",
    "save",
    "section",
    "table",
    "text",
]
