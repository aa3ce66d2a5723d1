"""The character error rate of readings, estimated without labels: from how much they change with the view.

A sound reading does not change when the picture is made a little wider. How often two views of a picture are read
differently tells an error rate where labels are missing (Jiang et al. 2022, arXiv:2106.13799), also where a network is
sure of what it reads wrongly. Where few letters are read in much ink, letters are missing: the width of a letter is the
second sign; the length of the lines, by itself and times the change, the third and the fourth. `regression.json`,
beside this file, holds the `CerRegression` that makes a rate of the features; `recipes/estimate` fits it to
readings whose errors are known.

Where a network has learnt from its own readings, its views agree better than it reads: it learnt its mistakes, too. So
of what the signs say was gained by that, only a share is believed (`Law.true_gain`); what the rest of them flatter a
model by is its `cer_estimate_bias`, which its model.json keeps.

Two features are not used, for estimates were no better with them
(docs/experiments/2026-11-25-cer-estimate-features.md). Confidence: away from its training data a network is wrong more
often than it says (Ovadia et al. 2019, arXiv:1906.02530). And the likelihood of a text in the best of several
languages: it reflects the spelling of a period as much as errors.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from scriven.base import InputError, evenly
from scriven.images import Grey, ink_mask
from scriven.lines import Reading
from scriven.metrics import distance
from scriven.reader.decoding import Decoder
from scriven.reader.session import Picture, Reader

Floats = npt.NDArray[np.float64]

WIDER = 1.2  # width of a picture's other view
VIEWED = 100  # lines read in the other view at most
FEWEST = 10  # lines; an estimate of fewer is left to those who ask for it
RESAMPLES = 200
SINGLE = 0.6  # spread of logit(CER) that an estimate by one line has; the bootstrap of a few lines says less
LOWEST, HIGHEST = 0.001, 0.99  # error rates that a law tells apart: 0, and more than 1, have no logit
USUAL = 0.35  # width of a character in heights, where none is read
REGRESSION = Path(__file__).with_name("regression.json")
FEATURES = ("change", "advance", "length", "length x change")

One = TypeVar("One")


@dataclass(frozen=True)
class LineFeatures:
    """What one line says about the readings: numbers to be added up."""

    characters: int  # read
    edits: int  # between the readings of the two views
    ink: float  # width that the characters and the spaces between them cover, in heights of the prepared picture
    unread: float = 0.0  # width of the ink of a line in which nothing is read, in the same


@dataclass(frozen=True)
class CerRegression:
    """logit(CER) = bias + the sum of weight times sign, and how far that was off where nothing had been fitted to."""

    bias: float
    weights: Mapping[str, float]  # of SIGNS
    spread: float  # root mean square error of logit(CER), on collections left out of the fit
    self_training_discount: float = (
        1.0  # share of what a network that learns from its own readings seems to gain, in logit(CER)
    )


@dataclass(frozen=True)
class Estimate:
    """An estimated error rate, no measured one: `cer` and its 95 % `interval` are fractions, `n` lines."""

    cer: float
    n: int  # lines that it is an estimate of
    interval: tuple[float, float]
    viewed: int  # lines that were read in two views for it
    characters: float = 1.0  # a line, read or missing

    def raised(self, cer_estimate_bias: float) -> "Estimate":
        """The estimate by signs that flatter by so much, in logits."""
        if not cer_estimate_bias:
            return self
        cer, low, high = _rate(logit(np.array([self.cer, *self.interval])) + cer_estimate_bias).tolist()
        return replace(self, cer=cer, interval=(low, high))

    def as_json(self) -> dict[str, Any]:
        """`cer n interval viewed`, as JSON takes it."""
        return {"cer": self.cer, "n": self.n, "interval": list(self.interval), "viewed": self.viewed}

    def sentence(self) -> str:
        """The estimate in percent, named as one."""
        low, high = (100 * edge for edge in self.interval)
        looked = "" if self.viewed == self.n else f" by {self.viewed} lines"
        return f"estimated CER {100 * self.cer:.1f} % ({low:.0f}-{high:.0f} %), a guess without labels{looked}"

    def row(self) -> dict[str, str]:
        """One row for `scriven.metrics.table`, in percent."""
        low, high = (100 * edge for edge in self.interval)
        return {"estimated CER %": f"{100 * self.cer:.1f}", "95 %": f"{low:.1f}-{high:.1f}", "n": str(self.n)}


class EvenSample(Generic[One]):
    """At least `most` of the things offered (all, while there are fewer), evenly spread however many come."""

    def __init__(self, most: int = VIEWED):
        self.most, self.step, self.offered = most, 1, 0
        self.kept: list[One] = []

    def wants(self) -> bool:
        """Whether the next thing will be kept, to spare its making; `offer` it, or None, in any case."""
        return self.offered % self.step == 0

    def offer(self, thing: One | None) -> None:
        """Keep the thing if it is its turn; half of all go when twice as many as asked for are held."""
        if self.wants() and thing is not None:
            self.kept.append(thing)
            if len(self.kept) >= 2 * self.most:
                self.kept, self.step = self.kept[::2], 2 * self.step
        self.offered += 1

    def chosen(self, count: int) -> list[One]:
        """At most `count` of those kept, evenly spread."""
        return evenly(self.kept, count)


def estimated(
    reader: Reader, decoder: Decoder, seen: Sequence[tuple[Picture, Reading]], n: int | None = None
) -> Estimate | None:
    """The error rate of `n` lines, by prepared pictures and what `reader` reads in them; see `estimate`."""
    found = estimate(signs(reader, decoder, seen), n)
    return found and found.raised(reader.info.cer_estimate_bias)


def cer_estimate_bias(before: Estimate | None, after: Estimate | None, law: CerRegression | None = None) -> float:
    """What the signs flatter a network by, in logits, that learnt from its own readings between two estimates."""
    if before is None or after is None:
        return 0.0
    gained = float(np.subtract(*logit(np.array([before.cer, after.cer]))))
    return max(0.0, (1 - (law or bundled_law()).self_training_discount) * gained)


def signs(reader: Reader, decoder: Decoder, seen: Sequence[tuple[Picture, Reading]]) -> list[LineFeatures]:
    """A sign for each prepared picture and its reading; every picture is read once more, wider."""
    views = reader.read_prepared((picture.widened(WIDER) for picture, _ in seen), decoder)
    return [sign(picture, reading, view.text) for (picture, reading), view in zip(seen, views, strict=True)]


def sign(picture: Picture, reading: Reading, view: str) -> LineFeatures:
    """The sign of one line, whose other view is read as `view`."""
    height = picture.ink.shape[0]
    if not reading.characters:
        return LineFeatures(0, len(view), 0.0, _inked(picture.ink) / height)
    px = (reading.characters[-1].end - reading.characters[0].start) / picture.scale
    return LineFeatures(len(reading.text), distance(reading.text, view), px / height)


def _inked(ink: Grey) -> int:
    """px from the first to the last column of a prepared picture (H, W) with ink in it; 0 for a blank one."""
    columns = np.flatnonzero(ink_mask(ink).any(axis=0))
    return int(columns[-1] - columns[0] + 1) if len(columns) else 0


def estimate(signs: Sequence[LineFeatures], n: int | None = None, law: CerRegression | None = None) -> Estimate | None:
    """The error rate of `n` lines (without `n`, of those that gave signs); None where nothing was read.

    The interval holds both the chance of which lines were looked at and the error of the law on unknown handwriting.
    """
    law = law or bundled_law()
    counts = tallied(signs)
    total = counts.sum(axis=0)
    if not total[0] + total[3]:
        return None
    rng = np.random.default_rng(0)
    drawn = counts[rng.integers(len(counts), size=(RESAMPLES, len(counts)))].sum(axis=1)  # (RESAMPLES, 5)
    chance = max(logit(_with_unread(drawn[drawn[:, 0] + drawn[:, 3] > 0], law)).std(), SINGLE / len(counts) ** 0.5)
    reach = 1.96 * float(np.hypot(chance, law.spread))
    cer = _with_unread(total[None], law)
    low, high = _rate(logit(cer)[0] + np.array([-reach, reach])).tolist()
    characters = float(total[0] + _missing(total[None])[0]) / len(counts)
    middle = float(max(cer[0], LOWEST))
    return Estimate(
        middle, len(signs) if n is None else n, (min(low, middle), max(high, middle)), len(signs), characters
    )


def _with_unread(counts: Floats, law: CerRegression) -> Floats:
    """The rate (N,) of sums (N, 5), every character of an unread line counted as an error."""
    read, missing = counts[:, 0], _missing(counts)
    rate = np.where(read > 0, _rate(_logit_rate(counts, law)), 1.0)
    return np.asarray((rate * read + missing) / (read + missing), np.float64)


def _missing(counts: Floats) -> Floats:
    """Characters (N,) in the lines in which nothing is read, if they are as wide as those that are."""
    advance = np.where(counts[:, 0] > 0, counts[:, 2] / np.maximum(counts[:, 0], 1), USUAL)
    return np.asarray(counts[:, 3] / np.clip(advance, 0.05, 2), np.float64)


def together(estimates: Sequence[Estimate]) -> Estimate | None:
    """Several as one, by numbers of characters. The law may be wrong about all alike: intervals do not shrink."""
    n, weights = sum(one.n for one in estimates), [one.n * one.characters for one in estimates]
    if not n or not sum(weights):
        return None
    cer, low, high = (
        sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
        for values in zip(*((one.cer, *one.interval) for one in estimates), strict=True)
    )
    return Estimate(cer, n, (low, high), sum(one.viewed for one in estimates), sum(weights) / n)


def tallied(signs: Sequence[LineFeatures]) -> Floats:
    """Signs as rows (N, 5) to be added up: characters, edits, ink, unread ink, and 1 for a line that is read."""
    rows = [(s.characters, s.edits, s.ink, s.unread, s.characters > 0) for s in signs]
    return np.array(rows, np.float64).reshape(-1, 5)


def measures(counts: Floats) -> Floats:
    """The signs (N, 4) of sums (N, 5) of `tallied` rows, as the law takes them; see SIGNS.

    `change` is logit((edits + 1/2) / (characters + 1)) up to 0.99, `advance` log of ink a character, 0.05 to 2, and
    `length` log of characters a line: a change in a short word says less than one in a line.
    """
    characters, edits, ink, _, lines = counts.T
    change = logit(np.minimum((edits + 0.5) / (characters + 1), HIGHEST))
    advance = np.log(np.clip(ink / np.maximum(characters, 1), 0.05, 2))
    length = np.log(np.maximum(characters, 1) / np.maximum(lines, 1))
    return np.stack([change, advance, length, length * change], axis=1)


def logit(rate: Floats) -> Floats:
    """log(p / (1 - p)) of rates, which are kept between LOWEST and HIGHEST first."""
    kept = np.clip(rate, LOWEST, HIGHEST)
    return np.asarray(np.log(kept / (1 - kept)), np.float64)


def fit(counts: Floats, rates: Floats, groups: Sequence[str]) -> CerRegression:
    """The law of sums (N, 5), as `measures` takes them, of readings with these true CERs (N,), by least squares.

    `groups` names the collection of each; every collection weighs the same, and the spread is that of collections left
    out of a fit. Raises InputError for fewer than two collections.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise InputError(f"{len(names)} collections cannot tell how an estimate does on others; give two or more")
    found, wrong = _least_squares(counts, rates, groups), []
    for name in names:
        out = np.array([group == name for group in groups])
        law = _least_squares(counts[~out], rates[~out], [group for group in groups if group != name])
        wrong.append(float(((_logit_rate(counts[out], law) - logit(rates[out])) ** 2).mean()))
    return replace(found, spread=float(np.sqrt(np.mean(wrong))))


def self_training_discount(gains: Floats, seeming: Floats, groups: Sequence[str]) -> float:
    """The share of seeming gains (N,) that is true, both in logits, by least squares; collections weigh the same."""
    weights = np.array([1 / groups.count(group) for group in groups])
    return float((weights * gains * seeming).sum() / (weights * seeming**2).sum())


def _least_squares(counts: Floats, rates: Floats, groups: Sequence[str]) -> CerRegression:
    weights = np.array([groups.count(group) for group in groups], np.float64)[:, None] ** -0.5
    design = np.hstack([np.ones((len(counts), 1)), measures(counts)])
    solved = np.linalg.lstsq(design * weights, logit(rates) * weights[:, 0], rcond=None)[0]
    return CerRegression(float(solved[0]), dict(zip(FEATURES, solved[1:].tolist(), strict=True)), 0.0)


def _rate(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float64)


def _logit_rate(counts: Floats, law: CerRegression) -> Floats:
    return np.asarray(law.bias + measures(counts) @ [law.weights[name] for name in FEATURES], np.float64)


@cache
def bundled_law() -> CerRegression:
    """The law of `regression.json`."""
    stored = json.loads(REGRESSION.read_text("utf-8"))
    return CerRegression(stored["bias"], stored["weights"], stored["spread"], stored["self_training_discount"])
