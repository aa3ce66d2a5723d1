"""Words and how often they occur: from `wordfreq` by language, from a user's corpora, or from a CSV file."""

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scriven.base import MissingExtra, Skipped, TextError, atomic
from scriven.language.texts.languages import charset_of, language_of
from scriven.language.texts.spacing import is_mark, tokenise
from scriven.text import normalise

MAX_TYPES = 2_000_000  # different words counted at a time; beyond it those seen once are let go


@dataclass(frozen=True)
class WordDistribution:
    """Words, NFC and different from one another, and their counts (any scale, each above 0), most frequent first."""

    words: tuple[str, ...]
    counts: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not self.words or len(self.words) != len(self.counts):
            raise TextError("a word distribution needs at least one word, and one count a word; give a longer text")

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The share of each word in running text."""
        return np.asarray(self.counts / self.counts.sum())

    @classmethod
    def of(cls, counts: dict[str, float] | Counter[str]) -> "WordDistribution":
        """The distribution of counted words; those of one count in the order of the alphabet."""
        order = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(tuple(order), np.array([counts[word] for word in order], float))

    def save(self, path: Path) -> None:
        """Write as CSV `word,count` in UTF-8, quoted where needed. Raises OutputError."""
        with atomic(Path(path), "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("word", "count"))
            writer.writerows((word, f"{count:.10g}") for word, count in zip(self.words, self.counts, strict=True))

    @classmethod
    def load(cls, path: Path) -> "WordDistribution":
        """Read a CSV `word,count`, or a plain list of one word a line (all counts 1). Raises TextError."""
        try:
            text = Path(path).read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise TextError(f"the word list {path} is not UTF-8 text; convert it to UTF-8") from None
        except OSError as error:
            raise TextError(f"cannot read the word list {path}: {error.strerror or error}") from error
        counts: Counter[str] = Counter()
        for number, row in enumerate(csv.reader(io.StringIO(text, newline="")), start=1):
            if [cell.strip() for cell in row] == ["word", "count"] or not row or not normalise(row[0]):
                continue
            try:
                count = float(row[1]) if len(row) > 1 else 1.0
            except ValueError:
                raise TextError(f"{path} line {number} has no count after its word: {row}; write word,count") from None
            if len(row) > 2 or not 0 < count < np.inf:
                raise TextError(f"{path} line {number} is not word,count with a count above 0: {row}; correct it")
            counts[normalise(row[0])] += count  # type: ignore[assignment]
        if not counts:
            raise TextError(f"the word list {path} has no words; give one with at least one word a line")
        return cls.of(counts)


def count_words(
    texts: Iterable[str], max_length: int = 24, only_letters: bool = False, min_count: int = 1
) -> WordDistribution:
    """The words of texts as they are written (case kept), without marks. Memory is bounded by MAX_TYPES.

    Raises TextError when no word is left.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        for token in tokenise(text):
            word = token.strip("'’-") if token[-1] in "'’-" else token
            if word and not is_mark(word) and len(word) <= max_length and (not only_letters or word.isalpha()):
                counts[word] += 1
        if len(counts) > MAX_TYPES:
            counts = Counter({word: n for word, n in counts.items() if n > 1})
    kept = {word: float(n) for word, n in counts.items() if n >= min_count}
    if not kept:
        raise TextError("the texts hold no word that fits; give more text, or a larger max_length, or fewer limits")
    return WordDistribution.of(kept)


def language_words(
    code: str, top: int = 30_000, max_length: int = 24, skipped: list[Skipped] | None = None
) -> WordDistribution:
    """The most frequent words of a language (lower case) with their frequencies, from `wordfreq`.

    `wordfreq` folds case, which writes ß as ss and a final ς as σ; both are given back as the language spells.

    Left out, and appended to `skipped`, are entries that are not words of the language: characters outside its
    character set, figures, abbreviations with dots, stray letters. Raises MissingExtra, and TextError for a language
    that wordfreq does not have.
    """
    characters, language = set(charset_of(code).characters), language_of(code)
    words: dict[str, float] = {}
    for folded, frequency in _wordfreq(code).items():
        if len(words) >= top:
            break
        word = language.spelt(folded)
        reason = _unfit(word, characters, max_length)
        if not reason and len(word) == 1 and language.singles is not None:
            if word not in language.singles and word not in language.elisions:
                reason = "a stray letter"
        if reason and skipped is not None:
            skipped.append(Skipped(word, reason))
        elif not reason:
            words[normalise(word)] = frequency
    return WordDistribution.of(words)


def _unfit(word: str, characters: set[str], max_length: int) -> str:
    if not set(word) <= characters:
        return "characters outside the language"
    if len(word) > max_length:
        return f"longer than {max_length} characters"
    if not all(c.isalpha() or c in "'’-" or unicodedata.category(c) in ("Mn", "Mc") for c in word):
        return "not letters only"
    return ""


def _wordfreq(code: str) -> dict[str, float]:
    """{word: frequency}, most frequent first."""
    try:
        import wordfreq
    except ImportError:
        raise MissingExtra("the word list of a language", "train") from None
    known = wordfreq.available_languages()
    if code not in known:
        raise TextError(
            f"there is no word list for the language {code!r}; there are {', '.join(sorted(known))}; "
            "or give a folder of texts: words:FOLDER to write, texts lm FOLDER for a language model"
        )
    frequencies: dict[str, float] = wordfreq.get_frequency_dict(code, wordlist="best")
    return frequencies


def frequent_letters(code: str) -> str:
    """Letters, lower case, that make up at least one in 20,000 of the letters of running text in a language."""
    weights: Counter[str] = Counter()
    for word, frequency in islice(_wordfreq(code).items(), 20_000):
        for c in normalise(word):
            if c.isalpha() or unicodedata.category(c) in ("Mn", "Mc"):  # marks: the vowel signs of Indic scripts
                weights[c] += frequency  # type: ignore[assignment]
    least = sum(weights.values()) / 20_000
    return "".join(sorted(c for c, weight in weights.items() if weight >= least))
