"""The logistic regression behind the confidence of `scriven align`: Newton's method, checked by collection."""

from collections.abc import Sequence

import numpy as np

from scriven.reader.page_align import Evidence, features

RIDGE, STEPS = 1e-2, 50
RECALL = 0.9  # of the wrong lines, at the threshold that is proposed


def design(evidence: Sequence[Evidence]) -> tuple[list[str], np.ndarray]:
    """The names of the regressors, the bias first, and their values (N, K)."""
    rows = [{"bias": 1.0, **features(one)} for one in evidence]
    return list(rows[0]), np.array([list(row.values()) for row in rows])


def fit(values: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The weights (K,) of values (N, K) for whether a line is right (N,)."""
    weights = np.zeros(values.shape[1])
    for _ in range(STEPS):
        p = probabilities(values, weights)
        curvature = (values * (p * (1 - p))[:, None]).T @ values + RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, values.T @ (right - p) - RIDGE * weights)
    return weights


def probabilities(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values @ weights))


def fitted(evidence: Sequence[Evidence], right: Sequence[bool], collections: Sequence[str]) -> str:
    """The weights, and the threshold below which RECALL of the wrong lines are, each collection left out in turn."""
    names, values = design(evidence)
    good, group = np.array(right, float), np.array(collections)
    held_out = np.empty(len(good))
    for name in set(collections):
        out = group == name
        held_out[out] = probabilities(values[out], fit(values[~out], good[~out]))
    threshold = float(np.quantile(held_out[good == 0], RECALL, method="inverted_cdf"))
    marked = held_out <= threshold
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(names, fit(values, good), strict=True))
    wrong = int((good == 0).sum())
    return (
        f"{len(good)} placed lines, {wrong} wrong: {weights}\nheld out: {100 * RECALL:.0f} % of the wrong lines below "
        f"{threshold:.3f}, with {100 * marked.mean():.1f} % of all, {100 * (good[marked] == 0).mean():.0f} % wrong"
    )
