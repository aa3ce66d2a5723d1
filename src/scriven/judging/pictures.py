"""Pictures as the judge sees them: 64 px high, the grain of the paper cleared, trimmed to the ink."""

import numpy as np
import numpy.typing as npt

from scriven.base import ImageError
from scriven.images import Grey, prepare

HEIGHT = 64  # px
PAPER, DEPTH = 25, 200  # grey levels below white that count as paper, and from there to full ink
LEAST_INK = 0.3  # of a pixel that counts as ink where blank margins are cut off
MARGIN = 4  # px of paper that is left on either side of the ink
LEAST_PIXELS = 12  # of ink in a picture of writing

Floats = npt.NDArray[np.float32]


def ink_of(picture: Grey) -> Floats:
    """The ink (HEIGHT, W), 0 paper to 1, of a prepared picture (HEIGHT, W) uint8, 255 paper."""
    return np.clip((255.0 - PAPER - picture.astype(np.float32)) / DEPTH, 0, 1)


def written_part(ink: Floats) -> slice:
    """The columns of ink (HEIGHT, W) without blank ends but for MARGIN px. Raises ImageError for a blank picture."""
    dark = ink > LEAST_INK
    columns = np.flatnonzero(dark.any(0))
    if int(dark.sum()) < LEAST_PIXELS:
        raise ImageError("the picture shows no writing; leave it out")
    return slice(max(0, int(columns[0]) - MARGIN), int(columns[-1]) + 1 + MARGIN)


def judged(picture: Grey) -> Floats:
    """The ink (HEIGHT, W) of a grey picture of any size. Raises ImageError if it cannot be a line of writing."""
    ink = ink_of(prepare(picture, HEIGHT))
    return ink[:, written_part(ink)]
