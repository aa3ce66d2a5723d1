"""Pictures as columns of 8 px, and which characters cover each part of a column."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scriven.images import Grey

HEIGHT, COLUMN = 64, 8  # px
PARTS = 2  # of a column, for each of which the characters that cover it are given
PLACES = 3  # numbers for each part: how far inside its characters it lies, how wide they are, how much they cover
PAPER, DEPTH = 25, 200  # grey levels below white that count as paper, and from there to full ink
WIDE = 32.0  # px: unit of the widths of characters

Floats = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]


def ink_of(picture: Grey) -> Floats:
    """The ink (W, HEIGHT), 0..1, of a prepared picture (HEIGHT, W); the grain of the paper is cleared."""
    return np.clip((255.0 - PAPER - picture.T.astype(np.float32)) / DEPTH, 0, 1)


def picture_of(ink: Floats) -> Grey:
    """The picture (HEIGHT, W) uint8, 255 paper, of ink (HEIGHT, W)."""
    return np.asarray(255 - np.rint(255 * np.clip(ink, 0, 1)), np.uint8)


def ink_in(picture: Grey) -> Floats:
    """The ink (W, HEIGHT) that `picture_of` made the picture (HEIGHT, W) of, transposed."""
    return np.asarray((255 - picture.T.astype(np.float32)) / 255, np.float32)


def piece(ink: Floats, start: int, columns: int) -> Floats:
    """`columns` columns of ink (columns * COLUMN, HEIGHT) from px `start` on, with paper beyond its ends."""
    found = np.zeros((columns * COLUMN, HEIGHT), np.float32)
    first, last = max(0, start), min(len(ink), start + len(found))
    if last > first:
        found[first - start : last - start] = ink[first:last]
    return found


class ColumnText(NamedTuple):
    """The characters of T columns: `classes` (K,), `overlap` (PARTS * T, K) 0..1, `places` (PARTS * T, PLACES)."""

    classes: Classes
    overlap: Floats
    places: Floats


def covered(classes: Classes, edges: npt.NDArray[np.floating], columns: int) -> ColumnText:
    """What covers `columns` columns: characters by class (K,) with left and right edge (K, 2), px from the first."""
    width = COLUMN / PARTS
    inside = (edges[:, 1] > 0) & (edges[:, 0] < columns * COLUMN) & (edges[:, 1] > edges[:, 0])
    classes, edges = classes[inside], edges[inside]
    if not len(classes):
        nothing = np.zeros((PARTS * columns, PLACES), np.float32)
        return ColumnText(np.zeros(1, np.int64), nothing[:, :1], nothing)
    begin = np.arange(PARTS * columns)[:, None] * width  # (PARTS * T, 1)
    common = np.minimum(edges[:, 1], begin + width) - np.maximum(edges[:, 0], begin)
    overlap = np.clip(common, 0, width) / width  # (PARTS * T, K)
    wide = edges[:, 1] - edges[:, 0]
    along = np.clip((begin + width / 2 - edges[:, 0]) / np.maximum(wide, 1), 0, 1)
    places = np.stack([(overlap * along).sum(1), (overlap * wide / WIDE).sum(1), overlap.sum(1)], 1)
    return ColumnText(classes, overlap.astype(np.float32), places.astype(np.float32))


def stacked(some: Sequence[ColumnText]) -> ColumnText:
    """Coverages of equally many columns as arrays with a first axis N, padded to the longest K."""
    most = max(len(one.classes) for one in some)
    classes = np.zeros((len(some), most), np.int64)
    overlap = np.zeros((len(some), len(some[0].overlap), most), np.float32)
    for i, one in enumerate(some):
        classes[i, : len(one.classes)] = one.classes
        overlap[i, :, : len(one.classes)] = one.overlap
    return ColumnText(classes, overlap, np.stack([one.places for one in some]))
