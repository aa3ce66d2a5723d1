"""Line charts and histograms as inline SVG: round ticks, labels, a colour and dash pattern per curve; no scripts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scriven.report.document import Html, escape

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 34, 46  # px around the plot
DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 2", "1 4")
COLOURS = 6  # --s0 .. --s5 in the style


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float  # px of `low`
    end: float  # px of `high`
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The position of a value on the axis, px."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def curve(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x: str,
    y: str,
    percent: bool = False,
    from_zero: bool = True,
) -> Html:
    """Named curves of (x, y) points, drawn in the order given. Non-finite points are left out, with a note.

    `percent`: y is a fraction, shown in percent. `from_zero`: the y axis includes 0.
    """
    given = sum(len(points) for points in series.values())
    drawn = {
        key: [(a, b) for a, b in points if math.isfinite(a) and math.isfinite(b)] for key, points in series.items()
    }
    points = [point for points in drawn.values() for point in points]
    if not points:
        return Html(f'<p class="note">{escape(y)}: nothing was recorded.</p>')
    scale = 100 if percent else 1
    across = _across([a for a, _ in points])
    up = _up([b * scale for _, b in points], from_zero)
    label = f"{y}, %" if percent else y
    parts = [*_frame(across, up, x, label), *_legend(list(drawn))]
    for i, (key, line) in enumerate(drawn.items()):
        parts += _line(i, key, [(a, b * scale) for a, b in line], across, up)
    about = escape(f"{label} by {x}: {', '.join(series)}")
    missing = given - len(points)
    points_left_out = "1 non-finite point is" if missing == 1 else f"{missing} non-finite points are"
    note = f'<p class="note">{points_left_out} not drawn.</p>' if missing else ""
    return Html(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{about}">\n' + "\n".join(parts) + f"\n</svg>{note}"
    )


def bars(
    counts: Sequence[int], *, low: float, width: float, x: str, y: str, note: str = "", and_more: bool = False
) -> Html:
    """A histogram: bar i counts the values from `low` + i `width` to below the next; `note` is written above.

    `and_more`: the last bar also counts all larger values; it has another colour and a label, and ends the axis.
    """
    if not counts:
        return Html(f'<p class="note">{escape(y)}: nothing was recorded.</p>')
    edges = [low + i * width for i in range(len(counts) + 1)]
    across, up = _across([edges[0], edges[-1]]), _up([float(n) for n in counts], True)
    up = replace(up, ticks=tuple(tick for tick in up.ticks if tick == round(tick)))
    last = f"{edges[-2]:,.10g} and more" if and_more else ""
    room = across.end - 8.0 * len(last) - 40 if last else math.inf  # px where the label of the last bar begins
    across = replace(across, ticks=tuple(tick for tick in across.ticks if across.at(tick) < room))
    parts = [*_frame(across, up, x, y), f'<text x="{LEFT}" y="18">{escape(note)}</text>']
    for i, count in enumerate(counts):
        named = last if i == len(counts) - 1 else ""
        left, right, top = across.at(edges[i]), across.at(edges[i + 1]), up.at(count)
        about = escape(f"{named or f'from {edges[i]:,.10g} to below {edges[i + 1]:,.10g}'}: {count:,}")
        parts.append(
            f'<rect x="{left + 0.5:.1f}" y="{top:.1f}" width="{max(right - left - 1, 0.5):.1f}" '
            f'height="{up.start - top:.1f}" fill="var(--s{1 if named else 0})"><title>{about}</title></rect>'
        )
    if last:
        parts.append(f'<text x="{across.end}" y="{up.start + 19}" text-anchor="end">{last}</text>')
    about = escape(f"{y} by {x}. {note}")
    return Html(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{about}">\n' + "\n".join(parts) + "\n</svg>"
    )


def _across(values: Sequence[float]) -> _Axis:
    """The x axis: from the lowest to the highest value; integers get integer ticks."""
    low, high = _apart(min(values), max(values))
    step = _step(low, high)
    if all(value == round(value) for value in values):
        step = max(step, 1.0)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return _Axis(low, high, LEFT, WIDTH - RIGHT, tuple(i * step for i in range(first, last + 1)))


def _up(values: Sequence[float], from_zero: bool) -> _Axis:
    """The y axis: from the tick below the values to the tick above them."""
    low, high = min(values), max(values)
    low, high = _apart(min(low, 0.0), max(high, 0.0)) if from_zero else _apart(low, high)
    step = _step(low, high)
    ticks = tuple(i * step for i in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1))
    return _Axis(ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP, ticks)


def _apart(low: float, high: float) -> tuple[float, float]:
    """The two values, moved apart if they are equal."""
    if high - low > 1e-9 * max(abs(high), abs(low), 1e-9):
        return low, high
    return low - 0.1 * max(abs(low), 1), high + 0.1 * max(abs(high), 1)


def _step(low: float, high: float) -> float:
    """A tick distance of about a fifth of the range: 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(m for m in (1, 2, 5, 10) if m * power >= rough * 0.999)


def _frame(across: _Axis, up: _Axis, x: str, y: str) -> list[str]:
    parts = []
    for tick in up.ticks:
        at = up.at(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    for tick in across.ticks:
        at = across.at(tick)
        parts.append(f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{up.start}" y2="{up.start + 5}"/>')
        parts.append(f'<text x="{at:.1f}" y="{up.start + 19}" text-anchor="middle">{_number(tick)}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up.start}" y2="{up.start}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="name" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x)}</text>')
    height = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="rotate(-90 15 {height})"'
    parts.append(f'<text class="name" x="15" y="{height}" text-anchor="middle" {turned}>{escape(y)}</text>')
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    parts, at = [], float(LEFT)
    for i, key in enumerate(names):
        colour = f"var(--s{i % COLOURS})"
        dash = DASHES[i % len(DASHES)]
        parts.append(
            f'<line x1="{at:.0f}" x2="{at + 26:.0f}" y1="14" y2="14" stroke="{colour}" stroke-width="2.5" '
            f'stroke-dasharray="{dash}"/><text x="{at + 32:.0f}" y="18">{escape(key)}</text>'
        )
        at += 32 + 7.2 * len(key) + 20
    return parts


def _line(i: int, key: str, points: Sequence[tuple[float, float]], across: _Axis, up: _Axis) -> list[str]:
    colour = f"var(--s{i % COLOURS})"
    path = " ".join(f"{across.at(a):.1f},{up.at(b):.1f}" for a, b in points)
    parts = [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.2" stroke-linejoin="round" '
        f'stroke-dasharray="{DASHES[i % len(DASHES)]}"/>'
    ]
    if len(points) <= 40:
        parts += [
            f'<circle cx="{across.at(a):.1f}" cy="{up.at(b):.1f}" r="3" fill="{colour}">'
            f"<title>{escape(key)}: {_number(a)}, {_number(b)}</title></circle>"
            for a, b in points
        ]
    return parts


def _number(value: float) -> str:
    """A short number: 0, 0.25, 1.5k, 3M."""
    if abs(value) < 1e-12:
        return "0"
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{letter}"
    return f"{value:.4g}"
