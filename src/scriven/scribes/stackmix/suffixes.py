"""The index of a bank: its characters sorted by the text that follows them, and searches for many strings at once.

It is the suffix array of Manber and Myers (1993, doi:10.1137/0222058), cut off after LONGEST characters: occurrences of
a string are neighbours. Beside it are the sorted strings themselves, as keys of bytes: a search touches nothing else.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

LONGEST = 8  # characters of a span
BREAK = "\n"  # stands for what cannot be cut, and between lines; no span crosses it


@dataclass(frozen=True)
class Alphabet:
    """The characters of a bank, numbered from 1 in code point order; 0 is the break, and what follows the end."""

    characters: str
    width: int  # bytes of the number of a character

    @classmethod
    def of(cls, text: str) -> "Alphabet":
        """The alphabet of a text with breaks."""
        characters = "".join(sorted(set(text) - {BREAK}))
        return cls(characters, 1 if len(characters) < 256 else 2 if len(characters) < 1 << 16 else 3)

    def numbers(self, text: str) -> Ints:
        """The numbers (len(text),) of characters. Raises KeyError with the first that the alphabet lacks."""
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        known = np.frombuffer((BREAK + self.characters).encode("utf-32-le"), np.uint32)
        found = np.searchsorted(known[1:], codes)
        right = known[1:][np.minimum(found, len(known) - 2)] == codes
        if not (right | (codes == ord(BREAK))).all():
            raise KeyError(text[int(np.flatnonzero(~(right | (codes == ord(BREAK))))[0])])
        return np.where(right, found + 1, 0)

    def keys(self, numbers: Ints) -> npt.NDArray[np.bytes_]:
        """The key (N,) of every place: the LONGEST numbers that begin there, most significant byte first."""
        padded = np.append(numbers, np.zeros(LONGEST, np.int64))
        digits = np.stack([padded >> 8 * k & 255 for k in reversed(range(self.width))], axis=1).astype(np.uint8)
        windows = np.lib.stride_tricks.sliding_window_view(digits, LONGEST, axis=0)[: len(numbers)]
        rows = np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(numbers), LONGEST * self.width)
        return rows.view(f"S{LONGEST * self.width}")[:, 0]


def sorted_suffixes(text: str, hands: npt.ArrayLike) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bytes_]]:
    """The places of all characters of `text` but breaks, (2, N), and their keys (2, N), in the order of the keys.

    The second row is sorted by hand first; `hands` (len(text),) has the number of the hand of each character.
    """
    alphabet = Alphabet.of(text)
    numbers = alphabet.numbers(text)
    keys, cut = alphabet.keys(numbers), np.flatnonzero(numbers)
    every = cut[keys[cut].argsort(kind="stable")]
    by_hand = every[np.asarray(hands)[every].argsort(kind="stable")]
    order = np.stack([every, by_hand])
    return order.astype(np.int32), keys[order]


def common(one: npt.NDArray[np.bytes_], other: npt.NDArray[np.bytes_], width: int) -> Ints:
    """How many characters, of `width` bytes each, the keys (N,) of two arrays have in common at their beginnings."""
    same = _digits(one) == _digits(other)
    return np.asarray(np.logical_and.accumulate(same, axis=1).sum(axis=1) // width)


def ranges(
    keys: npt.NDArray[np.bytes_], wanted: npt.NDArray[np.bytes_], lengths: Ints, width: int
) -> tuple[Ints, Ints]:
    """Where the keys begin and end, in sorted `keys`, that share the first characters of those `wanted` (K,).

    `lengths` (K,): how many characters.
    """
    digits = _digits(wanted)
    beyond = np.arange(digits.shape[1]) >= (lengths * width)[:, None]
    low, high = np.where(beyond, 0, digits), np.where(beyond, 255, digits)
    kind = wanted.dtype
    start = keys.searchsorted(np.ascontiguousarray(low).view(kind)[:, 0], "left")
    stop = keys.searchsorted(np.ascontiguousarray(high).view(kind)[:, 0], "right")
    return start, stop


def _digits(keys: npt.NDArray[np.bytes_]) -> Bytes:
    return np.ascontiguousarray(keys).view(np.uint8).reshape(len(keys), keys.dtype.itemsize)
