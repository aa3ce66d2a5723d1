"""Lines of a published data set: its rules of text applied, deviations from its characters and partition reported."""

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from scriven.base import Skipped
from scriven.importers.common import ImportItem
from scriven.lines.datasets import DATA_SETS, Sizes
from scriven.lines.splits import SPLITS
from scriven.text import name as character_name

log = logging.getLogger("scriven")

Texts = Literal["published", "original"]
SHOWN = 6  # characters outside the set that a message names


def as_published(
    items: Iterator[ImportItem], name: str, texts: Texts = "published", sizes: Sizes | None = None
) -> Iterator[ImportItem]:
    """The items of the data set `name` of DATA_SETS; with `texts` published, its rules are applied in all splits.

    At the end, logs the number of texts that were changed, the characters that the set does not have, and numbers of
    lines per split other than `sizes`. No line is left out for its characters.
    """
    of = DATA_SETS[name]
    changed, splits, outside = 0, Counter[str](), Counter[str]()
    for item in items:
        if isinstance(item, Skipped):
            yield item
            continue
        split, line = item
        splits[split] += 1
        if line.text is not None:
            text = of.prepared(line.text) if texts == "published" else line.text
            changed += text != line.text
            line = dataclasses.replace(line, text=text)
            outside.update(of.outside(text))
        yield split, line
    if changed:
        log.info("%d texts were changed by the rules of %s; --set texts=original keeps them", changed, name)
    if outside:
        frequent = sorted(outside, key=lambda c: (-outside[c], c))[:SHOWN]
        first = ", ".join(character_name(c) for c in frequent)
        more = ", ..." if len(outside) > SHOWN else ""
        log.warning("characters that are not in the published set of %s: %s%s", name, first, more)
    found = tuple(splits[split] for split in SPLITS)
    if sizes is not None and found != sizes:
        log.warning("%s has %s lines of train, valid and test, unlike the published partition: %s", name, found, sizes)
