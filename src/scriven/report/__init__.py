"""Self-contained HTML pages: text, tables, curves, pictures with their readings.

    page("Adapting to letters/", [section("Result", headline([...]), curve({...}, x="round", y="CER"))])

No scripts and no external files (a content security policy in the page forbids both); light and dark colours; print
style.
"""

from scriven.report.chart import bars, curve
from scriven.report.document import Html, is_page, page, save, section
from scriven.report.pieces import Figure, confusions, facts, headline, legend, pictures, prose, table, text
from scriven.report.rounds import rounds, rounds_kept

__all__ = [
    "Figure",
    "Html",
    "bars",
    "confusions",
    "curve",
    "facts",
    "headline",
    "is_page",
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
