"""Measurements of the writing in a picture: grey values of ink and paper, stroke width, rows, words."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from scriven.augment.noise import as_image
from scriven.images import Grey

MIN_CONTRAST = 24  # grey levels: a column whose darkest pixel differs less from the paper has no ink
STROKE_LEVEL = 0.4  # between paper and ink: what is darker is ink
COLUMN_LEVEL = 0.2  # the same for columns: those of faint words count as well
WORD_GAP = 0.2  # of the height: columns without ink between two words, at least
MIN_WORD = 0.15  # of the height: narrower ones are points and commas
STROKE_PER_RUN = 0.75  # most rows cross a stroke at an angle, so that a run of ink is longer than the stroke is wide


class Writing(NamedTuple):
    """Measurements of the writing in a picture (H, W)."""

    height: int  # px, of the picture
    paper: int  # grey value
    ink: int  # grey value of the strokes: of the darkest pixels of the columns with ink, a third is darker
    stroke: float  # px, approximate width of the strokes
    middle: float  # px from the top, mean row of the ink: about the middle of the small letters
    body: float  # px, approximate height of the small letters
    words: NDArray[np.int64]  # (N, 2), first and last column + 1 of every word, px

    def word_rows(self, inked: Grey, left: int, right: int) -> tuple[float, float]:
        """`middle` and `body` of the columns from `left` to `right` of a mask, for a line that is not level.

        They differ from those of the picture by half of `body` at most, so that a comma does not count as a letter.
        """
        mean, body = _rows(inked[:, left:right], (self.middle, self.body))
        low, high = self.middle - self.body / 2, self.middle + self.body / 2
        return min(max(mean, low), high), min(max(body, self.body / 2), 1.5 * self.body)


def paper_of(image: Grey) -> int:
    """The grey value of the paper of a picture (H, W): the median."""
    return int(np.median(image[::3, ::3]))


def ink_rows(image: Grey, paper: int) -> tuple[int, int]:
    """The first row with ink and the row after the last, by the darkest pixel of each row; (0, H) without ink."""
    darkest = cv2.reduce(image, 1, cv2.REDUCE_MIN).ravel()
    level = paper - 0.4 * (paper - int(darkest.min()))
    rows = np.flatnonzero(darkest < level)
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) and level < paper - 4 else (0, len(darkest))


def writing(image: Grey) -> tuple[Writing, Grey] | None:
    """Measure the writing in a picture (H, W): the measurements, and a mask (H, W), 1 for ink; None without ink."""
    height, width = image.shape
    some = image[::4, ::4].ravel()
    paper = int(np.partition(some, len(some) // 2)[len(some) // 2])
    darkest = image.min(axis=0)  # faster than cv2.reduce
    depth = paper - int(np.partition(darkest, width // 10)[width // 10])
    level = paper - max(STROKE_LEVEL * depth, MIN_CONTRAST / 2)
    columns = np.flatnonzero(darkest <= paper - max(COLUMN_LEVEL * depth, MIN_CONTRAST))
    if not len(columns):
        return None
    gaps = np.flatnonzero(columns[1:] - columns[:-1] > max(2.0, WORD_GAP * height))
    words = np.empty((len(gaps) + 1, 2), np.int64)
    words[0, 0], words[1:, 0], words[:-1, 1], words[-1, 1] = columns[0], columns[gaps + 1], columns[gaps], columns[-1]
    words[:, 1] += 1
    letters = words[:, 1] - words[:, 0] >= MIN_WORD * height
    inked = as_image(cv2.threshold(image, level, 1, cv2.THRESH_BINARY_INV)[1])
    third = inked[::3]
    crossed = cv2.countNonZero(as_image(cv2.subtract(third[:, 1:], third[:, :-1]))) if width > 1 else 0
    stroke = STROKE_PER_RUN * cv2.countNonZero(third) / max(crossed, 1)
    middle, body = _rows(inked, (height / 2, height / 3))
    strokes = darkest[columns]
    found = Writing(
        height=height,
        paper=paper,
        ink=int(np.partition(strokes, len(strokes) // 3)[len(strokes) // 3]),
        stroke=min(max(stroke, 1.0), max(1.0, 0.1 * height)),
        middle=middle,
        body=body,
        words=words[letters] if letters.any() else words,
    )
    return found, inked


def _rows(inked: Grey, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Mean row of the ink, and the height of the letters: 2.6 standard deviations of the rows of the ink, px."""
    if not inked.size:
        return otherwise
    counts = cv2.reduce(inked, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F).ravel()
    if (total := float(counts.sum())) < 1:
        return otherwise
    rows = np.arange(len(counts), dtype=np.float32)
    mean = float(counts @ rows) / total
    return mean, max(2.0, 2.6 * math.sqrt(float(counts @ (rows - mean) ** 2) / total))
