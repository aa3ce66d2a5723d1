"""Glyph substitutions that change the text: fonts draw oe as œ, -- as a dash, -> as an arrow.

A picture must show the characters of its label. What a glyph stands for is told by the font's character map or, where
that is silent, by the glyph's name (Adobe Glyph List).
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise, product

from fontTools import agl

Span = tuple[int, int]  # first and last + 1 index of characters of a text
END_OF_TEXT = 0xFFFFFFFF  # the end of an unlimited range for HarfBuzz
SUBSTITUTING = ("ccmp", "locl", "rlig", "rclt", "rand", "calt", "clig", "liga")  # features that are on by default


class Substitutions:
    """Which characters the glyphs of one font stand for."""

    def __init__(self, nominal: Mapping[str, int], name_of: Callable[[int], str]):
        """`nominal`: the glyph that the character map gives each character; `name_of`: the name of a glyph."""
        self.nominal, self._name_of = nominal, name_of
        self._shown: dict[tuple[str, tuple[int, ...]], bool] = {}

    @cached_property
    def _characters(self) -> dict[int, set[str]]:
        """The characters of each glyph by the character map; those by glyph name are added when first needed."""
        characters: dict[int, set[str]] = {}
        for character, glyph in self.nominal.items():
            if not unicodedata.category(character).startswith("C"):  # a private-use code point says nothing
                characters.setdefault(glyph, set()).add(_decomposed(character))
        return characters

    def _characters_of(self, glyph: int) -> set[str]:
        """The characters that a glyph stands for; empty where neither character map nor name says."""
        found = self._characters.get(glyph)
        if found is None:
            found = self._characters[glyph] = {_decomposed(agl.toUnicode(self._name_of(glyph)))} - {""}
        return found

    def wrong_spans(self, text: str, glyphs: Iterable[tuple[int, int]]) -> list[Span]:
        """The spans of a text whose glyphs, each given as (cluster, glyph), stand for other characters."""
        clusters: dict[int, list[int]] = {}
        for cluster, glyph in glyphs:
            clusters.setdefault(cluster, []).append(glyph)
        spans = list(pairwise([*sorted(clusters), len(text)]))
        return [(a, b) for a, b in spans if not self._shows(text[a:b], tuple(clusters[a]))]

    def _shows(self, text: str, glyphs: tuple[int, ...]) -> bool:
        """Whether the glyphs of a cluster show its text. Glyphs of unknown meaning pass as alternates or ligatures of
        letters, but not for a sequence of punctuation marks."""
        known = self._shown.get((text, glyphs))
        if known is None:
            wanted, meanings = sorted(_decomposed(text)), [self._characters_of(glyph) for glyph in glyphs]
            if len(text) == len(glyphs) and all(self.nominal.get(c) == g for c, g in zip(text, glyphs, strict=True)):
                known = True
            elif all(meanings):
                known = any(sorted("".join(choice)) == wanted for choice in product(*meanings))
            else:
                marks = len(text) > 1 and not any(map(str.isalnum, text))
                known = not marks and all(any(set(m) <= set(wanted) for m in some) for some in meanings if some)
            self._shown[text, glyphs] = known
        return known


def without_substitutions(features: dict[str, bool], spans: Sequence[Span]) -> dict[str, list[tuple[int, int, bool]]]:
    """Features for HarfBuzz with every substituting one switched off in some spans of the text."""
    ranges = {tag: [(0, END_OF_TEXT, on)] for tag, on in features.items()}
    for tag in {*features, *SUBSTITUTING} - {"kern"}:
        ranges.setdefault(tag, []).extend((start, end, False) for start, end in spans)
    return ranges


def _decomposed(text: str) -> str:
    """A text with its ligatures taken apart (ﬁ is fi, ĳ is ij, ﻼ is لا); ſ, №, ² and the like stay as they are."""
    return "".join(map(_apart, text))


def _apart(character: str) -> str:
    form = unicodedata.decomposition(character)
    if character in "ſ№℅" or form.startswith(("<super>", "<sub>", "<fraction>")):
        return character
    apart = unicodedata.normalize("NFKD", character)
    if form.startswith(("<isolated>", "<initial>", "<medial>", "<final>")):
        return apart.strip(" \u0640")  # what carries the marks in an Arabic presentation form of marks
    return apart
