"""The number of transcribed lines needed to reach a target CER, from measured learning curves of fine-tuning.

The share of its errors that a model still makes after fine-tuning on n lines of a hand is modelled as (1 + n / k) **
-a: 1 without lines, a power law for many (learning curves as power laws: Hestness et al. 2017, arXiv:1712.00409). A
curve is fitted for each measured hand, by least squares on the logarithm of the shares; a forecast is the range over
the hands. CURVES come from `recipes/learning-curve` (docs/experiments/2026-11-30-learning-curves.md).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Curve = Mapping[int, float]  # number of training lines: CER, a fraction; 0 lines: before fine-tuning

GOAL = 0.05  # CER, a fraction
SHOWN_AT = (30, 100, 300)  # numbers of lines for which a CER is forecast
CURVES: Mapping[str, Curve] = {  # single hands, not in the training data of any bundled model; 150 batches each
    "mss18_fr": {0: 0.2209, 163: 0.1453, 455: 0.1080},  # French, 18th century
    "latin_la": {0: 0.2859, 38: 0.2216, 88: 0.2112, 275: 0.1844},  # Latin, medieval
}


@dataclass(frozen=True)
class PowerLaw:
    """The share of errors left after n lines: (1 + n / k) ** -a."""

    k: float
    a: float

    def share(self, lines: float) -> float:
        """The share 0..1 of errors that is left after fine-tuning on so many lines."""
        return float((1 + lines / self.k) ** -self.a)

    def lines(self, share: float) -> float:
        """The number of lines after which only the `share` of errors is left, 0 < share <= 1."""
        return float(self.k * (share ** (-1 / self.a) - 1))


def fit_power_law(curve: Curve) -> PowerLaw:
    """The power law of a curve that holds 0 lines and at least two other numbers of lines."""
    points = [(n, math.log(cer / curve[0])) for n, cer in curve.items() if n]
    best, found = math.inf, PowerLaw(1.0, 1.0)
    for k in (10 ** (step / 50) for step in range(0, 201)):  # 1 to 10,000 lines
        x = [math.log1p(n / k) for n, _ in points]
        a = -sum(u * y for u, (_, y) in zip(x, points, strict=True)) / sum(u * u for u in x)
        loss = sum((y + a * u) ** 2 for u, (_, y) in zip(x, points, strict=True))
        if loss < best:
            best, found = loss, PowerLaw(k, a)
    return found


@dataclass(frozen=True)
class LinesForecast:
    """`fewest` to `most` lines to reach the CER `goal`, over all measured hands; None if that is beyond `measured`."""

    start: tuple[float, float]  # CER before, fractions: lowest, highest; the same twice where it was measured
    goal: float  # CER, a fraction
    fewest: int | None
    most: int | None
    measured: int  # lines of the largest training set of any curve
    hands: int  # curves
    reached: Mapping[int, tuple[float, float]] = field(default_factory=dict)  # lines: lowest and highest CER after

    def sentence(self) -> str:
        """The forecast as a sentence: the number of lines, its basis, and the CER after fewer lines."""
        return f"{self._lines()} ({self._start()}; by the learning curves of {self.hands} other hands)" + self._steps()

    def _lines(self) -> str:
        goal = f"{100 * self.goal:g} % CER"
        if self.most == 0:
            return f"{goal}: reached already, no more lines"
        if self.fewest is None:
            return f"{goal}: more than {self.measured:,} lines, the most that was measured"
        if self.most is None:
            return f"{goal}: at least {self.fewest:,} lines; the upper end is beyond the {self.measured:,} measured"
        return f"{goal}: roughly {self.fewest:,} to {self.most:,} lines"

    def _start(self) -> str:
        low, high = (f"{100 * cer:.3g}" for cer in self.start)
        return f"from a CER of {low} %" if low == high else f"from an estimated CER of {low} to {high} %"

    def _steps(self) -> str:
        if self.most == 0 or not self.reached:
            return ""
        steps = ", ".join(f"{n} lines {_percents(low, high)}" for n, (low, high) in self.reached.items())
        return f"; roughly, after {steps}"

    def as_json(self) -> dict[str, object]:
        """The same for JSON; CERs as fractions. `reached` maps numbers of lines to the lowest and the highest CER."""
        reached = {str(n): [round(cer, 4) for cer in ends] for n, ends in self.reached.items()}
        start = [round(cer, 4) for cer in self.start]
        lines = {"fewest": self.fewest, "most": self.most, "measured": self.measured, "hands": self.hands}
        return {"start": start, "goal": self.goal, **lines, "reached": reached}


def _percents(low: float, high: float) -> str:
    ends = [f"{100 * cer:.0f}" for cer in (low, high)]
    return f"{ends[0]} %" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]} %"


def forecast(start: tuple[float, float], goal: float = GOAL, curves: Sequence[Curve] = ()) -> LinesForecast:
    """Forecast from a CER in the range `start` to `goal`, all fractions.

    The number of lines is given only up to the largest training set of any curve.
    """
    chosen = tuple(curves) or tuple(CURVES.values())
    laws, measured = [fit_power_law(curve) for curve in chosen], max(max(curve) for curve in chosen)
    needed = sorted(law.lines(goal / cer) if cer > goal else 0.0 for law in laws for cer in start)
    fewest, most = (_two_digits(n) if n <= measured else None for n in (needed[0], needed[-1]))
    reached = {n: _range(cer * law.share(n) for law in laws for cer in start) for n in SHOWN_AT if n <= measured}
    return LinesForecast(start, goal, fewest, most, measured, len(laws), reached)


def _range(values: Iterable[float]) -> tuple[float, float]:
    found = sorted(values)
    return found[0], found[-1]


def _two_digits(value: float) -> int:
    """Rounded to two significant digits; the forecast is less precise than that."""
    return round(float(f"{value:.2g}"))
