"""Word frequencies of languages, from `wordfreq` (an optional package; its data is not bundled)."""

import unicodedata
from collections import Counter
from itertools import islice

from scriven.base import MissingExtra, TextError
from scriven.language.names import code_of
from scriven.text import normalise

COUNTED_WORDS = 20_000  # most frequent words of a language whose letters are counted
LETTERS_PER_RAREST = 20_000  # letters rarer than one in so many in running text are not counted as the language's


def word_frequencies(code: str) -> dict[str, float]:
    """The relative frequencies of the words of a language, case-folded, the most frequent first.

    Raises MissingExtra without wordfreq, and TextError for a language that it does not have.
    """
    try:
        import wordfreq
    except ImportError:
        raise MissingExtra("the word list of a language", "train") from None
    known = wordfreq.available_languages()
    if code not in known:
        meant = code_of(code)
        if meant in known:
            raise TextError(f"there is no language {code!r}; did you mean {meant!r}?")
        raise TextError(
            f"there is no word list for the language {code!r}; there are {', '.join(sorted(known))}; "
            "or give a folder of texts: words:FOLDER to write, texts lm FOLDER for a language model"
        )
    frequencies: dict[str, float] = wordfreq.get_frequency_dict(code, wordlist="best")
    return frequencies


def frequent_letters(code: str) -> str:
    """The lower-case letters of a language, found in its words, without those rarer than one in LETTERS_PER_RAREST."""
    weights: Counter[str] = Counter()
    for word, frequency in islice(word_frequencies(code).items(), COUNTED_WORDS):
        for c in normalise(word):
            if c.isalpha() or unicodedata.category(c) in ("Mn", "Mc"):  # marks: the vowel signs of Indic scripts
                weights[c] += frequency  # type: ignore[assignment]
    least = sum(weights.values()) / LETTERS_PER_RAREST
    return "".join(sorted(c for c, weight in weights.items() if weight >= least))
