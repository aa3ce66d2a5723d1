"""How long a text by attention may be, and where its characters are in the picture."""

import numpy as np
import numpy.typing as npt

from scriven.reader.decoder_contract import Frames

NARROWEST_CHARACTER = 4  # px of a prepared picture
SLACK = 2  # characters; see `bounds`
FIXED_CHARACTERS = 4  # most characters per frame where all pictures have the same number of frames


def bounds(count: int) -> tuple[int, int]:
    """The fewest and the most characters that attention may write where CTC reads `count`.

    They keep a text from stopping early, and from repeating itself without end.
    """
    return max(0, count - SLACK - count // 5), count + SLACK + count // 5


def most_characters(frames: int, stride: int, fixed: bool) -> int:
    """The most characters that are written of a picture: a bound for texts that do not end.

    It has `frames` frames of `stride` px; `fixed`: as many as every other picture has, whatever its width.
    """
    return frames * (FIXED_CHARACTERS if fixed else max(1, stride // NARROWEST_CHARACTER))


def spans(attention: Frames, end: float) -> npt.NDArray[np.float64]:
    """Spans (K, 2) in frames of K characters, increasing and before `end`, from their attention (K, T).

    The centre of a character is the mean place of its attention, never before that of the character before it;
    characters meet half-way between their centres.
    """
    count, frames = attention.shape
    places = np.arange(frames) + 0.5
    weights = np.asarray(attention, np.float64)
    centres = np.maximum.accumulate(weights @ places / np.maximum(weights.sum(1), 1e-9))
    least = end / (4 * count)  # so that no character is without width
    for i in range(1, count):
        centres[i] = max(centres[i], centres[i - 1] + least)
    centres = np.minimum(centres, end - least / 2 - least * np.arange(count - 1, -1, -1))
    cuts = (centres[:-1] + centres[1:]) / 2
    reach = float(np.median(np.diff(centres))) / 2 if count > 1 else 1.0
    left, right = max(0.0, centres[0] - reach), min(end, centres[-1] + reach)
    return np.stack([np.append(left, cuts), np.append(cuts, right)], axis=1)
