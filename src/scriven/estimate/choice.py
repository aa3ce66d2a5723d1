"""Active learning: a greedy, deterministic choice, from their readings, of the lines most worth transcribing.

A criterion is a row of CRITERIA: the worth of a line by itself, and whether features that chosen lines already have
count less. The latter is a feature-based submodular function (Wei et al., ICASSP 2014): the sum over features u of
weight_u * sqrt(amount of u in the chosen lines), where the features are the characters and pairs of characters that are
read, the hand and the page. Its greedy maximum is within 1 - 1/e of the best (Nemhauser, Wolsey & Fisher 1978) and is
found by lazy evaluation (Minoux 1978). The gain of a line is multiplied by its worth: the lazy search stays exact, but
the bound no longer holds. Wolf & Fink (ICFHR 2022) choose words for the same purpose, by confidence and diversity.
"""

import heapq
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scriven.base.settings import check_choice

SAME_TEXT = 0.85  # similarity (0..1) from which two readings count as the same text
MIN_READ_LETTERS = 2  # letters or digits that must be read; with fewer a line is blank, a stain or a ruling
WORST, LOW, HIGH = 0.05, 0.2, 0.7  # quantiles of the confidence: worth 0 below the first, 1 between the other two


@dataclass(frozen=True)
class LineCandidate:
    """A line that could be transcribed: its reading, and the mean confidence (0..1) of the characters read."""

    id: str
    text: str
    confidence: float
    hand: str = ""
    page: str = ""

    def letters(self) -> int:
        """Characters that were read, without spaces."""
        return len(self.text) - self.text.count(" ")


@dataclass(frozen=True)
class Criterion:
    """`worth` of each candidate by itself, 0 or more; `diverse`: features that chosen lines have count less."""

    worth: Callable[[Sequence[LineCandidate]], list[float]]
    diverse: bool


def quantiles(values: Sequence[float]) -> list[float]:
    """The share 0..1 of all values that is smaller than each; 0.5 where all are equal."""
    ranked = sorted(values)
    if not ranked or ranked[0] == ranked[-1]:
        return [0.5] * len(ranked)
    return [bisect_left(ranked, value) / (len(ranked) - 1) for value in values]


def medium_confidence(some: Sequence[LineCandidate]) -> list[float]:
    """0..1: low for the least confident lines (badly cut, another script, no writing) and for those read well."""

    def weight(q: float) -> float:
        if q < LOW:
            return max(0.0, (q - WORST) / (LOW - WORST))
        return 1.0 if q <= HIGH else 1 - 0.5 * (q - HIGH) / (1 - HIGH)

    return [weight(q) for q in quantiles([one.confidence for one in some])]


def low_confidence(some: Sequence[LineCandidate]) -> list[float]:
    """The less confident the better, except for the worst twentieth."""
    order = quantiles([one.confidence for one in some])
    return [max(0.0, 1 - q) if q >= WORST else 0.0 for q in order]


def high_confidence(some: Sequence[LineCandidate]) -> list[float]:
    """The more confident the better: with few labels, typical examples teach most (Hacohen et al., ICML 2022)."""
    return quantiles([one.confidence for one in some])


def length(some: Sequence[LineCandidate]) -> list[float]:
    """The number of letters read."""
    return [float(one.letters()) for one in some]


def equal(some: Sequence[LineCandidate]) -> list[float]:
    """1 for every line."""
    return [1.0] * len(some)


CRITERIA = {
    "mixed": Criterion(medium_confidence, diverse=True),
    "clear": Criterion(high_confidence, diverse=True),
    "coverage": Criterion(equal, diverse=True),
    "length": Criterion(length, diverse=False),
    "unsure": Criterion(low_confidence, diverse=False),
}


def unfit(text: str) -> str | None:
    """Why a line with this reading is never chosen, or None."""
    if sum(c.isalnum() for c in text) < MIN_READ_LETTERS:
        return "fewer than two letters were read in it"
    return None


def choose(some: Sequence[LineCandidate], count: int, by: str = "mixed") -> list[int]:
    """The indices of at most `count` candidates, the most valuable first; the order of the candidates does not matter.

    Lines whose text is nearly that of a chosen line are taken only if there are no others; unfit lines are never taken.
    Raises SettingsError for a criterion that is not in CRITERIA.
    """
    check_choice("by", by, CRITERIA)
    fit = [i for i, one in enumerate(some) if unfit(one.text) is None]
    places = sorted(fit, key=lambda i: some[i].id)
    pool = [some[i] for i in places]
    worth = CRITERIA[by].worth(pool)
    ranked = diverse_order(pool, worth) if CRITERIA[by].diverse else _sorted(pool, worth)
    chosen, late = list[int](), list[int]()
    for k in ranked:
        if len(chosen) >= count:
            break
        (late if any(same_text(pool[k].text, pool[j].text) for j in chosen) else chosen).append(k)
    return [places[k] for k in [*chosen, *late][:count]]


def same_text(one: str, other: str) -> bool:
    """Whether two readings are nearly the same text, in any case."""
    from rapidfuzz.distance import Indel

    return Indel.normalized_similarity(one.casefold(), other.casefold()) >= SAME_TEXT


def features(one: LineCandidate) -> Counter[tuple[str, str]]:
    """Amounts of the features of a line: characters, character pairs (a space at word ends), its hand, its page."""
    found = Counter(("character", c) for c in one.text if c != " ")
    padded = f" {one.text} "
    found.update(("pair", padded[i : i + 2]) for i in range(len(padded) - 1))
    for kind, name in (("hand", one.hand), ("page", one.page)):
        if name:
            found[kind, name] = one.letters()
    return found


def _sorted(pool: Sequence[LineCandidate], worth: Sequence[float]) -> Iterator[int]:
    yield from sorted(range(len(pool)), key=lambda k: (-worth[k], k))


def diverse_order(pool: Sequence[LineCandidate], worth: Sequence[float]) -> Iterator[int]:
    """The whole pool in greedy order; the gain of a line is that of its features times its worth."""
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
        if when < rounds:  # gains never grow: one that is still the largest after recomputation is the largest
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
    """The increase of the sum over features when a line is added, times its worth."""
    if not worth:
        return 0.0
    return worth * sum(weights[u] * (math.sqrt(amounts[u] + n) - math.sqrt(amounts[u])) for u, n in held.items())
