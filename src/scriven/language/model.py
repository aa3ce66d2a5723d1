"""A character n-gram language model: how likely is a text, and which character comes next.

Order 6 by default, modified Kneser-Ney smoothing, pruned; numpy only. The n-grams become an automaton: a state is a
context, an integer; each state knows the characters that followed it, its weight for backing off, and the shorter state
it backs off to. Dense rows of recently used states are kept, so that a beam search asks for a table look-up only.

Columns of `scores`: 0 `<s>` (never predicted), 1 `</s>`, 2 `<unk>`, 3 and up `characters`; `columns` translates.
All scores are natural logarithms. Texts are normalised (NFC, single spaces) first.
"""

import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scriven.base import ModelError, TextError, atomic
from scriven.language.arpa import ENDINGS, read_arpa, write_arpa
from scriven.language.ngrams import BEGIN, END, SPECIALS, UNKNOWN, Counts, NGrams, kneser_ney
from scriven.text import normalise

FORMAT = "scriven character language model 1"
MAX_NGRAMS = 400_000  # about 3 MB on disk
CACHE_BYTES = 96 << 20  # dense rows held for the states last used
WORDS_TOTAL = 1_000_000.0  # the words of a word list count as a text of so many words

# How a word of a word list stands in a line: pattern, share of its weight. U+0002 and U+0003 are start and end.
_PLACES = ((" {} ", 0.70), (" {}, ", 0.07), (" {}. ", 0.04), (" {}\x03", 0.05), ("\x02{} ", 0.05))
_TITLE, _UPPER, _NUMBERS = 0.08, 0.01, 0.02

Ints = NDArray[np.int64]


class CharLM:
    """A trained model. Make one with `train`, `from_words`, `load` or `from_arpa`."""

    def __init__(self, ngrams: NGrams):
        self.ngrams = ngrams
        self.characters = ngrams.characters
        self.order = ngrams.order
        self.size = len(ngrams.characters) + SPECIALS  # V, columns of `scores`
        self._column = {c: i for i, c in enumerate(ngrams.characters, start=SPECIALS)}
        self._used, self._limit = 0, 0
        self._rows = np.zeros((0, self.size), np.float32)
        self._nexts = np.zeros((0, self.size), np.int32)
        self._build()

    # --- making ---------------------------------------------------------------------------------------------------

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        order: int = 6,
        *,
        words: Mapping[str, float] | None = None,
        words_share: float = 0.5,
        max_ngrams: int = MAX_NGRAMS,
        min_gain: float = 0.0,
    ) -> "CharLM":
        """Learn from texts (one line each) and, if given, from a word list with counts.

        With both, the words weigh `words_share` of the whole. Raises TextError when there is nothing to learn from.
        """
        counts = Counts(order)
        counts.add_texts(text for text in map(normalise, texts) if text)
        total = float(counts.tables[0][1].sum())
        if words:
            spread = WORDS_TOTAL if not total else total / 6 * words_share / max(1 - words_share, 1e-3)
            counts.add(_placed(words, spread))
        if not len(counts.tables[0][0]):
            raise TextError(
                "there is no text to learn a language model from; give a corpus or a word list that is not empty"
            )
        return cls(kneser_ney(counts, max_ngrams, min_gain))

    @classmethod
    def from_words(
        cls, words: Sequence[str], counts: ArrayLike, order: int = 6, *, max_ngrams: int = MAX_NGRAMS
    ) -> "CharLM":
        """Learn from a word list with counts (any scale): for a language without a corpus."""
        return cls.train(
            (), order, words=dict(zip(words, np.asarray(counts, float), strict=True)), max_ngrams=max_ngrams
        )

    @classmethod
    def from_arpa(cls, path: Path) -> "CharLM":
        """Read an ARPA file whose tokens are characters. Raises ModelError for anything else."""
        return cls(read_arpa(path))

    def to_arpa(self, path: Path) -> None:
        """Write as ARPA (log10, the space as `<space>`)."""
        write_arpa(self.ngrams, path)

    def save(self, path: Path) -> None:
        """Write `packed` to a file. Raises OutputError."""
        with atomic(Path(path)) as file:
            file.write(self.packed())

    def packed(self) -> bytes:
        """Compressed numpy arrays, no pickle; probabilities in 32 bits."""
        grams = self.ngrams
        arrays = {
            "format": np.array(FORMAT),
            "characters": np.array("".join(grams.characters)),
            "bits": np.array(grams.bits),
        }
        for k in range(grams.order):
            keys = grams.keys[k]
            arrays[f"keys{k + 1}"] = np.diff(keys, prepend=np.uint64(0))  # differences: they compress
            arrays[f"logs{k + 1}"] = grams.logs[k].astype(np.float32)
            arrays[f"backs{k + 1}"] = grams.backs[k].astype(np.float32)
        made = io.BytesIO()
        np.savez_compressed(made, allow_pickle=False, **arrays)
        return made.getvalue()

    @classmethod
    def load(cls, path: Path) -> "CharLM":
        """Read what `save` wrote, or an ARPA file by its ending. Raises ModelError for anything else."""
        path = Path(path)
        if path.name.endswith(ENDINGS):
            return cls.from_arpa(path)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise ModelError(f"there is no language model {path}; make one with: scriven texts lm") from None
        except OSError as error:
            raise ModelError(f"cannot read the language model {path}: {error.strerror}; copy it again") from None
        return cls.unpacked(data, path)

    @classmethod
    def unpacked(cls, data: bytes, path: Path) -> "CharLM":
        """Of the bytes of `packed`, which `path` held. Raises ModelError for anything else."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                if "format" not in file or str(file["format"]) != FORMAT:
                    raise ModelError(f"{path} is not a language model of scriven; make one with: scriven texts lm")
                orders = range(1, sum(name.startswith("keys") for name in file.files) + 1)
                return cls(
                    NGrams(
                        characters=tuple(str(file["characters"])),
                        bits=int(file["bits"]),
                        keys=tuple(np.cumsum(file[f"keys{k}"], dtype=np.uint64) for k in orders),
                        logs=tuple(file[f"logs{k}"].astype(np.float64) for k in orders),
                        backs=tuple(file[f"backs{k}"].astype(np.float64) for k in orders),
                    )
                )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, NotImplementedError):
            raise ModelError(
                f"cannot read the language model {path}: it is damaged or none of scriven's; copy it again, or make it "
                "with: scriven texts lm"
            ) from None

    # --- the automaton --------------------------------------------------------------------------------------------

    def _build(self) -> None:
        grams, bits = self.ngrams, np.uint64(self.ngrams.bits)
        contexts = [np.zeros(1, np.uint64)] + [np.unique(keys >> bits) for keys in grams.keys[1:]]
        offsets = np.cumsum([0] + [len(c) for c in contexts])
        below = np.uint64((1 << grams.bits) - 1)

        def longest(keys: NDArray[np.uint64], length: int) -> Ints:
            """State of the longest suffix, of at most `length` symbols, that is a context."""
            states = np.zeros(len(keys), np.int64)
            for k in range(1, min(length, len(contexts) - 1) + 1):
                at = _find(contexts[k], keys & np.uint64((1 << (k * grams.bits)) - 1))
                states = np.where(at >= 0, offsets[k] + at, states)
            return states

        owner, follows, links, weights = [], [], [], []
        for k, keys in enumerate(grams.keys):
            owner.append(offsets[k] + (_find(contexts[k], keys >> bits) if k else np.zeros(len(keys), np.int64)))
            follows.append(longest(keys, k + 1))
            links.append(longest(contexts[k], k - 1))
            at = _find(grams.keys[k - 1], contexts[k]) if k else np.zeros(0, np.int64)
            weights.append(np.where(at >= 0, grams.backs[k - 1][at], 0.0) if k else np.zeros(1))
        self.states = int(offsets[-1])
        self._char = np.concatenate([(keys & below).astype(np.int64) for keys in grams.keys])
        self._entry = np.concatenate(owner) * self.size + self._char  # sorted: state, then character
        self._logp = np.concatenate(grams.logs)
        self._next = np.concatenate(follows)
        self._link, self._weight = np.concatenate(links), np.concatenate(weights)
        self._first = np.searchsorted(self._entry, np.arange(self.states + 1) * self.size)
        at = _find(contexts[1], np.array([BEGIN], np.uint64)) if len(contexts) > 1 else np.array([-1])
        self._start = int(offsets[1] + at[0]) if at[0] >= 0 else 0
        self._forget(1024)

    def start(self) -> int:
        """The state before the first character of a line."""
        return self._start

    def columns(self, characters: Iterable[str]) -> Ints:
        """Column of each character; that of `<unk>` where the model does not know it."""
        return np.array([self._column.get(c, UNKNOWN) for c in characters], np.int64)

    def scores(self, states: ArrayLike) -> NDArray[np.float32]:
        """Natural log-probabilities `(len(states), V)` of every column after each state."""
        slots = self._slots(np.atleast_1d(np.asarray(states, np.int64)))  # first: it may replace the table
        return np.asarray(self._rows[slots])

    def ends(self, states: ArrayLike) -> NDArray[np.float32]:
        """Natural log-probability `(len(states),)` that the line ends after each state."""
        slots = self._slots(np.atleast_1d(np.asarray(states, np.int64)))
        return np.asarray(self._rows[slots, END])

    def advance(self, state: int, column: int) -> int:
        """The state after one more character."""
        slot = self._slot[state]
        if slot < 0:
            slot = self._slots(np.array([state]))[0]
        return int(self._nexts[slot, column])

    def advances(self, states: ArrayLike, columns: ArrayLike) -> Ints:
        """`advance` for many states at once, or `(n, 1)` states with `(n, k)` columns."""
        given = np.asarray(states, np.int64)
        slots = self._slots(given.ravel()).reshape(given.shape)
        return np.asarray(self._nexts[slots, np.asarray(columns)], np.int64)

    def _slots(self, states: Ints) -> Ints:
        """Rows of the table that hold these states; fills what is missing."""
        slots: Ints = self._slot[states]
        if slots.min(initial=0) < 0:
            missing = np.unique(states[slots < 0]).tolist()
            if self._used + len(missing) * self.order > self._limit:
                missing = np.unique(states).tolist()
                self._forget(max(len(missing) * self.order, 1024))
            for state in missing:
                self._fill(state)
            slots = self._slot[states]
        return slots

    def _fill(self, state: int) -> int:
        if self._slot[state] >= 0:
            return int(self._slot[state])
        shorter = self._fill(int(self._link[state])) if state else -1
        if self._used == len(self._rows):
            more = np.zeros_like(self._rows)
            self._rows, self._nexts = (
                np.concatenate([self._rows, more]),
                np.concatenate([self._nexts, more.astype(np.int32)]),
            )
        slot: int = self._used
        if state:
            self._rows[slot] = self._rows[shorter] + np.float32(self._weight[state])
            self._nexts[slot] = self._nexts[shorter]
        own = slice(self._first[state], self._first[state + 1])
        self._rows[slot, self._char[own]] = self._logp[own]
        self._nexts[slot, self._char[own]] = self._next[own]
        self._slot[state], self._used = slot, slot + 1
        return slot

    def _forget(self, rows: int) -> None:
        """Begin the table of dense rows anew."""
        self._limit = max(CACHE_BYTES // (8 * self.size), rows)
        self._slot = np.full(self.states, -1, np.int64)
        self._rows = np.zeros((rows, self.size), np.float32)
        self._nexts = np.zeros((rows, self.size), np.int32)
        self._used = 0

    # --- whole texts ----------------------------------------------------------------------------------------------

    def logprobs(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Natural log-probability `(len(texts),)` of each text with its end; all texts advance together."""
        coded = [self.columns(normalise(text)).tolist() + [END] for text in texts]
        total = np.zeros(len(coded))
        if not coded:
            return total
        lengths = np.array([len(c) for c in coded])
        order = np.argsort(-lengths, kind="stable")
        table = np.full((len(coded), int(lengths.max())), END)
        for row, i in enumerate(order):
            table[row, : lengths[i]] = coded[i]
        states = np.full(len(coded), self._start)
        for t in range(table.shape[1]):
            n = int((lengths > t).sum())  # sorted: the longest texts come first
            gained, states = self._step(states[:n], table[:n, t])
            total[order[:n]] += gained
        return total

    def _step(self, states: Ints, columns: Ints) -> tuple[NDArray[np.float64], Ints]:
        gained, follows, todo = np.zeros(len(states)), np.zeros(len(states), np.int64), np.arange(len(states))
        states = states.copy()
        while len(todo):
            at = _find(self._entry, states[todo] * self.size + columns[todo])
            hit, found = at >= 0, todo[at >= 0]
            gained[found] += self._logp[at[hit]]
            follows[found] = self._next[at[hit]]
            todo = todo[~hit]
            gained[todo] += self._weight[states[todo]]
            states[todo] = self._link[states[todo]]
        return gained, follows

    def logprob(self, text: str) -> float:
        """Natural log-probability of a text with its end."""
        return float(self.logprobs([text])[0])

    def bits_per_char(self, text: str) -> float:
        """Bits per character (the end counts as one): low for likely text."""
        return -self.logprob(text) / float(np.log(2)) / (len(normalise(text)) + 1)

    def perplexity(self, texts: Sequence[str]) -> float:
        """Per character, ends included, over all texts together."""
        characters = sum(len(normalise(text)) + 1 for text in texts)
        return float(np.exp(-self.logprobs(texts).sum() / max(characters, 1)))


def _find(where: NDArray[np.generic], what: NDArray[np.generic]) -> Ints:
    """Position of each value in a sorted array, -1 where it is not there."""
    if not len(where):
        return np.full(len(what), -1, np.int64)
    at = np.minimum(np.searchsorted(where, what), len(where) - 1)
    return np.where(where[at] == what, at, -1).astype(np.int64)


def _placed(words: Mapping[str, float], total: float) -> Iterable[tuple[str, float]]:
    """A word list as pieces of lines: each word in its places, with a capital and in capitals too, and some numbers."""
    scale = total / max(sum(words.values()), 1e-300)
    for raw, count in words.items():
        word, weight = normalise(raw), count * scale
        if not word:
            continue
        for place, share in _PLACES:
            yield place.format(word), weight * share
        title = word[:1].upper() + word[1:]
        yield f" {title} ", weight * _TITLE / 2
        yield f"\x02{title} ", weight * _TITLE / 2
        yield f" {word.upper()} ", weight * _UPPER
    numbers = [*range(100), *range(1500, 2030)]
    for number in numbers:
        yield f" {number} ", total * _NUMBERS / len(numbers)
