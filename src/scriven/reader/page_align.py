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
from scriven.reader.page_scores import NEVER, STEPS, Ends, LineScores, line_ends
from scriven.reader.page_text import SEPARATOR, PageText, stretches

MOST_PASSES = 8  # chains of left-over lines


@dataclass(frozen=True)
class Evidence:
    """What speaks for a placed line: `margin`, nats by which its cuts are better than any other; `deficit`, nats per
    character by which its text is worse than what is read; `cer` between the two; `divided`: it begins or ends inside a
    word; `beside`: the text or the line before or behind it is not placed.
    """

    margin: float
    deficit: float
    cer: float
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


def evidence(
    lines: Sequence[LineScores], text: PageText, placed: Sequence[PlacedStretch], costs: ChainCosts
) -> list[Evidence]:
    """What speaks for each of the placed lines, which are ordered by their place in the text."""
    before, behind = [math.inf] * len(placed), [math.inf] * len(placed)
    deficits = [0.0] * len(placed)
    for n in range(len(placed) + 1):
        one, other = (placed[n - 1] if n else None), (placed[n] if n < len(placed) else None)
        found = _cut(lines, text, one, other, costs)
        if one:
            behind[n - 1], deficits[n - 1] = found.end, found.deficit
        if other:
            before[n] = found.start
    result = []
    lonely = {one.line for one in placed}
    for n, one in enumerate(placed):
        shown = text.text[one.start : one.end]
        last = placed[n - 1].end if n else 0
        following = placed[n + 1].start if n + 1 < len(placed) else len(text)
        gap = text.end_of(one.start) > last or text.end_of(following) > one.end
        beside = gap or any(m not in lonely for m in (one.line - 1, one.line + 1) if 0 <= m < len(lines))
        cer = distance(shown, lines[one.line].reading) / max(1, len(shown))
        divided = bool(text.inside[one.start] or text.inside[one.end])
        result.append(Evidence(min(before[n], behind[n]), deficits[n] / max(1, len(shown)), cer, divided, beside))
    return result


@dataclass(frozen=True)
class _Cut:
    """Nats by which the end of a line and the start of the next are better than others; what the first line lacks."""

    end: float
    start: float
    deficit: float


def _cut(
    lines: Sequence[LineScores],
    text: PageText,
    one: PlacedStretch | None,
    other: PlacedStretch | None,
    costs: ChainCosts,
) -> _Cut:
    """Compare the cut between two lines that follow each other in the text with all other cuts."""
    low = one.start if one else 0
    part = text.part(low, other.end if other else len(text))
    first = np.full(len(part) + 1, NEVER, np.int64)
    first[0] = 0
    deficit, after = 0.0, -1
    if one:
        ends = _ends(lines[one.line], part, first, costs)
        after = next(p for p in range(one.end - low, len(part) + 1) if p == len(part) or part.starts[p])
        deficit = -float(ends.scores[after]) / STEPS
        first = ends.scores
    begin = skipped_text(first, part, costs)[0]
    start = other.start - low if other else len(part)

    several = np.stack(
        [begin, begin, begin]
    )  # the best cut; another end of the first line; another start of the second
    if one:
        first = first.copy()
        first[after] = NEVER
        several[1] = skipped_text(first, part, costs)[0]
    several[2, start] = NEVER
    if other:
        several = _ends(lines[other.line], part, several, costs).scores
    best, end, begun = (several[:, -1] / STEPS).tolist()
    return _Cut(best - end if one else math.inf, best - begun if other else math.inf, deficit)


def _ends(line: LineScores, text: PageText, begin: np.ndarray, costs: ChainCosts) -> Ends:
    return line_ends(line, text, begin, steps(costs.divide), steps(costs.hyphen))


# Logistic regression of whether a line has exactly its text; fitted by `recipes/align --fit` on other collections.
WEIGHTS = {"": 1.0, "margin": 1.0, "deficit": -1.0, "cer": -1.0, "divided": -1.0, "beside": -1.0}


def confidence(found: Evidence) -> float:
    """The probability (0..1) that a placed line has exactly its text."""
    values = {
        "": 1.0,
        "margin": math.log1p(min(max(found.margin, 0.0), 1e3)),
        "deficit": found.deficit,
        "cer": found.cer,
        "divided": float(found.divided),
        "beside": float(found.beside),
    }
    return 1 / (1 + math.exp(-sum(WEIGHTS[name] * value for name, value in values.items())))
