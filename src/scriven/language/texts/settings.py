"""The settings of all text sources, with their defaults."""

from dataclasses import dataclass

from scriven.base import SettingsError
from scriven.base.settings import Count, NonNegative, Share, validated


@validated
@dataclass(frozen=True)
class TextSettings:
    """What the scribes are given to write. Shares are probabilities, of a word or of a token of a line."""

    top: Count = 30_000  # most frequent words of a language that are used
    exponent: NonNegative = 0.8  # words are drawn by frequency to this power: 0 uniform, 1 as in running text
    max_length: Count = 24  # characters of a word
    min_tokens: Count = 3  # tokens of a line
    max_tokens: Count = 12
    min_chars: Count | None = None  # length of a line in characters instead of tokens (both, or none)
    max_chars: Count | None = None
    order: Count = 4  # words of an n-gram
    max_vocabulary: Count = 60_000  # different words of an n-gram model; rarer ones are never written
    number: Share = 0.03
    date: Share = 0.02
    amount: Share = 0.015
    abbreviation: Share = 0.02
    initials: Share = 0.01
    balanced: Share = 0.03  # strings of characters drawn evenly from the whole character set
    title: Share | None = None  # Capitalised words; None: as usual in the language
    upper: Share = 0.02  # words, and whole lines, in CAPITALS
    punctuation: Share = 0.12  # words with a mark after them, or in brackets or quotes
    compound: Share = 0.01  # two words joined by a hyphen
    hyphenated: Share = 0.05  # lines whose last word is cut by a hyphen, or that begin with the rest of one
    sentence_start: Share = 0.35  # lines that begin a sentence; the others begin inside one
    word_share: Share = 0.5  # words among the texts of a source of both (mixed:LANG)
    characters: str = ""  # if given, nothing else is written (the space always is)

    def __post_init__(self) -> None:
        shortest, longest = self.min_chars or 1, self.max_chars or self.min_chars or 1
        if not 1 <= self.min_tokens <= self.max_tokens or not 1 <= shortest <= longest:
            raise SettingsError("a line cannot be shorter than 1 or longer than its longest; correct min_ and max_")
        if self.min_chars is not None and self.max_chars is None:
            raise SettingsError("min_chars is given without max_chars; give both, or tokens instead")
        shares = (self.number, self.date, self.amount, self.abbreviation, self.initials, self.balanced)
        if min(shares) < 0 or self.specials > 1:
            raise SettingsError("the shares of numbers, dates and the rest are below 0 or above 1 together; lower them")

    @property
    def specials(self) -> float:
        """The share of texts that are something else than words."""
        return self.number + self.date + self.amount + self.abbreviation + self.initials + self.balanced


DEFAULTS = TextSettings()
