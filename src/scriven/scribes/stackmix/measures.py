"""Measurements of a line by which spans of different lines are matched, and the upright picture that is cut.

Slanted writing is cut along its slant: the picture is sheared upright by whole pixels, row by row, so that shearing it
back restores every pixel.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from scriven.augment.writing import writing
from scriven.images import Grey, ink_mask

SLANTS = np.arange(-0.5, 1.26, 0.125)  # tried, dx per dy, right positive; then the neighbourhood of the best
FINER = 0.025
LEAST_INK = 40  # px of ink from which a slant can be measured
LONG = 3.0  # heights: width of the words from which the slope of the baseline is measured


class Measures(NamedTuple):
    """Measurements of a line, lengths in px of its picture."""

    middle: float  # row of the middle of the small letters, where the line begins
    slope: float  # of the line of writing, dy per dx
    body: float  # height of the small letters
    slant: float  # dx per dy, right positive
    stroke: float  # width of the strokes
    ink: float  # grey value of the strokes
    paper: float  # grey value of the paper
    grain: float  # standard deviation of the grey values of the paper


def measures(image: Grey) -> Measures | None:
    """Measure the writing in a grey picture (H, W), 255 paper; None without ink."""
    found = writing(image)
    if found is None:
        return None
    wrote, inked = found
    mask = ink_mask(image)
    bare = image[cv2.dilate(mask, np.ones((3, 3), np.uint8)) == 0]
    middle, slope = _baseline(wrote.words, inked, wrote.middle)
    grain = float(bare[::7].std()) if bare.size > 100 else 0.0
    return Measures(
        middle, slope, wrote.body, slant_of(mask), wrote.stroke, float(wrote.ink), float(wrote.paper), grain
    )


def _baseline(words: npt.NDArray[np.int64], inked: Grey, otherwise: float) -> tuple[float, float]:
    """The row of the middle of the small letters at column 0 and its slope, fitted to the words of a line."""
    if not len(words) or words[-1, 1] - words[0, 0] < LONG * inked.shape[0]:
        return otherwise, 0.0
    rows, columns = np.nonzero(inked[:, words[0, 0] : words[-1, 1]])
    if len(columns) < LEAST_INK:
        return otherwise, 0.0
    away = columns - columns.mean()
    slope = float(np.clip(away @ rows / max(float(away @ away), 1.0), -0.1, 0.1))  # least squares
    centre = (words[0, 0] + words[-1, 1]) / 2
    return otherwise - slope * centre, slope


def slant_of(mask: Grey) -> float:
    """The slant of the ink in a mask (H, W): the shear after which the ink stands in the fewest columns.

    The sum of the squared column counts is largest then (Vinciarelli and Luettin 2001,
    doi:10.1016/S0167-8655(01)00042-3, with another measure of concentration). 0 with hardly any ink.
    """
    rows, columns = np.nonzero(mask)
    if len(rows) < LEAST_INK:
        return 0.0
    high = mask.shape[0]
    above, base = (high / 2 - rows), columns + 2.0 * high

    def concentration(slant: float) -> float:
        counts = np.bincount((base - slant * above).astype(np.int64))
        return float(np.dot(counts, counts))

    _, best = max((concentration(slant), slant) for slant in SLANTS.tolist())
    _, best = max((concentration(best + k * FINER), best + k * FINER) for k in range(-4, 5))
    return round(best, 4)


def shifts(height: int, slant: float) -> npt.NDArray[np.int64]:
    """How many px to the right a slant moves each row (H,); the row in the middle stays."""
    return np.rint(slant * (height / 2 - np.arange(height))).astype(np.int64)


def upright(image: Grey, slant: float, paper: int) -> Grey:
    """A picture (H, W) whose rows are moved back by their `shifts`; what is uncovered is filled with `paper`."""
    high, wide = image.shape
    moved = np.full((high, wide), paper, np.uint8)
    for row, shift in enumerate(-shifts(high, slant)):
        if shift >= 0:
            moved[row, shift:] = image[row, : wide - shift] if shift < wide else paper
        else:
            moved[row, :shift] = image[row, -shift:]
    return moved
