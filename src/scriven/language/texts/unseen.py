"""Texts of words that nobody wrote in some lines, or that one hand did not write, strict by construction.

A word counts as written in any case: texts are compared case-folded, NFC, and both the whole words and their parts
between hyphens, apostrophes and other signs count. A word is drawn only if neither it nor any of its parts was written.
"""

import re
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from scriven.language.texts.tokens import INVISIBLE, tokenise
from scriven.language.texts.words import WordDistribution
from scriven.text import normalise

FRAME = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)  # a word between signs


def folded(word: str) -> str:
    """A word as it is compared: case-folded, NFC."""
    return normalise(normalise(word).casefold())


def words_of(text: str) -> set[str]:
    """The words of a text, folded: what stands between spaces, without signs around it, and all parts of it."""
    text = INVISIBLE.sub("", normalise(text))
    whole = [_framed(piece)[1] for piece in text.split(" ")]
    parts = [*tokenise(text), *re.split(r"[\W\d_]+", text), *re.split(r"[\W_]+", text)]
    found = {folded(_framed(word)[1]) for word in [*whole, *parts]}
    return {word for word in found if any(c.isalpha() for c in word)}


def _framed(piece: str) -> tuple[str, str, str]:
    """A piece of text between spaces: the signs before it, the word, the signs behind it."""
    found = FRAME.match(piece)
    assert found is not None  # it matches any text
    return found[1], found[2], found[3]


class UnseenWords:
    """Words of a distribution, from which those that were not written are drawn to replace the words of texts."""

    def __init__(self, words: WordDistribution, writable: Callable[[str], bool]):
        """`writable`: whether a text can be written; words that cannot are left out."""
        weights = words.probabilities**0.5  # between one of each and running text
        self._writable = writable
        self._by_length = dict[int, list[tuple[str, float, frozenset[str]]]]()
        by_length = defaultdict[int, list[tuple[str, float, frozenset[str]]]](list)
        for word, weight in zip(words.words, weights.tolist(), strict=True):
            parts = words_of(word)
            if parts and " " not in word and writable(word):
                by_length[len(word)].append((word, weight, frozenset(parts)))
        self._by_length.update(by_length)

    def instead_of(self, text: str, written: set[str], rng: np.random.Generator) -> str:
        """The text with another word for every word, of about its length, in its case, none of them in `written`.

        `written`: as `words_of` gives them. Numbers and signs that stand alone are left out. "" for a text without
        words, or if every word of the distribution was written.
        """
        found = []
        for piece in normalise(text).split(" "):
            before, word, behind = _framed(piece)
            if any(c.isalpha() for c in word) and (new := self._draw(len(word), written, rng)):
                found.append(before + self._cased(new, word) + behind)
        return " ".join(found)

    def _draw(self, length: int, written: set[str], rng: np.random.Generator) -> str:
        """A word that is not written, of the nearest length that has one; "" if there is none."""
        for near in sorted(self._by_length, key=lambda n: (abs(n - length), n)):
            able = [(word, weight) for word, weight, parts in self._by_length[near] if not parts & written]
            if able:
                bounds = np.cumsum([weight for _, weight in able])
                return able[int(bounds.searchsorted(rng.random() * bounds[-1], side="right"))][0]
        return ""

    def _cased(self, new: str, old: str) -> str:
        """A word in the case of another, if it can be written so."""
        letters = [c for c in old if c.isalpha()]
        if len(letters) > 1 and all(c.isupper() for c in letters):
            wanted = new.upper()
        else:
            wanted = new[:1].upper() + new[1:] if letters[0].isupper() else new
        return wanted if self._writable(wanted) and folded(wanted) == folded(new) else new
