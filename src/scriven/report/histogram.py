"""Histograms of integers with round bin edges."""

from collections import Counter
from collections.abc import Sequence

from scriven.report.chart import bars
from scriven.report.document import Html
from scriven.report.pieces import text

BINS = 40  # bars, at most


def histogram(values: Sequence[int], what: str, unit: str, y: str) -> Html:
    """A histogram of equally wide bins; the last one contains the highest hundredth of the values."""
    if not values:
        return Html("")
    ordered = sorted(values)
    low, high, most = ordered[0], ordered[int(0.99 * (len(ordered) - 1))], ordered[-1]
    if low == most:
        return text(f"The {what} of all {len(values):,} {y} is {low:,} {unit}.")
    width = next(w for p in range(20) for w in (10**p, 2 * 10**p, 5 * 10**p) if w * (BINS - 1) >= high - low + 1)
    first = low // width
    last = high // width - first
    counts = Counter(min(v // width - first, last) for v in ordered)
    note = f"median {ordered[len(ordered) // 2]:,}, from {low:,} to {most:,} {unit}"
    columns = [counts[i] for i in range(last + 1)]
    rest = most // width - first > last
    return bars(columns, low=first * width, width=width, x=f"{what}, {unit}", y=y, note=note, and_more=rest)
