"""Texts that are not words: numbers, dates, amounts of money, abbreviations, initials, random strings of characters.

Every function takes an `rng` and calls only `rng.random()`, which is fast for single numbers.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from scriven.language.texts.languages import Language

Rng = np.random.Generator
T = TypeVar("T")
_ROMAN = tuple(
    zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), "M CM D CD C XC L XL X IX V IV I".split(), strict=True)
)


def pick(rng: Rng, options: Sequence[T]) -> T:
    """One of the options, uniformly."""
    return options[int(rng.random() * len(options))]


def below(rng: Rng, n: int) -> int:
    """A uniform integer in 0 .. n - 1."""
    return int(rng.random() * n)


def roman(n: int) -> str:
    """A number in upper-case Roman numerals: 14 as XIV."""
    digits = ""
    for value, letters in _ROMAN:
        digits += letters * (n // value)
        n %= value
    return digits


def english_ordinal(n: int) -> str:
    """The suffix of an English ordinal: 1st, 2nd, 3rd, 11th."""
    return "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")


def grouped(rng: Rng, n: int, language: Language) -> str:
    """A number with a thousands separator of the language: 12500 as 12 500, 12.500, 12,500 or 12500."""
    return f"{n:,}".replace(",", pick(rng, language.thousands)) if n >= 1000 else str(n)


def number(rng: Rng, language: Language) -> str:
    """An integer, a decimal, a year, an ordinal, a Roman numeral, a percentage or a fraction."""
    kind, n = rng.random(), int(10 ** (rng.random() * 5))
    if kind < 0.35:
        return str(n)
    if kind < 0.5:
        return grouped(rng, n * 10, language)
    if kind < 0.6:
        return (
            f"{n}{language.decimal}{below(rng, 100):02}"
            if rng.random() < 0.7
            else f"{below(rng, 100)}{language.decimal}{below(rng, 10)}"
        )
    if kind < 0.7:
        return str(1400 + below(rng, 630))
    if kind < 0.8:
        ordinal = 1 + below(rng, 40)
        return pick(rng, language.ordinals).format(n=ordinal, th=english_ordinal(ordinal))
    if kind < 0.88 and language.roman:
        return roman(1 + below(rng, 60 if rng.random() < 0.7 else 2000))
    if kind < 0.94 and language.numbers:
        return pick(rng, language.numbers).format(n=1 + below(rng, 999))
    if kind < 0.97:
        return f"{1 + below(rng, 100)}%"
    return f"{1 + below(rng, 9)}/{2 + below(rng, 11)}"


def date(rng: Rng, language: Language) -> str:
    """A date in one of the formats of a language, mostly after 1800."""
    month, year = below(rng, 12), 1400 + below(rng, 630) if rng.random() < 0.3 else 1800 + below(rng, 230)
    day = 1 + below(rng, 28 if month == 1 else 30)

    short = language.short_months or language.months
    return pick(rng, language.dates).format(
        d=day,
        m=month + 1,
        y=year,
        yy=year % 100,
        month=language.months[month],
        short=short[month],
        th=english_ordinal(day),
        roman=roman(year),
    )


def amount(rng: Rng, language: Language) -> str:
    """An amount of money in a format of the language, uniform in its number of digits."""
    whole = grouped(rng, 1 + int(10 ** (rng.random() * 4.5)), language)
    return pick(rng, language.amounts).format(
        n=whole,
        c=5 * below(rng, 20) if rng.random() < 0.5 else below(rng, 100),
        s=1 + below(rng, 19),
        p=1 + below(rng, 11),
    )


def initials(rng: Rng, language: Language) -> str:
    """One to three initials: J. S."""
    letters = [c.upper() for c in language.letters if len(c.upper()) == 1] or list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    drawn = [f"{pick(rng, letters)}." for _ in range(1 + below(rng, 3))]
    return ("" if rng.random() < 0.4 else " ").join(drawn)


def abbreviation(rng: Rng, language: Language) -> str:
    """An abbreviation or title of the language; initials if none is known."""
    options = language.abbreviations + language.titles
    return pick(rng, options) if options else initials(rng, language)


def balanced(rng: Rng, characters: Sequence[str]) -> str:
    """1 to 8 characters, each sampled uniformly from a character set."""
    return "".join(pick(rng, characters) for _ in range(1 + below(rng, 8)))


Special = Callable[[Rng, Language], str]
