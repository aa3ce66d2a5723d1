"""Words and lines sampled from a word distribution, with numbers, dates and punctuation mixed in.

A line resembles a line of running text: it begins or continues a sentence, contains numbers, dates and amounts, and may
end in a hyphenated word.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from scriven.base import SettingsError, Skipped
from scriven.language.texts import special
from scriven.language.texts.languages import Language
from scriven.language.texts.settings import TextSettings
from scriven.language.texts.special import Rng, pick
from scriven.language.texts.words import WordDistribution
from scriven.text import Charset, normalise

_ENDS = (".", ".", ".", ".", ".", "!", "?", "...")
_MARKS = (",", ",", ",", ",", ";", ":")
_TRIES = 20  # attempts before a text with characters that are not allowed is replaced by a plain word


class WordSource:
    """A text source of words and lines; `draw(rng, kind)` is the contract of every text source."""

    def __init__(
        self,
        words: WordDistribution,
        language: Language,
        charset: Charset,
        settings: TextSettings,
        kind: str = "word",
        *,
        skipped: Sequence[Skipped] = (),
    ):
        """`skipped`: what was skipped of the texts in which the words were counted."""
        self.language, self.settings, self.kind, self.skipped = language, settings, kind, tuple(skipped)
        self.allowed = frozenset(settings.characters or charset.characters) | {" "}
        keep = [i for i, word in enumerate(words.words) if self.allowed.issuperset(word)]
        if not keep:
            raise SettingsError(
                "no word can be written with the setting characters; add letters to it or leave it empty"
            )
        self.words = [words.words[i] for i in keep]
        weights = words.counts[keep] ** settings.exponent
        self._cumulative = np.cumsum(weights / weights.sum()).tolist()
        self.followers = {elided: self._following(elided, weights) for elided in language.elisions}
        self._title = language.title if settings.title is None else settings.title
        self.characters = sorted(self.allowed - {" "})

    @cached_property
    def _specials(self) -> tuple[list[float], list[special.Special]]:
        s = self.settings
        shares = (s.number, s.date, s.amount, s.abbreviation, s.initials, s.balanced)
        makers: list[special.Special] = [
            special.number,
            special.date,
            special.amount,
            special.abbreviation,
            special.initials,
            self._balanced,
        ]
        return list(accumulate(shares)), makers

    def _balanced(self, rng: Rng, language: Language) -> str:
        return special.balanced(rng, self.characters)

    def draw(self, rng: Rng, kind: str | None = None) -> str:
        """Sample one text, NFC and single-spaced: a "word" (an amount or a date may have spaces) or a "line"."""
        for _ in range(_TRIES):
            text = self._line(rng) if (kind or self.kind) == "line" else self._word(rng)
            if text and self.allowed.issuperset(text):
                return text
        return self._whole(rng)

    # --- words ----------------------------------------------------------------------------------------------------

    def _plain(self, rng: Rng) -> str:
        return self.words[min(bisect_right(self._cumulative, rng.random()), len(self.words) - 1)]

    def _special(self, rng: Rng) -> str | None:
        shares, makers = self._specials
        drawn = rng.random()
        if drawn >= shares[-1]:
            return None
        for _ in range(_TRIES):
            text = makers[bisect_right(shares, drawn)](rng, self.language)
            if self.allowed.issuperset(text):
                return text
        return None

    def _cased(self, rng: Rng, word: str) -> str:
        drawn = rng.random()
        if word in self.language.capitals or drawn < self._title:
            return word[0].upper() + word[1:]
        return word.upper() if drawn > 1 - self.settings.upper else word

    def _body(self, rng: Rng) -> str:
        word = self._plain(rng)
        if word in self.language.elisions:
            return self._after(rng, word)
        word = self._cased(rng, word)
        if rng.random() < self.settings.compound:
            word = f"{word}-{self._whole(rng)}"
        return word

    def _after(self, rng: Rng, elided: str) -> str:
        """An elision joined to a word that may follow it, sampled by frequency: l'homme, c'est."""
        followers, cumulative = self.followers[elided]
        if not followers:
            return self._whole(rng)
        return f"{elided}'{followers[min(bisect_right(cumulative, rng.random()), len(followers) - 1)]}"

    def _following(self, elided: str, weights: NDArray[np.float64]) -> tuple[list[str], list[float]]:
        """The words that may follow an elision, and their cumulative probabilities."""
        fits = self.language.elided.fullmatch
        keep = [i for i, word in enumerate(self.words) if fits(f"{elided}'{word}")]
        summed = np.cumsum(weights[keep])
        return [self.words[i] for i in keep], (summed / summed[-1:]).tolist()

    def _whole(self, rng: Rng) -> str:
        """A word that is not an elision."""
        for _ in range(_TRIES):
            word = self._plain(rng)
            if word not in self.language.elisions:
                return word
        return word

    def _word(self, rng: Rng) -> str:
        text = self._special(rng)
        if text is None:
            text = self._body(rng)
            if rng.random() < self.settings.hyphenated / 2 and len(text) > 4:
                return f"{text[: 2 + special.below(rng, len(text) - 3)]}-"
            if rng.random() < self.settings.punctuation:
                text = self._marked(rng, text)
        return normalise(text)

    def _marked(self, rng: Rng, text: str) -> str:
        kind = rng.random()
        if kind < 0.8:
            return text + self._tight(pick(rng, _MARKS + _ENDS))
        return self._wrapped(rng, text)

    def _wrapped(self, rng: Rng, text: str) -> str:
        before, after = ("(", ")") if rng.random() < 0.4 else pick(rng, self.language.quotes)
        return f"{before}{text}{after}"

    def _tight(self, mark: str) -> str:
        return f" {mark}" if self.language.spaced and mark in ":;!?" else mark

    # --- lines ----------------------------------------------------------------------------------------------------

    def _line(self, rng: Rng) -> str:
        s = self.settings
        low, high = s.min_tokens, s.max_tokens
        wanted, limit = low + special.below(rng, high - low + 1), 0
        if s.max_chars is not None:
            shortest = min(s.min_chars or 1, s.max_chars)
            limit = shortest + special.below(rng, s.max_chars - shortest + 1)
            wanted = limit
        tokens: list[str] = []
        length, fresh = 0, rng.random() < s.sentence_start
        if not fresh and rng.random() < s.hyphenated:
            tokens.append(self._whole(rng)[-4:])
        while len(tokens) < wanted and (not limit or length < limit):
            token, fresh = self._token(rng, fresh)
            tokens.append(token)
            length += len(token) + 1
        text = " ".join(tokens)
        if limit and len(text) > limit:
            text = _truncated(text, limit, rng.random() < s.hyphenated)
        elif rng.random() < s.hyphenated:
            text = self._hyphenated(rng, text)
        return normalise(text.upper() if rng.random() < s.upper / 2 else text)

    def _token(self, rng: Rng, fresh: bool) -> tuple[str, bool]:
        """One token with its punctuation, and whether a sentence begins after it."""
        text = self._special(rng)
        if text is None:
            text = self._body(rng)
            if rng.random() < self.settings.punctuation * 0.15:
                text = self._wrapped(rng, text)
        if fresh:
            text = text[0].upper() + text[1:]
        drawn = rng.random()
        if drawn < self.settings.punctuation * 0.5:
            return text + self._tight(pick(rng, _MARKS)), False
        if drawn < self.settings.punctuation and text[-1] not in ".,;:!?":
            return text + self._tight(pick(rng, _ENDS)), True
        if drawn > 0.995:
            return f"{text} -", False
        return text, False

    def _hyphenated(self, rng: Rng, text: str) -> str:
        head, _, last = text.rpartition(" ")
        if len(last) < 5 or not last.isalpha():
            return text
        return f"{head} {last[: 2 + special.below(rng, len(last) - 3)]}-"


def _truncated(text: str, limit: int, hyphen: bool) -> str:
    """Truncate a text to `limit` characters, between words, or within one with a hyphen."""
    if hyphen and limit > 3 and text[limit - 3 : limit].isalpha():
        return f"{text[: limit - 1]}-"
    return text[: limit + 1].rpartition(" ")[0] or text[:limit]
