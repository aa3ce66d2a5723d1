"""A page's transcript without line breaks laid onto its lines: which line shows which stretch, and how sure that is.

First the best chain of lines and text in order; then, as long as lines and text are left over, chains of those, which
places marginal notes and columns that the lines have in another order. Every cut is then compared with its
alternatives.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scriven.metrics import distance
from scriven.reader.page_chain import ChainCosts, PlacedStretch, chain, skipped_text, steps
from scriven.reader.page_scores import NEVER, STEPS, LineScores, line_ends
from scriven.reader.page_text import SEPARATOR, PageText, stretches

MOST_PASSES = 8  # chains of left-over lines
CLEAR = 1000.0  # nats: the margin of a cut that has no alternative
MOST_USUAL = 0.5  # the median CER of a page above which it is not taken for a hand that is hard to read


@dataclass(frozen=True)
class Evidence:
    """What speaks for a placed line: `margin`, nats by which its cuts are better than any other; `cer` between its text
    and what is read; `excess`, by how much that is above the median of the page; `divided`: it begins or ends inside a
    word; `beside`: the text or the line before or behind it is not placed.
    """

    margin: float
    cer: float
    excess: float
    divided: bool
    beside: bool


def place(lines: Sequence[LineScores], text: PageText, costs: ChainCosts) -> list[PlacedStretch]:
    """The lines that show a stretch of the text, by their place in the text; lines may be in another order than it."""
    found = chain(lines, text, costs)
    later = replace(costs, skip_line=max(0.0, costs.skip_line - costs.reorder))
    for _ in range(MOST_PASSES):
        left = sorted(set(range(len(lines))) - {one.line for one in found})
        spans = stretches(text, [(one.start, one.end) for one in found])
        if not left or not spans:
            break
        joined, origins = _joined(text, spans)
        more = chain([lines[n] for n in left], joined, later)
        if not more:
            break
        for one in more:
            start = origins[one.start]
            found.append(PlacedStretch(left[one.line], start, start + one.end - one.start, one.hyphen))
    return sorted(found, key=lambda one: one.start)


def _joined(text: PageText, spans: Sequence[tuple[int, int]]) -> tuple[PageText, list[int]]:
    """Stretches of a text as a text of their own, with the position in `text` of each of its characters."""
    parts = [text.part(*span) for span in spans]
    wall = replace(
        parts[0], text=SEPARATOR, classes=np.array([text.never]), starts=np.zeros(2, bool), inside=np.zeros(2, bool)
    )
    whole, origins = parts[0], list(range(*spans[0]))
    for part, span in zip(parts[1:], spans[1:], strict=True):
        whole = whole.followed_by(wall).followed_by(part)
        origins += [-1, *range(*span)]
    return whole, origins


def cer(lines: Sequence[LineScores], text: PageText, one: PlacedStretch) -> float:
    """The character error rate of what is read in a line against its stretch of the text."""
    return distance(text.text[one.start : one.end], lines[one.line].reading) / max(1, one.end - one.start)


def evidence(
    lines: Sequence[LineScores], text: PageText, placed: Sequence[PlacedStretch], costs: ChainCosts
) -> list[Evidence]:
    """What speaks for each of the placed lines, which are ordered by their place in the text."""
    before, behind = [math.inf] * len(placed), [math.inf] * len(placed)
    for n in range(len(placed) + 1):
        one, other = (placed[n - 1] if n else None), (placed[n] if n < len(placed) else None)
        end, start = _margins(lines, text, one, other, costs)
        if one:
            behind[n - 1] = end
        if other:
            before[n] = start
    read = [cer(lines, text, one) for one in placed]
    usual = min(float(np.median(read)), MOST_USUAL) if read else 0.0
    known, result = {one.line for one in placed}, list[Evidence]()
    for n, one in enumerate(placed):
        last = placed[n - 1].end if n else 0
        following = placed[n + 1].start if n + 1 < len(placed) else len(text)
        gap = text.end_of(one.start) > last or text.end_of(following) > one.end
        beside = gap or any(m not in known for m in (one.line - 1, one.line + 1) if 0 <= m < len(lines))
        divided = bool(text.inside[one.start] or text.inside[one.end])
        result.append(Evidence(min(before[n], behind[n], CLEAR), read[n], read[n] - usual, divided, beside))
    return result


def _margins(
    lines: Sequence[LineScores],
    text: PageText,
    one: PlacedStretch | None,
    other: PlacedStretch | None,
    costs: ChainCosts,
) -> tuple[float, float]:
    """By how much (nats) the end of a line, and the start of the next one in the text, are better than all others.

    None before the first line and behind the last one.
    """
    low = one.start if one else 0
    part = text.part(low, other.end if other else len(text))
    divide, hyphen = steps(costs.divide), steps(costs.hyphen)
    first = np.full(len(part) + 1, NEVER, np.int64)
    first[0] = 0
    another = first
    if one:
        first = line_ends(lines[one.line], part, first, divide, hyphen).scores
        another = first.copy()
        another[next(p for p in range(one.end - low, len(part) + 1) if part.starts[p])] = NEVER
    begin = skipped_text(first, part, costs)[0]
    elsewhere = begin.copy()
    elsewhere[other.start - low if other else len(part)] = NEVER
    scores = np.stack([begin, skipped_text(another, part, costs)[0], elsewhere])
    if other:
        scores = line_ends(lines[other.line], part, scores, divide, hyphen).scores
    best, end, start = (scores[:, -1] / STEPS).tolist()
    return best - end, best - start


# Logistic regression of whether a line has exactly its text; `recipes/align --fit`, on collections not measured on.
BIAS = -1.61
WEIGHTS = {"margin": 2.17, "excess": -3.89, "divided": -1.55, "beside": -0.93}


def features(found: Evidence) -> dict[str, float]:
    """The regressors of the confidence; the margin as log(1 + nats)."""
    return {
        "margin": math.log1p(max(found.margin, 0.0)),
        "excess": found.excess,
        "divided": float(found.divided),
        "beside": float(found.beside),
    }


def confidence(found: Evidence) -> float:
    """The probability (0..1) that a placed line has exactly its text."""
    return 1 / (1 + math.exp(-BIAS - sum(WEIGHTS[name] * value for name, value in features(found).items())))
