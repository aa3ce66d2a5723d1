"""Records of typefaces: family, licence, files, and the characters that they draw."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scriven.base import TextError
from scriven.scribes.typefaces.codepoints import CodePoints
from scriven.text import name, normalise


@dataclass(frozen=True)
class FontFile:
    """One font file. `characters`: those with an outline and an advance, which may be fewer than its table maps."""

    path: Path
    sha256: str
    characters: CodePoints = field(hash=False)

    def covers(self, text: str) -> bool:
        """Whether this file draws every character of the text; the space always counts as drawn."""
        return all(c == " " or c in self.characters for c in text)


@dataclass(frozen=True)
class Typeface:
    """A family in its regular weight. Several files are subsets of one design (latin, latin-ext ...) at one scale."""

    family: str
    id: str
    version: str
    licence: str  # SPDX identifier: OFL-1.1, Apache-2.0; "" if unknown
    copyright: str
    tags: tuple[str, ...]  # some of TAGS
    files: tuple[FontFile, ...]

    @cached_property
    def characters(self) -> frozenset[str]:
        """The characters that at least one of the files draws."""
        return frozenset(chr(point) for file in self.files for point in file.characters)

    def __contains__(self, character: object) -> bool:
        return character in self.characters

    def covers(self, text: str) -> bool:
        """Whether every character of the normalised text can be drawn; the space always can."""
        return not self.missing(text)

    def missing(self, text: str) -> tuple[str, ...]:
        """The characters of the text that this typeface cannot draw, sorted, without repetition."""
        return tuple(sorted(set(normalise(text)) - self.characters - {" "}))

    def runs(self, text: str) -> tuple[tuple[FontFile, str], ...]:
        """The normalised text split into runs, each with the file that draws it; concatenated they are the text.

        One run if one file covers the text. Otherwise each word comes from one file if possible, and only a word that
        no file covers is split. A space belongs to the run of the word before it (its advance is that of the
        first file). Raises TextError naming every character that cannot be drawn.
        """
        text = normalise(text)
        if lost := self.missing(text):
            raise TextError(
                f"{self.family} cannot draw {', '.join(map(name, lost))}; check the text with covers() first"
            )
        whole = next((file for file in self.files if file.covers(text)), None)
        if whole is not None:
            return ((whole, text),) if text else ()
        runs: list[tuple[FontFile, str]] = []
        for number, word in enumerate(text.split(" ")):
            if number:
                runs[-1] = (runs[-1][0], runs[-1][1] + " ")
            for file, part in self._word(word, runs[-1][0] if runs else None):
                if runs and runs[-1][0] is file:
                    runs[-1] = (file, runs[-1][1] + part)
                else:
                    runs.append((file, part))
        return tuple(runs)

    def _word(self, word: str, before: FontFile | None) -> list[tuple[FontFile, str]]:
        order = self.files if before is None else (before, *(f for f in self.files if f is not before))
        for file in order:
            if file.covers(word):
                return [(file, word)]
        parts: list[tuple[FontFile, str]] = []
        for character in word:
            file = next(f for f in self.files if character in f.characters)
            if parts and parts[-1][0] is file:
                parts[-1] = (file, parts[-1][1] + character)
            else:
                parts.append((file, character))
        return parts


def covering(typefaces: Iterable[Typeface], text: str, tags: Sequence[str] = ()) -> tuple[Typeface, ...]:
    """The typefaces, in order, that draw the whole text and have any of the tags; without tags, any typeface."""
    wanted = set(normalise(text)) - {" "}
    return tuple(t for t in typefaces if (not tags or set(tags) & set(t.tags)) and wanted <= t.characters)


def coverage(typefaces: Iterable[Typeface], text: str) -> dict[str, tuple[str, ...]]:
    """For each character of the text except the space, sorted: the ids of the typefaces that draw it, maybe none."""
    faces = tuple(typefaces)
    return {c: tuple(t.id for t in faces if c in t) for c in sorted(set(normalise(text)) - {" "})}
