"""Language identification from the words of readings, by word frequencies.

Up to half of the words in readings of an unfamiliar hand are wrong, and short wrong words are words of many languages.
So only frequent words of at least MIN_WORD_LETTERS letters are evidence for a language, weighted by their Zipf
frequency (log10 of the occurrences in a thousand million words, from wordfreq) above KNOWN_ZIPF.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scriven.base import SettingsError
from scriven.language.texts.languages import languages
from scriven.language.texts.words import language_words
from scriven.text import Charset

MIN_WORD_LETTERS = 4  # shorter words occur in many languages and are not evidence
KNOWN_ZIPF = 3.0  # Zipf frequency above which a word counts as known
CERTAIN_SHARE = 1 / 3  # share of known words from which the language is certain
CLEAR_MARGIN, CLEAR_WORDS = 1.3, 20  # or: ratio of the evidence to that of the runner-up, and number of known words
MODERN_SHARE = 0.5  # share of long words that are known, below which the spelling is that of another period
LETTER_COVERAGE = 0.95  # share of the letters of running text that a character set must hold to write a language
FREQUENT_WORDS = 5000  # words from which the letters of running text are counted
STRIPPED_PUNCTUATION = ".,;:!?()'\""


@dataclass(frozen=True)
class LanguageGuess:
    """The most likely language of some texts; `known` of their `words` are frequent words of it.

    If it is not `certain`, its language model may raise the CER (docs/experiments/2026-11-26-adapt-wrong-language.md).
    """

    language: str
    certain: bool
    known: int = 0
    words: int = 0


def identify_language(texts: Iterable[str], candidates: Sequence[str]) -> LanguageGuess:
    """The candidate (language codes, at least one) with the most evidence in the words of some texts."""
    words = [word for word in words_of(texts) if len(word) >= MIN_WORD_LETTERS - 1]
    found = {code: (evidence(words, code), known(words, code)) for code in candidates}
    language, *others = sorted(candidates, key=lambda code: found[code], reverse=True)
    best, count = found[language]
    runner_up = max((found[code][0] for code in others), default=0.0)
    clear = best > 0 and best >= CLEAR_MARGIN * runner_up and count >= CLEAR_WORDS
    certain = clear or (count > CERTAIN_SHARE * len(words) and (best > runner_up or not others))
    return LanguageGuess(language, certain, count, len(words))


def in_modern_spelling(texts: Iterable[str], language: str) -> bool:
    """Whether at least half of the long words of some texts are frequent words of a language in its present spelling.

    Of the long words read with the language model, 29 % are frequent in Czech of 1531, and 72 % in English of 1850
    (docs/experiments/2026-11-26-adapted-language-model.md).
    """
    words = [word for word in words_of(texts) if len(word) >= MIN_WORD_LETTERS]
    return bool(words) and known(words, language) >= MODERN_SHARE * len(words)


def words_of(texts: Iterable[str]) -> list[str]:
    """The words of some texts in lower case, without the punctuation around them."""
    return [word.strip(STRIPPED_PUNCTUATION).lower() for text in texts for word in text.split()]


def evidence(words: Iterable[str], language: str) -> float:
    """The sum of the Zipf frequencies above KNOWN_ZIPF of all words that are long enough."""
    import wordfreq

    frequencies = (wordfreq.zipf_frequency(word, language) for word in words if len(word) >= MIN_WORD_LETTERS)
    return sum(max(0.0, frequency - KNOWN_ZIPF) for frequency in frequencies)


def known(words: Iterable[str], language: str) -> int:
    """The number of words, of any length, that are frequent in a language."""
    import wordfreq

    return sum(wordfreq.zipf_frequency(word, language) > KNOWN_ZIPF for word in words)


def writable_languages(charset: Charset) -> list[str]:
    """The languages whose running text a character set covers (LETTER_COVERAGE of the letters), English first.

    Raises SettingsError if there is none.
    """
    import wordfreq

    candidates = sorted(
        languages().keys() & wordfreq.available_languages().keys(), key=lambda code: (code != "en", code)
    )
    found = [code for code in candidates if letter_coverage(charset, code) >= LETTER_COVERAGE]
    if not found:
        raise SettingsError(
            "the model names no language, and its character set can write none of "
            f"{', '.join(candidates)}; set the language with --lang"
        )
    return found


def letter_coverage(charset: Charset, language: str) -> float:
    """The share 0..1 of the letters of running text that a character set holds, in either case."""
    words, _ = language_words(language, top=FREQUENT_WORDS)
    letters: Counter[str] = Counter()
    for word, count in zip(words.words, words.counts, strict=True):
        for letter in filter(str.isalpha, word):
            letters[letter] += count
    covered = sum(n for letter, n in letters.items() if letter in charset or letter.upper() in charset)
    return covered / sum(letters.values())
