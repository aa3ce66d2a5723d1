"""The probability of texts under CTC: the forward algorithm, over several pictures at once.

Graves et al. 2006 (doi:10.1145/1143844.1143891). Where an alignment has one path, this sums over all paths of a text.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

BATCH = 8192  # frames that are computed together, padding included
NEVER = -1e30  # log probability of what is impossible: finite, so that differences are


def log_probabilities(log_probs: Sequence[Floats], texts: Sequence[Sequence[int]]) -> Doubles:
    """The log probability (N,) of each text, given as classes, of log posteriors (T_i, C); class 0 is the blank.

    -inf for a text that needs more frames than there are. Computed in 32 bits: relative errors are about 1e-6.
    """
    found = np.full(len(texts), -np.inf)
    order = sorted(range(len(texts)), key=lambda i: len(log_probs[i]))
    start = 0
    for stop in range(1, len(order) + 1):
        if stop == len(order) or (stop + 1 - start) * len(log_probs[order[stop]]) > BATCH:
            some = order[start:stop]
            found[some] = _forward([log_probs[i] for i in some], [texts[i] for i in some])
            start = stop
    return found


def _forward(log_probs: Sequence[Floats], texts: Sequence[Sequence[int]]) -> Doubles:
    """The log probabilities (N,) of texts, computed together."""
    count, frames = len(texts), np.array([len(one) for one in log_probs])
    states = np.array([2 * len(text) + 1 for text in texts])  # a character, with a blank before, between and behind
    extended = np.zeros((count, states.max()), np.int64)
    for row, text in zip(extended, texts, strict=True):
        row[1 : 2 * len(text) : 2] = text
    skip = np.full(extended.shape, NEVER, np.float32)
    skip[:, 2:][(extended[:, 2:] != 0) & (extended[:, 2:] != extended[:, :-2])] = 0.0
    emitted = np.full((frames.max(), *extended.shape), NEVER, np.float32)
    for n, one in enumerate(log_probs):
        emitted[: len(one), n, : states[n]] = one[:, extended[n, : states[n]]]
    alpha = np.full(
        (count, extended.shape[1] + 2), NEVER, np.float32
    )  # two impossible states before the first: no edge cases
    rows = np.arange(count)
    found = np.where((frames == 0) & (states == 1), 0.0, NEVER)
    for t, frame in enumerate(emitted):
        if t == 0:
            alpha[:, 2:4] = frame[:, :2]
        else:
            moves = np.stack([alpha[:, 2:], alpha[:, 1:-1], alpha[:, :-2] + skip])
            best = moves.max(axis=0)
            alpha[:, 2:] = best + np.log(np.exp(moves - best).sum(axis=0)) + frame
        ends = frames == t + 1
        found[ends] = np.logaddexp(alpha[rows, states + 1], alpha[rows, states])[ends]
    return np.where(found > NEVER / 2, found, -np.inf)
