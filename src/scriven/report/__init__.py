"""Self-contained HTML pages: text, tables, curves, pictures with their readings.

    page("Adapting to letters/", [section("Result", headline([...]), curve({...}, x="round", y="CER"))])

No scripts and no external files (a content security policy in the page forbids both); light and dark colours; print
style.
"""

from scriven.report.alignment import AlignedLine, alignments
from scriven.report.chart import bars, curve
from scriven.report.document import Html, is_page, page, save, section
from scriven.report.histogram import histogram
from scriven.report.pieces import Figure, confusions, facts, headline, legend, pictures, prose, table, text
from scriven.report.rounds import rounds, rounds_kept
from scriven.report.values import as_text, short_path, value_of

__all__ = [
    "AlignedLine",
    "Figure",
    "Html",
    "alignments",
    "as_text",
    "bars",
    "confusions",
    "curve",
    "facts",
    "headline",
    "histogram",
    "is_page",
    "legend",
    "page",
    "pictures",
    "prose",
    "rounds",
    "rounds_kept",
    "save",
    "section",
    "short_path",
    "table",
    "text",
    "value_of",
]
