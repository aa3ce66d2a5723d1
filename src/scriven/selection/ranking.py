"""Choosing pictures by a score: within bins of the length of the text, and relative to what its characters get.

A share (`keep`) is taken of every bin, and a score counts relative to the mean of the characters of its text, so that
neither short words nor easy characters take over. A `precision` is reached by a threshold on the score itself, in
every bin, which is chosen on one half of the pictures and checked on the other.
"""

import hashlib
import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from scriven.base import SettingsError
from scriven.selection.measured import Measured

BY: dict[str, Callable[[Measured], float | None]] = {
    "confidence": lambda one: one.confidence,
    "legibility": lambda one: 1 - one.cer + 1e-3 * one.confidence,  # confidence if equally right
    "nmae": lambda one: None if one.nmae is None else -one.nmae,
    "style": lambda one: None if one.style is None else -one.style,
}
"""The scores that pictures are ranked by; higher is better. None: it cannot be measured."""

LENGTHS = (1, 3, 5, 8, 13, 26, 51)  # characters: where the bins of lengths begin
RIDGE = 1.0  # of the regression on characters: those that few texts have count as the mean
FEWEST = 30  # pictures of a bin by which it gets a threshold of its own for a precision


def bin_of(text: str) -> int:
    """The number of the bin of lengths of a text."""
    return max(0, bisect_right(LENGTHS, len(text)) - 1)


def bin_name(number: int) -> str:
    """The lengths in a bin: `5 to 7`, `51 and more`."""
    if number + 1 == len(LENGTHS):
        return f"{LENGTHS[-1]} and more"
    return f"{LENGTHS[number]} to {LENGTHS[number + 1] - 1}"


class Checked(NamedTuple):
    """How many of the kept pictures of the half on which no threshold was chosen are read right."""

    right: int
    n: int

    @property
    def precision(self) -> float | None:
        """The share that is read right; None if none is kept."""
        return self.right / self.n if self.n else None

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
        z, n, p = 1.96, max(self.n, 1), self.precision or 0.0
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


@dataclass(frozen=True)
class Gate:
    """Which pictures are kept: those whose score reaches the threshold of their bin of lengths."""

    by: str
    thresholds: Mapping[int, float]  # by bin; inf where nothing is kept
    characters: Mapping[str, float] = field(default_factory=dict)  # what each adds to a score
    checked: Checked | None = None  # of a precision

    def score(self, one: Measured) -> float:
        """The score of a picture, relative to that of its characters where those are known."""
        return _value(one, self.by) - _mean([self.characters.get(c, 0.0) for c in one.text])

    def passes(self, one: Measured) -> bool:
        """Whether a picture is kept."""
        return self.score(one) >= self.thresholds.get(bin_of(one.text), math.inf)

    def as_json(self) -> dict[str, Any]:
        """`by`, the thresholds by the lengths of their bins, and the check of a precision."""
        named = {bin_name(n): t if math.isfinite(t) else None for n, t in sorted(self.thresholds.items())}
        found: dict[str, Any] = {"by": self.by, "thresholds": named}
        if self.checked:
            check = {"right": self.checked.right, "n": self.checked.n, "precision": self.checked.precision}
            found["checked"] = {**check, "interval": list(self.checked.interval())}
        return found


def fit(measured: Sequence[Measured], by: str, keep: float, precision: float | None) -> Gate:
    """The gate that keeps a share of some pictures, or reaches a precision on them.

    Raises SettingsError for a score that cannot be measured.
    """
    return _of_precision(measured, by, precision) if precision is not None else _of_share(measured, by, keep)


def _of_share(measured: Sequence[Measured], by: str, keep: float) -> Gate:
    """Keeps the best `keep` of every bin of lengths, rounded up; of equal scores at the threshold, all."""
    gate = Gate(by, {}, _characters(measured, by))
    scores = defaultdict[int, list[float]](list)
    for one in measured:
        scores[bin_of(one.text)].append(gate.score(one))
    best = {n: sorted(some, reverse=True)[math.ceil(keep * len(some) - 1e-9) - 1] for n, some in scores.items()}
    return Gate(by, best, gate.characters)


def _of_precision(measured: Sequence[Measured], by: str, precision: float) -> Gate:
    """Keeps as many as are read right with the asked precision, by half of the pictures."""
    half = [one for one in measured if calibrates(one.id)]
    bins = defaultdict[int, list[Measured]](list)
    for one in half:
        bins[bin_of(one.text)].append(one)
    everywhere = _threshold(half, by, precision)
    thresholds = {bin_of(one.text): everywhere for one in measured}
    thresholds |= {n: _threshold(some, by, precision) for n, some in bins.items() if len(some) >= FEWEST}
    gate = Gate(by, thresholds)
    kept = [one for one in measured if not calibrates(one.id) and gate.passes(one)]
    return Gate(by, thresholds, checked=Checked(sum(one.right for one in kept), len(kept)))


def calibrates(id: str) -> bool:
    """Whether a picture belongs to the half on which thresholds are chosen, by the hash of its id."""
    return hashlib.sha256(id.encode()).digest()[0] % 2 == 0


def _threshold(some: Sequence[Measured], by: str, precision: float) -> float:
    """The lowest score from which on the asked share is read right; inf where no score reaches it."""
    ranked = sorted(((_value(one, by), one.right) for one in some), reverse=True)
    found, right = math.inf, 0
    for n, (score, good) in enumerate(ranked, start=1):
        right += good
        last_of_equals = n == len(ranked) or ranked[n][0] < score
        if last_of_equals and right >= precision * n - 1e-9:
            found = score
    return found


def _characters(measured: Sequence[Measured], by: str) -> dict[str, float]:
    """What each character adds to the score of a text, in proportion to its share of it, by ridge regression."""
    numbers = {character: n for n, character in enumerate(sorted({c for one in measured for c in one.text}))}
    values = [_value(one, by) for one in measured]
    mean, size = _mean(values), len(numbers)
    squares, products = RIDGE * np.eye(size), np.zeros(size)
    for one, value in zip(measured, values, strict=True):
        counts = Counter(one.text)
        places = [numbers[c] for c in counts]
        shares = np.array(list(counts.values())) / max(1, len(one.text))
        squares[np.ix_(places, places)] += np.outer(shares, shares)
        products[places] += shares * (value - mean)
    return dict(zip(numbers, np.linalg.solve(squares, products).tolist(), strict=True))


def _value(one: Measured, by: str) -> float:
    value = BY[by](one)
    if value is None:
        raise unmeasured(by)
    return value


def unmeasured(by: str) -> SettingsError:
    """The error for a score in BY that cannot be measured of some pictures."""
    what = {"nmae": "a real picture of the same text, as `regenerate` has", "style": "the writing of the hand"}
    return SettingsError(f"pictures cannot be ranked by {by} without {what[by]}; choose another --by")


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
