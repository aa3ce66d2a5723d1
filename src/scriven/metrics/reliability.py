"""Calibration of confidences: the expected calibration error (Guo et al., 2017, arXiv:1706.04599)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scriven.base import InputError


@dataclass(frozen=True)
class Bin:
    """Predictions within one interval of confidence: their number, mean confidence and accuracy."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """`ece` is the mean distance of confidence and accuracy over the bins, weighted by their n."""

    ece: float
    bins: tuple[Bin, ...]
    n: int


def calibration(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> Calibration:
    """Expected calibration error over bins of equal width; empty bins are omitted.

    Raises InputError for no lines, or lists that differ in length.
    """
    if not len(confidences) or len(confidences) != len(correct):
        raise InputError(
            f"{len(confidences)} confidences and {len(correct)} correctness flags; give one of each per line"
        )
    sure, right = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    step = np.clip((sure * bins).astype(int), 0, bins - 1)
    found = []
    for i in np.unique(step):
        inside = step == i
        found.append(
            Bin(i / bins, (i + 1) / bins, int(inside.sum()), float(sure[inside].mean()), float(right[inside].mean()))
        )
    ece = sum(b.n * abs(b.confidence - b.accuracy) for b in found) / len(sure)
    return Calibration(ece, tuple(found), len(sure))
