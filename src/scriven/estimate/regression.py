"""Regression from features of unlabelled lines to their character error rate, in logits.

A correct reading rarely changes when the picture is made a little wider. The share of characters that differ between
two views predicts the error rate without labels (Jiang et al. 2022, arXiv:2106.13799), even where a network is
confident of its errors. If few letters are read in much ink, letters are missing: the width per letter is the second
feature. The third and the fourth are the length of the lines and its product with the change. `regression.json` holds
the coefficients; `recipes/estimate` fits them to readings of labelled lines, on collections that no published test
score is measured on (docs/experiments/2026-11-30-cer-estimate-refit.md).

Two features are not used, because the estimates were no better with them
(docs/experiments/2026-11-25-cer-estimate-features.md): confidence, since outside its training domain a network is wrong
more often than its confidence says (Ovadia et al. 2019, arXiv:1906.02530), and the likelihood of the text in the best
of several languages, which depends as much on the spelling of a period as on errors.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scriven.base import InputError

Floats = npt.NDArray[np.float64]

FEATURES = ("change", "advance", "length", "length x change")
MIN_RATE, MAX_RATE = 0.001, 0.99  # CERs are clipped to these before their logit
MIN_ADVANCE, MAX_ADVANCE = 0.05, 2.0  # width per character, in heights, is clipped to these
DEFAULT_ADVANCE = 0.35  # width per character in heights, if none is read
REGRESSION = Path(__file__).with_name("regression.json")


@dataclass(frozen=True)
class LineFeatures:
    """The features of one line read in two views; those of several lines are summed."""

    characters: int  # read in the first view
    edits: int  # between the readings of the two views
    ink: float  # width that the characters and the spaces between them cover, in heights of the prepared picture
    unread: float = 0.0  # width of the ink of a line in which nothing is read, in heights


@dataclass(frozen=True)
class CerRegression:
    """logit(CER) = bias + sum of weight times feature.

    `spread` is the root mean square error of logit(CER) on collections held out from the fit; `self_training_discount`
    is the share of the apparent gain of self-training that is real.
    """

    bias: float
    weights: Mapping[str, float]  # by FEATURES
    spread: float
    self_training_discount: float = 1.0

    def logit_cer(self, counts: Floats) -> Floats:
        """logit(CER) (N,) of summed line features (N, 5)."""
        return np.asarray(self.bias + design(counts) @ [self.weights[name] for name in FEATURES], np.float64)

    def cer(self, counts: Floats) -> Floats:
        """CER (N,) of summed line features (N, 5); every character of a line without a reading is an error."""
        read, missing = counts[:, 0], missing_characters(counts)
        rate = np.where(read > 0, expit(self.logit_cer(counts)), 1.0)
        return np.asarray((rate * read + missing) / (read + missing), np.float64)


def tally(lines: Sequence[LineFeatures]) -> Floats:
    """Features as rows (N, 5): characters, edits, ink, unread ink, and 1 for a line with a reading."""
    rows = [(one.characters, one.edits, one.ink, one.unread, one.characters > 0) for one in lines]
    return np.array(rows, np.float64).reshape(-1, 5)


def design(counts: Floats) -> Floats:
    """The regressors (N, 4), by FEATURES, of summed line features (N, 5).

    `change` is logit((edits + 1/2) / (characters + 1)), clipped at MAX_RATE; `advance` is the log of ink per character,
    clipped; `length` is the log of characters per line: a change in a short word is weaker evidence than one in a line.
    """
    characters, edits, ink, _, lines = counts.T
    change = logit(np.minimum((edits + 0.5) / (characters + 1), MAX_RATE))
    advance = np.log(np.clip(ink / np.maximum(characters, 1), MIN_ADVANCE, MAX_ADVANCE))
    length = np.log(np.maximum(characters, 1) / np.maximum(lines, 1))
    return np.stack([change, advance, length, length * change], axis=1)


def missing_characters(counts: Floats) -> Floats:
    """Characters (N,) in the lines in which nothing is read, assuming the width per character of the others."""
    advance = np.where(counts[:, 0] > 0, counts[:, 2] / np.maximum(counts[:, 0], 1), DEFAULT_ADVANCE)
    return np.asarray(counts[:, 3] / np.clip(advance, MIN_ADVANCE, MAX_ADVANCE), np.float64)


def logit(rate: Floats) -> Floats:
    """log(p / (1 - p)) of rates, clipped to MIN_RATE .. MAX_RATE first."""
    clipped = np.clip(rate, MIN_RATE, MAX_RATE)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float64)


def expit(logits: Floats) -> Floats:
    """The inverse of `logit`."""
    return np.asarray(1 / (1 + np.exp(-logits)), np.float64)


def fit(counts: Floats, rates: Floats, groups: Sequence[str]) -> CerRegression:
    """Least squares on summed line features (N, 5) of readings with the true CERs `rates` (N,).

    `groups` names the collection of each reading. Collections have equal weight, and the spread is measured on each of
    them with a regression fitted to the others. Raises InputError for fewer than two collections.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise InputError(f"the spread needs two collections or more, not {len(names)}; give more collections")
    fitted, errors = _least_squares(counts, rates, groups), []
    for name in names:
        out = np.array([group == name for group in groups])
        others = _least_squares(counts[~out], rates[~out], [group for group in groups if group != name])
        errors.append(float(((others.logit_cer(counts[out]) - logit(rates[out])) ** 2).mean()))
    return replace(fitted, spread=float(np.sqrt(np.mean(errors))))


def self_training_discount(gains: Floats, apparent: Floats, groups: Sequence[str]) -> float:
    """The share of apparent gains (N,) that is real, both in logits, by least squares; collections weigh the same."""
    weights = np.array([1 / groups.count(group) for group in groups])
    return float((weights * gains * apparent).sum() / (weights * apparent**2).sum())


def _least_squares(counts: Floats, rates: Floats, groups: Sequence[str]) -> CerRegression:
    weights = np.array([groups.count(group) for group in groups], np.float64)[:, None] ** -0.5
    regressors = np.hstack([np.ones((len(counts), 1)), design(counts)])
    solved = np.linalg.lstsq(regressors * weights, logit(rates) * weights[:, 0], rcond=None)[0]
    return CerRegression(float(solved[0]), dict(zip(FEATURES, solved[1:].tolist(), strict=True)), 0.0)


@cache
def bundled_regression() -> CerRegression:
    """The regression in `regression.json`."""
    stored = json.loads(REGRESSION.read_text("utf-8"))
    return CerRegression(stored["bias"], stored["weights"], stored["spread"], stored["self_training_discount"])
