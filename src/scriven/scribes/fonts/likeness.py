"""Which known character looks most like a new one: typefaces draw both, and the pictures are compared.

A picture is a glyph at the same x-height whatever the typeface, centred in width and placed by its baseline in height,
blurred. Two pictures are compared by their normalised correlation, the highest one over small shifts in width.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scriven.base import TextError
from scriven.scribes.fonts.face import Face
from scriven.scribes.typefaces import Typeface, bundled

X_HEIGHT = 12  # px
HEIGHT, WIDTH, BASELINE = 72, 64, 44  # px of a picture, and of its baseline from the top
BLUR = 1.0  # px
SHIFTS = range(-4, 5)  # px
MOST_TYPEFACES = 12  # that draw a new character

Glyph = NDArray[np.float32]  # (HEIGHT, WIDTH), of unit norm


def nearest(new: Iterable[str], known: Sequence[str], typefaces: Sequence[Typeface] | None = None) -> dict[str, str]:
    """For each new character the known one that looks most like it.

    The likeness is the mean over typefaces that draw the new character, 0 where one does not draw the known one.
    `typefaces` None: the bundled ones. Characters that none of them draws are left out, and so is the space.
    """
    faces = bundled() if typefaces is None else typefaces
    ordered = sorted(faces, key=lambda one: -len(one.characters))  # those of most characters, to open few of them
    found: dict[str, str] = {}
    for character in new:
        chosen = [one for one in ordered if character in one][:MOST_TYPEFACES]
        if likeness := _likeness(character, known, chosen):
            best = max(likeness, key=lambda one: likeness[one])
            found[character] = best
    return found


def _likeness(character: str, known: Sequence[str], typefaces: Sequence[Typeface]) -> Mapping[str, float]:
    """The likeness of known characters to one, 0..1; empty if no typeface can draw it."""
    sums: dict[str, float] = {}
    for typeface in typefaces:
        wanted = drawn(typeface, character)
        if wanted is None:
            continue
        shifted = np.stack([np.roll(wanted, shift, 1).ravel() for shift in SHIFTS])
        for one in known:
            if one in typeface and (picture := drawn(typeface, one)) is not None:
                sums[one] = sums.get(one, 0.0) + float((shifted @ picture.ravel()).max())
    return {one: total / len(typefaces) for one, total in sums.items()}


@cache
def drawn(typeface: Typeface, character: str) -> Glyph | None:
    """The picture of a character; None if it is blank or cannot be drawn alone."""
    canvas = glyph_mask(typeface, character, X_HEIGHT)
    if canvas is None:
        return None
    inked = np.flatnonzero(canvas.any(0))
    start = max(0, (int(inked[0]) + int(inked[-1]) + 1 - WIDTH) // 2)
    picture = canvas[HEIGHT : 2 * HEIGHT, start : start + WIDTH].astype(np.float32)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), BLUR), np.float32)
    norm = float(np.linalg.norm(picture))
    return picture / np.float32(norm) if norm > 0 else None


def glyph_mask(typeface: Typeface, character: str, x_height: float) -> NDArray[np.uint8] | None:
    """A character as a mask, 0..255, with room on all sides; None if it is blank or cannot be drawn alone.

    `x_height` px; of the rows, `baseline_of(x_height)` is the first below the baseline.
    """
    face, scale = _face(typeface), x_height / X_HEIGHT
    size = max(1, round(x_height / face.metrics.x_height))
    try:
        shaped = face.shape(character, {})
    except TextError:
        return None
    canvas = np.zeros((round(3 * HEIGHT * scale), round(3 * WIDTH * scale)), np.uint8)
    for glyph in shaped:
        mask, left, top = face.font(glyph.font).rasterise(glyph.glyph, size, "smooth", False, 0)
        x = max(0, round(WIDTH * scale) + left + round((glyph.pen + glyph.right) * size))
        y = max(0, baseline_of(x_height) + top + round(glyph.down * size))
        room = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
        np.maximum(room, mask[: room.shape[0], : room.shape[1]], out=room)
    return canvas if canvas.any() else None


def baseline_of(x_height: float) -> int:
    """The row of the baseline in a `glyph_mask`."""
    return round((HEIGHT + BASELINE) * x_height / X_HEIGHT)


@cache
def _face(typeface: Typeface) -> Face:
    return Face(typeface)
