"""From a shaped text to a mask of ink: pen positions with the tremble of a hand, and the frame cut around them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from scriven.augment import Affine, Sampler
from scriven.scribes.shaping import VARIANTS, Face, Glyphs, Mask, Placed, Raster

SIZES = (14, 22, 36)  # px of x-height at which glyphs are drawn; the warp does the rest


@dataclass(frozen=True)
class Manner:
    """How evenly a hand sets its letters; lengths in x-heights."""

    tracking: float = 0.0  # added between unjoined letters
    gap: float = 1.0  # of the space between words
    gap_spread: float = 0.0  # standard deviation of that, as a fraction
    rise: float = 0.0  # standard deviation of a letter's height above the line
    step: float = 0.0  # standard deviation of the advance, as a fraction
    tremble: float = 0.0  # probability of a letter slightly turned or resized


class Set(NamedTuple):
    """A glyph and where its pen stands, in ems, y down."""

    glyph: Placed
    x: float
    y: float
    variant: int


class Inked(NamedTuple):
    """A glyph's picture with its corner in px from the origin of the line, y down from the baseline."""

    mask: Mask
    x: int
    y: int


def lay(face: Face, text: str, features: dict[str, bool], manner: Manner, dice: Sampler) -> list[Set]:
    """Shape a text and set its letters. Joined letters keep their joins: only their words move."""
    placed = face.shape(text, features)
    metrics = face.metrics
    loose = 0.25 if metrics.joined else 1.0
    noise: list[list[float]] = dice.rng.standard_normal((3, len(placed)), dtype=np.float32).tolist()
    rise, step = manner.rise * metrics.x_height, manner.step * loose
    tracking = 0.0 if metrics.joined else manner.tracking * metrics.x_height
    out: list[Set] = []
    shift, level, before = 0.0, 0.0, 0.0
    for glyph, bend, pace, bernoulli in zip(placed, *noise, strict=True):
        shift += glyph.pen - before
        before = glyph.pen
        if text[glyph.cluster] == " ":
            natural = max(glyph.advance, 0.7 * metrics.x_height)
            wide = natural * manner.gap * max(0.3, 1 + manner.gap_spread * pace)
            shift += max(wide, 0.25 * metrics.x_height) - glyph.advance
            level = rise * bend
            continue
        variant = 0
        if not metrics.joined:
            level = 0.7 * level + 0.7 * rise * bend
            if manner.tremble and abs(bernoulli) < 2 * manner.tremble:
                variant = 1 + int(abs(bernoulli) * 7919) % (len(VARIANTS) - 1)
        out.append(Set(glyph, shift + glyph.right, glyph.down + level, variant))
        if glyph.advance:
            shift += glyph.advance * step * max(-2.0, min(2.0, pace)) + tracking
    return out


def size_for(face: Face, x_height: float) -> int:
    """px an em at which to draw letters that shall end with an x-height of `x_height` px."""
    size = next((size for size in SIZES if size >= 0.95 * x_height), SIZES[-1])
    return max(6, round(size / face.metrics.x_height))


def pictures(glyphs: Glyphs, face: Face, number: int, letters: Sequence[Set], look: tuple[int, Raster]) -> list[Inked]:
    """The pictures of set letters at a size; blank glyphs are left out. Joined letters stand on half pixels too."""
    size, joined = look[0], face.metrics.joined
    out: list[Inked] = []
    for glyph, x, y, variant in letters:
        twice = math.floor(2 * x * size + 0.5) if joined else 2 * math.floor(x * size + 0.5)
        mask, left, top = glyphs.get(face, number, glyph, look, bool(twice & 1), variant)
        if mask.size:
            out.append(Inked(mask, (twice >> 1) + left, math.floor(y * size + 0.5) + top))
    return out


def extent(inked: Sequence[Inked], lean: Affine) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the pictures' boxes under an affine map."""
    a, b, c, d, e, f = lean
    low_b, high_b, low_d, high_d = min(b, 0.0), max(b, 0.0), min(d, 0.0), max(d, 0.0)
    left = top = math.inf
    right = bottom = -math.inf
    for mask, x, y in inked:
        high, wide = mask.shape
        across, down = a * x + b * y, d * x + e * y
        left = min(left, across + low_b * high)
        right = max(right, across + a * wide + high_b * high)
        top = min(top, down + low_d * wide)
        bottom = max(bottom, down + e * high + high_d * wide)
    return left + c, top + f, right + c, bottom + f


class Frame(NamedTuple):
    """Where the line lies in the finished picture: `forward` maps px of the drawing to px of the picture."""

    forward: Affine
    width: int
    scale: float  # px of the picture for one px of the drawing
    baseline: float  # px from the top


class Cut(NamedTuple):
    """How a picture is cut around a line, px of the picture."""

    height: int
    x_height: float
    left: float
    right: float
    reach: tuple[float, float]  # room for the warp at the sides, and above and below
    place: float = 0.5  # 0 the line hangs from the top .. 1 it stands on the bottom
    tight: bool = False  # the ink fills the height, as in single words cut out
    most: float = 46.0  # largest x-height of a tight cut


def frame(face: Face, inked: Sequence[Inked], size: int, lean: Affine, cut: Cut) -> Frame:
    """Cut a picture around inked letters: nothing of them is lost, and the height is `cut.height`."""
    metrics = face.metrics
    left, top, right, bottom = extent(inked, lean)
    if not cut.tight:
        top = min(top, -0.9 * metrics.ascent * size * lean.e)
        bottom = max(bottom, 0.9 * metrics.descent * size * lean.e)
    side, margin = 1.5 + cut.reach[0], 1.5 + cut.reach[1]
    room = cut.height - 2 * margin
    scale = cut.x_height / (metrics.x_height * size)
    if cut.tight:
        scale = cut.most / (metrics.x_height * size)
    scale = min(scale, room / (bottom - top))
    slack = room - (bottom - top) * scale
    down = margin + slack * cut.place - top * scale
    before, after = max(side, cut.left), max(side, cut.right)
    across = before - left * scale
    width = max(8, math.ceil((right - left) * scale + before + after))
    return Frame(lean.scaled(scale).moved(across, down), width, scale, down)


def blit(canvas: Mask, inked: Sequence[Inked], right: int, down: int) -> None:
    """Draw pictures into a canvas, the darker of two winning, moved by (right, down); what lies outside is cut."""
    height, width = canvas.shape
    for mask, x, y in inked:
        x, y = x + right, y + down
        high, wide = mask.shape
        if x < 0 or y < 0 or x + wide > width or y + high > height:
            mask = mask[max(0, -y) : max(0, height - y), max(0, -x) : max(0, width - x)]
            if not mask.size:
                continue
            x, y = max(0, x), max(0, y)
            high, wide = mask.shape
        room = canvas[y : y + high, x : x + wide]
        np.maximum(room, mask, out=room)
