"""Measurements of a picture, decoded once: size, digest, blankness, polarity, perceptual hash, bands of ink.

The hash is a difference hash (Krawetz 2013, "Kind of Like That") that keeps the differences rather than their signs:
plain paper then contributes nothing, and re-encoded, rescaled or relit copies still have a cosine above 0.9.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from scriven.base import ImageError
from scriven.images import Grey, as_stored, background, polarity

HEIGHT, WIDEST = 64, 256  # px of the scaled picture on which everything but the polarity is measured
HASH = (8, 32)  # rows and columns of differences
LIGHT = -0.6  # polarity below which a picture has light ink; reading inverts it
FAINT = 12.0  # grey values: a picture whose darkest thousandth is at most this much darker than its background is blank
DifferenceHash = npt.NDArray[np.int8]


@dataclass(frozen=True)
class ImageStats:
    """The measurements of a picture. `valley`: how clearly a light row separates two bands of ink, 0..1."""

    width: int = 0  # px, as stored
    height: int = 0
    digest: bytes = b""  # of the file's bytes
    error: str = ""  # why it cannot be decoded; nothing else is set then
    light: bool = False  # light ink on dark paper
    blank: bool = False
    valley: float = 0.0
    hash: DifferenceHash | None = None  # (256,) of norm 127; None for a blank picture


def image_stats(data: bytes, name: str) -> ImageStats:
    """Decode a picture and measure it; for a damaged one, only `error` is set."""
    try:
        picture = as_stored(data, name)
    except ImageError as error:
        return ImageStats(error=str(error))
    high, wide = picture.shape
    columns = int(np.clip(round(wide * HEIGHT / high), 16, WIDEST))
    small = np.asarray(cv2.resize(picture, (columns, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
    light = polarity(small) < 0 and polarity(picture) < LIGHT
    depth = depth_of(np.asarray(255 - small, np.uint8) if light else small)
    blank = is_blank(depth)
    return ImageStats(
        width=wide,
        height=high,
        digest=hashlib.blake2b(data, digest_size=16).digest(),
        light=light,
        blank=blank,
        valley=0.0 if blank else valley_of(depth),
        hash=None if blank else difference_hash(depth),
    )


def depth_of(small: Grey) -> Grey:
    """How much darker than the background each pixel is, in grey levels."""
    return np.asarray(cv2.subtract(background(small, window=15), small), np.uint8)


def is_blank(depth: Grey) -> bool:
    """Whether at most 1 in 1000 pixels is darker than the background by more than FAINT."""
    counts = np.cumsum(cv2.calcHist([depth], [0], None, [256], [0, 256]).ravel())
    return int(np.searchsorted(counts, 0.999 * depth.size)) <= FAINT


def difference_hash(depth: Grey) -> DifferenceHash | None:
    """Horizontal differences of the picture scaled to 8 x 33 as a vector (256,) of norm 127; None if all are zero."""
    rows, columns = HASH
    coarse = cv2.resize(depth.astype(np.float32), (columns + 1, rows), interpolation=cv2.INTER_AREA)
    steps = np.diff(coarse, axis=1).ravel()
    length = float(np.linalg.norm(steps))
    return np.asarray(np.rint(steps * (127 / length)), np.int8) if length > 0 else None


def valley_of(depth: Grey) -> float:
    """The depth of the lightest row between two bands of ink that are not at the edge: 0 for none, 1 for bare paper."""
    rows = cv2.blur(depth.astype(np.float32).mean(axis=1)[:, None], (1, 5)).ravel()
    rows = rows - np.percentile(rows, 5)
    high, edge = len(rows), len(rows) // 10
    above = np.maximum.accumulate(rows)[high // 4 - 1 : 3 * high // 4 - 1]  # the most ink above each cut
    below = np.maximum.accumulate(rows[::-1])[::-1][high // 4 : 3 * high // 4]
    inside = (above > rows[:edge].max()) & (below > rows[-edge:].max())
    drop = np.minimum(above, below) - rows[high // 4 : 3 * high // 4]
    return float((drop / np.maximum(np.maximum(above, below), 1e-6))[inside].max(initial=0.0))
