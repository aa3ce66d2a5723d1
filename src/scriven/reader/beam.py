"""CTC prefix beam search with external scorers such as a language model or a word list.

Hannun et al. 2014 (arXiv:1408.2873): a hypothesis is a text, not a path; the probabilities of all paths of a text are
summed, separately for paths that end in a blank. Scorers add a log score to every character.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from scriven.base.settings import Count, Share, validated

Rows = npt.NDArray[np.float64]


class Scorer(Protocol):
    """Prior knowledge about texts. A state represents the text so far."""

    def start(self) -> Any: ...

    def rows(self, states: Sequence[Any]) -> Rows:
        """(len(states), C): the score of each class as the next character; column 0 is not used."""
        ...

    def advance(self, state: Any, class_: int) -> Any: ...

    def final(self, state: Any) -> float:
        """The score of the end of the text."""
        ...


@dataclass(frozen=True)
class Hypothesis:
    """A text as classes, its log score with the scorers, and its log probability by the picture alone."""

    classes: tuple[int, ...]
    score: float
    optical: float


@validated
@dataclass(frozen=True)
class BeamSettings:
    """The width of the search and its pruning thresholds."""

    width: Count = 32
    cut: Share = 1e-3  # classes of a lower posterior do not extend a text at that frame
    blank: Annotated[float, Field(gt=0, le=1)] = 0.999  # frames whose blank has a higher posterior extend no text


class _Texts:
    """All prefixes so far, as a tree; node 0 is the empty text. Holds the scorer states and rows of every node."""

    def __init__(self, classes: int, scorers: Sequence[Scorer]):
        self.scorers = scorers
        self.parent, self.last = [-1], [0]
        self.child: dict[tuple[int, int], int] = {}
        self.states: list[tuple[Any, ...]] = [tuple(s.start() for s in scorers)]
        self.rows = np.zeros((64, classes))
        self._score([0])

    def extend(self, nodes: Sequence[int], classes: Sequence[int]) -> list[int]:
        result, new = [], []
        for node, class_ in zip(nodes, classes, strict=True):
            key = (node, class_)
            if key not in self.child:
                self.child[key] = len(self.parent)
                new.append(len(self.parent))
                self.parent.append(node)
                self.last.append(class_)
                old = self.states[node]
                self.states.append(tuple(s.advance(o, class_) for s, o in zip(self.scorers, old, strict=True)))
            result.append(self.child[key])
        if new:
            self._score(new)
        return result

    def _score(self, nodes: list[int]) -> None:
        if not self.scorers:
            return
        while nodes[-1] >= len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        for i, scorer in enumerate(self.scorers):
            self.rows[nodes] += scorer.rows([self.states[n][i] for n in nodes])

    def spell(self, node: int) -> tuple[int, ...]:
        classes = []
        while node:
            classes.append(self.last[node])
            node = self.parent[node]
        return tuple(reversed(classes))

    def final(self, node: int) -> float:
        return sum(s.final(state) for s, state in zip(self.scorers, self.states[node], strict=True))


@dataclass
class _Beam:
    """The B active texts: tree nodes, log probability of paths ending in a blank or not, scorer scores so far."""

    node: npt.NDArray[np.int64]
    parent: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    blank: Rows
    other: Rows
    bonus: Rows


def beam_search(
    log_probs: npt.NDArray[np.float32], scorers: Sequence[Scorer] = (), settings: BeamSettings | None = None
) -> list[Hypothesis]:
    """The best texts for log posteriors (T, C), best first, at most `settings.width` of them."""
    settings = settings or BeamSettings()
    texts = _Texts(log_probs.shape[1], scorers)
    one = np.zeros(1, np.int64)
    beam = _Beam(one, one - 1, one, np.zeros(1), np.full(1, -np.inf), np.zeros(1))
    skip = math.log(settings.blank) if settings.blank < 1 else math.inf
    cut = math.log(settings.cut) if settings.cut > 0 else -math.inf
    frames = np.asarray(log_probs, np.float64)
    blanks = frames[:, 0]
    wanted = frames > cut
    wanted[:, 0] = False
    for t in range(len(frames)):
        if blanks[t] > skip:
            beam.blank = np.logaddexp(beam.blank, beam.other) + blanks[t]
            beam.other = np.full(len(beam.node), -np.inf)
        else:
            beam = _step(beam, frames[t], np.flatnonzero(wanted[t]), texts, settings.width)
    optical = np.logaddexp(beam.blank, beam.other)
    found = [
        Hypothesis(texts.spell(node), float(o + b + texts.final(node)), float(o))
        for node, o, b in zip(beam.node.tolist(), optical, beam.bonus, strict=True)
    ]
    return sorted(found, key=lambda h: -h.score)


def _step(beam: _Beam, frame: Rows, candidates: npt.NDArray[np.int64], texts: _Texts, width: int) -> _Beam:
    """One frame (C,): every text stays or is extended by a candidate class; the best `width` are kept."""
    total = np.logaddexp(beam.blank, beam.other)
    stay_blank = total + frame[0]
    stay_other = beam.other + frame[beam.last]
    # (B, K): a repeated class needs a blank in between
    repeat = beam.last[:, None] == candidates
    grown = np.where(repeat, beam.blank[:, None], total[:, None]) + frame[candidates]
    # an extended text that is already active is merged into it
    row, child = np.nonzero(beam.node[:, None] == beam.parent)
    if len(row) and len(candidates):
        column = np.minimum(np.searchsorted(candidates, beam.last[child]), len(candidates) - 1)
        known = candidates[column] == beam.last[child]
        row, child, column = row[known], child[known], column[known]
        stay_other[child] = np.logaddexp(stay_other[child], grown[row, column])
        grown[row, column] = -np.inf
    bonus = np.broadcast_to(beam.bonus[:, None], grown.shape)
    if texts.scorers:
        bonus = bonus + texts.rows[beam.node[:, None], candidates]
    scores = np.concatenate([np.logaddexp(stay_blank, stay_other) + beam.bonus, (grown + bonus).ravel()])
    best = np.argpartition(-scores, width - 1)[:width] if len(scores) > width else np.arange(len(scores))
    best = best[scores[best] > -np.inf]
    kept = best[best < len(total)]
    row, column = np.divmod(best[best >= len(total)] - len(total), max(1, len(candidates)))
    nodes, classes = beam.node[row], candidates[column]
    fresh = np.array(texts.extend(nodes.tolist(), classes.tolist()), np.int64)
    return _Beam(
        np.concatenate([beam.node[kept], fresh]),
        np.concatenate([beam.parent[kept], nodes]),
        np.concatenate([beam.last[kept], classes]),
        np.concatenate([stay_blank[kept], np.full(len(fresh), -np.inf)]),
        np.concatenate([stay_other[kept], grown[row, column]]),
        np.concatenate([beam.bonus[kept], bonus[row, column]]),
    )
