"""Distances between two sets of feature vectors, with n and a 95 % interval.

Frechet distance of two Gaussians (Dowson & Landau 1982; Heusel et al. 2017, arXiv:1706.08500) and the unbiased kernel
distance with a cubic kernel (Binkowski et al. 2018, arXiv:1801.01401). Sets are N vectors of D numbers, (N, D).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scriven.base import InputError

Vectors = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]

RESAMPLES = 100
LEAST = 2  # vectors of a set
LEAST_GROUPS = 5  # hands, for an interval over them
NORMAL = 1.96  # standard deviations on either side of the mean that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Distance:
    """A distance between sets of `n` = (N, M) vectors; `interval`: 1.96 bootstrap deviations on either side of it."""

    value: float
    interval: tuple[float, float]
    n: tuple[int, int]

    def as_json(self) -> dict[str, object]:
        return {"value": self.value, "interval": list(self.interval), "n": list(self.n)}


def frechet_of_gaussians(mean_a: Floats, cov_a: Floats, mean_b: Floats, cov_b: Floats) -> float:
    """`|a - b|^2 + tr(A + B - 2 (A B)^(1/2))` of means (D,) and covariances (D, D); at least 0.

    The trace of the root is that of `(A^(1/2) B A^(1/2))^(1/2)`, which is symmetric, so that no complex root occurs.
    """
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ cov_b @ root)
    trace = np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(np.clip(inner, 0, None)).sum()
    return max(0.0, float(((mean_a - mean_b) ** 2).sum() + trace))


def frechet(
    a: Vectors, b: Vectors, groups_a: Sequence[str] = (), groups_b: Sequence[str] = (), *, resamples: int = RESAMPLES
) -> Distance:
    """The Frechet distance of two sets. It grows as the sets shrink: compare only distances of equal N.

    `groups_a`, `groups_b`: the hand of each vector; with five or more hands, hands are resampled, else vectors. Raises
    InputError for sets of fewer than two vectors or of unequal D.
    """

    def measure(one: Floats, other: Floats) -> float:
        (p, p_all), (q, q_all) = _weighted(a, one), _weighted(b, other)
        return frechet_of_gaussians(p, p_all, q, q_all)

    found = _measured(a, b, groups_a, groups_b, measure, resamples)
    return replace(found, interval=(max(0.0, found.interval[0]), found.interval[1]))


def kernel(
    a: Vectors, b: Vectors, groups_a: Sequence[str] = (), groups_b: Sequence[str] = (), *, resamples: int = RESAMPLES
) -> Distance:
    """The squared maximum mean discrepancy with the kernel `(x y / D + 1)^3`, unbiased: about 0 for equal sources.

    Its expectation does not depend on N. Arguments and errors as of `frechet`.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    check(a, b)
    within_a, within_b, across = cubic(a, a), cubic(b, b), cubic(a, b)

    def mean_within(gram: Floats, weights: Floats) -> float:
        """The mean over pairs of different vectors; a vector that was drawn twice is no pair with itself."""
        others = weights @ gram @ weights - (weights**2) @ np.diag(gram)
        return float(others / max(weights.sum() ** 2 - (weights**2).sum(), 1e-12))

    def measure(one: Floats, other: Floats) -> float:
        mixed = float(one @ across @ other / (one.sum() * other.sum()))
        return mean_within(within_a, one) + mean_within(within_b, other) - 2 * mixed

    return _measured(a, b, groups_a, groups_b, measure, resamples)


def cubic(a: Vectors, b: Vectors) -> Floats:
    """The kernel `(x y / D + 1)^3` of all pairs of vectors, (N, M)."""
    return np.asarray((a @ b.T / a.shape[1] + 1) ** 3, np.float64)


def check(a: Vectors, b: Vectors) -> None:
    """Raises InputError for sets that have no distance."""
    for some in (a, b):
        if len(some) < LEAST:
            raise InputError(
                f"a set of {len(some)} pictures has no spread, so no distance is defined; give two pictures or more"
            )
    if a.shape[1] != b.shape[1]:
        raise InputError(
            f"features of {a.shape[1]} and of {b.shape[1]} numbers cannot be compared; make both with one network"
        )


def _weighted(some: Vectors, weights: Floats) -> tuple[Floats, Floats]:
    """Mean (D,) and covariance (D, D) of vectors that count `weights` (N,) times."""
    total = max(float(weights.sum()), 2.0)
    mean = np.asarray(weights @ some / weights.sum(), np.float64)
    apart = (some - mean) * np.sqrt(weights)[:, None]
    return mean, np.asarray(apart.T @ apart / (total - 1), np.float64)


def _measured(
    a: Vectors,
    b: Vectors,
    groups_a: Sequence[str],
    groups_b: Sequence[str],
    measure: Callable[[Floats, Floats], float],
    resamples: int,
) -> Distance:
    check(a, b)
    value = measure(np.ones(len(a)), np.ones(len(b)))
    rng = np.random.default_rng(0)
    found = [measure(_drawn(len(a), groups_a, rng), _drawn(len(b), groups_b, rng)) for _ in range(resamples)]
    spread = NORMAL * float(np.std(found, ddof=1)) if resamples > 1 else 0.0
    return Distance(value, (value - spread, value + spread), (len(a), len(b)))


def _drawn(count: int, groups: Sequence[str], rng: np.random.Generator) -> Floats:
    """How often each of `count` vectors is drawn when as many groups, or vectors, are drawn with replacement."""
    names, group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    if len(names) < LEAST_GROUPS:
        return np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64)
    times = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
    return np.asarray(times[group], np.float64)
