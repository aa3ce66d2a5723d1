"""Whether confidence can be believed: the expected calibration error (Guo et al., 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scriven.base import InputError


@dataclass(frozen=True)
class Bin:
    """Predictions of about one confidence: how many, how confident, how often right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far confidence can be believed: `ece` is the mean distance of confidence and accuracy, weighted by n."""

    ece: float
    bins: tuple[Bin, ...]
    n: int


def calibration(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> Calibration:
    """Expected calibration error over equal steps of confidence (Guo et al., 2017); empty bins are left out."""
    if not len(confidences) or len(confidences) != len(correct):
        raise InputError(f"{len(confidences)} confidences and {len(correct)} verdicts; give one of each for each line")
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
