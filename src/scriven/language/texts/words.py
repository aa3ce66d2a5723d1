"""Word distributions of a language, of corpora, or from a CSV file."""

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scriven.base import Skipped, TextError, atomic
from scriven.language.frequencies import word_frequencies
from scriven.language.texts.languages import charset_of, language_of
from scriven.language.texts.tokens import is_mark, tokenise
from scriven.text import normalise

MAX_TYPES = 2_000_000  # word types in memory while counting; above that, those seen once are dropped


@dataclass(frozen=True)
class WordDistribution:
    """Different words, NFC, with their counts (in any scale, each above 0), the most frequent first."""

    words: tuple[str, ...]
    counts: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not self.words or len(self.words) != len(self.counts):
            raise TextError(
                "a word distribution needs at least one word, and a count for each word; give a longer text"
            )

    @property
    def size(self) -> int:
        """The number of words."""
        return len(self.words)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The relative frequency of each word."""
        return np.asarray(self.counts / self.counts.sum())

    @classmethod
    def of(cls, counts: dict[str, float] | Counter[str]) -> "WordDistribution":
        """The distribution of counted words; words of equal counts are sorted."""
        order = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(tuple(order), np.array([counts[word] for word in order], float))

    def save(self, path: Path) -> None:
        """Write a CSV file `word,count` in UTF-8. Raises OutputError."""
        with atomic(Path(path), "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("word", "count"))
            writer.writerows((word, f"{count:.10g}") for word, count in zip(self.words, self.counts, strict=True))

    @classmethod
    def load(cls, path: Path) -> "WordDistribution":
        """Read a CSV file `word,count`, or a list of one word per line (all counts 1). Raises TextError."""
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
            raise TextError(f"the word list {path} has no words; write one word per line")
        return cls.of(counts)


def count_words(
    texts: Iterable[str], max_length: int = 24, only_letters: bool = False, min_count: int = 1
) -> WordDistribution:
    """Count the words of texts, case-sensitively and without punctuation, in bounded memory (see MAX_TYPES).

    Raises TextError if no word is left.
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
        raise TextError("the texts have no usable word; give more text, a larger max_length or fewer restrictions")
    return WordDistribution.of(kept)


def language_words(code: str, top: int = 30_000, max_length: int = 24) -> tuple[WordDistribution, list[Skipped]]:
    """The `top` most frequent words of a language, in lower case, with their frequencies from `wordfreq`.

    `wordfreq` folds case, which replaces ß by ss and final ς by σ; both are restored. Entries that are not words of the
    language (characters outside its character set, digits, abbreviations, single letters) are skipped.
    Raises MissingExtra, and TextError for a language that wordfreq does not have.
    """
    characters, language = set(charset_of(code).characters), language_of(code)
    words, skipped = dict[str, float](), list[Skipped]()
    for folded, frequency in word_frequencies(code).items():
        if len(words) >= top:
            break
        word = language.spelt(folded)
        reason = _unfit(word, characters, max_length)
        if not reason and len(word) == 1 and language.singles is not None:
            if word not in language.singles and word not in language.elisions:
                reason = "a single letter"
        if reason:
            skipped.append(Skipped(word, reason))
        else:
            words[normalise(word)] = frequency
    return WordDistribution.of(words), skipped


def _unfit(word: str, characters: set[str], max_length: int) -> str:
    if not set(word) <= characters:
        return "characters outside the language"
    if len(word) > max_length:
        return f"longer than {max_length} characters"
    if not all(c.isalpha() or c in "'’-" or unicodedata.category(c) in ("Mn", "Mc") for c in word):
        return "not letters only"
    return ""
