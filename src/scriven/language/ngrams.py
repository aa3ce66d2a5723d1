"""Character n-grams: counting in blocks, Kneser-Ney smoothing, and pruning by likelihood gain (Stolcke 1998).

An n-gram of k symbols is one unsigned 64-bit number: k ids of `bits` bits each, the oldest symbol in the highest bits.
Sorted arrays of such numbers replace a trie: the context of a key is `key >> bits`, its lower-order n-gram is
`key & mask`. Ids: 0 is the start `<s>`, 1 the end `</s>`, 2 the unknown character `<unk>`, 3 and up are characters.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scriven.base import SettingsError

log = logging.getLogger(__name__)

BEGIN, END, UNKNOWN, SPECIALS = 0, 1, 2, 3
NEVER = -99 * float(np.log(10))  # natural log; ARPA writes -99 for the start, which is never predicted
BLOCK_SYMBOLS = 1 << 20  # symbols counted at a time
SMALL_DISCOUNTS = (0.5, 1.0, 1.4)  # for counts 1, 2, 3+, if a text is too small to estimate them
MAX_HELD_NGRAMS = 20_000_000  # n-grams of one order in memory; above that, long ones seen once are dropped

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NGrams:
    """A back-off model as in ARPA: for each order sorted keys, natural log-probabilities, back-off weights."""

    characters: tuple[str, ...]
    bits: int
    keys: tuple[Keys, ...]
    logs: tuple[Floats, ...]
    backs: tuple[Floats, ...]

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.keys)

    @property
    def size(self) -> int:
        """The number of n-grams of all orders."""
        return sum(map(len, self.keys))


class Counts:
    """Weighted n-gram counts of a stream of sequences, in bounded memory.

    The first symbol of a sequence is context only and is not predicted. Raises SettingsError for an order outside
    1..10.
    """

    def __init__(self, order: int):
        if not 1 <= order <= 10:
            raise SettingsError(
                f"a character language model of order {order} cannot be built; choose an order from 1 to 10"
            )
        self.order, self.bits = order, min(16, 64 // order)
        self.characters: list[str] = []
        self.tables: list[tuple[Keys, Floats]] = [(np.zeros(0, np.uint64), np.zeros(0)) for _ in range(order)]
        self._ids = np.full(0x110000, -1, np.int32)
        self._ids[2], self._ids[3] = BEGIN, END
        self._full = False

    def add_texts(self, texts: Iterable[str], weight: float = 1.0) -> None:
        """Count texts, each with its start and end."""
        self.add((f"\x02{text.translate(_NO_MARKS)}\x03", weight) for text in texts)

    def add(self, sequences: Iterable[tuple[str, float]]) -> None:
        """Count sequences with their weights; U+0002 is the start, U+0003 the end."""
        for block in _blocks(sequences):
            self._add(block)

    def _add(self, block: list[tuple[str, float]]) -> None:
        lengths = np.array([len(sequence) for sequence, _ in block])
        ids = self._encode("".join(sequence for sequence, _ in block))
        which = np.repeat(np.arange(len(block)), lengths)
        weights = np.repeat(np.array([weight for _, weight in block]), lengths)
        predicted = np.ones(len(ids), bool)
        predicted[np.cumsum(lengths) - lengths] = False
        keys = np.zeros(len(ids), np.uint64)
        for k in range(1, self.order + 1):
            n = len(ids) - k + 1
            if n <= 0:
                break
            keys = (keys[:n] << np.uint64(self.bits)) | ids[k - 1 :]
            whole = (which[:n] == which[k - 1 :]) & predicted[k - 1 :]
            self._merge(k, keys[whole], weights[k - 1 :][whole])
        if len(self.tables[-1][0]) > MAX_HELD_NGRAMS:
            self._forget()

    def _encode(self, text: str) -> Keys:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        for point in np.unique(points[self._ids[points] < 0]):
            if len(self.characters) + SPECIALS >= 1 << self.bits:
                if not self._full:
                    log.warning(
                        "more than %d different characters; further ones count as unknown", len(self.characters)
                    )
                self._full, self._ids[point] = True, UNKNOWN
            else:
                self._ids[point] = len(self.characters) + SPECIALS
                self.characters.append(chr(point))
        return self._ids[points].astype(np.uint64)

    def _merge(self, k: int, keys: Keys, weights: Floats) -> None:
        old_keys, old_weights = self.tables[k - 1]
        keys, weights = np.concatenate([old_keys, keys]), np.concatenate([old_weights, weights])
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        keys, weights = keys[order], weights[order]
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        self.tables[k - 1] = keys[starts], np.add.reduceat(weights, starts)

    def _forget(self) -> None:
        """Drop n-grams of four symbols and more that were seen once; shorter ones, their contexts, are kept."""
        for k in range(4, self.order + 1):
            keys, weights = self.tables[k - 1]
            stay = weights > 1
            log.info("order %d: %d rare n-grams dropped to bound memory", k, int((~stay).sum()))
            self.tables[k - 1] = keys[stay], weights[stay]


_NO_MARKS = {2: None, 3: None}


def _blocks(sequences: Iterable[tuple[str, float]]) -> Iterator[list[tuple[str, float]]]:
    block: list[tuple[str, float]] = []
    size = 0
    for sequence, weight in sequences:
        block.append((sequence, weight))
        size += len(sequence)
        if size >= BLOCK_SYMBOLS:
            yield block
            block, size = [], 0
    if block:
        yield block


def kneser_ney(counts: Counts, max_ngrams: int, min_gain: float) -> NGrams:
    """Smooth counts by interpolated modified Kneser-Ney (Chen and Goodman 1998), then prune.

    Below the highest order, the count of an n-gram is its number of different predecessors. All n-grams of one and two
    symbols are kept and, of the longer ones, those with the largest gain (count times the log-ratio to the back-off
    estimate), at most `max_ngrams` in total.
    """
    size = len(counts.characters) + SPECIALS
    keys: list[Keys] = [np.arange(size, dtype=np.uint64)]
    probabilities: list[Floats] = [_unigrams(counts, size)]
    gains: list[Floats] = [np.full(size, np.inf)]
    for k in range(2, counts.order + 1):
        key, often = counts.tables[k - 1]
        weight = _continuations(counts, k)
        discount = _discounts(weight)
        group, _ = _groups(key >> np.uint64(counts.bits))
        total = np.bincount(group, weight)
        lower = probabilities[-1][np.searchsorted(keys[-1], key & _mask(k - 1, counts.bits))]
        backed = (np.bincount(group, discount) / total)[group] * lower
        p = (weight - discount) / total[group] + backed
        keys.append(key)
        probabilities.append(p)
        gains.append(np.full(len(key), np.inf) if k == 2 else often * np.log(p / backed))
    keep = _prune(keys, gains, counts.bits, max_ngrams, min_gain)
    kept_keys = [key[stay] for key, stay in zip(keys, keep, strict=True)]
    kept = [p[stay] for p, stay in zip(probabilities, keep, strict=True)]
    backs = [_back_offs(kept_keys, kept, k, counts.bits) for k in range(1, counts.order + 1)]
    logs = [np.log(np.maximum(p, 1e-300)) for p in kept]
    logs[0][BEGIN] = NEVER
    return NGrams(tuple(counts.characters), counts.bits, tuple(kept_keys), tuple(logs), tuple(backs))


def _continuations(counts: Counts, k: int) -> Floats:
    """The number of different predecessors of each k-gram; its own count for the highest order and sequence starts."""
    key, weight = counts.tables[k - 1]
    if k == counts.order:
        return weight
    longer, their_weight = counts.tables[k]
    at = np.searchsorted(key, longer & _mask(k, counts.bits))
    kinds = np.bincount(at, np.minimum(their_weight, 1.0), minlength=len(key)).astype(np.float64)
    first = key >> np.uint64(counts.bits * (k - 1))
    return np.where((first == BEGIN) | (kinds == 0), weight, kinds)


def _discounts(weight: Floats) -> Floats:
    """The discount of each count: one for 1, one for 2, one for 3 and more, at most 0.9 of the count."""
    n1, n2, n3, n4 = (float(np.sum(np.abs(weight - n) < 0.5)) for n in (1, 2, 3, 4))
    by_count: tuple[float, ...] = SMALL_DISCOUNTS
    if min(n1, n2, n3, n4) > 0:
        y = n1 / (n1 + 2 * n2)
        estimates = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        by_count = tuple(float(np.clip(d, 0.1, n - 0.05)) for n, d in enumerate(estimates, start=1))
    discount = np.select([weight < 1.5, weight < 2.5], by_count[:2], by_count[2])
    return np.asarray(np.minimum(discount, 0.9 * weight), np.float64)


def _unigrams(counts: Counts, size: int) -> Floats:
    """Dense unigram probabilities, smoothed with a uniform distribution (Witten-Bell)."""
    dense = np.zeros(size)
    dense[counts.tables[0][0].astype(np.int64)] = _continuations(counts, 1)
    kinds = float(max((dense > 0).sum(), 1))
    p: Floats = (dense + kinds / (size - 1)) / (dense.sum() + kinds)
    p[BEGIN] = 0.0
    return p


def _prune(
    keys: list[Keys], gains: list[Floats], bits: int, max_ngrams: int, min_gain: float
) -> list[NDArray[np.bool_]]:
    """Which n-grams to keep. Prefixes and suffixes of those are kept too, so that every context is present."""
    longer = np.sort(np.concatenate(gains[2:]))[::-1] if len(gains) > 2 else np.zeros(0)
    room = max(max_ngrams - sum(len(g) for g in gains[:2]), 0)
    wanted = min(room, len(longer))
    while True:
        least = max(min_gain, longer[wanted - 1] if wanted else np.inf)
        keep = [gain >= least for gain in gains]
        for k in range(len(keys), 2, -1):
            stays = keys[k - 1][keep[k - 1]]
            for relative in (stays >> np.uint64(bits), stays & _mask(k - 1, bits)):
                keep[k - 2][np.searchsorted(keys[k - 2], relative)] = True
        if not wanted or sum(int(stay.sum()) for stay in keep[2:]) <= room:
            return keep
        wanted = int(wanted * 0.9)


def _back_offs(keys: list[Keys], probabilities: list[Floats], k: int, bits: int) -> Floats:
    """The natural log back-off weight of each k-gram: the probability its successors leave to all others."""
    weights = np.zeros(len(keys[k - 1]))
    if k == len(keys) or not len(keys[k]):
        return weights
    group, contexts = _groups(keys[k] >> np.uint64(bits))
    seen = np.bincount(group, probabilities[k])
    lower = probabilities[k - 1][np.searchsorted(keys[k - 1], keys[k] & _mask(k, bits))]
    free = np.maximum(1.0 - seen, 1e-12) / np.maximum(1.0 - np.bincount(group, lower), 1e-12)
    weights[np.searchsorted(keys[k - 1], contexts)] = np.log(free)
    return weights


def _groups(contexts: Keys) -> tuple[NDArray[np.int64], Keys]:
    """The group number of each (sorted) context, and the context of each group."""
    if not len(contexts):
        return np.zeros(0, np.int64), contexts
    new = np.concatenate([[True], contexts[1:] != contexts[:-1]])
    return np.cumsum(new) - 1, contexts[new]


def _mask(symbols: int, bits: int) -> np.uint64:
    return np.uint64((1 << (symbols * bits)) - 1)
