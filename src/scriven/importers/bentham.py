"""Bentham R0 (BenthamDatasetR0-GT): lines of manuscripts of Jeremy Bentham and his secretaries, ICFHR 2014.

Its partition is part of it: `Partitions/TrainLines.lst`, `ValidationLines.lst` and `TestLines.lst`. The pictures of
lines have their polygon as transparency; what is outside it becomes paper.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from scriven.base import LinesError, Skipped
from scriven.importers.common import ImportItem, folder, from_file, item, read_text
from scriven.importers.partition import lists_in, read_lists
from scriven.importers.published import Texts, as_published
from scriven.lines.datasets import DATA_SETS

log = logging.getLogger("scriven")

FOLDERS = {"Partitions": "the lists", "Transcriptions": "the texts", "Images/Lines": "the pictures of lines"}
MARK = re.compile(r"&[a-z]+;|<[a-z]+/?>")  # what is left of the XML in the transcriptions


def bentham(source: Path, *, texts: Texts = "published") -> Iterator[ImportItem]:
    """Lines (`Images/Lines/ID.png`, `Transcriptions/ID.txt`) in the partition of the data set.

    `texts`: published applies its rules of text (accents and ⊥ removed, spaces before punctuation too), original keeps
    the transcriptions. Raises LinesError if a folder or the lists are missing.
    """
    yield from as_published(_lines(source), "bentham", texts, DATA_SETS["bentham"].sizes)


def _lines(source: Path) -> Iterator[ImportItem]:
    root = next((p for p in (source / "BenthamDatasetR0-GT", source) if (p / "Partitions").is_dir()), source)
    for name, what in FOLDERS.items():
        if not (folder(root, "BenthamDatasetR0-GT") / name).is_dir():
            raise LinesError(f"{source} should have {what} in {name}/; unpack BenthamDatasetR0-GT.tbz there")
    listed = read_lists(lists_in(root / "Partitions"))
    if not listed:
        raise LinesError(f"{root / 'Partitions'} should have TrainLines.lst and the like, but has none; get it again")
    marked = 0
    for id, entry in listed.items():
        file = root / "Transcriptions" / f"{id}.txt"
        if not file.is_file():
            yield Skipped(id, f"{entry.file.name} lists it, but there is no {file.name}; get the data set again")
            continue
        text = read_text(file)
        marked += MARK.search(text) is not None
        picture = root / "Images" / "Lines" / f"{id}.png"
        yield item(entry.split, from_file(id, picture, text, page="_".join(id.split("_")[:3])))
    if marked:
        log.warning("%d texts have marks of XML, such as &amp; or <gap/>, which are kept as they are", marked)
