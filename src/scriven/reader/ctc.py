"""Connectionist temporal classification, read greedily: the best class of every frame, repeats and blanks removed.

Graves et al., 2006. The same code turns any path of frames (greedy, or aligned to a text) into characters with spans,
confidences and alternatives. Frames are (T, C) log posteriors; class 0 is the blank.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

ALTERNATIVES = 3


def log_posteriors(logits: Floats, temperature: float = 1.0) -> Floats:
    """Log softmax over the last axis of logits (..., C) divided by the temperature."""
    scaled = logits if temperature == 1.0 else logits / np.float32(temperature)
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    scaled -= np.log(np.exp(scaled).sum(axis=-1, keepdims=True))
    return np.asarray(scaled, np.float32)


def greedy(log_probs: Floats) -> Ints:
    """The best class of every frame: (T,) from (T, C)."""
    return np.asarray(log_probs.argmax(axis=1), np.int64)


@dataclass(frozen=True)
class Runs:
    """The K characters of a path, in reading order; each array is (K,)."""

    classes: Ints
    first: Ints  # frame
    last: Ints  # frame, inclusive
    peak: Ints  # the frame where the character is surest


def runs(path: Ints, log_probs: Floats) -> Runs:
    """Stretches of one class other than blank in a path (T,) over log posteriors (T, C)."""
    starts = np.flatnonzero(np.append(True, path[1:] != path[:-1])) if len(path) else np.zeros(0, np.int64)
    ends = np.append(starts[1:], len(path)) if len(path) else starts
    chosen = path[starts] != 0
    starts, ends = starts[chosen], ends[chosen]
    classes = path[starts]
    peak = starts.copy()
    for i in np.flatnonzero(ends - starts > 1):
        peak[i] += log_probs[starts[i] : ends[i], classes[i]].argmax()
    return Runs(classes, starts, ends - 1, peak)


def single_spaced(found: Runs, space: int) -> Runs:
    """The runs without the spaces, of class `space`, that begin or end the line or follow another one."""
    spaces = found.classes == space
    letters = np.flatnonzero(~spaces)
    keep = ~spaces
    if len(letters):
        keep |= spaces & ~np.append(True, spaces[:-1]) & (np.arange(len(spaces)) < letters[-1])
    return Runs(found.classes[keep], found.first[keep], found.last[keep], found.peak[keep])


def collapse(path: Ints) -> list[int]:
    """The classes that a path of frames spells: repeats, then blanks, removed."""
    keep = path != 0
    keep[1:] &= path[1:] != path[:-1]
    return [int(c) for c in path[keep]]


def spans(found: Runs, steps: int, stride: int = 4) -> npt.NDArray[np.float64]:
    """Where the characters stand: (K, 2) px of the prepared picture, increasing, never overlapping.

    A network trained with CTC fires for a frame or two a character; the blank frames between two characters are
    shared by both, and the first and the last character reach out by half a usual advance.
    """
    if not found.classes.size:
        return np.zeros((0, 2))
    begin, end = found.first * float(stride), (found.last + 1) * float(stride)
    middle = (begin + end) / 2
    cuts = (end[:-1] + begin[1:]) / 2
    reach = float(np.median(np.diff(middle))) / 2 if middle.size > 1 else 2.0 * stride
    left = max(0.0, min(begin[0], middle[0] - reach))
    right = min(float(steps * stride), max(end[-1], middle[-1] + reach))
    return np.stack([np.append(left, cuts), np.append(cuts, right)], axis=1)


def alternatives(rows: Floats, classes: Ints, count: int = ALTERNATIVES) -> tuple[Ints, Floats]:
    """The best other characters: (K, count) classes and log posteriors, from the rows (K, C) at the peaks."""
    rest = rows.copy()
    rest[:, 0] = -np.inf
    rest[np.arange(len(rest)), classes] = -np.inf
    count = max(0, min(count, rest.shape[1] - 2))
    if not count or not len(rest):
        return np.zeros((len(rest), 0), np.int64), np.zeros((len(rest), 0), np.float32)
    best = np.argpartition(-rest, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(rest, best, axis=1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    return best.astype(np.int64), np.take_along_axis(rest, best, axis=1)


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
