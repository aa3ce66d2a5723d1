"""The forward algorithm of CTC, a reference for the beam search and the alignment."""

from collections.abc import Sequence

import numpy as np

from scriven.reader.ctc_paths import Floats


def log_probability(log_probs: Floats, classes: Sequence[int]) -> float:
    """Log probability that frames (T, C) spell `classes`, over all paths: the forward algorithm."""
    extended = np.zeros(2 * len(classes) + 1, np.int64)
    extended[1::2] = classes
    skip = np.full(len(extended), -np.inf)
    skip[2:][(extended[2:] != 0) & (extended[2:] != extended[:-2])] = 0.0
    alpha = np.full(len(extended) + 2, -np.inf)  # two impossible states before the first: no edge cases below
    alpha[1] = 0.0  # before the first frame, the blank and the first character can be entered
    for frame in np.asarray(log_probs, np.float64):
        moves = np.logaddexp(np.logaddexp(alpha[2:], alpha[1:-1]), alpha[:-2] + skip)
        if alpha[1] == 0.0:
            moves[1:2] = 0.0
            alpha[1] = -np.inf
        alpha[2:] = moves + frame[extended]
    if not len(log_probs):
        return 0.0 if not classes else -np.inf
    return float(np.logaddexp.reduce(alpha[-2:]))
