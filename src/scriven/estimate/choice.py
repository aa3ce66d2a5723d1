"""Which lines are most worth transcribing: a greedy choice over what a model reads in them. No labels, no chance.

A criterion is a row of CRITERIA: how much a line is worth by itself, and whether what it shares with lines already
chosen counts less. The latter is a feature-based submodular function (Wei et al., ICASSP 2014): the sum over features u
of weight_u * sqrt(amount of u in the chosen lines), where the features are the characters and pairs of characters that
are read, the hand and the page. Its greedy maximum is within 1 - 1/e of the best (Nemhauser, Wolsey & Fisher 1978) and
is found lazily (Minoux 1978). A line's worth multiplies what it adds: that keeps the lazy search exact, not the bound.
Wolf & Fink (ICFHR 2022) choose words for the same purpose, by confidence and diversity.
"""

import heapq
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scriven.base.settings import check_choice

ALIKE = 0.85  # share of equal characters from which two readings are the same text written twice
FEWEST = 2  # letters or digits that must be read: with fewer a line is blank, a stain or a rule
WORST, SOUND, SURE = 0.05, 0.2, 0.7  # quantiles of confidence: nothing below the first, all between the others


@dataclass(frozen=True)
class Candidate:
    """A line that may be transcribed: what was read in it, and the mean confidence 0..1 of its characters."""

    id: str
    text: str
    sure: float
    hand: str = ""
    page: str = ""

    def letters(self) -> int:
        """Characters that were read, spaces not counted."""
        return len(self.text) - self.text.count(" ")


@dataclass(frozen=True)
class Criterion:
    """`worth` of each candidate by itself, 0 or more; `spread`: what chosen lines have already counts less."""

    worth: Callable[[Sequence[Candidate]], list[float]]
    spread: bool


def quantiles(values: Sequence[float]) -> list[float]:
    """The share 0..1 of all values that is smaller than each; 0.5 where all are the same."""
    ranked = sorted(values)
    if not ranked or ranked[0] == ranked[-1]:
        return [0.5] * len(ranked)
    return [bisect_left(ranked, value) / (len(ranked) - 1) for value in values]


def middling(some: Sequence[Candidate]) -> list[float]:
    """0..1: little for the least sure (cut badly, another script, no writing) and for what is read well already."""

    def weight(q: float) -> float:
        if q < SOUND:
            return max(0.0, (q - WORST) / (SOUND - WORST))
        return 1.0 if q <= SURE else 1 - 0.5 * (q - SURE) / (1 - SURE)

    return [weight(q) for q in quantiles([one.sure for one in some])]


def unsure(some: Sequence[Candidate]) -> list[float]:
    """The less sure the better, save for the worst of all."""
    order = quantiles([one.sure for one in some])
    return [max(0.0, 1 - q) if q >= WORST else 0.0 for q in order]


def clear(some: Sequence[Candidate]) -> list[float]:
    """The surer the better: with few labels, the typical teaches more than the odd (Hacohen et al., ICML 2022)."""
    return quantiles([one.sure for one in some])


def amount(some: Sequence[Candidate]) -> list[float]:
    """Letters that are read."""
    return [float(one.letters()) for one in some]


def alike(some: Sequence[Candidate]) -> list[float]:
    """The same for all."""
    return [1.0] * len(some)


CRITERIA = {
    "mixed": Criterion(middling, spread=True),
    "clear": Criterion(clear, spread=True),
    "coverage": Criterion(alike, spread=True),
    "length": Criterion(amount, spread=False),
    "unsure": Criterion(unsure, spread=False),
}


def unfit(text: str) -> str | None:
    """Why a line with this reading is not worth a person's time, or None."""
    if sum(c.isalnum() for c in text) < FEWEST:
        return "nothing, or less than two letters, was read in it"
    return None


def choose(some: Sequence[Candidate], count: int, by: str = "mixed") -> list[int]:
    """The places of at most `count` candidates, the most valuable first; the same for any order of equal ones' ids.

    Texts that are nearly those of lines already chosen come only when nothing else is left; unfit lines never.
    Raises SettingsError for a criterion that is not in CRITERIA.
    """
    check_choice("by", by, CRITERIA)
    fit = [i for i, one in enumerate(some) if unfit(one.text) is None]
    places = sorted(fit, key=lambda i: some[i].id)
    pool = [some[i] for i in places]
    worth = CRITERIA[by].worth(pool)
    ranked = _spread(pool, worth) if CRITERIA[by].spread else _sorted(pool, worth)
    chosen, late = list[int](), list[int]()
    for k in ranked:
        if len(chosen) >= count:
            break
        (late if any(same(pool[k].text, pool[j].text) for j in chosen) else chosen).append(k)
    return [places[k] for k in [*chosen, *late][:count]]


def same(one: str, other: str) -> bool:
    """Whether two readings are nearly the same text."""
    from rapidfuzz.distance import Indel

    return Indel.normalized_similarity(one.casefold(), other.casefold()) >= ALIKE


def features(one: Candidate) -> Counter[tuple[str, str]]:
    """What a line holds and how much of it: characters, pairs of them (a space where words end), its hand, its page."""
    found = Counter(("character", c) for c in one.text if c != " ")
    padded = f" {one.text} "
    found.update(("pair", padded[i : i + 2]) for i in range(len(padded) - 1))
    for kind, name in (("hand", one.hand), ("page", one.page)):
        if name:
            found[kind, name] = one.letters()
    return found


def _sorted(pool: Sequence[Candidate], worth: Sequence[float]) -> Iterator[int]:
    yield from sorted(range(len(pool)), key=lambda k: (-worth[k], k))


def _spread(pool: Sequence[Candidate], worth: Sequence[float]) -> Iterator[int]:
    """All of the pool in the order of a greedy choice; a line brings its features times its worth."""
    held = [features(one) for one in pool]
    total: Counter[tuple[str, str]] = Counter()
    for some in held:
        total.update(some)
    weights = {u: math.sqrt(n) for u, n in total.items()}
    amounts: Counter[tuple[str, str]] = Counter()
    heap = [(-_gain(held[k], worth[k], amounts, weights), k, 0) for k in range(len(pool))]
    heapq.heapify(heap)
    rounds = 0
    while heap:
        _, k, when = heapq.heappop(heap)
        if when < rounds:  # gains only shrink: one that is still the largest after it was renewed is the largest
            heapq.heappush(heap, (-_gain(held[k], worth[k], amounts, weights), k, rounds))
            continue
        for u, n in held[k].items():
            amounts[u] += n
        rounds += 1
        yield k


def _gain(
    held: Mapping[tuple[str, str], int],
    worth: float,
    amounts: Mapping[tuple[str, str], float],
    weights: Mapping[tuple[str, str], float],
) -> float:
    """What the sum over features grows by when a line is added."""
    if not worth:
        return 0.0
    return worth * sum(weights[u] * (math.sqrt(amounts[u] + n) - math.sqrt(amounts[u])) for u, n in held.items())
