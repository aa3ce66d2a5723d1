"""Hands of lines without writer labels: groups of lines, such as pages, whose strokes turn alike are clustered.

The contour hinge (Bulacu & Schomaker 2007, doi:10.1109/TPAMI.2007.1009) counts, along the contours of the ink, the
pairs of directions of the two legs that meet in a point: it tells hands apart whatever they write.
"""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from scriven.scribes.flow.columns import Floats
from scriven.training.aligned_lines import AlignedLines

BINS = 16  # directions of a leg
LEG = 6  # px along the contour
INKED = 0.35  # of full ink, from which on a pixel is ink
NOISE = 40.0  # squared distance that sampling adds, times the number of points of the contour
SAME = 0.01  # squared distance up to which two groups are of one hand
FEWEST = (
    400  # points of the contours of a group, about ten letters; with fewer, it is as near to one hand as to another
)

MOST = 5000  # groups that are clustered: a matrix of 100 MB

Counts = npt.NDArray[np.float64]


def hinges(ink: Floats) -> Counts:
    """How often each pair of directions occurs (BINS * BINS,) in the ink (W, 64), 0..1, of a line."""
    mask = (ink.T > INKED).astype(np.uint8)
    found = np.zeros(BINS * BINS)
    for contour in cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]:
        points = contour[:, 0].astype(np.float64)
        if len(points) >= 3 * LEG:
            first, second = (_direction(np.roll(points, shift, 0) - points) for shift in (-LEG, LEG))
            found += np.bincount(first * BINS + second, minlength=BINS * BINS)
    return found


def _direction(legs: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The bins (N,) of the directions of vectors (N, 2)."""
    turns = np.arctan2(legs[:, 1], legs[:, 0]) / (2 * np.pi) + 1
    return np.asarray(np.floor(turns * BINS + 0.5), np.int64) % BINS


def distances(counts: Counts) -> npt.NDArray[np.float32]:
    """Squared Hellinger distances (N, N) of counts (N, BINS * BINS), less what sampling adds."""
    points = np.maximum(counts.sum(1), 1.0)
    roots = np.sqrt(counts / points[:, None])
    return (1 - roots @ roots.T - NOISE * (1 / points[:, None] + 1 / points[None])).astype(np.float32)


def clusters(apart: npt.NDArray[np.float32], most: float = SAME) -> npt.NDArray[np.int64]:
    """Clusters (N,), numbered from 0 in the order of their first members, of groups with distances (N, N).

    Average linkage: clusters are merged while the mean distance of their members is at most `most`. The chain of
    nearest neighbours (Murtagh 1983, doi:10.1093/comjnl/26.4.354) finds the merges in O(N * N).
    """
    apart = apart.copy()
    np.fill_diagonal(apart, np.inf)
    sizes, owner = np.ones(len(apart)), np.arange(len(apart))
    alive, merges, chain = np.ones(len(apart), bool), list[tuple[float, int, int]](), list[int]()
    while alive.sum() > 1:
        chain = chain or [int(np.flatnonzero(alive)[0])]
        nearest = int(np.argmin(apart[chain[-1]]))
        if len(chain) > 1 and apart[chain[-1], chain[-2]] <= apart[chain[-1], nearest]:
            second, first = chain.pop(), chain.pop()
            merges.append((float(apart[first, second]), first, second))
            mean = (sizes[first] * apart[first] + sizes[second] * apart[second]) / (sizes[first] + sizes[second])
            apart[first], apart[:, first] = mean, mean
            apart[first, first] = np.inf
            apart[second], apart[:, second] = np.inf, np.inf
            sizes[first] += sizes[second]
            alive[second] = False
        else:
            chain.append(nearest)
    for distance, first, second in sorted(merges, key=lambda one: one[0]):
        if distance <= most:
            owner[owner == owner[second]] = owner[first]
    _, first_at, labels = np.unique(owner, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first_at))[labels]


def cluster_hands(lines: AlignedLines) -> int | None:
    """Replace the hands that are only pages or single lines by clusters of them, and return how many hands they are.

    Those with fewer than FEWEST points stay as they are, each a hand of its own. None, and nothing is changed, where
    there are fewer than two to cluster, or more than MOST in all.
    """
    every = sorted(lines.without_writer)
    if not 2 <= len(every) <= MOST:
        return None
    counts = {group: np.zeros(BINS * BINS) for group in every}
    for index, line in enumerate(lines.lines):
        if line.hand in counts:
            counts[line.hand] += hinges(lines.ink(index))
    counts = {group: found for group, found in counts.items() if found.sum() >= FEWEST}
    groups = list(counts)
    if len(groups) < 2:
        return None
    found = clusters(distances(np.array([counts[group] for group in groups])))
    kept = [number for number in range(len(lines.hands)) if number not in counts]
    now = {old: new for new, old in enumerate(kept)}
    now |= {group: len(kept) + int(label) for group, label in zip(groups, found, strict=True)}
    several = int(found.max()) + 1
    lines.hands[:] = [lines.hands[number] for number in kept] + [f"cluster {n + 1}" for n in range(several)]
    lines.lines[:] = [replace(line, hand=now[line.hand]) for line in lines.lines]
    lines.without_writer.clear()
    return several + len(every) - len(groups)
