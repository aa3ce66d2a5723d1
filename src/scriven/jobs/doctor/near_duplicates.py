"""Near-duplicate pictures: the same line rescanned, re-encoded, rescaled or relit.

The difference hashes of all pairs of pictures of similar proportions are compared, one matrix product per block.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scriven.jobs.doctor.records import RANK, Row

# Cosine of two hashes, above which pictures are near duplicates; for different lines of one hand rarely above 0.7.
MIN_HASH_COSINE = 0.9
PROPORTION = 0.03  # relative difference in proportions that copies may have
HASHES_PER_BLOCK = 512


def near_duplicates(rows: Sequence[Row]) -> list[tuple[Row, Row, float]]:
    """(line, first line that it resembles, cosine), in the order train, valid, test; identical files count once."""
    first = {r.stats.digest: r for r in sorted(rows, key=lambda r: -RANK[r.split]) if r.stats.hash is not None}
    if len(first) < 2:
        return []
    usable = sorted(first.values(), key=lambda r: r.stats.width / r.stats.height)
    shape = np.log([r.stats.width / r.stats.height for r in usable])
    hashes = np.stack([r.stats.hash for r in usable if r.stats.hash is not None])
    order = np.array([RANK[r.split] for r in usable]) * len(usable) + np.arange(len(usable))  # rank by split
    partner = order.copy()  # the rank of the first line that each resembles, or its own
    for start in range(0, len(usable), HASHES_PER_BLOCK):
        stop = min(start + HASHES_PER_BLOCK, len(usable))
        end = int(np.searchsorted(shape, shape[stop - 1] + PROPORTION, side="right"))
        alike = _unit(hashes[start:stop]) @ _unit(hashes[start:end]).T > MIN_HASH_COSINE
        alike &= np.abs(shape[start:stop, None] - shape[start:end]) <= PROPORTION
        one, other = np.nonzero(alike)
        np.minimum.at(partner, one + start, order[other + start])
        np.minimum.at(partner, other + start, order[one + start])
    place = {int(o): i for i, o in enumerate(order)}
    pairs = [(i, place[int(partner[i])]) for i in np.flatnonzero(partner < order)]
    cosines = [float((_unit(hashes[[i]]) @ _unit(hashes[[j]]).T).item()) for i, j in pairs]
    return [(usable[i], usable[j], cosine) for (i, j), cosine in zip(pairs, cosines, strict=True)]


def _unit(hashes: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    values = hashes.astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)
