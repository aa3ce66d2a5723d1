"""Hands by the features of their pictures: how far two hands are apart, and to which hand a picture is nearest.

The distance of hands is the Euclidean distance of their mean features, as the Handwriting Distance has it (Pippi et al.
2023, arXiv:2310.20316) on features of a network of its own. A hand that is recognised is that with the nearest mean.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scriven.judging.distances import Vectors

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

RESAMPLES = 1000
LEAST = 2  # pictures of a hand in a half of its pictures

Valued = Callable[[Floats, int], float]  # distances (H,) of a picture to the known hands and the number of its own


@dataclass(frozen=True)
class Mean:
    """A mean of `n` values over `hands` hands, with its 95 % bootstrap interval, resampled by hand."""

    value: float
    interval: tuple[float, float]
    n: int
    hands: int

    def as_json(self) -> dict[str, object]:
        return {"value": self.value, "interval": list(self.interval), "n": self.n, "hands": self.hands}


def positions(hands: Sequence[str]) -> dict[str, Positions]:
    """The positions of the pictures of each named hand, in order."""
    found: dict[str, list[int]] = {}
    for at, hand in enumerate(hands):
        if hand:
            found.setdefault(hand, []).append(at)
    return {hand: np.array(places, np.int64) for hand, places in found.items()}


def halves(hands: Sequence[str]) -> tuple[dict[str, Positions], dict[str, Positions]]:
    """The first and the second half of the pictures of each hand that has two or more for either half.

    In order, so that words of one line are in one half wherever they can be.
    """
    first, second = dict[str, Positions](), dict[str, Positions]()
    for hand, places in positions(hands).items():
        if len(places) >= 2 * LEAST:
            first[hand], second[hand] = places[: len(places) // 2], places[len(places) // 2 :]
    return first, second


def means(features: Vectors, places: Mapping[str, Positions]) -> dict[str, Floats]:
    """The mean features (D,) of each hand."""
    return {hand: np.asarray(features[own].mean(0), np.float64) for hand, own in places.items()}


def apart(a: Mapping[str, Floats], b: Mapping[str, Floats]) -> Mean | None:
    """The mean distance of the hands that both have; None if there is none."""
    common = [hand for hand in a if hand in b]
    return mean_over({hand: [float(np.linalg.norm(a[hand] - b[hand]))] for hand in common})


def recognised(features: Vectors, hands: Sequence[str], known: Mapping[str, Floats]) -> Mean | None:
    """The share of pictures whose own hand has the nearest of the `known` means; None if none of the hands is known."""
    return _of_pictures(features, hands, known, lambda away, own: float(away.argmin() == own))


def rank(features: Vectors, hands: Sequence[str], known: Mapping[str, Floats]) -> Mean | None:
    """The share of the other known hands that are farther from a picture than its own hand, averaged over pictures.

    1: no hand is nearer than its own; 0.5: chance. None where no hand is known or there is no other.
    """
    if len(known) < 2:
        return None
    return _of_pictures(features, hands, known, lambda away, own: float((away > away[own]).sum() / (len(away) - 1)))


def _of_pictures(features: Vectors, hands: Sequence[str], known: Mapping[str, Floats], value: Valued) -> Mean | None:
    if not known:
        return None
    names = list(known)
    number = {hand: i for i, hand in enumerate(names)}
    table = np.stack([known[hand] for hand in names])  # (H, D)
    found: dict[str, list[float]] = {}
    for row, hand in zip(features, hands, strict=True):
        if hand in number:
            away = np.linalg.norm(table - row, axis=1)
            found.setdefault(hand, []).append(value(away, number[hand]))
    return mean_over(found)


def mean_over(values: Mapping[str, Iterable[float]]) -> Mean | None:
    """The mean of values by hand; None if there are none. With one hand, its values are resampled."""
    some = {hand: np.fromiter(own, np.float64) for hand, own in values.items()}
    every = np.concatenate([*some.values(), np.zeros(0)])
    if not len(every):
        return None
    blocks = list(some.values()) if len(some) > 1 else [every[i : i + 1] for i in range(len(every))]
    sums, counts = np.array([own.sum() for own in blocks]), np.array([len(own) for own in blocks])
    drawn = np.random.default_rng(0).integers(len(blocks), size=(RESAMPLES, len(blocks)))
    low, high = np.percentile(sums[drawn].sum(1) / counts[drawn].sum(1), [2.5, 97.5])
    return Mean(float(every.mean()), (float(low), float(high)), len(every), len(some))


def nearest(features: Vectors, to: Vectors) -> tuple[Floats, Positions]:
    """The distance (N,) of each picture to the nearest of others, and the position (N,) of that."""
    squares = (features**2).sum(1)[:, None] + (to**2).sum(1)[None] - 2 * features @ to.T
    place = squares.argmin(1)
    return np.sqrt(np.clip(squares[np.arange(len(place)), place], 0, None)).astype(np.float64), place
