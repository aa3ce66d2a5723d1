"""The Saint Gall database of IAM-HistDB (saintgalldb-v1.0): 60 pages of Codex Sangallensis 562, Latin, 9th century."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import LinesError
from scriven.importers.common import ImportItem, folder
from scriven.importers.partition import lists_in, read_lists
from scriven.importers.published import as_published
from scriven.importers.tokens import joined, single, transcribed
from scriven.lines.datasets import DATA_SETS

TOKENS = {"pt": ".", "et": "&"}  # beside letters
TABLE = Path("ground_truth", "transcription.txt")
PICTURES = Path("data", "line_images_normalized")


def saintgall(source: Path) -> Iterator[ImportItem]:
    """Lines (`data/line_images_normalized`) in the partition of pages `sets/` (20, 10 and 30 pages).

    The texts are the spellings of the manuscript; a text with an unknown token is skipped. Raises LinesError if a file
    or folder is missing.
    """
    yield from as_published(_lines(source), "saintgall", sizes=DATA_SETS["saintgall"].sizes)


def _lines(source: Path) -> Iterator[ImportItem]:
    wanted = ((TABLE, "transcriptions"), (PICTURES, "pictures of lines"), (Path("sets"), "lists of the partition"))
    for path, what in wanted:
        if not (folder(source, "saintgalldb-v1.0") / path).exists():
            raise LinesError(f"{source} should have the {what} in {path.as_posix()}; check the path")
    listed = read_lists(lists_in(source / "sets"))
    if not listed:
        raise LinesError(f"{source / 'sets'} should have train.txt, valid.txt and test.txt; get the data set again")
    yield from transcribed(source / TABLE, source / PICTURES, listed, decoded, parts=2)


def decoded(spelling: str) -> str:
    """The text of a spelling: letters separated by hyphens, in words separated by `|`. Raises ValueError.

    >>> decoded("i-n|p-r-i-n-c-i-p-i-o-pt")
    'in principio.'
    """
    return joined(spelling, lambda token: TOKENS.get(token) or single(token))
