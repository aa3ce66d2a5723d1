"""How many transcribed lines it may take to reach an error rate, from learning curves that were measured.

The share of its errors that a model keeps after fine-tuning on n lines of a hand follows (1 + n / k) ** -a: 1 without
lines, a power law with many (learning curves as power laws: Hestness et al. 2017, arXiv:1712.00409). Each law is fitted
by least squares on the logarithm of the shares.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Curve = Mapping[int, float]  # lines: CER, a fraction; 0 lines: before

GOAL = 0.05  # CER, a fraction
CURVES: Mapping[str, Curve] = {  # of docs/results.md, n 721 test lines, four minutes of training each
    "hooker_en": {0: 0.5409, 101: 0.3857, 490: 0.2833, 5058: 0.2296},
    "hooker_en, without its largest set, for which that is short": {0: 0.5409, 101: 0.3857, 490: 0.2833},
}


@dataclass(frozen=True)
class PowerLaw:
    """The share of errors left after n lines: (1 + n / k) ** -a."""

    k: float
    a: float

    def share(self, lines: float) -> float:
        """The share 0..1 of errors that is left after so many lines."""
        return float((1 + lines / self.k) ** -self.a)

    def lines(self, share: float) -> float:
        """After how many lines only so much is left, 0 < share <= 1."""
        return float(self.k * (share ** (-1 / self.a) - 1))


def fit_power_law(curve: Curve) -> PowerLaw:
    """The law of a curve, which holds 0 lines and two other numbers of lines at least."""
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
class Forecast:
    """`fewest` and `most` lines until the CER `goal`; None where that is more than was ever measured."""

    start: tuple[float, float]  # CER before, fractions: from, to; the same twice where somebody measured it
    goal: float  # CER, a fraction
    fewest: int | None
    most: int | None
    measured: int  # lines of the largest set that a law was fitted on

    def sentence(self) -> str:
        """The forecast in words, with what it rests on."""
        low, high = (f"{100 * cer:.3g}" for cer in self.start)
        now = f"from a CER of {low} %" if low == high else f"from a CER guessed as {low} to {high} %"
        goal = f"{100 * self.goal:g} % CER"
        if self.fewest is None:
            what = f"how many lines it takes cannot be told: more than {self.measured:,}, the most ever measured"
        elif self.most is None:
            what = f"{self.fewest:,} lines or more, how many more cannot be told"
        elif self.most == 0:
            what = "no more lines"
        else:
            what = f"some {self.fewest:,} to {self.most:,} lines"
        return f"{goal}: {what} ({now}, by the learning curve of one hand)"

    def as_json(self) -> dict[str, object]:
        """The same as JSON takes it; CER as fractions."""
        start = [round(cer, 4) for cer in self.start]
        return {"start": start, "goal": self.goal, "fewest": self.fewest, "most": self.most, "measured": self.measured}


def forecast(start: tuple[float, float], goal: float = GOAL, curves: Sequence[Curve] = ()) -> Forecast:
    """From a CER between the two of `start` to `goal`, all fractions.

    Nothing is told beyond the number of lines that the curves were measured with.
    """
    chosen = tuple(curves) or tuple(CURVES.values())
    measured = max(max(curve) for curve in chosen)
    needed = sorted(fit_power_law(curve).lines(goal / cer) if cer > goal else 0.0 for curve in chosen for cer in start)
    fewest, most = (two_digits(n) if n <= measured else None for n in (needed[0], needed[-1]))
    return Forecast(start, goal, fewest, most, measured)


def two_digits(value: float) -> int:
    """A number rounded to two digits: a forecast knows no more."""
    return round(float(f"{value:.2g}"))
