"""The settings of all text sources, with their defaults."""

from dataclasses import dataclass

from scriven.base import SettingsError
from scriven.base.settings import Count, NonNegative, Share, validated


@validated
@dataclass(frozen=True)
class TextSettings:
    """How words and lines are sampled. Shares are probabilities, per word or per token of a line."""

    top: Count = 30_000  # most frequent words of a language to use
    exponent: NonNegative = 0.8  # words are sampled by frequency to this power: 0 uniform, 1 as in running text
    max_length: Count = 24  # characters, longest word
    min_tokens: Count = 3  # per line
    max_tokens: Count = 12
    min_chars: Count | None = None  # length of a line in characters instead of tokens (both, or neither)
    max_chars: Count | None = None
    order: Count = 4  # words per n-gram
    max_vocabulary: Count = 60_000  # word types of an n-gram model; rarer ones are never written
    number: Share = 0.03
    date: Share = 0.02
    amount: Share = 0.015
    abbreviation: Share = 0.02
    initials: Share = 0.01
    balanced: Share = 0.03  # strings of characters sampled uniformly from the character set
    title: Share | None = None  # capitalised words; None: as in the language
    upper: Share = 0.02  # words, and whole lines, in CAPITALS
    punctuation: Share = 0.12  # words followed by punctuation, or in brackets or quotes
    compound: Share = 0.01  # two words joined by a hyphen
    hyphenated: Share = 0.05  # lines whose last word is hyphenated, or that begin with the rest of one
    sentence_start: Share = 0.35  # lines that begin with a sentence
    word_share: Share = 0.5  # words among the texts of a source of both (mixed:LANG)
    characters: str = ""  # if given, only these and the space are written

    def __post_init__(self) -> None:
        shortest, longest = self.min_chars or 1, self.max_chars or self.min_chars or 1
        if not 1 <= self.min_tokens <= self.max_tokens or not 1 <= shortest <= longest:
            raise SettingsError(
                "the minimum length of a line is above the maximum; correct min_tokens and max_tokens, or "
                "min_chars and max_chars"
            )
        if self.min_chars is not None and self.max_chars is None:
            raise SettingsError("min_chars is set without max_chars; set both, or min_tokens and max_tokens instead")
        if self.specials > 1:
            raise SettingsError(
                "number, date, amount, abbreviation, initials and balanced add up to more than 1; lower some of them"
            )

    @property
    def specials(self) -> float:
        """The share of texts that are not words."""
        return self.number + self.date + self.amount + self.abbreviation + self.initials + self.balanced


TEXT_DEFAULTS = TextSettings()
