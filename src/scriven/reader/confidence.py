"""Calibrated confidence: temperature scaling of the posteriors, Platt scaling of whole lines.

Temperature scaling: Guo et al. 2017 (arXiv:1706.04599); Platt scaling: Platt 1999. Both are fitted on validation lines
after training and stored in model.json.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from scriven.reader.ctc_paths import Floats, collapse, greedy, log_posteriors, runs
from scriven.text import Charset, normalise, visual

Calibration = tuple[float, float]  # bias, slope


def line_confidence(log_path: float, calibration: Calibration = (0.0, 1.0)) -> float:
    """The probability that a whole line is read correctly, from the log probability of its path of frames."""
    bias, slope = calibration
    return _sigmoid(bias + slope * _logit(log_path))


def _logit(log_path: float) -> float:
    """log(p / (1 - p)) of p = exp(log_path), without underflow."""
    log_path = min(log_path, -1e-9)
    return log_path - math.log(-math.expm1(log_path))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def fit_temperature(logits: Sequence[Floats], texts: Sequence[str], charset: Charset) -> float:
    """The temperature in 0.2..5 of the lowest cross-entropy of the confidences of greedily read characters.

    logits: frames (T_i, C) of each line; texts: their true texts. A character is correct if it is kept in the shortest
    edit from the reading to the text. 1.0 if nothing is read.
    """
    rows, correct = [], []
    for frames, text in zip(logits, texts, strict=True):
        found = runs(greedy(frames), frames)
        rows.append(margins(frames[found.peak], found.classes))
        correct.append(kept(charset.decode(found.classes.tolist()), visual(text)))
    return fit_margins(rows, correct)


def fit_margins(rows: Sequence[Floats], correct: Sequence[npt.NDArray[np.bool_]]) -> float:
    """The temperature in 0.2..5 of the lowest cross-entropy of first columns, of `margins` (K_i, C) of each line.

    correct (K_i,): whether the chosen class is right. 1.0 if there are no rows.
    """
    every = [row for row in rows if len(row)]
    if not every:
        return 1.0
    values, hits = np.concatenate(every).astype(np.float64), np.concatenate(list(correct))

    def loss(log_temperature: float) -> float:
        scaled = values / math.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        exps = np.exp(scaled)
        p = np.clip(exps[:, 0] / exps.sum(axis=1), 1e-7, 1 - 1e-7)
        return float(-np.where(hits, np.log(p), np.log1p(-p)).mean())

    return math.exp(golden_section(loss, math.log(0.2), math.log(5.0)))


def margins(rows: Floats, classes: npt.NDArray[np.int64]) -> Floats:
    """Logits (K, C) with that of the chosen class first."""
    others = np.ones(rows.shape, bool)
    others[np.arange(len(rows)), classes] = False
    return np.concatenate([rows[~others][:, None], rows[others].reshape(len(rows), rows.shape[1] - 1)], axis=1)


def kept(read: str, text: str) -> npt.NDArray[np.bool_]:
    """Which characters of `read` (K,) are kept in the shortest edit to `text`."""
    from rapidfuzz.distance import Levenshtein

    stay = np.zeros(len(read), bool)
    for block in Levenshtein.opcodes(read, text):
        if block.tag == "equal":
            stay[block.src_start : block.src_end] = True
    return stay


def golden_section(function: Callable[[float], float], low: float, high: float, tolerance: float = 1e-3) -> float:
    """The minimum of a unimodal function between `low` and `high`, by golden-section search."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > tolerance:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2


def fit_lines(
    logits: Sequence[Floats], texts: Sequence[str], charset: Charset, temperature: float = 1.0
) -> Calibration:
    """Bias and slope of `line_confidence` for greedy readings, by logistic regression with a weak prior at (0, 1).

    A reading is correct if it equals the text once white space is normalised, as in scores.
    """
    paths, right = [], []
    for frames, text in zip(logits, texts, strict=True):
        log_probs = log_posteriors(frames, temperature)
        path = greedy(log_probs)
        paths.append(float(log_probs[np.arange(len(path)), path].sum()))
        right.append(normalise(charset.decode(collapse(path))) == visual(text))
    return fit_calibration(paths, right)


def fit_calibration(log_paths: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Bias and slope of `line_confidence` from log probabilities of readings, and whether each is right."""
    return logistic(np.array([_logit(p) for p in log_paths], np.float64), np.array(right, np.float64))


def logistic(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], precision: float = 1.0) -> Calibration:
    """Bias and slope of a logistic regression of outcomes y (n,) in {0, 1} on x (n,), by Newton's method.

    `precision` is that of a normal prior around bias 0 and slope 1, for few outcomes or outcomes that are all the same.
    """
    prior = np.array([0.0, 1.0])
    design = np.stack([np.ones_like(x), x], axis=1)

    def loss(weights: npt.NDArray[np.float64]) -> float:
        z = design @ weights
        return float((np.logaddexp(0, z) - y * z).sum() + precision * ((weights - prior) ** 2).sum() / 2)

    weights = prior
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
        gradient = design.T @ (y - p) - precision * (weights - prior)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + precision * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while loss(weights + step) > loss(weights) and np.abs(step).max() > 1e-9:
            step /= 2  # far from the minimum a full step overshoots
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return float(weights[0]), float(weights[1])
