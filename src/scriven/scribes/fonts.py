"""The font scribe: writes words and lines with handwriting typefaces, as real pages show them.

Shape (HarfBuzz) -> set the letters with a hand's tremble -> blit cached glyph pictures -> one warp for slant, turn,
width, elastic and drift -> pen and ink -> paper, ruling, the other side, neighbouring lines -> camera. After Krishnan
and Jawahar, "Generating Synthetic Data for Text Recognition" (2016), with shaping, hands and real crops added.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from scriven.augment import Sampler
from scriven.base import TextError
from scriven.scribes.hands import FontSettings, Hand, draw_hand
from scriven.scribes.shaping import Face, Glyphs
from scriven.scribes.typefaces import Typeface
from scriven.scribes.writing import Task, write_line
from scriven.text import name, normalise

__all__ = ["FontScribe", "FontSettings", "Hand"]

Picture = NDArray[np.uint8]


class FontScribe:
    """Writes with the given typefaces. Every pixel depends on the arguments alone, never on what was written before."""

    def __init__(self, typefaces: Sequence[Typeface], settings: FontSettings | None = None):
        if not typefaces:
            raise TextError("a font scribe needs at least one typeface; give it some")
        self.settings = settings or FontSettings()
        self.typefaces = tuple(typefaces)
        self._faces = tuple(Face(typeface) for typeface in self.typefaces)
        self._glyphs = Glyphs()
        self._hands: dict[int, Hand] = {}
        self._drawn: dict[str, int] = {}  # character -> bits of the typefaces that draw it
        self._shares: dict[int, tuple[list[int], list[float]]] = {}

    def __reduce__(self) -> tuple[type["FontScribe"], tuple[tuple[Typeface, ...], FontSettings]]:
        """Worker processes get the typefaces and the settings, and open the fonts themselves."""
        return FontScribe, (self.typefaces, self.settings)

    @property
    def hands(self) -> int:
        """How many hands there are: numbers 0 .. hands - 1."""
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
        bits = self._bits(normalise(text))
        return tuple(typeface for i, typeface in enumerate(self.typefaces) if bits >> i & 1)

    def choose(self, text: str, rng: np.random.Generator) -> int:
        """A random hand that can write the text. Raises TextError naming the characters where there is none."""
        return self._choose(normalise(text), Sampler(rng))

    def write(self, text: str, rng: np.random.Generator, *, strength: float = 1.0, hand: int | None = None) -> Picture:
        """A picture (height, W) uint8, 255 = paper, of a word or a line; `hand` None takes a random one.

        Raises TextError, naming the characters, when the hand (or no typeface at all) can write the text.
        """
        text = normalise(text)
        dice = Sampler(rng)
        number = self._choose(text, dice) if hand is None else hand
        typeface = number % len(self.typefaces)
        if not text or not self._bits(text) >> typeface & 1:
            raise TextError(self._refusal(text, self.typefaces[typeface]))
        return self._write(text, number, dice, strength)

    def picture(self, texts: Sequence[str], seed: int, index: int, strength: float = 1.0) -> tuple[Picture, str, str]:
        """(picture, text, hand's name) number `index` of `seed`; texts are taken in turn."""
        text = normalise(texts[index % len(texts)])
        dice = Sampler(np.random.default_rng([seed, index]))
        number = self._choose(text, dice)
        return self._write(text, number, dice, strength), text, self.hand(number).name

    def _bits(self, text: str) -> int:
        bits = (1 << len(self.typefaces)) - 1
        for character in text:
            if character == " ":
                continue
            drawn = self._drawn.get(character)
            if drawn is None:
                drawn = sum(1 << i for i, typeface in enumerate(self.typefaces) if character in typeface)
                self._drawn[character] = drawn
            bits &= drawn
        return bits

    def _choose(self, text: str, dice: Sampler) -> int:
        bits = self._bits(text)
        if not bits or not text:
            raise TextError(self._refusal(text, None))
        if bits not in self._shares:
            able = [i for i in range(len(self.typefaces)) if bits >> i & 1]
            self._shares[bits] = (able, list(accumulate(self._weights(able))))
        able, sums = self._shares[bits]
        typeface = able[min(bisect_right(sums, dice.unit() * sums[-1]), len(able) - 1)]
        return typeface + len(self.typefaces) * dice.below(self.settings.hands)

    def _weights(self, able: list[int]) -> list[float]:
        """The share of each kind of typeface, divided among those that have it."""
        kinds = ("print", "cursive", "school", "historical", "marker")
        firsts = [next((kind for kind in kinds if kind in self.typefaces[i].tags), "cursive") for i in able]
        return [max(getattr(self.settings, kind), 1e-6) / firsts.count(kind) for kind in firsts]

    def _refusal(self, text: str, typeface: Typeface | None) -> str:
        if not text:
            return "there is nothing to write in an empty text; leave it out"
        if typeface is not None:
            lost = ", ".join(map(name, typeface.missing(text)))
            return f"{typeface.family} cannot draw {lost} of {text!r}; choose another hand"
        nowhere = [c for c in dict.fromkeys(text) if c != " " and not self._bits(c)]
        if nowhere:
            return f"no typeface draws {', '.join(map(name, nowhere))} of {text!r}; add a font that does"
        return f"no single typeface draws all characters of {text!r}; add a font that does or split the text"

    def _write(self, text: str, number: int, dice: Sampler, strength: float) -> Picture:
        hand = self.hand(number)
        face = self._faces[hand.typeface]
        return write_line(Task(text, hand, face, self._glyphs, dice, strength * self.settings.strength, self.settings))
