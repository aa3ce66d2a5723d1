"""A page's transcript without line breaks, as what a path through the lines of the page can pass: classes and cuts.

Positions are places between characters, 0 to N. A line shows text[start:end]. It may begin where a word begins, or
inside a word that a hyphenated line end divides; the space between two lines belongs to neither.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scriven.text import Charset, has_right_to_left, normalise, right_to_left, visual

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HYPHENS = "-\u2010\u00ac=\u2e17\u00ad\u2011"  # at a line end: hyphen-minus, hyphen, not sign, equals sign, ...
SEPARATOR = "\0"  # between stretches of text that are not neighbours; no line shows it
GAPS = (" ", SEPARATOR)


@dataclass(frozen=True)
class PageText:
    """N characters of a page, in the order in which its lines are read.

    classes (N,): of the model; the one behind its last for a character that it lacks, `never` for a separator. starts,
    inside (N + 1,): positions where a line may begin, and those of them inside a word.
    """

    text: str
    classes: Ints
    starts: Bools
    inside: Bools
    never: int  # the class of a separator
    backwards: bool = False  # whether lines run from right to left

    @classmethod
    def of(cls, text: str, charset: Charset) -> "PageText":
        """The normalised text of a page for a model with `charset`; stretches may be joined by SEPARATOR."""
        text = SEPARATOR.join(part for one in text.split(SEPARATOR) if (part := normalise(one)))
        backwards = right_to_left(text)
        unknown, never = len(charset) + 1, len(charset) + 2
        hyphens = [h for h in HYPHENS if h in charset]
        known = {SEPARATOR: never, **{c: i for i, c in enumerate(charset.characters, start=1)}}
        known = {**dict.fromkeys(HYPHENS, known.get(hyphens[0], unknown) if hyphens else unknown), **known}
        classes = np.array([known.get(c, unknown) for c in _in_reading_order(text, backwards)], np.int64)
        gaps = np.array([c in GAPS for c in text], bool)
        letters = np.array([c.isalnum() for c in text], bool)
        starts, inside = np.ones(len(text) + 1, bool), np.zeros(len(text) + 1, bool)
        starts[:-1] = ~gaps
        starts[1:-1] &= gaps[:-1] | np.array([c in HYPHENS for c in text[:-1]], bool) | letters[:-1] & letters[1:]
        inside[1:-1] = letters[:-1] & letters[1:]
        return cls(text, classes, starts, inside, never, backwards)

    def __len__(self) -> int:
        return len(self.text)

    @property
    def gaps(self) -> Bools:
        """Which characters (N,) are spaces or separators."""
        return np.array([c in GAPS for c in self.text], bool)

    def end_of(self, start: int) -> int:
        """The end of a line before one that begins at `start`: without the space between them."""
        return start - (0 < start and self.text[start - 1] in GAPS)

    def part(self, start: int, end: int) -> "PageText":
        """The characters between two positions."""
        return replace(
            self,
            text=self.text[start:end],
            classes=self.classes[start:end],
            starts=np.append(self.starts[start:end], True),
            inside=np.append(self.inside[start:end], False),
        )

    def followed_by(self, other: "PageText") -> "PageText":
        """This text and another directly behind it."""
        return replace(
            self,
            text=self.text + other.text,
            classes=np.append(self.classes, other.classes),
            starts=np.append(self.starts[:-1], other.starts),
            inside=np.append(self.inside[:-1], other.inside),
        )

    def lacking(self, charset: Charset) -> Counter[str]:
        """The characters that the model lacks, with how often they occur; hyphens count as one character."""
        return Counter(c for c, k in zip(self.text, self.classes, strict=True) if k == len(charset) + 1)


def stretches(text: PageText, placed: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches (start, end) of a text between the placed ones, in order, without the spaces around them."""
    found, begin = [], 0
    for start, end in [*sorted(placed), (len(text), len(text))]:
        low, high = begin, start
        while low < high and text.text[low] in GAPS:
            low += 1
        while low < high and text.text[high - 1] in GAPS:
            high -= 1
        if low < high:
            found.append((low, high))
        begin = max(begin, end)
    return found


def _in_reading_order(text: str, backwards: bool) -> str:
    """The characters in the order in which a line is scanned, from the side where it begins.

    A word of the other direction, such as a number in Hebrew, is met from its end.
    """
    if not has_right_to_left(text):
        return text
    words = text.split(" ")
    return " ".join(visual(word)[::-1] if backwards else visual(word) for word in words)
