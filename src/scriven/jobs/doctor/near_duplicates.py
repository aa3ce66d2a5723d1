"""Pictures that look alike: the same line scanned, saved, scaled or lit a second time.

Prints are compared exactly, all with all among pictures of about the same proportions: a matrix product a block.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scriven.jobs.doctor.records import RANK, Row

ALIKE = 0.9  # cosine of two prints; copies of real lines have more, different lines of one hand seldom more than 0.7
PROPORTION = 0.03  # by how much the proportions of copies may differ
BLOCK = 512


def near_duplicates(rows: Sequence[Row]) -> list[tuple[Row, Row, float]]:
    """(line, the first line it looks like, cosine); train comes before valid before test; equal files count once."""
    first = {r.seen.digest: r for r in sorted(rows, key=lambda r: -RANK[r.split]) if r.seen.print is not None}
    if len(first) < 2:
        return []
    usable = sorted(first.values(), key=lambda r: r.seen.width / r.seen.height)
    shape = np.log([r.seen.width / r.seen.height for r in usable])
    prints = np.stack([r.seen.print for r in usable if r.seen.print is not None])
    order = np.array([RANK[r.split] for r in usable]) * len(usable) + np.arange(len(usable))  # who was first
    partner = order.copy()  # the order of the first that each looks like, itself if there is none
    for start in range(0, len(usable), BLOCK):
        stop = min(start + BLOCK, len(usable))
        end = int(np.searchsorted(shape, shape[stop - 1] + PROPORTION, side="right"))
        alike = _unit(prints[start:stop]) @ _unit(prints[start:end]).T > ALIKE
        alike &= np.abs(shape[start:stop, None] - shape[start:end]) <= PROPORTION
        one, other = np.nonzero(alike)
        np.minimum.at(partner, one + start, order[other + start])
        np.minimum.at(partner, other + start, order[one + start])
    place = {int(o): i for i, o in enumerate(order)}
    pairs = [(i, place[int(partner[i])]) for i in np.flatnonzero(partner < order)]
    cosines = [float((_unit(prints[[i]]) @ _unit(prints[[j]]).T).item()) for i, j in pairs]
    return [(usable[i], usable[j], cosine) for (i, j), cosine in zip(pairs, cosines, strict=True)]


def _unit(prints: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    values = prints.astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)
