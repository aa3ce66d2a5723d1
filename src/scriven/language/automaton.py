"""The automaton of a back-off n-gram model: a state is a context, numbered; each character leads to another state.

A state has the characters that followed its context, its back-off weight, and the shorter context that it backs off to.
Dense rows of recently used states are cached, so that a beam search only looks them up.

Columns: 0 `<s>` (never predicted), 1 `</s>`, 2 `<unk>`, 3 and up the characters. All scores are natural logarithms.
"""

import threading

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scriven.language.ngrams import BEGIN, END, SPECIALS, NGrams

ROW_CACHE_BYTES = 96 << 20  # of dense rows

Ints = NDArray[np.int64]


class Automaton:
    """States, transitions and scores of an n-gram model; safe to share between threads."""

    def __init__(self, ngrams: NGrams):
        self.ngrams = ngrams
        self.order = ngrams.order
        self.size = len(ngrams.characters) + SPECIALS  # V, columns of the scores
        self._lock = threading.RLock()  # of the dense rows
        self._used, self._limit = 0, 0
        self._rows = np.zeros((0, self.size), np.float32)
        self._nexts = np.zeros((0, self.size), np.int32)
        self._build()

    def _build(self) -> None:
        grams, bits = self.ngrams, np.uint64(self.ngrams.bits)
        contexts = [np.zeros(1, np.uint64)] + [np.unique(keys >> bits) for keys in grams.keys[1:]]
        offsets = np.cumsum([0] + [len(c) for c in contexts])
        below = np.uint64((1 << grams.bits) - 1)

        def longest(keys: NDArray[np.uint64], length: int) -> Ints:
            """The state of the longest suffix, of at most `length` symbols, that is a context."""
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
        self.start = int(offsets[1] + at[0]) if at[0] >= 0 else 0
        self._forget(1024)

    def scores(self, states: ArrayLike) -> NDArray[np.float32]:
        """Natural log-probabilities `(len(states), V)` of every column after each state."""
        with self._lock:
            slots = self._slots(np.atleast_1d(np.asarray(states, np.int64)))  # may replace self._rows
            return np.asarray(self._rows[slots])

    def ends(self, states: ArrayLike) -> NDArray[np.float32]:
        """Natural log-probabilities `(len(states),)` that the line ends after each state."""
        with self._lock:
            slots = self._slots(np.atleast_1d(np.asarray(states, np.int64)))
            return np.asarray(self._rows[slots, END])

    def advance(self, state: int, column: int) -> int:
        """The state after one more character."""
        with self._lock:
            slot = self._slot[state]
            if slot < 0:
                slot = self._slots(np.array([state]))[0]
            return int(self._nexts[slot, column])

    def advances(self, states: ArrayLike, columns: ArrayLike) -> Ints:
        """`advance` for many states at once, or `(n, 1)` states with `(n, k)` columns."""
        given = np.asarray(states, np.int64)
        with self._lock:
            slots = self._slots(given.ravel()).reshape(given.shape)
            return np.asarray(self._nexts[slots, np.asarray(columns)], np.int64)

    def _slots(self, states: Ints) -> Ints:
        """The rows of the table that hold these states; missing ones are computed. Call it with the lock held."""
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
        """Clear the table of dense rows."""
        self._limit = max(ROW_CACHE_BYTES // (8 * self.size), rows)
        self._slot = np.full(self.states, -1, np.int64)
        self._rows = np.zeros((rows, self.size), np.float32)
        self._nexts = np.zeros((rows, self.size), np.int32)
        self._used = 0

    def step(self, states: Ints, columns: Ints) -> tuple[NDArray[np.float64], Ints]:
        """Log-probabilities of one column after each state, and the states that follow, without dense rows."""
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


def _find(where: NDArray[np.generic], what: NDArray[np.generic]) -> Ints:
    """The position of each value in a sorted array, -1 if it is not there."""
    if not len(where):
        return np.full(len(what), -1, np.int64)
    at = np.minimum(np.searchsorted(where, what), len(where) - 1)
    return np.where(where[at] == what, at, -1).astype(np.int64)
