"""From a shaped text to ink: pen positions with the irregularity of a hand, and the crop around them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from scriven.augment import Affine, Sampler
from scriven.scribes.fonts.face import Face, ShapedGlyph
from scriven.scribes.fonts.font import VARIANTS, Mask, Rasteriser
from scriven.scribes.fonts.glyph_cache import GlyphCache

RASTER_X_HEIGHTS = (14, 22, 36)  # px of x-height at which glyphs are rasterised; the warp scales them to the final size


@dataclass(frozen=True)
class Spacing:
    """Spacing of letters and words, and how much it varies. Lengths in x-heights."""

    tracking: float = 0.0  # added between letters that are not joined
    gap: float = 1.0  # factor of the space between words
    gap_spread: float = 0.0  # standard deviation of that factor, as a fraction
    rise: float = 0.0  # standard deviation of a letter's height above the baseline
    step: float = 0.0  # standard deviation of the advance, as a fraction
    tremble: float = 0.0  # probability of a letter slightly rotated or resized


class PlacedGlyph(NamedTuple):
    """A shaped glyph and the position of its pen, in ems, y down."""

    glyph: ShapedGlyph
    x: float
    y: float
    variant: int


class PlacedBitmap(NamedTuple):
    """A glyph's bitmap with its top left corner in px from the origin of the line, y down from the baseline."""

    mask: Mask
    x: int
    y: int
    cluster: int = 0  # index in the text of the first character that the glyph draws


def place_letters(
    face: Face, text: str, features: dict[str, bool], spacing: Spacing, sampler: Sampler
) -> list[PlacedGlyph]:
    """Shape a text and place its letters. Joined letters keep their joins: only whole words are shifted.

    From left to right as they are seen, whatever the direction of writing.
    """
    shaped = face.shape(text, features)
    metrics = face.metrics
    loose = 0.25 if metrics.joined else 1.0
    noise: list[list[float]] = sampler.rng.standard_normal((3, len(shaped)), dtype=np.float32).tolist()
    rise, step = spacing.rise * metrics.x_height, spacing.step * loose
    tracking = 0.0 if metrics.joined else spacing.tracking * metrics.x_height
    placed: list[PlacedGlyph] = []
    shift, level, before = 0.0, 0.0, 0.0
    for glyph, bend, pace, tremble in zip(shaped, *noise, strict=True):
        shift += glyph.pen - before
        before = glyph.pen
        if text[glyph.cluster] == " ":
            natural = max(glyph.advance, 0.7 * metrics.x_height)
            wide = natural * spacing.gap * max(0.3, 1 + spacing.gap_spread * pace)
            shift += max(wide, 0.25 * metrics.x_height) - glyph.advance
            level = rise * bend
            continue
        variant = 0
        if not metrics.joined and not glyph.joined:
            level = 0.7 * level + 0.7 * rise * bend
            if spacing.tremble and abs(tremble) < 2 * spacing.tremble:
                variant = 1 + int(abs(tremble) * 7919) % (len(VARIANTS) - 1)
        placed.append(PlacedGlyph(glyph, shift + glyph.right, glyph.down + level, variant))
        if glyph.advance and not glyph.joined:
            shift += glyph.advance * step * max(-2.0, min(2.0, pace)) + tracking
    return placed


def raster_size(face: Face, x_height: float) -> int:
    """px per em at which to rasterise letters whose final x-height is `x_height` px."""
    size = next((size for size in RASTER_X_HEIGHTS if size >= 0.95 * x_height), RASTER_X_HEIGHTS[-1])
    return max(6, round(size / face.metrics.x_height))


def rasterise(
    cache: GlyphCache, face: Face, number: int, letters: Sequence[PlacedGlyph], raster: tuple[int, Rasteriser]
) -> list[PlacedBitmap]:
    """Bitmaps of placed letters, blank glyphs left out; `raster` = (px per em, rasteriser), `number` as GlyphCache.

    Pens stand on whole pixels, those of joined letters on half pixels too.
    """
    size, joined = raster[0], face.metrics.joined
    bitmaps: list[PlacedBitmap] = []
    for glyph, x, y, variant in letters:
        twice = math.floor(2 * x * size + 0.5) if joined or glyph.joined else 2 * math.floor(x * size + 0.5)
        mask, left, top = cache.get(face, number, glyph, raster, bool(twice & 1), variant)
        if mask.size:
            place = (twice >> 1) + left, math.floor(y * size + 0.5) + top
            bitmaps.append(PlacedBitmap(mask, *place, glyph.cluster))
    return bitmaps


def extent(bitmaps: Sequence[PlacedBitmap], affine: Affine) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the bitmaps' boxes under an affine map."""
    a, b, c, d, e, f = affine
    low_b, high_b, low_d, high_d = min(b, 0.0), max(b, 0.0), min(d, 0.0), max(d, 0.0)
    left = top = math.inf
    right = bottom = -math.inf
    for mask, x, y, _ in bitmaps:
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
    scale: float  # px of the picture per px of the drawing
    baseline: float  # px from the top


class Crop(NamedTuple):
    """How a picture is cropped around a line, px of the picture."""

    height: int
    x_height: float
    left: float
    right: float
    reach: tuple[float, float]  # largest displacement by the warp: at the sides; above and below
    place: float = 0.5  # 0 the line touches the top .. 1 it touches the bottom
    tight: bool = False  # the ink fills the height, as in cropped single words
    most: float = 46.0  # largest x-height of a tight crop


def frame(face: Face, bitmaps: Sequence[PlacedBitmap], size: int, affine: Affine, crop: Crop) -> Frame:
    """Crop a picture of height `crop.height` around placed bitmaps, which lie within it entirely."""
    metrics = face.metrics
    left, top, right, bottom = extent(bitmaps, affine)
    if not crop.tight:
        top = min(top, -0.9 * metrics.ascent * size * affine.e)
        bottom = max(bottom, 0.9 * metrics.descent * size * affine.e)
    side, margin = 1.5 + crop.reach[0], 1.5 + crop.reach[1]
    room = crop.height - 2 * margin
    scale = crop.x_height / (metrics.x_height * size)
    if crop.tight:
        scale = crop.most / (metrics.x_height * size)
    scale = min(scale, room / (bottom - top))
    slack = room - (bottom - top) * scale
    down = margin + slack * crop.place - top * scale
    before, after = max(side, crop.left), max(side, crop.right)
    across = before - left * scale
    width = max(8, math.ceil((right - left) * scale + before + after))
    return Frame(affine.scaled(scale).moved(across, down), width, scale, down)


def blit(canvas: Mask, bitmaps: Sequence[PlacedBitmap], right: int, down: int) -> None:
    """Draw bitmaps, moved by (right, down), into a canvas by maximum; what lies outside is cut off."""
    height, width = canvas.shape
    for mask, x, y, _ in bitmaps:
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
