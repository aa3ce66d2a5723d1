"""Typefaces in use: which file of a family draws a character, HarfBuzz shaping, and a cache of glyph pictures.

Two rasterisers: "smooth" is FreeType's own anti-aliasing, "sampled" draws black and white at three times the size and
averages. Every glyph picture depends on its key alone, so what the cache holds or has thrown away never shows.
"""

import ctypes
import io
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import Literal, NamedTuple

import cv2
import freetype
import numpy as np
import uharfbuzz as hb
from fontTools import agl
from numpy.typing import NDArray

from scriven.augment.noise import as_image
from scriven.base import TextError
from scriven.scribes.typefaces import Typeface, sfnt
from scriven.text import name

Mask = NDArray[np.uint8]
Raster = Literal["smooth", "sampled"]
Span = tuple[int, int]  # of characters of a text

CACHE_BYTES = 192 << 20
# (turn in radians, size) of the ways one glyph is drawn; the first is the glyph as it is
VARIANTS = ((0.0, 1.0), (0.035, 0.97), (-0.03, 1.04))
EVER = 0xFFFFFFFF  # the end of the longest text for HarfBuzz
SUBSTITUTING = ("ccmp", "locl", "rlig", "rclt", "rand", "calt", "clig", "liga")  # on without being asked for
_PLAIN = freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP


class Glyph(NamedTuple):
    """A picture (uint8, 255 = ink) and where its corner lies from the pen, px, y down."""

    mask: Mask
    left: int
    top: int


class Placed(NamedTuple):
    """A shaped glyph: which file, which glyph; pen position, shift from it and advance in ems (y down); text index."""

    font: int
    glyph: int
    pen: float
    right: float
    down: float
    advance: float
    cluster: int


@dataclass(frozen=True)
class Metrics:
    """Measured on outlines; in ems, above or below the baseline, where nothing else is said."""

    x_height: float
    ascent: float
    descent: float
    stroke: float
    pace: float  # mean advance of small letters, in x-heights
    joined: bool  # letters of a word touch


class Font:
    """One font file: HarfBuzz for shaping, FreeType for drawing."""

    def __init__(self, data: bytes, characters: Iterable[str]):
        self.face = hb.Face(data)
        self.shaper = hb.Font(self.face)
        self.units = self.face.upem
        self.characters = frozenset(characters) | {" "}
        self.outlines = freetype.Face(io.BytesIO(data))
        self._drawn: dict[tuple[str, tuple[int, ...]], bool] = {}

    def box(self, character: str) -> tuple[float, float]:
        """(lowest, highest) point of a character in ems above the baseline."""
        self.outlines.load_char(character, _PLAIN | freetype.FT_LOAD_NO_SCALE)
        box = self.outlines.glyph.outline.get_bbox()
        return box.yMin / self.units, box.yMax / self.units

    @cached_property
    def alternates(self) -> tuple[str, ...]:
        """Optional features of this font: salt, ss01.., cv01.. ; not hist, which draws s as ſ."""
        tags = self.face.get_language_feature_tags("GSUB")
        return tuple(sorted({t for t in tags if (t[:2] in ("ss", "cv") and t[2:].isdigit()) or t == "salt"}))

    @cached_property
    def nominal(self) -> dict[str, int]:
        """The glyph that the character map gives each character."""
        return {chr(point): self.shaper.get_nominal_glyph(point) for point in self.face.unicodes}

    @cached_property
    def _meant(self) -> dict[int, set[str]]:
        """What glyphs draw by the character map; by their names as `_meaning` is asked for them."""
        meant: dict[int, set[str]] = {}
        for character, glyph in self.nominal.items():
            if not unicodedata.category(character).startswith("C"):  # private use says nothing
                meant.setdefault(glyph, set()).add(_spelt(character))
        return meant

    def _meaning(self, glyph: int) -> set[str]:
        """What a glyph draws by the character map, else by its name (Adobe Glyph List); empty where neither says."""
        found = self._meant.get(glyph)
        if found is None:
            found = self._meant[glyph] = {_spelt(agl.toUnicode(self.shaper.glyph_to_string(glyph)))} - {""}
        return found

    def betrayed(self, text: str, glyphs: Iterable[tuple[int, int]]) -> list[Span]:
        """The parts of a text that glyphs, each with its cluster, draw as other characters: oe as œ, -- as a dash."""
        clusters: dict[int, list[int]] = {}
        for cluster, glyph in glyphs:
            clusters.setdefault(cluster, []).append(glyph)
        spans = list(pairwise([*sorted(clusters), len(text)]))
        return [(a, b) for a, b in spans if not self._draws(text[a:b], tuple(clusters[a]))]

    def _draws(self, text: str, glyphs: tuple[int, ...]) -> bool:
        """Whether the glyphs of a cluster draw its text. Alternates and joins of letters need not say what they are."""
        known = self._drawn.get((text, glyphs))
        if known is None:
            wanted, meanings = sorted(_spelt(text)), [self._meaning(glyph) for glyph in glyphs]
            if len(text) == len(glyphs) and all(self.nominal.get(c) == g for c, g in zip(text, glyphs, strict=True)):
                known = True
            elif all(meanings):
                known = any(sorted("".join(choice)) == wanted for choice in product(*meanings))
            else:
                signs = len(text) > 1 and not any(map(str.isalnum, text))
                known = not signs and all(any(set(m) <= set(wanted) for m in some) for some in meanings if some)
            self._drawn[text, glyphs] = known
        return known

    def picture(self, glyph: int, size: int, raster: Raster, half: bool, variant: int) -> Glyph:
        """Draw a glyph at `size` px an em, moved right by half a pixel if `half`."""
        scale = 3 if raster == "sampled" else 1
        turn, grow = VARIANTS[variant]
        cos, sin = round(math.cos(turn) * grow * 0x10000), round(math.sin(turn) * grow * 0x10000)
        self.outlines.set_char_size(size * 64 * scale)
        self.outlines.set_transform(freetype.Matrix(cos, -sin, sin, cos), freetype.Vector(32 * scale * half, 0))
        flags = _PLAIN | freetype.FT_LOAD_RENDER
        if raster == "sampled":
            flags |= freetype.FT_LOAD_TARGET_MONO
        self.outlines.load_glyph(glyph, flags)
        slot = self.outlines.glyph
        bitmap = slot.bitmap
        if not bitmap.width or not bitmap.rows:
            return Glyph(np.zeros((0, 0), np.uint8), 0, 0)
        pitch, height = bitmap.pitch, bitmap.rows
        data = ctypes.string_at(bitmap._FT_Bitmap.buffer, pitch * height)  # `bitmap.buffer` is a list, and slow
        rows = np.frombuffer(data, np.uint8).reshape(height, pitch)
        if raster == "smooth":
            return Glyph(np.ascontiguousarray(rows[:, : bitmap.width]), slot.bitmap_left, -slot.bitmap_top)
        return _averaged(np.unpackbits(rows, axis=1)[:, : bitmap.width] * 255, slot.bitmap_left, -slot.bitmap_top)


def _spelt(text: str) -> str:
    """A text with its ligatures taken apart (ﬁ is fi, ĳ is ij); ſ, №, ² and the like stay what they are."""
    apart = ("<super>", "<sub>", "<fraction>")
    return "".join(
        c if c in "ſ№℅" or unicodedata.decomposition(c).startswith(apart) else unicodedata.normalize("NFKD", c)
        for c in text
    )


def _without(features: dict[str, bool], spans: Sequence[Span]) -> dict[str, list[tuple[int, int, bool]]]:
    """The features for HarfBuzz with all that substitute glyphs off in some spans of the text."""
    ranges = {tag: [(0, EVER, on)] for tag, on in features.items()}
    for tag in {*features, *SUBSTITUTING} - {"kern"}:
        ranges.setdefault(tag, []).extend((start, end, False) for start, end in spans)
    return ranges


def _averaged(large: Mask, left: int, top: int) -> Glyph:
    """A black and white picture three times too large, averaged on the whole pixels of the small one."""
    x, y = left // 3, top // 3
    before_x, before_y = left - 3 * x, top - 3 * y
    after_x, after_y = -(large.shape[1] + before_x) % 3, -(large.shape[0] + before_y) % 3
    padded = cv2.copyMakeBorder(large, before_y, after_y, before_x, after_x, cv2.BORDER_CONSTANT, value=(0,))
    small = cv2.resize(padded, (padded.shape[1] // 3, padded.shape[0] // 3), interpolation=cv2.INTER_AREA)
    return Glyph(as_image(small), x, y)


class Face:
    """A typeface opened for writing: coverage, shaping, metrics. Files are read when they are first needed."""

    def __init__(self, typeface: Typeface):
        self.typeface = typeface
        self._fonts: dict[int, Font] = {}

    def font(self, index: int) -> Font:
        """The font of one of the typeface's files; opened when first asked for."""
        found = self._fonts.get(index)
        if found is None:
            file = self.typeface.files[index]
            found = self._fonts[index] = Font(sfnt(file), map(chr, file.characters))
        return found

    def shape(self, text: str, features: dict[str, bool]) -> list[Placed]:
        """Glyphs in writing order. Raises TextError naming every character that cannot be drawn."""
        if self.font(0).characters.issuperset(text):
            return self._run(0, text, features, 0.0, 0)
        placed: list[Placed] = []
        x, start = 0.0, 0
        for file, part in self.typeface.runs(text):
            index = next(i for i, other in enumerate(self.typeface.files) if other is file)
            placed += self._run(index, part, features, x, start)
            if placed:
                x = placed[-1].pen + placed[-1].advance
            start += len(part)
        return placed

    def _run(self, index: int, text: str, features: dict[str, bool], x: float, start: int) -> list[Placed]:
        """A run in one font, drawn as it is spelt: what substitutes other characters is off where it would."""
        placed, wrong = self._shaped(index, text, features, x, start)
        if wrong:
            placed, wrong = self._shaped(index, text, _without(features, wrong), x, start)
        if wrong:
            placed, wrong = self._shaped(index, text, _without(features, [(0, len(text))]), x, start)
        if wrong:
            parts = ", ".join(repr(text[first:last]) for first, last in wrong)
            raise TextError(
                f"{self.typeface.family} draws other characters for {parts} of {text!r}; use another typeface"
            )
        return placed

    def _shaped(
        self, index: int, text: str, features: Mapping[str, object], x: float, start: int
    ) -> tuple[list[Placed], list[Span]]:
        """A run shaped with these features, and the spans of it that glyphs of other characters draw."""
        font = self.font(index)
        nominal, substituted = font.nominal, False
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        hb.shape(font.shaper, buffer, features)
        unit = 1 / font.units
        placed = []
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            glyph, cluster, advance = info.codepoint, info.cluster, position.x_advance * unit
            if not glyph:
                if (character := text[cluster]) != " ":
                    raise TextError(
                        f"{self.typeface.family} lost {name(character)} while writing {text!r}; use another typeface"
                    )
                advance = 0.28
            if nominal.get(text[cluster]) != glyph:
                substituted = True
            left, down = position.x_offset * unit, -position.y_offset * unit
            placed.append(Placed(index, glyph, x, left, down, advance, start + cluster))
            x += advance
        if not substituted:
            return placed, []
        return placed, font.betrayed(text, ((g.cluster - start, g.glyph) for g in placed))

    @cached_property
    def metrics(self) -> Metrics:
        """Measured on small letters; where a typeface has none of them, on digits and capitals."""
        small = self._boxes("xnoeauv") or self._boxes("хнопеи") or self._boxes("0123AO")
        tall = self._boxes("ldbhk") or self._boxes("бвНД") or small
        deep = self._boxes("pgqy") or self._boxes("рудц") or small
        x_height = max(0.08, float(np.median([high for _, high in small]))) if small else 0.45
        stroke, joined = self._strokes(x_height)
        letters = next((w for w in ("eaisnrtulodcmp", "оеаинтсрвлкмд") if not self.typeface.missing(w)), "")
        advances = [glyph.advance for glyph in self.shape(letters, {})]
        return Metrics(
            x_height=x_height,
            ascent=max(x_height, float(np.median([high for _, high in tall])) if tall else 0.75),
            descent=max(0.0, -float(np.median([low for low, _ in deep])) if deep else 0.25),
            stroke=stroke,
            pace=float(np.mean(advances)) / x_height if advances else 1.1,
            joined=joined,
        )

    def _boxes(self, letters: str) -> list[tuple[float, float]]:
        found = []
        for letter in letters:
            index = next((i for i, file in enumerate(self.typeface.files) if letter in file.characters), None)
            if index is not None:
                found.append(self.font(index).box(letter))
        return found

    def _strokes(self, x_height: float) -> tuple[float, bool]:
        """(width of a stroke in ems, whether letters join): measured on a word with an x-height of 48 px."""
        word = next((w for w in ("nuimenue", "пимшенли", "0123") if not self.typeface.missing(w)), "")
        size = round(48 / x_height)
        placed = self.shape(word, {})
        if not placed:
            return 0.05, False
        canvas = np.zeros((6 * 48, int((placed[-1].pen + placed[-1].advance + 4) * size)), np.uint8)
        for glyph in placed:
            mask, left, top = self.font(glyph.font).picture(glyph.glyph, size, "smooth", False, 0)
            x, y = left + round((glyph.pen + 2) * size), max(0, top + 4 * 48)
            room = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
            np.maximum(room, mask[: room.shape[0], : room.shape[1]], out=room)
        ink = (canvas > 100).astype(np.uint8)
        edges, _ = cv2.findContours(ink, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        length = sum(cv2.arcLength(edge, True) for edge in edges)
        parts = cv2.connectedComponents(ink)[0] - 1
        dots = word.count("i")
        return (2 * float(ink.sum()) / length / size if length else 0.05), parts - dots <= len(word) // 2 - 1


class Glyphs:
    """Glyph pictures of some faces: at most CACHE_BYTES of them, those used lately."""

    def __init__(self) -> None:
        self._young: dict[tuple[int, int, int, int, Raster, bool, int], Glyph] = {}
        self._old: dict[tuple[int, int, int, int, Raster, bool, int], Glyph] = {}
        self._bytes = 0

    def get(self, face: Face, number: int, glyph: Placed, look: tuple[int, Raster], half: bool, variant: int) -> Glyph:
        """The picture of a glyph of `face` (known here by its `number`) with `look` = (px an em, rasteriser)."""
        key = (number, glyph.font, glyph.glyph, look[0], look[1], half, variant)
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key) or face.font(glyph.font).picture(glyph.glyph, look[0], look[1], half, variant)
            self._bytes += found.mask.nbytes + 500
            if 2 * self._bytes > CACHE_BYTES:
                self._old, self._young = self._young, {}
                self._bytes = found.mask.nbytes + 500
            self._young[key] = found
        return found
