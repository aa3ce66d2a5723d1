"""How well every stretch of a text fits the picture of a line: CTC scores of all starts and ends at once.

The Viterbi score of text[i:j], relative to that of the best path of the line, for the best start i of every end j. The
starts come with scores of their own, so that lines can be chained. Scores are integers, STEPS to a nat, that carry the
start of their path in their low bits: one `maximum` compares paths and keeps the start of the better one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scriven.reader.page_text import HYPHENS, PageText
from scriven.text import Charset

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

STEPS = 1024  # to a nat
BITS = 21  # of a start: texts of at most two million characters
NEVER = -(1 << 38)  # the score of what is impossible, in steps
FLOOR = 8.0  # nats that a character costs in a frame, at most
WILDCARD = 1.0  # nats that a character which the model lacks costs where any character is


@dataclass(frozen=True)
class LineScores:
    """The frames of a line: scores in steps, relative to the best class of each frame.

    classes (T, C + 1) int32: blank, the C - 1 characters of the model, any character; hyphen (T,): of any hyphen, None
    where the model has none. `reading`: greedy.
    """

    classes: npt.NDArray[np.int32]
    hyphen: npt.NDArray[np.int32] | None
    reading: str

    @classmethod
    def of(cls, log_probs: Floats, charset: Charset, reading: str, backwards: bool = False) -> "LineScores":
        """From log posteriors (T, C); `backwards` where the line is scanned from its right end."""
        probs = log_probs[::-1] if backwards else log_probs
        best = probs.max(axis=1, keepdims=True)
        relative = np.maximum(probs - best, -FLOOR)
        some = np.log(np.maximum(1 - np.exp(probs[:, :1]), 1e-9)) - best
        wildcard = np.clip(some - WILDCARD, -FLOOR, 0)
        steps = np.rint(np.concatenate([relative, wildcard], axis=1) * STEPS).astype(np.int32)
        hyphens = [charset.encode(h)[0] for h in HYPHENS if h in charset]
        return cls(steps, steps[:, hyphens].max(axis=1) if hyphens else None, reading)

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True)
class Ends:
    """For every position (N + 1,) at which the next line may begin: the best stretch of the line before it.

    scores: in steps, NEVER where there is none; starts: where the stretch begins; hyphens: whether a hyphen is written
    at its end that the text does not have.
    """

    scores: Ints
    starts: Ints
    hyphens: Bools


def line_ends(line: LineScores, text: PageText, begin: Ints, divide: int, hyphen: int) -> Ends:
    """The best stretches of a text for a line, by end. `begin` (..., N + 1): scores of its starts, NEVER for none.

    `divide`, `hyphen`: steps that it costs to end inside a word, without and with a hyphen.
    """
    count, shape = len(text), begin.shape[:-1]
    never = NEVER << BITS
    entry = (np.where(text.starts, begin, NEVER) << BITS) + np.arange(count + 1)
    walls = np.flatnonzero(text.classes == text.never)
    characters = text.classes.copy()
    characters[walls] = 0
    blank = (line.classes[:, 0].astype(np.int64) << BITS).tolist()
    repeated = np.flatnonzero(np.append(False, text.classes[1:] == text.classes[:-1]))
    cuts = np.flatnonzero(text.inside) if line.hyphen is not None else np.zeros(0, np.int64)
    marking = [] if line.hyphen is None or not len(cuts) else (line.hyphen.astype(np.int64) << BITS).tolist()
    letters, blanks = (
        np.full((*shape, count), never),
        np.full((*shape, count + 1), never),
    )  # letters[k] follows blanks[k]
    marks, tails = np.full((*shape, len(cuts)), never), np.full((*shape, len(cuts)), never)
    before = np.full((*shape, count), never)
    for t in range(len(line)):
        emitted = line.classes[t, characters].astype(np.int64) << BITS  # (N,)
        emitted[walls] = never
        if t == 0:
            letters, blanks = entry[..., :-1] + emitted, entry + blank[0]
            continue
        before[..., 1:] = letters[..., :-1]
        before[..., repeated] = never
        if marking:
            tails = np.maximum(tails, marks) + blank[t]
            marks = np.maximum(np.maximum(marks, letters[..., cuts - 1]), blanks[..., cuts]) + marking[t]
        moved = np.maximum(np.maximum(letters, blanks[..., :-1]), before) + emitted
        np.maximum(blanks[..., 1:], letters, out=blanks[..., 1:])
        blanks += blank[t]
        letters = moved
    plain = np.full((*shape, count + 1), never)
    plain[..., 1:] = np.maximum(letters, _not_empty(blanks[..., 1:], np.arange(1, count + 1)))
    plain[..., text.inside] -= divide << BITS
    marked = _not_empty(np.maximum(marks, tails), cuts) - (hyphen << BITS)
    return _ends(text, plain, cuts, marked)


def _ends(text: PageText, packed: Ints, cuts: Ints, marked: Ints) -> Ends:
    """The best stretches by the position at which the next line may begin, from those by their ends."""
    hyphens = np.zeros(packed.shape, bool)
    hyphens[..., cuts] = marked > packed[..., cuts]
    packed[..., cuts] = np.maximum(packed[..., cuts], marked)
    after = np.arange(len(text) + 1)
    after[1:] -= text.gaps
    packed = np.where(text.starts, packed[..., after], NEVER << BITS)
    scores = packed >> BITS
    return Ends(np.where(scores > NEVER // 2, scores, NEVER), _start(packed), hyphens & text.starts)


def _not_empty(packed: Ints, ends: Ints) -> Ints:
    """Without the paths that begin where they end."""
    return np.where(_start(packed) < ends, packed, NEVER << BITS)


def _start(packed: Ints) -> Ints:
    return packed & ((1 << BITS) - 1)
