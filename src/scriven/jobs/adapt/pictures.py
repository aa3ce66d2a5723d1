"""What a hand is learnt from: the pictures that can be used, and those of them that only judge."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from scriven.base import ImageError, InputError, LinesError, Refused
from scriven.images import Grey, prepare
from scriven.lines import LinesFolder
from scriven.reader.inputs import Source, items, sources
from scriven.reader.usable import misfit

WIDE = 320  # px of a prepared picture: lines are wider, single words hardly ever
FEWEST = 8  # pictures: fewer say nothing about a hand


def gather(inputs: Sequence[str | Path], level: str, refused: list[Refused]) -> list[tuple[str, Grey]]:
    """Prepared pictures that can be learnt, ids unique; of a lines folder only the train split, and never a text.

    Raises InputError when there are fewer than FEWEST.
    """
    found: dict[str, Grey] = {}
    for one in sources(inputs, refused):
        for id, picture in _prepared(one, level, refused):
            while id in found:
                id = f"{one.name}/{id}"
            found[id] = picture
    if len(found) < FEWEST:
        raise InputError(
            f"{len(found)} pictures can be used and a hand needs at least {FEWEST}; give more pictures of its lines"
            + (f" (left out {refused[0].sentence()})" if refused else "")
        )
    return list(found.items())


def _prepared(one: Source, level: str, refused: list[Refused]) -> Iterator[tuple[str, Grey]]:
    try:
        split = "train" if one.lines and "train" in LinesFolder(one.path, level).splits else None
        for item in items(one, refused, level, split):
            assert item.picture is not None
            try:
                ink = prepare(item.picture)
            except ImageError as error:
                refused.append(Refused(item.id, str(error)))
                continue
            if fault := misfit(ink.shape[1]):
                refused.append(Refused(item.id, fault.reason))
            else:
                yield item.id, ink
    except LinesError as error:  # costs the rest of this folder only
        refused.append(Refused(str(one.path), str(error)))


def parted(
    pictures: list[tuple[str, Grey]], held_out: float, seed: int
) -> tuple[list[tuple[str, Grey]], list[tuple[str, Grey]]]:
    """Those to learn from and those that only judge: the share `held_out`, two at least."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    cut = max(2, round(held_out * len(pictures)))
    return [pictures[i] for i in sorted(order[cut:])], [pictures[i] for i in sorted(order[:cut])]


def share_of_lines(pictures: Sequence[tuple[str, Grey]]) -> float:
    """How many of some prepared pictures, 64 px high, show whole lines and not words: 0..1."""
    return float(np.mean([ink.shape[1] > WIDE for _, ink in pictures]))
