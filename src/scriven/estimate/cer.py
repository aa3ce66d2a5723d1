"""The character error rate of readings, estimated without labels from how they differ between two views of a picture.

Each line is read twice, the second time with the picture a little wider; `estimate.regression` maps the features of the
lines to a CER. A network that was trained on its own readings is more consistent than it is accurate, because it was
trained on its errors too. So only a share of its apparent gain is credited (`CerRegression.self_training_discount`);
the rest is stored in its model.json as `cer_estimate_bias` and added to every later estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scriven.base import counted
from scriven.estimate.regression import (
    MIN_RATE,
    CerRegression,
    Floats,
    LineFeatures,
    bundled_regression,
    expit,
    logit,
    missing_characters,
    tally,
)
from scriven.images import Grey, ink_mask
from scriven.lines import Reading
from scriven.metrics import distance
from scriven.reader.decoder_contract import Decoder
from scriven.reader.session import Picture, Reader

WIDE_VIEW = 1.2  # width of the second view of a picture, relative to the first
MAX_VIEWED = 100  # lines that are read in the second view
MIN_LINES = 10  # an estimate from fewer lines is given only on request
ESTIMATE_RESAMPLES = 200  # bootstrap samples of lines
ONE_LINE_SPREAD = 0.6  # standard deviation of logit(CER) from a single line; the bootstrap of few lines is too narrow


@dataclass(frozen=True)
class CerEstimate:
    """An estimated CER with its 95 % `interval`, fractions, of `n` lines."""

    cer: float
    n: int  # lines whose CER is estimated
    interval: tuple[float, float]
    viewed: int  # of them, the lines that were read in two views
    characters: float = 1.0  # per line, read or missing

    def raised(self, bias: float) -> "CerEstimate":
        """The estimate with `bias` added in logits."""
        if not bias:
            return self
        cer, low, high = expit(logit(np.array([self.cer, *self.interval])) + bias).tolist()
        return replace(self, cer=cer, interval=(low, high))

    def as_json(self) -> dict[str, Any]:
        """`cer n interval viewed`, for JSON."""
        return {"cer": self.cer, "n": self.n, "interval": list(self.interval), "viewed": self.viewed}

    def sentence(self) -> str:
        """The estimate in percent, with its interval and the lines it was made from."""
        low, high = (100 * edge for edge in self.interval)
        lines = f"these {counted(self.n, 'line')}"
        seen = lines if self.viewed == self.n else f"{self.viewed} of {lines}"
        return f"estimated CER {100 * self.cer:.1f} % ({low:.0f}-{high:.0f} %), from {seen}, without transcriptions"

    def row(self) -> dict[str, str]:
        """One row for `scriven.metrics.table`, in percent."""
        low, high = (100 * edge for edge in self.interval)
        return {"estimated CER %": f"{100 * self.cer:.1f}", "95 %": f"{low:.1f}-{high:.1f}", "n": str(self.n)}


def estimate_cer(
    reader: Reader, decoder: Decoder, seen: Sequence[tuple[Picture, Reading]], n: int | None = None
) -> CerEstimate | None:
    """The estimated CER of `n` lines (None: of `seen` only), from prepared pictures and their readings by `reader`.

    None if nothing is read in them.
    """
    return estimate_from(features_of(reader, decoder, seen), n, reader.info.cer_estimate_bias)


def features_of(reader: Reader, decoder: Decoder, seen: Sequence[tuple[Picture, Reading]]) -> list[LineFeatures]:
    """The features of prepared pictures and their readings; every picture is read once more, wider."""
    views = reader.read_prepared((picture.widened(WIDE_VIEW) for picture, _ in seen), decoder)
    return [line_features(picture, reading, view.text) for (picture, reading), view in zip(seen, views, strict=True)]


def line_features(picture: Picture, reading: Reading, view: str) -> LineFeatures:
    """The features of one line, whose second view is read as `view`."""
    height = picture.ink.shape[0]
    if not reading.characters:
        return LineFeatures(0, len(view), 0.0, _ink_width(picture.ink) / height)
    px = (reading.characters[-1].end - reading.characters[0].start) / picture.scale
    return LineFeatures(len(reading.text), distance(reading.text, view), px / height)


def _ink_width(ink: Grey) -> int:
    """px from the first to the last column of a prepared picture (H, W) with ink in it; 0 for a blank one."""
    columns = np.flatnonzero(ink_mask(ink).any(axis=0))
    return int(columns[-1] - columns[0] + 1) if len(columns) else 0


def estimate_from(
    lines: Sequence[LineFeatures], n: int | None = None, bias: float = 0.0, regression: CerRegression | None = None
) -> CerEstimate | None:
    """The estimated CER of `n` lines (None: of `lines` only) from line features; None if nothing was read.

    `bias` is added in logits. The interval covers the sampling of the lines (bootstrap) and the error of the regression
    on unknown handwriting.
    """
    regression = regression or bundled_regression()
    counts = tally(lines)
    total = counts.sum(axis=0)
    if not total[0] + total[3]:
        return None
    sampling = max(logit(_resampled(counts, regression)).std(), ONE_LINE_SPREAD / len(counts) ** 0.5)
    reach = 1.96 * float(np.hypot(sampling, regression.spread))
    cer = regression.cer(total[None])
    low, high = expit(logit(cer)[0] + np.array([-reach, reach])).tolist()
    characters = float(total[0] + missing_characters(total[None])[0]) / len(counts)
    middle = float(max(cer[0], MIN_RATE))
    interval = (min(low, middle), max(high, middle))
    found = CerEstimate(middle, len(lines) if n is None else n, interval, len(lines), characters)
    return found.raised(bias)


def _resampled(counts: Floats, regression: CerRegression) -> Floats:
    """CERs of bootstrap samples of lines (N, 5); samples in which nothing is read are left out."""
    rng = np.random.default_rng(0)
    drawn = counts[rng.integers(len(counts), size=(ESTIMATE_RESAMPLES, len(counts)))].sum(axis=1)
    return regression.cer(drawn[drawn[:, 0] + drawn[:, 3] > 0])


def cer_estimate_bias(
    before: CerEstimate | None, after: CerEstimate | None, regression: CerRegression | None = None
) -> float:
    """The bias, in logits, of an estimate `after` self-training: the part of its apparent gain that is not real."""
    if before is None or after is None:
        return 0.0
    gain = float(np.subtract(*logit(np.array([before.cer, after.cer]))))
    return max(0.0, (1 - (regression or bundled_regression()).self_training_discount) * gain)


def change_interval(
    before: Sequence[LineFeatures], after: Sequence[LineFeatures], regression: CerRegression | None = None
) -> tuple[float, float] | None:
    """The 95 % interval of the change in logit(estimated CER) from one model to another on the same lines.

    By a paired bootstrap of the lines; below 0 is better. None if one of the models reads nothing.
    """
    regression = regression or bundled_regression()
    counts = [tally(lines) for lines in (before, after)]
    if not all(len(one) and one[:, [0, 3]].sum() for one in counts):
        return None
    chosen = np.random.default_rng(0).integers(len(before), size=(ESTIMATE_RESAMPLES, len(before)))
    old, new = (one[chosen].sum(axis=1) for one in counts)  # (ESTIMATE_RESAMPLES, 5)
    read = (old[:, [0, 3]].sum(axis=1) > 0) & (new[:, [0, 3]].sum(axis=1) > 0)
    low, high = np.quantile(logit(regression.cer(new[read])) - logit(regression.cer(old[read])), [0.025, 0.975])
    return float(low), float(high)


def combined(estimates: Sequence[CerEstimate]) -> CerEstimate | None:
    """Several estimates as one, weighted by characters; None if there are none.

    The interval is the weighted mean of the intervals: errors of the estimates may be correlated.
    """
    n, weights = sum(one.n for one in estimates), [one.n * one.characters for one in estimates]
    if not n or not sum(weights):
        return None
    cer, low, high = (
        sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
        for values in zip(*((one.cer, *one.interval) for one in estimates), strict=True)
    )
    return CerEstimate(cer, n, (low, high), sum(one.viewed for one in estimates), sum(weights) / n)
