"""Letters: one normal form for all text, and the character set of a recogniser."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from scriven.base import TextError

_SPACES = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Unicode NFC, any run of white space (no-break spaces and line ends included) as one space, none at the ends."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def name(character: str) -> str:
    """A character as a person can look it up: `'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)`."""
    return f"{character!r} (U+{ord(character):04X} {unicodedata.name(character, 'unnamed')})"


@dataclass(frozen=True)
class Charset:
    """The characters a recogniser can write, in order. Class 0 is the CTC blank; character i is class i + 1."""

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.characters)) != len(self.characters):
            raise TextError("a character set holds the same character twice; write each one once")
        if any(len(c) != 1 for c in self.characters):
            raise TextError("a character set holds single Unicode characters only; split longer strings")

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Charset":
        """All characters of the texts, sorted; the space is always among them."""
        found = set(" ")
        for text in texts:
            found.update(normalise(text))
        return cls(tuple(sorted(found)))

    @cached_property
    def _classes(self) -> dict[str, int]:
        return {c: i for i, c in enumerate(self.characters, start=1)}

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return character in self._classes

    def encode(self, text: str) -> list[int]:
        """Classes (1-based) of a text. Raises TextError naming every character that is not in the set."""
        try:
            return [self._classes[c] for c in text]
        except KeyError:
            unknown = ", ".join(name(c) for c in self.missing([text]))
            raise TextError(
                f"{text!r} has characters that are not in the character set: {unknown}; "
                "grow the character set or correct the text"
            ) from None

    def decode(self, classes: Sequence[int]) -> str:
        """The text of classes (1-based, no blanks)."""
        return "".join(self.characters[c - 1] for c in classes)

    def missing(self, texts: Iterable[str]) -> Counter[str]:
        """Characters of the texts that are not in the set, with how often they occur, most frequent first."""
        counts = Counter(c for text in texts for c in text if c not in self._classes)
        return Counter(dict(counts.most_common()))

    def grow(self, characters: Iterable[str]) -> "Charset":
        """The same characters at the same classes, followed by the new ones, sorted."""
        new = sorted({c for text in characters for c in text} - set(self.characters))
        return Charset(self.characters + tuple(new))
