"""One HTML page that holds everything it shows: text, tables, curves, pictures with what was read in them.

    page("Adapting to letters/", [section("Result", headline([...]), curve({...}, x="round", y="CER"))])

No scripts, no outside files (a content policy in the page forbids both); light and dark; prints well.
"""

from scriven.report.chart import bars, curve
from scriven.report.document import Html, page, save, section
from scriven.report.pieces import Picture, confusions, facts, headline, legend, pictures, prose, table, text
from scriven.report.rounds import rounds, rounds_kept

__all__ = [
    "Html",
    "Picture",
    "bars",
    "confusions",
    "curve",
    "facts",
    "headline",
    "legend",
    "page",
    "pictures",
    "prose",
    "rounds",
    "rounds_kept",
    "save",
    "section",
    "table",
    "text",
]
