"""A typeface opened for writing: which of its files draws a character, HarfBuzz shaping, measurements on outlines."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
import uharfbuzz as hb

from scriven.base import TextError
from scriven.scribes.fonts.font import Font
from scriven.scribes.fonts.runs import TextRun, split
from scriven.scribes.fonts.substitutions import Span, without_substitutions
from scriven.scribes.typefaces import Typeface, sfnt
from scriven.text import name

MEASURED_X_HEIGHT = 48  # px, of the word on which stroke width and joins are measured
MEASURED_WORDS = ("nuimenue", "пимшенли", "נומהנש", "محمد", "0123")  # the first that a typeface can draw
MEASURED_LETTERS = ("eaisnrtulodcmp", "оеаинтсрвлкмд", "ויהלאמרתבנש", "البيتمنروهد")  # likewise, for their advances
SPACE_ADVANCE = 0.28  # ems, where a font has no glyph for the space


class ShapedGlyph(NamedTuple):
    """A shaped glyph. Lengths in ems, y down."""

    font: int  # index of the typeface's file
    glyph: int
    pen: float  # x of the pen before this glyph
    right: float  # offset from the pen
    down: float
    advance: float
    cluster: int  # index of its first character in the text
    joined: bool = False  # its script joins letters whatever the typeface, as Arabic does


@dataclass(frozen=True)
class FontMetrics:
    """Measured on outlines. Lengths in ems above or below the baseline, unless another unit is given."""

    x_height: float
    ascent: float
    descent: float
    stroke: float
    pace: float  # mean advance of lower-case letters, in x-heights
    joined: bool  # the letters of a word touch


class Face:
    """A typeface opened for writing. Its files are read when they are first needed."""

    def __init__(self, typeface: Typeface):
        self.typeface = typeface
        self._fonts: dict[int, Font] = {}

    def font(self, index: int) -> Font:
        """The font of one of the typeface's files."""
        found = self._fonts.get(index)
        if found is None:
            file = self.typeface.files[index]
            found = self._fonts[index] = Font(sfnt(file), map(chr, file.characters))
        return found

    def shape(self, text: str, features: dict[str, bool]) -> list[ShapedGlyph]:
        """Glyphs from left to right as they are seen. Raises TextError naming the characters that cannot be drawn."""
        shaped: list[ShapedGlyph] = []
        for run in split(text, self.typeface, self.font(0).characters):
            x = shaped[-1].pen + shaped[-1].advance if shaped else 0.0
            shaped += self._run(run, features, x)
        return shaped

    def _run(self, run: TextRun, features: dict[str, bool], x: float) -> list[ShapedGlyph]:
        """Shape a run in one font. Substitutions that would show other characters are disabled there."""
        shaped, wrong = self._shaped(run, features, x)
        if wrong:
            shaped, wrong = self._shaped(run, without_substitutions(features, wrong), x)
        if wrong:
            shaped, wrong = self._shaped(run, without_substitutions(features, [(run.start, run.end)]), x)
        if wrong:
            parts = ", ".join(repr(run.line[first:last]) for first, last in wrong)
            raise TextError(
                f"{self.typeface.family} draws other characters for {parts} of {run.text!r}; use another typeface"
            )
        return shaped

    def _shaped(self, run: TextRun, features: Mapping[str, object], x: float) -> tuple[list[ShapedGlyph], list[Span]]:
        """A run shaped with these features, and its spans whose glyphs stand for other characters."""
        font = self.font(run.font)
        nominal, substituted = font.substitutions.nominal, False
        buffer = hb.Buffer()
        buffer.add_str(run.line, run.start, run.end - run.start)
        if run.direction is not None:
            buffer.direction = run.direction
        buffer.guess_segment_properties()
        hb.shape(font.shaper, buffer, features)
        unit = 1 / font.units
        shaped = []
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            glyph, cluster, advance = info.codepoint, info.cluster, position.x_advance * unit
            if not glyph:
                if (character := run.drawn[cluster]) != " ":
                    raise TextError(
                        f"{self.typeface.family} lost {name(character)} while writing {run.text!r}; "
                        "use another typeface"
                    )
                advance = SPACE_ADVANCE
            if nominal.get(run.drawn[cluster]) != glyph:
                substituted = True
            left, down = position.x_offset * unit, -position.y_offset * unit
            shaped.append(ShapedGlyph(run.font, glyph, x, left, down, advance, cluster, run.joined))
            x += advance
        if not substituted:
            return shaped, []
        spans = font.substitutions.wrong_spans(
            run.drawn[run.start : run.end], ((g.cluster - run.start, g.glyph) for g in shaped)
        )
        return shaped, [(first + run.start, last + run.start) for first, last in spans]

    @cached_property
    def metrics(self) -> FontMetrics:
        """Measured on lower-case letters, or on digits and capitals if a typeface has none of a known script."""
        small = self._first_extents("xnoeauv", "хнопеи", "אבהמרש", "صعدهو", "0123AO")
        tall = self._first_extents("ldbhk", "бвНД", "ל", "الكط") or small
        deep = self._first_extents("pgqy", "рудц", "ןקץך", "جحعر") or small
        x_height = max(0.08, float(np.median([high for _, high in small]))) if small else 0.45
        stroke, joined = self._strokes(x_height)
        letters = next((w for w in MEASURED_LETTERS if not self.typeface.missing(w)), "")
        advances = [glyph.advance for glyph in self.shape(letters, {})]
        return FontMetrics(
            x_height=x_height,
            ascent=max(x_height, float(np.median([high for _, high in tall])) if tall else 0.75),
            descent=max(0.0, -float(np.median([low for low, _ in deep])) if deep else 0.25),
            stroke=stroke,
            pace=float(np.mean(advances)) / x_height if advances else 1.1,
            joined=joined,
        )

    def _first_extents(self, *scripts: str) -> list[tuple[float, float]]:
        """The extents of the first letters of which the typeface draws some."""
        return next((found for letters in scripts if (found := self._extents(letters))), [])

    def _extents(self, letters: str) -> list[tuple[float, float]]:
        """(lowest, highest) point of those of the letters that the typeface draws, ems."""
        found = []
        for letter in letters:
            index = next((i for i, file in enumerate(self.typeface.files) if letter in file.characters), None)
            if index is not None:
                found.append(self.font(index).vertical_extent(letter))
        return found

    def _strokes(self, x_height: float) -> tuple[float, bool]:
        """(stroke width in ems, whether letters are joined), measured on one word."""
        word = next((w for w in MEASURED_WORDS if not self.typeface.missing(w)), "")
        pixels = MEASURED_X_HEIGHT
        size = round(pixels / x_height)
        shaped = self.shape(word, {})
        if not shaped:
            return 0.05, False
        canvas = np.zeros((6 * pixels, int((shaped[-1].pen + shaped[-1].advance + 4) * size)), np.uint8)
        for glyph in shaped:
            mask, left, top = self.font(glyph.font).rasterise(glyph.glyph, size, "smooth", False, 0)
            x, y = left + round((glyph.pen + 2) * size), max(0, top + 4 * pixels)
            room = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
            np.maximum(room, mask[: room.shape[0], : room.shape[1]], out=room)
        ink = (canvas > 100).astype(np.uint8)
        edges, _ = cv2.findContours(ink, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        length = sum(cv2.arcLength(edge, True) for edge in edges)
        components = cv2.connectedComponents(ink)[0] - 1
        dots = word.count("i")
        joined = components - dots <= len(word) // 2 - 1
        return (2 * float(ink.sum()) / length / size if length else 0.05), joined
