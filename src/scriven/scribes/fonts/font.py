"""One font file opened for use: HarfBuzz shapes with it, FreeType draws its glyphs as bitmaps.

Two rasterisers: "smooth" is FreeType's own anti-aliasing; "sampled" renders black and white at three times the size
and averages blocks of 3 x 3 pixels.
"""

import ctypes
import io
import math
from collections.abc import Iterable
from functools import cached_property
from typing import Literal, NamedTuple

import cv2
import freetype
import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from scriven.augment.noise import as_image
from scriven.scribes.fonts.substitutions import Substitutions

Mask = NDArray[np.uint8]
Rasteriser = Literal["smooth", "sampled"]

# (rotation in radians, scale) of the variants in which a glyph is drawn; the first is the unchanged glyph
VARIANTS = ((0.0, 1.0), (0.035, 0.97), (-0.03, 1.04))
OVERSAMPLING = 3  # of the rasteriser "sampled"
_PLAIN = freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP


class GlyphBitmap(NamedTuple):
    """A glyph as a bitmap (h, w) uint8, 255 = ink; `left` and `top` locate its corner from the pen, px, y down."""

    mask: Mask
    left: int
    top: int


class Font:
    """An open font file and the characters that it draws."""

    def __init__(self, data: bytes, characters: Iterable[str]):
        self.face = hb.Face(data)
        self.shaper = hb.Font(self.face)
        self.units = self.face.upem
        self.characters = frozenset(characters) | {" "}
        self._outlines = freetype.Face(io.BytesIO(data))

    def vertical_extent(self, character: str) -> tuple[float, float]:
        """(lowest, highest) point of a character's outline, in ems above the baseline."""
        self._outlines.load_char(character, _PLAIN | freetype.FT_LOAD_NO_SCALE)
        box = self._outlines.glyph.outline.get_bbox()
        return box.yMin / self.units, box.yMax / self.units

    @cached_property
    def alternates(self) -> tuple[str, ...]:
        """The optional features of this font: salt, ss01.., cv01... Not hist, which replaces s by ſ."""
        tags = self.face.get_language_feature_tags("GSUB")
        return tuple(sorted({t for t in tags if (t[:2] in ("ss", "cv") and t[2:].isdigit()) or t == "salt"}))

    @cached_property
    def substitutions(self) -> Substitutions:
        """The check of which glyphs show the characters that they stand for."""
        nominal = {chr(point): self.shaper.get_nominal_glyph(point) for point in self.face.unicodes}
        return Substitutions(nominal, self.shaper.glyph_to_string)

    def rasterise(self, glyph: int, size: int, rasteriser: Rasteriser, half: bool, variant: int) -> GlyphBitmap:
        """Draw a glyph at `size` px per em, shifted right by half a pixel if `half`; `variant` indexes VARIANTS."""
        oversampling = OVERSAMPLING if rasteriser == "sampled" else 1
        turn, grow = VARIANTS[variant]
        cos, sin = round(math.cos(turn) * grow * 0x10000), round(math.sin(turn) * grow * 0x10000)
        self._outlines.set_char_size(size * 64 * oversampling)
        shift = freetype.Vector(32 * oversampling * half, 0)
        self._outlines.set_transform(freetype.Matrix(cos, -sin, sin, cos), shift)
        flags = _PLAIN | freetype.FT_LOAD_RENDER
        if rasteriser == "sampled":
            flags |= freetype.FT_LOAD_TARGET_MONO
        self._outlines.load_glyph(glyph, flags)
        slot = self._outlines.glyph
        bitmap = slot.bitmap
        if not bitmap.width or not bitmap.rows:
            return GlyphBitmap(np.zeros((0, 0), np.uint8), 0, 0)
        pitch, height = bitmap.pitch, bitmap.rows
        data = ctypes.string_at(bitmap._FT_Bitmap.buffer, pitch * height)  # `bitmap.buffer` is a list, and slow
        rows = np.frombuffer(data, np.uint8).reshape(height, pitch)
        if rasteriser == "smooth":
            return GlyphBitmap(np.ascontiguousarray(rows[:, : bitmap.width]), slot.bitmap_left, -slot.bitmap_top)
        return _averaged(np.unpackbits(rows, axis=1)[:, : bitmap.width] * 255, slot.bitmap_left, -slot.bitmap_top)


def _averaged(large: Mask, left: int, top: int) -> GlyphBitmap:
    """Average a black and white bitmap at OVERSAMPLING times the size over the pixels of the final size."""
    times = OVERSAMPLING
    x, y = left // times, top // times
    before_x, before_y = left - times * x, top - times * y
    after_x, after_y = -(large.shape[1] + before_x) % times, -(large.shape[0] + before_y) % times
    padded = cv2.copyMakeBorder(large, before_y, after_y, before_x, after_x, cv2.BORDER_CONSTANT, value=(0,))
    size = (padded.shape[1] // times, padded.shape[0] // times)
    return GlyphBitmap(as_image(cv2.resize(padded, size, interpolation=cv2.INTER_AREA)), x, y)
