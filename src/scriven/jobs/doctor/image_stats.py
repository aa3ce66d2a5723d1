"""One picture at one glance: size, bytes, blankness, polarity, likeness, lines in it. Everything from one decoding.

Likeness is a difference hash (Krawetz 2013, "Kind of like that"), its differences kept rather than their signs: flat
paper then weighs nothing, and copies that were saved, lit or scaled anew still have a cosine above 0.9.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from scriven.base import ImageError
from scriven.images import Grey, as_stored, background, polarity

HEIGHT, WIDEST = 64, 256  # px of the small picture that everything but the polarity is measured on
HASH = (8, 32)  # rows and columns of differences
LIGHT = -0.6  # polarity of pictures that reading inverts
FAINT = 12.0  # grey values: pictures whose darkest thousandth is no darker than this below its paper are blank
Print = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Seen:
    """What a picture shows. `valley` is how clearly a light row parts two bands of ink, 0 to 1."""

    width: int = 0  # px, as stored
    height: int = 0
    digest: bytes = b""  # of the file's bytes
    error: str = ""  # why it cannot be decoded; then nothing else is known
    light: bool = False  # light ink on dark paper
    blank: bool = False
    valley: float = 0.0
    print: Print | None = None  # (256,) unit length times 127; None where there is nothing to compare


def image_stats(data: bytes, name: str) -> Seen:
    """Decode a picture once and measure it; damage is told, not raised."""
    try:
        picture = as_stored(data, name)
    except ImageError as error:
        return Seen(error=str(error))
    high, wide = picture.shape
    columns = int(np.clip(round(wide * HEIGHT / high), 16, WIDEST))
    small = np.asarray(cv2.resize(picture, (columns, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
    light = polarity(small) < 0 and polarity(picture) < LIGHT
    depth = depth_of(np.asarray(255 - small, np.uint8) if light else small)
    blank = is_blank(depth)
    return Seen(
        width=wide,
        height=high,
        digest=hashlib.blake2b(data, digest_size=16).digest(),
        light=light,
        blank=blank,
        valley=0.0 if blank else valley_of(depth),
        print=None if blank else print_of(depth),
    )


def depth_of(small: Grey) -> Grey:
    """How much darker than its paper each pixel is."""
    return np.asarray(cv2.subtract(background(small, window=15), small), np.uint8)


def is_blank(depth: Grey) -> bool:
    """Whether hardly a pixel (1 in 1000) is darker than its paper."""
    counts = np.cumsum(cv2.calcHist([depth], [0], None, [256], [0, 256]).ravel())
    return int(np.searchsorted(counts, 0.999 * depth.size)) <= FAINT


def print_of(depth: Grey) -> Print | None:
    """Differences between neighbours of the picture at 8 x 33, as a vector of length 127; None where all are zero."""
    rows, columns = HASH
    coarse = cv2.resize(depth.astype(np.float32), (columns + 1, rows), interpolation=cv2.INTER_AREA)
    steps = np.diff(coarse, axis=1).ravel()
    length = float(np.linalg.norm(steps))
    return np.asarray(np.rint(steps * (127 / length)), np.int8) if length > 0 else None


def valley_of(depth: Grey) -> float:
    """The deepest light row between two rows of ink, neither of them at the edge: 0 none, 1 pure paper."""
    rows = cv2.blur(depth.astype(np.float32).mean(axis=1)[:, None], (1, 5)).ravel()
    rows = rows - np.percentile(rows, 5)
    high, edge = len(rows), len(rows) // 10
    above = np.maximum.accumulate(rows)[high // 4 - 1 : 3 * high // 4 - 1]  # the most ink above each cut
    below = np.maximum.accumulate(rows[::-1])[::-1][high // 4 : 3 * high // 4]
    inside = (above > rows[:edge].max()) & (below > rows[-edge:].max())
    drop = np.minimum(above, below) - rows[high // 4 : 3 * high // 4]
    return float((drop / np.maximum(np.maximum(above, below), 1e-6))[inside].max(initial=0.0))
