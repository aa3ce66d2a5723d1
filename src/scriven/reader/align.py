"""Forced alignment: the Viterbi path of a known text through the CTC lattice of a picture."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scriven.base import InputError


class TooFewFrames(InputError):
    """A text that needs more frames than its picture has."""


def frames_needed(classes: Sequence[object]) -> int:
    """The minimum number of frames of `classes` (or a text): one each, and a blank between two equal ones."""
    return len(classes) + sum(a == b for a, b in zip(classes, classes[1:], strict=False))


def align(log_probs: npt.NDArray[np.float32], classes: Sequence[int], name: str = "a line") -> npt.NDArray[np.int64]:
    """The most probable path (T,) of `classes` over log posteriors (T, C); 0 is the blank.

    Raises TooFewFrames when T is less than `frames_needed`. `name` is used in messages.
    """
    frames, needed = len(log_probs), frames_needed(classes)
    if frames < needed:
        raise TooFewFrames(
            f"the text of {name} is too long for the width of its picture ({needed} frames are needed and it has "
            f"{frames}); check that they belong together"
        )
    if not frames:
        return np.zeros(0, np.int64)
    extended = np.zeros(2 * len(classes) + 1, np.int64)
    extended[1::2] = classes
    states = len(extended)
    skip = np.full(states, -np.inf)
    skip[2:][(extended[2:] != 0) & (extended[2:] != extended[:-2])] = 0.0
    scores = np.asarray(log_probs, np.float64)[:, extended]  # (T, S)
    came = np.zeros((frames, states), np.int8)  # steps back to the best predecessor
    best = np.full(states + 2, -np.inf)  # two impossible states before the first avoid special cases below
    best[2:4] = scores[0, :2]
    stay, step = best[2:], best[1:-1]
    jump, stay_or_step = np.empty((2, states))
    stepped, jumped = np.empty((2, states), bool)
    for t in range(1, frames):  # the first of equal moves is taken
        np.add(best[:-2], skip, out=jump)
        np.greater(step, stay, out=stepped)
        np.maximum(stay, step, out=stay_or_step)
        np.greater(jump, stay_or_step, out=jumped)
        came[t] = stepped
        np.copyto(came[t], 2, where=jumped)
        np.maximum(stay_or_step, jump, out=stay)
        stay += scores[t]
    state = states - 1 if states == 1 or best[-1] >= best[-2] else states - 2
    moves, passed = came.tobytes(), [0] * frames
    for t in range(frames - 1, -1, -1):
        passed[t] = state
        state -= moves[t * states + state]
    return np.asarray(extended[passed])
