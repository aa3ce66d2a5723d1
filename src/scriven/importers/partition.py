"""Published partitions of data sets: lists of ids, one file or more per split, read from the user's files.

No list is part of this package, and none is made up: where a data set has no validation list, it has no valid split.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from scriven.base import LinesError, Skipped
from scriven.importers.common import read_text
from scriven.lines import ALIASES
from scriven.lines.delimited import not_utf8, read_header, read_rows
from scriven.lines.splits import SPLITS

log = logging.getLogger("scriven")

SUFFIXES = (".txt", ".lst", ".uttlist", ".thresh")
NAMES = {**ALIASES, "tr": "train", "va": "valid", "te": "test", "validationset": "valid"}
FILLERS = frozenset(  # words beside the split in the names of published lists, and of those in their manner
    "aachen cv final fold form forms ground groundtruth grount gt iam icdar id ids imgur index k large line lines list "
    "lists page pages partition rimes rwth set sets split splits text thresh truth uttlist word words writer "
    "writers".split()
)
_WORD = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")


@dataclass(frozen=True)
class Listed:
    """An id of a list, its split, the file that names it, and its label if the list has labels."""

    id: str
    split: str
    file: Path
    label: str | None = None


def split_named(name: str) -> str | None:
    """The split in the name of a list, such as trainset.txt, va.lst, train_index_ids.lst, TestLines.txt; else None.

    A name with other words, such as my_test_notes.txt, or with two splits is none of a list.
    """
    words = [part.lower() for part in _WORD.findall(name)]
    splits = _splits(words)
    return splits.pop() if len(splits) == 1 and all(word in NAMES or word in FILLERS for word in words) else None


def _splits(words: Iterable[str]) -> set[str]:
    return {NAMES[word] for word in words if word in NAMES}


def lists_in(folder: Path) -> dict[Path, str]:
    """The lists of a folder and their splits, in the order of the splits; empty if there are none.

    Files that may be lists but are not named like one are logged.
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = {file: split_named(file.stem) for file in files if file.suffix in SUFFIXES and file.is_file()}
    for file, split in found.items():
        if split is None and _splits(part.lower() for part in _WORD.findall(file.stem)):
            log.warning("%s is not named like a list and is left out; if it is one, call it train, valid or test", file)
    return {file: split for split in SPLITS for file, of in found.items() if of == split}


def read_lists(files: Mapping[Path, str]) -> dict[str, Listed]:
    """The ids of lists with a row `id`, or `id,threshold label`, each; rows that begin with # are comments.

    Raises LinesError for an id that is in two splits, or a file that is empty or not UTF-8.
    """
    listed: dict[str, Listed] = {}
    for file, split in files.items():
        rows = [row.strip() for row in read_text(file).split("\n")]
        rows = [row for row in rows if row and not row.startswith("#")]
        if not rows or any(map(not_utf8, rows)):
            raise LinesError(f"{file} should be a list of ids, one a row in UTF-8, but is not; get it again")
        for row in rows:
            key, _, label = row.partition(" ")
            id = key.partition(",")[0]
            before = listed.setdefault(id, Listed(id, split, file, label.strip() or None))
            if before.split != split:
                raise LinesError(f"{id!r} is in both {before.file} and {file}; a partition has each id once")
    return listed


def read_columns(file: Path, needed: Set[str]) -> Iterator[dict[str, str] | Skipped]:
    """The rows of a table with the `needed` columns, as strings; an empty cell is "".

    Raises LinesError for a file that is missing or has not these columns.
    """
    try:
        with open(file, "rb") as stream:
            header = read_header(stream, file)
            if not needed <= set(header.names):
                raise LinesError(f"{file} should have the columns {', '.join(sorted(needed))}; get it again")
            for row in read_rows(stream, header, needed=needed):
                if row.cells is None:
                    yield Skipped(f"{file.name}:{row.number}", row.reason)
                else:
                    yield {name: (row.cells.get(name) or "").strip() for name in needed}
    except OSError as error:
        raise LinesError(f"cannot open {file}: {error.strerror or error}; check the path") from error
