"""A line cut into runs that HarfBuzz shapes one at a time: of one direction, one script and one font file.

Runs are in visual order, from left to right as they are seen, by the Unicode bidirectional algorithm (UAX #9). The text
of each is in logical order, which is what HarfBuzz takes; it gives the glyphs of a run from left to right.
"""

from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

import uharfbuzz as hb

from scriven.scribes.typefaces import Typeface
from scriven.text import direction_runs, has_right_to_left, mirrored

JOINED_SCRIPTS = frozenset("Adlm Arab Mand Nkoo Rohg Syrc".split())  # ISO 15924; from right to left, letters joined


class TextRun(NamedTuple):
    """A stretch `line[start:end]` of a line."""

    line: str  # in logical order
    drawn: str  # the same with brackets and the like mirrored where they run from right to left
    start: int
    end: int
    font: int  # index of the typeface's file
    direction: Literal["ltr", "rtl"] | None = None  # None: by the script
    joined: bool = False  # the script joins letters

    @property
    def text(self) -> str:
        """The characters of this run."""
        return self.line[self.start : self.end]


def split(text: str, typeface: Typeface, first: frozenset[str]) -> list[TextRun]:
    """The runs of a line, in visual order. `first`: the characters of the typeface's first file, the space included.

    Raises TextError naming every character that the typeface cannot draw.
    """
    if not text:
        return []
    if not has_right_to_left(text):
        if first.issuperset(text):
            return [TextRun(text, text, 0, len(text), 0)]
        files = _files(text, typeface, first)
        return [TextRun(text, text, start, end, files[start]) for start, end in _stretches(files, 0, len(text))]
    directions = direction_runs(text)
    characters = list(text)
    for start, end, odd in directions:
        if odd:
            characters[start:end] = map(mirrored, text[start:end])
    drawn = "".join(characters)
    files = _files(drawn, typeface, first)
    runs: list[TextRun] = []
    for start, end, odd in directions:
        scripts = _scripts(text[start:end])
        keys = list(zip(files[start:end], scripts, strict=True))
        cuts = [(a + start, b + start) for a, b in _stretches(keys, 0, end - start)]
        for a, b in reversed(cuts) if odd else cuts:
            joined = scripts[a - start] in JOINED_SCRIPTS
            runs.append(TextRun(text, drawn, a, b, files[a], "rtl" if odd else "ltr", joined))
    return runs


def _files(text: str, typeface: Typeface, first: frozenset[str]) -> list[int]:
    """The index of the file that draws each character."""
    if first.issuperset(text):
        return [0] * len(text)
    number = {id(file): i for i, file in enumerate(typeface.files)}
    return [number[id(file)] for file, part in typeface.runs(text) for _ in part]


def _stretches(keys: list[int] | list[tuple[int, str]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each stretch of equal keys."""
    for i in range(start + 1, end + 1):
        if i == end or keys[i] != keys[start]:
            yield start, i
            start = i


def _scripts(text: str) -> list[str]:
    """The script of each character; digits, punctuation and marks have that of the letters before or else after."""
    found = [_script(character) for character in text]
    current = next((script for script in found if script), "")
    scripts = []
    for script in found:
        current = script or current
        scripts.append(current)
    return scripts


@cache
def _script(character: str) -> str:
    """ISO 15924 code of a character's script as HarfBuzz knows it; empty for what scripts share."""
    buffer = hb.Buffer()
    buffer.add_str(character)
    buffer.guess_segment_properties()
    return buffer.script or ""
