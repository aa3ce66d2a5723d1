"""Character sets by name, and the rule that maps texts to a character set.

The two numbered sets are those of the scene-text benchmark (Baek et al. 2019) and AttentionHTR (Kass & Vats 2022);
the others are those of published data sets of lines.
"""

import difflib
import string
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scriven.base import InputError, SettingsError
from scriven.lines.datasets import DATA_SETS
from scriven.text import Charset, name, normalise

CASE_INSENSITIVE = string.digits + string.ascii_lowercase
CASE_SENSITIVE = CASE_INSENSITIVE + string.ascii_uppercase + string.punctuation
NAMED = {
    "case-insensitive-36": CASE_INSENSITIVE,
    "case-sensitive-94": CASE_SENSITIVE,
    **{name: of.characters for name, of in DATA_SETS.items()},
}
SHOWN = 12  # dropped characters that a message names


def charset_of(given: str) -> Charset:
    """The character set of a name in NAMED, of a UTF-8 file (all its characters but line ends), or of the characters.

    Raises InputError for a file that cannot be read, SettingsError for no characters, repeated ones or a misspelt name.
    """
    if given in NAMED:
        return Charset(tuple(NAMED[given]))
    if Path(given).is_file():
        try:
            found = Path(given).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the characters in {given} ({error}); give a UTF-8 file") from None
        return Charset(tuple(dict.fromkeys("".join(normalise(line) or line for line in found.splitlines()))))
    if close := difflib.get_close_matches(given, NAMED, n=1, cutoff=0.8):
        raise SettingsError(f"the setting 'charset' is {given!r}; did you mean {close[0]!r}? Otherwise give a file")
    repeated = [name(c) for c, count in Counter(given).items() if count > 1]
    if repeated or not given:
        why = f"repeats {repeated[0]}" if repeated else "is empty"
        raise SettingsError(
            f"the setting 'charset' is {given!r}, which is none of {', '.join(NAMED)} and no file, and as a list of "
            f"characters {why}; give one of these, or each character once"
        )
    return Charset(tuple(given))


@dataclass(frozen=True)
class MappedText:
    """A text in a character set, how many of its letters are in the other case, and the characters left out."""

    text: str
    other_case: int = 0
    dropped: str = ""


@dataclass(frozen=True)
class TextMapping:
    """The rule that maps texts to a character set.

    A set that has no letter in both cases does not tell them apart: a letter outside it is replaced by its other case
    if that is in the set (for the 36 characters: texts are lower-cased). Any other character outside the set is left
    out if `drop`; else it stays, and the line is refused where it is used.
    """

    charset: Charset
    drop: bool = False

    @cached_property
    def _tells_cases_apart(self) -> bool:
        return any(c.lower() != c and c.lower() in self.charset for c in self.charset.characters)

    def _in_set(self, character: str) -> str:
        """The character, or its other case where only that is in a set that does not tell cases apart."""
        if character in self.charset or self._tells_cases_apart:
            return character
        return next((other for other in (character.lower(), character.upper()) if other in self.charset), character)

    def mapped(self, text: str) -> MappedText:
        """A text mapped to the set; single-spaced, as all texts are."""
        cased = [self._in_set(c) for c in text]
        changed = sum(a != b for a, b in zip(text, cased, strict=True))
        if not self.drop:
            return MappedText("".join(cased), changed)
        allowed = [c for c in cased if c in self.charset]
        dropped = "".join(c for c in cased if c not in self.charset)
        return MappedText(normalise("".join(allowed)), changed, dropped)


@dataclass
class MappingCount:
    """What a mapping changed in the texts of a source."""

    texts: int = 0
    other_case: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, mapped: MappedText) -> None:
        self.texts += bool(mapped.other_case or mapped.dropped)
        self.other_case += mapped.other_case
        self.dropped.update(mapped.dropped)

    def as_json(self) -> dict[str, object]:
        return {"texts": self.texts, "other_case": self.other_case, "dropped": dict(self.dropped.most_common())}

    def sentence(self) -> str:
        """The counts, with the characters that were dropped most often; empty if nothing was changed."""
        if not self.texts:
            return ""
        parts = [f"{self.other_case:,} letters in the other case"] if self.other_case else []
        if self.dropped:
            most = ", ".join(f"{c!r} {n}" for c, n in self.dropped.most_common(SHOWN))
            more = f", and {len(self.dropped) - SHOWN} other characters" if len(self.dropped) > SHOWN else ""
            parts.append(f"{self.dropped.total():,} characters dropped ({most}{more})")
        return f"{self.texts:,} texts were mapped to the character set: {', '.join(parts)}"


def total(counts: Iterable[MappingCount]) -> MappingCount:
    """The sum of several counts."""
    found = MappingCount()
    for one in counts:
        found.texts += one.texts
        found.other_case += one.other_case
        found.dropped += one.dropped
    return found
