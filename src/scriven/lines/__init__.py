"""Lines folders: pictures of text lines, with or without text, as Parquet that Hugging Face `datasets` can load.

    letters/about.json   train-00000.parquet ...   valid-*.parquet   test-*.parquet

Only the columns `id` and `image` are required. A tree `<split>/<level>.parquet`, a single Parquet file, and a CSV or
TSV file with the columns `id,image,text,confidence` (`image`: a path, a page `FILE#3` or a line `FOLDER#id`) are also
read as lines folders; see docs/lines-folder.md. pyarrow is imported when the first folder is opened.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scriven.lines.records import Character, Group, Line, Reading
from scriven.lines.sizes import StreamSizes
from scriven.lines.splits import ALIASES, held_out, usage_subset

if TYPE_CHECKING:
    from scriven.lines.folder import LinesFolder
    from scriven.lines.schema import SCHEMA
    from scriven.lines.writer import LinesWriter

__all__ = [
    "ALIASES",
    "SCHEMA",
    "Character",
    "Group",
    "Line",
    "LinesFolder",
    "LinesWriter",
    "Reading",
    "StreamSizes",
    "held_out",
    "usage_subset",
]

_LAZY = {"LinesFolder": "folder", "LinesWriter": "writer", "SCHEMA": "schema"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    return value
