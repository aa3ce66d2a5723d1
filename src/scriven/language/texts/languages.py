"""Writing conventions of languages: letters, quotation marks, dates, money, abbreviations, elisions.

The data is in `languages.json`, one entry per language with the fields of `Language`; `a-z` stands for the 26 letters.
Dates and amounts have several formats, those of historical documents included. A language without an entry has generic
formats, and its letters are taken from its word list.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scriven.base import TextError
from scriven.language.frequencies import frequent_letters
from scriven.text import Charset

LATIN = "abcdefghijklmnopqrstuvwxyz"
CHARSET_PUNCTUATION = "!\"&'()*+,-./:;=?%"
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
    """The conventions of one language. Formats are templates of `str.format`."""

    code: str
    letters: str = ""  # lower case
    signs: str = ""  # further characters
    quotes: tuple[tuple[str, str], ...] = (('"', '"'), ("“", "”"))
    spaced: bool = False  # whether there is a space before : ; ! ?
    title: float = 0.12  # share of words that are capitalised
    months: tuple[str, ...] = tuple("123456789") + ("10", "11", "12")
    short_months: tuple[str, ...] = ()
    dates: tuple[str, ...] = NUMERIC_DATES
    amounts: tuple[str, ...] = ("{n}", "{n}.{c:02}")
    thousands: tuple[str, ...] = (" ", "")
    decimal: str = ","
    ordinals: tuple[str, ...] = ("{n}.",)
    numbers: tuple[str, ...] = ()  # "no. {n}"
    abbreviations: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()  # abbreviations before a name
    elisions: frozenset[str] = frozenset()  # written with an apostrophe, joined to the next word
    elided: re.Pattern[str] = re.compile("")  # matches an elision with a word that may follow it: l'homme, c'est
    singles: frozenset[str] | None = None  # words of one letter; None: any
    capitals: frozenset[str] = frozenset()  # words that are always capitalised
    unfolded: tuple[
        tuple[re.Pattern[str], str], ...
    ] = ()  # substitutions that restore ß and final ς in case-folded words

    def spelt(self, word: str) -> str:
        """The lower-case spelling of a case-folded word: straße for strasse."""
        for pattern, letters in self.unfolded:
            word = pattern.sub(letters, word)
        return word

    @property
    def roman(self) -> bool:
        """Whether Roman numerals can be written with its letters."""
        return not self.letters or set("ivxlcdm") <= set(self.letters)


@cache
def languages() -> dict[str, Language]:
    """The languages with an entry, by code."""
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
    """The conventions of a language; generic ones for a language without an entry."""
    return languages().get(code) or Language(code)


@cache
def charset_of(code: str) -> Charset:
    """The character set of a language: space, letters in both cases, digits, punctuation and signs.

    Raises TextError for an unknown language without an entry, MissingExtra.
    """
    language = language_of(code)
    letters = language.letters or frequent_letters(code)
    upper = "".join(c.upper() for c in letters if len(c.upper()) == 1)
    quotes = "".join(mark for pair in language.quotes for mark in pair)
    return Charset(tuple(sorted({*" 0123456789", *letters, *upper, *CHARSET_PUNCTUATION, *language.signs, *quotes})))


def is_language(name: str) -> bool:
    """Whether a name is a language code: two or three lower-case letters, even if there is a file of that name."""
    return 2 <= len(name) <= 3 and name.isalpha() and name.islower()


def languages_of(codes: str) -> tuple[str, ...]:
    """The codes in `fr+en`: ("fr", "en"). Raises TextError if there is none."""
    names = tuple(code.strip() for code in codes.split("+") if code.strip())
    if not names:
        raise TextError("no language is given; write one after the colon, for example words:fr")
    return names
