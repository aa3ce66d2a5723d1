"""The George Washington database of IAM-HistDB (washingtondb-v1.0): lines and words of 20 pages, in four folds.

The pages are by two writers; which one wrote a page is not published, so the hand is unknown.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from scriven.base import LinesError
from scriven.importers.common import ImportItem, folder
from scriven.importers.partition import lists_in, read_lists
from scriven.importers.published import as_published
from scriven.importers.tokens import joined, single, transcribed
from scriven.lines.datasets import DATA_SETS

TOKENS = {  # of the transcriptions, beside letters and s_0 ... s_9
    "s_pt": ".",
    "s_cm": ",",
    "s_mi": "-",
    "s_sq": ";",
    "s_qo": ":",
    "s_qt": "'",
    "s_bl": "(",
    "s_br": ")",
    "s_lb": "£",
    "s_et": "&",
    "s_s": "s",  # the long s
    "s_etc": "etc",
    "s_GW": "G.W.",
}
NUMBER = re.compile(r"s_(\d+(?:st|nd|rd|th)?)")  # s_1, s_2nd
FILES = {"lines": "transcription.txt", "words": "word_labels.txt"}


def washington(source: Path, *, level: Literal["lines", "words"] = "lines", fold: str = "cv1") -> Iterator[ImportItem]:
    """Lines (`data/line_images_normalized`) or words (`data/word_images_normalized`) in the partition `sets/<fold>`.

    Tokens of digits and punctuation become characters; a text with an unknown token is skipped. Words are in the split
    of their line. Raises LinesError if a file or folder is missing.
    """
    sizes = DATA_SETS["washington"].sizes if level == "lines" and fold == "cv1" else None
    yield from as_published(_items(source, level, fold), "washington", sizes=sizes)


def _items(source: Path, level: str, fold: str) -> Iterator[ImportItem]:
    table = folder(source, "washingtondb-v1.0") / "ground_truth" / FILES[level]
    pictures, sets = source / "data" / f"{level[:-1]}_images_normalized", source / "sets" / fold
    for path, what in ((table, "transcriptions"), (pictures, f"pictures of {level}"), (sets, "lists of the partition")):
        if not path.exists():
            raise LinesError(f"{source} should have the {what} in {path.relative_to(source)}; check the path")
    listed = read_lists(lists_in(sets))
    if not listed:
        raise LinesError(f"{sets} should have the lists train.txt, valid.txt and test.txt, but has none; get it again")
    yield from transcribed(table, pictures, listed, decoded, parts=1)


def decoded(tokens: str) -> str:
    """The text of tokens that are separated by hyphens, in words separated by `|`.

    Raises ValueError for a token that is unknown or empty.

    >>> decoded("s_2-s_7-s_0-s_pt|L-e-t-t-e-r-s-s_cm")
    '270. Letters,'
    """
    return joined(tokens, _character)


def _character(token: str) -> str:
    """The characters of a token. Raises ValueError."""
    number = NUMBER.fullmatch(token)
    return number[1] if number else TOKENS.get(token) or single(token)
