"""A cache of glyph bitmaps. A bitmap is a function of its key, so the state of the cache does not affect results."""

from scriven.scribes.fonts.face import Face, ShapedGlyph
from scriven.scribes.fonts.font import GlyphBitmap, Rasteriser

GLYPH_CACHE_BYTES = 192 << 20


class GlyphCache:
    """The glyph bitmaps of some faces: at most GLYPH_CACHE_BYTES, the most recently used ones."""

    def __init__(self) -> None:
        self._young: dict[tuple[int, int, int, int, Rasteriser, bool, int], GlyphBitmap] = {}
        self._old: dict[tuple[int, int, int, int, Rasteriser, bool, int], GlyphBitmap] = {}
        self._bytes = 0

    def get(
        self, face: Face, number: int, glyph: ShapedGlyph, raster: tuple[int, Rasteriser], half: bool, variant: int
    ) -> GlyphBitmap:
        """The bitmap of a glyph of `face`, which the cache knows by `number`; `raster` = (px per em, rasteriser)."""
        size, rasteriser = raster
        key = (number, glyph.font, glyph.glyph, size, rasteriser, half, variant)
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                found = face.font(glyph.font).rasterise(glyph.glyph, size, rasteriser, half, variant)
            self._bytes += found.mask.nbytes + 500
            if 2 * self._bytes > GLYPH_CACHE_BYTES:
                self._old, self._young = self._young, {}
                self._bytes = found.mask.nbytes + 500
            self._young[key] = found
        return found
