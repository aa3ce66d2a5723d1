"""Paths of connectionist temporal classification (Graves et al. 2006, doi:10.1145/1143844.1143891).

A path is one class per frame, greedy or aligned to a text. Its characters, with spans and alternatives, are what is
left when repeats and blanks are removed. Frames are (T, C) log posteriors; class 0 is the blank.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scriven.text import Charset

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
    peak: Ints  # the frame of its highest posterior


def runs(path: Ints, log_probs: Floats) -> Runs:
    """The runs of equal classes other than the blank in a path (T,) over log posteriors (T, C)."""
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
    """The runs without leading, trailing and repeated spaces; `space` is the class of the space."""
    spaces = found.classes == space
    letters = np.flatnonzero(~spaces)
    keep = ~spaces
    if len(letters):
        keep |= spaces & ~np.append(True, spaces[:-1]) & (np.arange(len(spaces)) < letters[-1])
    return Runs(found.classes[keep], found.first[keep], found.last[keep], found.peak[keep])


def collapse(path: Ints) -> list[int]:
    """The classes of a path (T,) after removing repeats, then blanks."""
    keep = path != 0
    keep[1:] &= path[1:] != path[:-1]
    return [int(c) for c in path[keep]]


def greedy_text(log_probs: Floats, charset: Charset) -> str:
    """The greedy reading of log posteriors (T, C), in visual order."""
    return charset.decode(collapse(greedy(log_probs)))


def spans(found: Runs, steps: int, stride: int, place: float = 0.5) -> npt.NDArray[np.float64]:
    """Spans of the characters: (K, 2) px of the prepared picture, increasing, not overlapping.

    A network trained with CTC emits a character in one or two frames. The boundary between two characters lies at
    `place` (0..1) of the way from the middle of one emission to that of the next; the first and the last character are
    extended by as much of the median advance.
    """
    if not found.classes.size:
        return np.zeros((0, 2))
    begin, end = found.first * float(stride), (found.last + 1) * float(stride)
    middle = (begin + end) / 2
    cuts = middle[:-1] + place * np.diff(middle)
    advance = float(np.median(np.diff(middle))) if middle.size > 1 else 4.0 * stride
    left = max(0.0, min(begin[0], middle[0] - (1 - place) * advance))
    right = min(float(steps * stride), max(end[-1], middle[-1] + place * advance))
    return np.stack([np.append(left, cuts), np.append(cuts, right)], axis=1)


def alternatives(rows: Floats, classes: Ints, count: int = ALTERNATIVES) -> tuple[Ints, Floats]:
    """The next best characters: (K, count) classes and log posteriors, from the rows (K, C) at the peaks."""
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
