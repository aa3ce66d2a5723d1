"""Lines sampled from a word n-gram model of a user's corpus, with Witten-Bell back-off.

After a context seen n times with t different followers, one of these is sampled with probability n / (n + t); otherwise
the oldest word of the context is dropped. An n-gram of k words is one unsigned 64-bit number, 16 bits per word, so that
counting is sorting and memory is bounded. Word 0 is the boundary of a text and never written. N-grams with words
outside the vocabulary are not counted.
"""

import io
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from scriven.base import SettingsError, Skipped, TextError, atomic
from scriven.language.texts.settings import TextSettings
from scriven.language.texts.special import Rng, below
from scriven.language.texts.tokens import is_mark, join, spaced_as_french, tokenise
from scriven.text import normalise

WORD_NGRAMS_FORMAT = "scriven word n-grams 1"
BITS = 16
MAX_ORDER = 64 // BITS
MAX_HELD_WORD_NGRAMS = 20_000_000  # n-grams of one order held while counting
BLOCK_WORDS = 1_000_000  # words counted at a time
_TRIES = 20

Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class WordNGrams:
    """Counts of word n-grams: sorted `keys[k-1]` with `counts[k-1]`; `french`: spaces before : ; ! ? as in French."""

    words: tuple[str, ...]  # words[i] has the id i + 1
    keys: tuple[Keys, ...]
    counts: tuple[NDArray[np.int64], ...]
    french: bool

    @property
    def size(self) -> int:
        """The number of n-grams of all orders."""
        return sum(map(len, self.keys))

    def save(self, path: Path) -> None:
        """Write compressed numpy arrays, no pickle. Raises OutputError."""
        arrays = {
            "format": np.array(WORD_NGRAMS_FORMAT),
            "words": np.array("\n".join(self.words)),
            "french": np.array(self.french),
        }
        for k, (keys, counts) in enumerate(zip(self.keys, self.counts, strict=True), start=1):
            arrays[f"keys{k}"], arrays[f"counts{k}"] = np.diff(keys, prepend=np.uint64(0)), counts
        with atomic(Path(path)) as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "WordNGrams":
        """Read a file written by `save`. Raises TextError for anything else."""
        try:
            with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
                if "format" not in file or str(file["format"]) != WORD_NGRAMS_FORMAT:
                    raise TextError(f"{path} has no word n-grams; make them with: scriven texts words --ngrams")
                orders = range(1, sum(name.startswith("keys") for name in file.files) + 1)
                return cls(
                    words=tuple(str(file["words"]).split("\n")),
                    keys=tuple(np.cumsum(file[f"keys{k}"], dtype=np.uint64) for k in orders),
                    counts=tuple(file[f"counts{k}"] for k in orders),
                    french=bool(file["french"]),
                )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise TextError(f"cannot read the word n-grams {path}: {error}; make them again from the corpus") from error


def count_ngrams(corpus: Callable[[], Iterable[str]], order: int = 4, max_vocabulary: int = 60_000) -> WordNGrams:
    """Count the word n-grams of a corpus in several passes: each call of `corpus` iterates over its lines again.

    Raises SettingsError for an order outside 1 to 4, TextError for a corpus without words.
    """
    if not 1 <= order <= MAX_ORDER:
        raise SettingsError(f"word n-grams of order {order} cannot be counted; choose an order from 1 to {MAX_ORDER}")
    frequency: Counter[str] = Counter()
    for text in corpus():
        frequency.update(tokenise(text))
        if len(frequency) > MAX_HELD_WORD_NGRAMS // 10:
            frequency = Counter({word: n for word, n in frequency.items() if n > 1})
    if not any(not is_mark(word) for word in frequency):
        raise TextError("the corpus has no words to count n-grams of; give more text")
    words = [word for word, _ in sorted(frequency.items(), key=lambda item: (-item[1], item[0]))]
    words = words[: min(max_vocabulary, (1 << BITS) - 2)]
    tables = [(np.zeros(0, np.uint64), np.zeros(0, np.int64)) for _ in range(order)]
    for ids in _blocks(corpus(), {word: i for i, word in enumerate(words, start=1)}):
        for k in range(1, order + 1):
            tables[k - 1] = _merged(tables[k - 1], *np.unique(_packed(ids, k), return_counts=True))
            if len(tables[k - 1][0]) > MAX_HELD_WORD_NGRAMS:
                often = tables[k - 1][1] > 1
                tables[k - 1] = tables[k - 1][0][often], tables[k - 1][1][often]
    french = spaced_as_french(list(islice(corpus(), 20_000)))
    return WordNGrams(tuple(words), tuple(t[0] for t in tables), tuple(t[1] for t in tables), french)


def _blocks(texts: Iterable[str], ids: dict[str, int]) -> Iterator[NDArray[np.int64]]:
    """Word ids in blocks, with a boundary (0) around every text and -1 for words outside the vocabulary."""
    block = [0]
    for text in texts:
        block += [ids.get(token, -1) for token in tokenise(text)]
        block.append(0)
        if len(block) > BLOCK_WORDS:
            yield np.array(block)
            block = [0]
    if len(block) > 1:
        yield np.array(block)


def _packed(ids: NDArray[np.int64], k: int) -> Keys:
    """The n-grams of k words within texts: a boundary may only come first or last; no words outside the vocabulary."""
    n = len(ids) - k + 1
    if n <= 0:
        return np.zeros(0, np.uint64)
    keys, whole = np.zeros(n, np.uint64), np.ones(n, bool)
    for i in range(k):
        part = ids[i : i + n]
        keys = (keys << np.uint64(BITS)) | np.maximum(part, 0).astype(np.uint64)
        whole &= (part > 0) | ((part == 0) & (i in (0, k - 1)))
    if k == 1:
        whole = ids > 0
    elif k == 2:
        whole &= (ids[:n] != 0) | (ids[1:] != 0)
    return keys[whole]


def _merged(
    table: tuple[Keys, NDArray[np.int64]], keys: Keys, counts: NDArray[np.int64]
) -> tuple[Keys, NDArray[np.int64]]:
    if not len(table[0]):
        return keys, counts
    both, where = np.unique(np.concatenate([table[0], keys]), return_inverse=True)
    return both, np.bincount(where, np.concatenate([table[1], counts])).astype(np.int64)


class NGramSource:
    """Samples sentence-like lines, or single words of the model."""

    def __init__(
        self, grams: WordNGrams, settings: TextSettings, kind: str = "line", *, skipped: Sequence[Skipped] = ()
    ):
        """`skipped`: what was skipped of the texts in which the n-grams were counted."""
        self.grams, self.settings, self.kind, self.skipped = grams, settings, kind, tuple(skipped)
        self.order = min(settings.order, len(grams.keys))
        self._sums = [np.concatenate([[0], np.cumsum(counts)]) for counts in grams.counts]
        self._allowed = frozenset(settings.characters) | {" "} if settings.characters else None
        plain = [i for i, word in enumerate(grams.words, start=1) if not is_mark(word) and self._fits(word)]
        if not plain:
            raise SettingsError(
                "no word of the n-grams can be written with the characters given; leave characters empty"
            )
        at = np.minimum(np.searchsorted(grams.keys[0], np.array(plain, np.uint64)), len(grams.keys[0]) - 1)
        weights = grams.counts[0][at].astype(float) ** settings.exponent
        self._plain, self._cumulative = plain, np.cumsum(weights / weights.sum()).tolist()

    def _fits(self, text: str) -> bool:
        return self._allowed is None or self._allowed.issuperset(text)

    def draw(self, rng: Rng, kind: str | None = None) -> str:
        """Sample one text, NFC and single-spaced."""
        for _ in range(_TRIES):
            text = normalise(self._line(rng) if (kind or self.kind) == "line" else self._any(rng))
            if text and self._fits(text):
                return text
        return normalise(self._any(rng))

    def _any(self, rng: Rng) -> str:
        return self.grams.words[self._one(rng) - 1]

    def _one(self, rng: Rng) -> int:
        return self._plain[min(bisect_right(self._cumulative, rng.random()), len(self._plain) - 1)]

    def _line(self, rng: Rng) -> str:
        s = self.settings
        wanted = s.min_tokens + below(rng, s.max_tokens - s.min_tokens + 1)
        shortest = min(s.min_chars or 1, s.max_chars or 1)
        limit = shortest + below(rng, s.max_chars - shortest + 1) if s.max_chars is not None else 0
        line = [] if rng.random() < s.sentence_start else [self._one(rng)]
        context = [*([] if line else [0]), *line]
        length = sum(len(self.grams.words[i - 1]) for i in line)
        while (length < limit) if limit else (len(line) < wanted):
            word = self._next(rng, context)
            context.append(word)
            if word:
                line.append(word)
                length += len(self.grams.words[word - 1]) + 1
            else:
                context = [0]
        text = join((self.grams.words[i - 1] for i in line), self.grams.french)
        return text if not limit or len(text) <= limit else text[: limit + 1].rpartition(" ")[0] or text[:limit]

    def _next(self, rng: Rng, context: list[int]) -> int:
        """Sample the id of the next word, backing off to shorter contexts and finally to any word."""
        for k in range(min(self.order - 1, len(context)), 0, -1):
            key = 0
            for word in context[-k:]:
                key = key << BITS | word
            ends = np.array([key << BITS, (key << BITS) | (1 << BITS) - 1], np.uint64)
            first = int(self.grams.keys[k].searchsorted(ends[0], "left"))
            last = int(self.grams.keys[k].searchsorted(ends[1], "right"))
            if first == last:
                continue
            sums = self._sums[k]
            seen = int(sums[last] - sums[first])
            drawn = rng.random() * (seen + last - first)
            if drawn < seen:
                at = int(sums.searchsorted(int(sums[first]) + int(drawn), "right")) - 1
                return int(self.grams.keys[k][at]) & (1 << BITS) - 1
        return self._one(rng)
