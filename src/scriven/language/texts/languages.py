"""What each language writes besides words: letters, quotation marks, dates, money, abbreviations, elisions.

The facts are in `languages.json`, one entry a language (field by field as in `Language`; `a-z` stands for the 26
letters). Dates and sums have several conventions, those of older papers among them. A language without an entry has no
dates or sums of its own and takes its letters from its words.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scriven.base import TextError
from scriven.text import Charset

LATIN = "abcdefghijklmnopqrstuvwxyz"
PUNCTUATION = "!\"&'()*+,-./:;=?%"
NUMERIC_DATES = (
    "{d}/{m}/{y}",
    "{d:02}/{m:02}/{y}",
    "{d}/{m}/{yy:02}",
    "{d}.{m}.{y}",
    "{y}-{m:02}-{d:02}",
    "{d}-{m}-{y}",
)


@dataclass(frozen=True)
class Language:
    code: str
    letters: str = ""  # lower case
    signs: str = ""  # further characters used
    quotes: tuple[tuple[str, str], ...] = (('"', '"'), ("“", "”"))
    spaced: bool = False  # a space before : ; ! ? as in French
    title: float = 0.12  # share of words that begin with a capital
    months: tuple[str, ...] = tuple("123456789") + ("10", "11", "12")
    short_months: tuple[str, ...] = ()
    dates: tuple[str, ...] = NUMERIC_DATES
    amounts: tuple[str, ...] = ("{n}", "{n}.{c:02}")
    thousands: tuple[str, ...] = (" ", "")
    decimal: str = ","
    ordinals: tuple[str, ...] = ("{n}.",)
    numbers: tuple[str, ...] = ()  # "no. {n}"
    abbreviations: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()  # abbreviations that stand before a name
    elisions: frozenset[str] = frozenset()  # written with an apostrophe, joined to the next word
    elided: re.Pattern[str] = re.compile("")  # such a word and a whole one that may follow it: l'homme, c'est
    singles: frozenset[str] | None = None  # words of one letter; None: all that occur
    capitals: frozenset[str] = frozenset()  # words always written with a capital
    unfolded: tuple[tuple[re.Pattern[str], str], ...] = ()  # what gives case-folded words their ß and final ς again

    def spelt(self, word: str) -> str:
        """A word of a case-folded list as it is written in lower case: straße for strasse."""
        for pattern, letters in self.unfolded:
            word = pattern.sub(letters, word)
        return word

    @property
    def roman(self) -> bool:
        """Can Roman numerals be written with its letters?"""
        return not self.letters or set("ivxlcdm") <= set(self.letters)


@cache
def languages() -> dict[str, Language]:
    """Every language with an entry, by its code."""
    entries = json.loads((Path(__file__).parent / "languages.json").read_text("utf-8"))
    return {code: _language(code, entry) for code, entry in entries.items()}


def _language(code: str, entry: dict[str, Any]) -> Language:
    fields: dict[str, Any] = {}
    for key, value in entry.items():
        if key in ("elisions", "capitals"):
            value = frozenset(value.split())
        elif key == "elided":  # one of several patterns
            value = re.compile("|".join(value))
        elif key == "singles":
            value = frozenset(value)
        elif key in ("months", "short_months"):
            value = tuple(value.split())
        elif key == "quotes":
            value = tuple((before, after) for before, after in value)
        elif key == "unfolded":
            value = tuple((re.compile(pattern), letters) for pattern, letters in value)
        elif isinstance(value, list):
            value = tuple(value)
        fields[key] = value
    fields["letters"] = fields["letters"].replace("a-z", LATIN)
    if not fields.pop("only_its_dates", False):
        fields["dates"] = NUMERIC_DATES + fields.get("dates", ())
    return Language(code, **fields)


def language_of(code: str) -> Language:
    """What is known of a language; plain conventions for one without an entry."""
    return languages().get(code) or Language(code)


@cache
def charset_of(code: str) -> Charset:
    """Space, letters in both cases, digits, punctuation and signs of a language.

    A language without an entry takes its letters from its most frequent words. Raises TextError for an unknown one.
    """
    language = language_of(code)
    letters = language.letters
    if not letters:
        from scriven.language.texts.words import frequent_letters

        letters = frequent_letters(code)
    upper = "".join(c.upper() for c in letters if len(c.upper()) == 1)
    quotes = "".join(mark for pair in language.quotes for mark in pair)
    return Charset(tuple(sorted({*" 0123456789", *letters, *upper, *PUNCTUATION, *language.signs, *quotes})))


def is_language(name: str) -> bool:
    """Whether a name means a language: any code such as `fr` does, whatever lies in the working folder; see source."""
    return 2 <= len(name) <= 3 and name.isalpha() and name.islower()


def languages_of(codes: str) -> tuple[str, ...]:
    """`fr+en` as ("fr", "en"). Raises TextError when nothing is named."""
    names = tuple(code.strip() for code in codes.split("+") if code.strip())
    if not names:
        raise TextError("no language is named; write one after the colon, for example words:fr")
    return names
