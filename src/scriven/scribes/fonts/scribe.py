"""The font scribe: writes words and lines with handwriting typefaces, rendered to look like scanned pages.

HarfBuzz shaping -> letters placed with the irregularity of a hand -> cached glyph bitmaps -> one warp for slant,
rotation, width, elastic distortion and drift -> pen and ink -> paper, ruling, bleed-through, neighbouring lines ->
camera. After Krishnan and Jawahar, "Generating Synthetic Data for Text Recognition" (2016), extended by shaping, hands
and realistic crops.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from scriven.augment import Sampler
from scriven.base import Skipped, TextError
from scriven.scribes.contract import EMPTY, Handwriting
from scriven.scribes.fonts.face import Face
from scriven.scribes.fonts.glyph_cache import GlyphCache
from scriven.scribes.fonts.hands import Hand, draw_hand
from scriven.scribes.fonts.rendering import Task, extents, write_line
from scriven.scribes.fonts.settings import FONT_DEFAULTS, FontSettings
from scriven.scribes.typefaces import Typeface, covering
from scriven.text import name, normalise, visual

KINDS = ("print", "cursive", "school", "historical", "marker")  # of typefaces: settings that weigh them
Picture = NDArray[np.uint8]


class FontScribe:
    """Writes with the given typefaces. A picture depends on the arguments alone, never on what was written before."""

    origin = "fonts"
    augmented = False

    def __init__(
        self,
        typefaces: Sequence[Typeface],
        settings: FontSettings = FONT_DEFAULTS,
        *,
        excluded: Sequence[Typeface] = (),
        skipped: Sequence[Skipped] = (),
    ):
        """`excluded`: typefaces that the tags leave out, named in refusals; `skipped`: font files that are unusable."""
        if not typefaces:
            raise TextError("a font scribe needs at least one typeface; give a folder of fonts or other tags")
        self.settings, self.typefaces = settings, tuple(typefaces)
        self.excluded, self.skipped = tuple(excluded), tuple(skipped)
        self._faces = tuple(Face(typeface) for typeface in self.typefaces)
        self._glyphs = GlyphCache()
        self._hands: dict[int, Hand] = {}
        self._drawn_by: dict[str, int] = {}  # character -> bit mask of the typefaces that draw it
        self._shares: dict[int, tuple[list[int], list[float]]] = {}

    def __reduce__(self) -> tuple[Callable[..., "FontScribe"], tuple[tuple[Typeface, ...], FontSettings]]:
        """Pickled as its arguments: a worker process opens the fonts itself."""
        make = partial(FontScribe, excluded=self.excluded, skipped=self.skipped)
        return make, (self.typefaces, self.settings)

    @property
    def licence(self) -> str:
        """The licences of the typefaces."""
        licences = ", ".join(sorted({face.licence or "unknown" for face in self.typefaces}))
        return f"drawn with typefaces under {licences}"

    @property
    def hands(self) -> int:
        """The number of hands; they are numbered 0 .. hands - 1."""
        return len(self.typefaces) * self.settings.hands

    def hand(self, number: int) -> Hand:
        """The hand of a number; its typeface is `number % len(typefaces)`."""
        found = self._hands.get(number)
        if found is None:
            typeface = number % len(self.typefaces)
            found = draw_hand(self._faces[typeface], typeface, number, self.settings.seed, self.settings)
            self._hands[number] = found
        return found

    def covers(self, text: str) -> tuple[Typeface, ...]:
        """The typefaces that draw every character of a text."""
        bits = self._able(normalise(text))
        return tuple(typeface for i, typeface in enumerate(self.typefaces) if bits >> i & 1)

    def refusal(self, text: str) -> str | None:
        """Why no typeface can write a text, naming the characters; None if one can."""
        text = normalise(text)
        if not text:
            return EMPTY
        if self._able(text):
            return None
        nowhere = [c for c in dict.fromkeys(visual(text)) if c != " " and not self._able(c)]
        if nowhere:
            why, remedy = f"no typeface draws {', '.join(map(name, nowhere))} of {text!r}", "add a font that does"
        else:
            why = f"no single typeface draws all characters of {text!r}"
            remedy = "add a font that does or split the text"
        if covering(self.excluded, visual(text)):
            return f"{why} with the tag {', '.join(self.settings.tags)}, but others do; choose other tags"
        return f"{why}; {remedy}"

    def write(
        self, text: str, rng: np.random.Generator, *, hand: int | None = None, strength: float = 1.0
    ) -> Handwriting:
        """Write a word or a line, height `settings.height`; `hand` None takes a random one that can write the text.

        Raises TextError, naming the characters, if the hand (or every typeface) does not have some of them.
        """
        task = self._task(text, rng, hand, strength)
        return Handwriting(write_line(task), task.text, task.hand.name)

    def extents(
        self, text: str, rng: np.random.Generator, *, hand: int | None = None, strength: float = 1.0
    ) -> dict[int, tuple[float, float]]:
        """The left and right edge, px, of the ink of characters in the picture that `write` makes of these arguments.

        By the index of the character in the normalised text: of a ligature that of its first. Those without visible ink
        are left out. Raises TextError as `write` does.
        """
        return extents(self._task(text, rng, hand, strength))

    def _task(self, text: str, rng: np.random.Generator, hand: int | None, strength: float) -> Task:
        text = normalise(text)
        sampler = Sampler(rng)
        number = self._choose(text, sampler) if hand is None else hand
        typeface = number % len(self.typefaces)
        if not text or not self._able(text) >> typeface & 1:
            raise TextError(self.refusal(text) or _lacking(self.typefaces[typeface], text))
        drawn = self.hand(number)
        face = self._faces[drawn.typeface]
        return Task(text, drawn, face, self._glyphs, sampler, strength * self.settings.strength, self.settings)

    def _able(self, text: str) -> int:
        """Bit mask of the typefaces that draw every character of a normalised text as it is seen."""
        bits = (1 << len(self.typefaces)) - 1
        for character in visual(text):
            if character == " ":
                continue
            drawn_by = self._drawn_by.get(character)
            if drawn_by is None:
                drawn_by = sum(1 << i for i, typeface in enumerate(self.typefaces) if character in typeface)
                self._drawn_by[character] = drawn_by
            bits &= drawn_by
        return bits

    def _choose(self, text: str, sampler: Sampler) -> int:
        """A random hand that can write a normalised text: a kind of typeface by its share, one of the kind, a hand."""
        bits = self._able(text)
        if not bits or not text:
            raise TextError(self.refusal(text) or "")
        if bits not in self._shares:
            able = [i for i in range(len(self.typefaces)) if bits >> i & 1]
            self._shares[bits] = (able, list(accumulate(self._weights(able))))
        able, sums = self._shares[bits]
        typeface = able[min(bisect_right(sums, sampler.unit() * sums[-1]), len(able) - 1)]
        return typeface + len(self.typefaces) * sampler.below(self.settings.hands)

    def _weights(self, able: list[int]) -> list[float]:
        """The share of each kind of typeface, divided among the typefaces of that kind."""
        firsts = [next((kind for kind in KINDS if kind in self.typefaces[i].tags), "cursive") for i in able]
        return [max(getattr(self.settings, kind), 1e-6) / firsts.count(kind) for kind in firsts]


def _lacking(typeface: Typeface, text: str) -> str:
    lacking = ", ".join(map(name, typeface.missing(visual(text))))
    return f"{typeface.family} cannot draw {lacking} of {text!r}; choose another hand"
