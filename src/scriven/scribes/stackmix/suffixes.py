"""The index of a bank: its characters sorted by the text that follows them, and searches for many strings at once.

It is the suffix array of Manber and Myers (1993, doi:10.1137/0222058), cut off after LONGEST characters: occurrences of
a string are neighbours. Beside it are the sorted strings themselves, as keys of bytes: a search touches nothing else.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.bytes_]

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
        """The numbers (len(text),) of the characters of a text of this alphabet, breaks included."""
        codes, known = (np.frombuffer(one.encode("utf-32-le"), np.uint32) for one in (text, self.characters))
        return np.where(codes == ord(BREAK), 0, known.searchsorted(codes) + 1)

    @property
    def kind(self) -> str:
        """The type of the keys: the LONGEST numbers that begin at a place, most significant byte first."""
        return f"S{LONGEST * self.width}"

    @cached_property
    def _bytes(self) -> dict[str, bytes]:
        return {one: number.to_bytes(self.width, "big") for number, one in enumerate(self.characters, start=1)}

    def encoded(self, text: str) -> bytes:
        """The numbers of characters as bytes. Raises KeyError with the first that the alphabet lacks."""
        known = self._bytes
        return b"".join([known[one] for one in text])

    def keys(self, numbers: Ints) -> Keys:
        """The key (N,) of every place of a long text."""
        padded = np.append(numbers, np.zeros(LONGEST, np.int64))
        digits = np.stack([padded >> 8 * k & 255 for k in reversed(range(self.width))], axis=1).astype(np.uint8)
        windows = np.lib.stride_tricks.sliding_window_view(digits, LONGEST, axis=0)[: len(numbers)]
        rows = np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(numbers), LONGEST * self.width)
        return rows.view(self.kind)[:, 0]


def sorted_suffixes(text: str, hands: npt.ArrayLike) -> tuple[npt.NDArray[np.int32], Keys]:
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


def longest_matches(keys: Keys, alphabet: Alphabet, text: str, most: int) -> tuple[Ints, Ints, Ints]:
    """Cut a text, from left to right, into the longest strings of at most `most` characters that sorted `keys` hold.

    Their lengths (K,), and the ranges of the keys that begin with them: first (K,) and last, exclusive (K,).
    Raises KeyError with the first character that is not there.
    """
    width = alphabet.width
    full = LONGEST * width
    encoded = alphabet.encoded(text)
    wanted = [encoded[at : at + full].ljust(full, b"\0") for at in range(0, len(encoded), width)]
    near = keys.searchsorted(np.array(wanted, alphabet.kind)).tolist()
    lengths, low, place = list[int](), list[bytes](), 0
    while place < len(text):
        same = 0
        for neighbour in keys[max(near[place] - 1, 0) : near[place] + 1].tolist():
            differing = int.from_bytes(neighbour.ljust(full, b"\0")) ^ int.from_bytes(wanted[place])
            same = max(same, (8 * full - differing.bit_length()) // (8 * width))
        length = min(same, most, len(text) - place)
        if not length:
            raise KeyError(text[place])
        lengths.append(length)
        low.append(wanted[place][: length * width])
        place += length
    high = [one.ljust(full, b"\xff") for one in low]
    first, last = np.array(low, alphabet.kind), np.array(high, alphabet.kind)
    return np.array(lengths), keys.searchsorted(first), keys.searchsorted(last, "right")
