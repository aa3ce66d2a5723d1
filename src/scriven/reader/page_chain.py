"""Lines in reading order onto a text: the best chain of stretches, with lines and stretches left out at a cost.

Dynamic programming over the lines; `page_scores.line_ends` scores all stretches of one line at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scriven.base import TextError
from scriven.base.settings import NonNegative, validated
from scriven.reader.page_scores import BITS, NEVER, STEPS, LineScores, line_ends
from scriven.reader.page_text import PageText

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

MOST = 50_000_000  # characters times lines: half a gigabyte, and some minutes


@validated
@dataclass(frozen=True)
class ChainCosts:
    """What is paid, in nats, for what does not fit; chosen on collections other than those measured on."""

    skip_line: NonNegative = 6.0  # to leave out a line
    skip_line_letter: NonNegative = 1.5  # and for each character read in it
    skip_text: NonNegative = 20.0  # to leave out a stretch of text
    skip_text_letter: NonNegative = 2.5  # and for each character of it
    divide: NonNegative = 10.0  # to divide a word between two lines without a hyphen
    hyphen: NonNegative = 8.0  # and with a hyphen that the text lacks
    reorder: NonNegative = 8.0  # to place a line out of the reading order


@dataclass(frozen=True)
class PlacedStretch:
    """A line and its text[start:end]; `hyphen`: it shows a hyphen at its end that the text lacks."""

    line: int
    start: int
    end: int
    hyphen: bool


def chain(lines: Sequence[LineScores], text: PageText, costs: ChainCosts) -> list[PlacedStretch]:
    """The best stretches of `text` for some of the lines, in order, not overlapping. `line` counts the lines from 0.

    Raises TextError for a text and lines of more than MOST together, and for a text of 2 ** BITS characters.
    """
    if len(lines) * len(text) > MOST or len(text) >= 1 << BITS:
        raise TextError(
            f"a text of {len(text):,} characters for {len(lines):,} lines is too long to be laid at once; "
            "give one text file for each page"
        )
    best = np.full(len(text) + 1, NEVER, np.int64)
    best[0] = 0
    history: list[tuple[Places, Places, Bools, Bools]] = []  # where text was left out from, starts, hyphens, lines used
    for line in lines:
        begin, came = skipped_text(best, text, costs)
        ends = line_ends(line, text, begin, steps(costs.divide), steps(costs.hyphen))
        left_out = best - line_cost(line, costs)
        used = ends.scores > left_out
        best = np.where(used, ends.scores, np.maximum(left_out, NEVER))
        history.append((came.astype(np.int32), ends.starts.astype(np.int32), ends.hyphens, used))
    at, found = int(skipped_text(best, text, costs)[1][len(text)]), list[PlacedStretch]()
    for number in range(len(lines) - 1, -1, -1):
        before, starts, hyphens, used = history[number]
        if used[at]:
            start, hyphen = int(starts[at]), bool(hyphens[at])
            found.append(PlacedStretch(number, start, text.end_of(at), hyphen))
            at = int(before[start])
    return found[::-1]


def skipped_text(best: Ints, text: PageText, costs: ChainCosts) -> tuple[Ints, Ints]:
    """Scores (N + 1,) after text was left out where that is better, and the positions from which it was."""
    places = np.arange(len(text) + 1)
    letter = steps(costs.skip_text_letter)
    level = best + letter * places
    highest = np.maximum.accumulate(level)
    first = np.maximum.accumulate(np.where(level == highest, places, 0))
    after = highest - letter * places - steps(costs.skip_text) - steps(costs.divide) * text.inside
    left = after > best
    return np.where(left, np.maximum(after, NEVER), best), np.where(left, first, places)


def line_cost(line: LineScores, costs: ChainCosts) -> int:
    """What leaving out a line costs, in steps."""
    return steps(costs.skip_line + costs.skip_line_letter * len(line.reading.replace(" ", "")))


def steps(nats: float) -> int:
    return round(nats * STEPS)
