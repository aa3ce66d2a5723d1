"""Pictures much wider than any in training are read in overlapping windows, whose frames are joined mid-overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LIMIT = 2048  # px: wider pictures are cut
WINDOW = 1024  # px
OVERLAP = 256  # px


@dataclass(frozen=True)
class Window:
    """Read the pixels [start, stop) and keep the frames that cover the pixels [first, last)."""

    start: int
    stop: int
    first: int
    last: int


def windows(width: int, stride: int, limit: int = LIMIT, window: int = WINDOW, overlap: int = OVERLAP) -> list[Window]:
    """Windows over `width` px; a single one up to `limit` px. They start and are cut between frames of `stride` px.

    Every pixel is kept exactly once. The last window ends with the picture; its length differs by less than a frame.
    """
    if width <= limit:
        return [Window(0, width, 0, width)]
    window, overlap = window // stride * stride, overlap // stride * stride
    step = window - overlap
    starts = list(range(0, width - window, step))
    starts.append(-(-(width - window) // stride) * stride)
    stops = [*(start + window for start in starts[:-1]), width]
    middles = ((stop + start) // 2 for stop, start in zip(stops[:-1], starts[1:], strict=True))
    cuts = [0, *(middle // stride * stride for middle in middles), width]
    return [Window(*edges) for edges in zip(starts, stops, cuts[:-1], cuts[1:], strict=True)]


def stitch(parts: Sequence[npt.NDArray[np.float32]], cuts: Sequence[Window], stride: int) -> npt.NDArray[np.float32]:
    """Frames (T_i, D) of every window to the frames (T, D) of the whole picture."""
    kept = [
        part[(cut.first - cut.start) // stride : -(-(cut.last - cut.start) // stride)]
        for part, cut in zip(parts, cuts, strict=True)
    ]
    return kept[0] if len(kept) == 1 else np.concatenate(kept)
