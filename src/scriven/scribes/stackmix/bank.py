"""The bank: pictures of lines, stored once, whose characters are cut; a span of characters is an offset into them.

A folder of four files. `pixels.npy` (W, H): the upright pictures of all lines, one after the other, a column a row, so
that a span is one block of the memory-mapped file. `characters.npy` (N, 2): left and right edge of every character, px.
`order.npy` (2, N): the characters in the order of the text that follows them, over all hands and hand by hand: the
suffix array of Manber and Myers (1993, doi:10.1137/0222058), in which the occurrences of any string are neighbours.
`lines.parquet`: text, hand, place and measurements of every line. No text is ever part of a file name.
"""

import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scriven.base import InputError
from scriven.scribes.stackmix.measures import Measures

Pixels = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

FORMAT = 1
LONGEST = 8  # characters of a span
MOST = 100  # occurrences of a string that are considered at a time
ABOUT, PIXELS, CHARACTERS, ORDER, LINES = (
    "bank.json", "pixels.npy", "characters.npy", "order.npy", "lines.parquet"
)  # fmt: skip
BREAK = "\n"  # stands for what cannot be cut, and between lines; no span crosses it


class Occurrences(NamedTuple):
    """A string of a bank and its occurrences: a range of an order of its characters."""

    text: str
    order: int  # row of `order.npy`
    start: int
    stop: int


@dataclass(frozen=True)
class Bank:
    """An opened bank; its pictures stay on disk until a span is drawn."""

    folder: Path
    about: dict[str, Any]
    text: str  # of all lines, in visual order, each ending with BREAK
    hands: tuple[str, ...]
    measures: npt.NDArray[np.float64]  # (L, 8): a row of Measures for each line
    line_of: Ints  # (N,): the line of each character
    hand_of: Ints  # (L,)
    pixels: Pixels  # (W, H), memory-mapped
    characters: npt.NDArray[np.float32]  # (N, 2), memory-mapped: edges in `pixels`
    order: npt.NDArray[np.int32]  # (2, N'), memory-mapped; breaks are left out
    firsts: Ints  # (hands + 1,): where the characters of each hand begin in order[1]
    starts: tuple[int, ...]  # (L + 1): where the pictures of the lines begin in `pixels`

    @classmethod
    def open(cls, folder: str | Path) -> "Bank":
        """Open a bank. Raises InputError for a path that holds none, or a damaged one."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = Path(folder)
        if not (folder / ABOUT).is_file():
            raise InputError(f"{folder} is not a bank; make one with `scriven cut MODEL LINES -o {folder}`")
        try:
            about = json.loads((folder / ABOUT).read_text("utf-8"))
            if about.get("format") != FORMAT:
                raise ValueError(f"its format is {about.get('format')}, not {FORMAT}")
            table = pq.read_table(folder / LINES)
            arrays = [np.load(folder / name, mmap_mode="r").view(np.ndarray) for name in (PIXELS, CHARACTERS, ORDER)]
            rows = table.to_pydict()
            text = "".join(one + BREAK for one in rows["text"])
            measured = np.array([rows[name] for name in Measures._fields], np.float64).T
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise InputError(f"the bank {folder} is damaged ({error}); cut it again") from error
        pixels, characters, order = arrays
        breaks = text.count(BREAK)
        if len(characters) != len(text) or order.shape != (2, len(text) - breaks):
            raise InputError(f"the files of the bank {folder} do not belong together; cut it again")
        hands = tuple(dict.fromkeys(rows["hand"]))
        numbers = {hand: number for number, hand in enumerate(hands)}
        hand_of = np.array([numbers[hand] for hand in rows["hand"]], np.int64)
        line_of = np.repeat(np.arange(len(rows["text"])), [len(one) + 1 for one in rows["text"]])
        cut = np.frombuffer(text.encode("utf-32-le"), np.uint32) != ord(BREAK)
        counts = np.bincount(hand_of[line_of[cut]], minlength=len(hands))
        firsts = np.append(0, np.cumsum(counts))
        starts = (*rows["start"], len(pixels))
        return cls(
            folder, about, text, hands, measured, line_of, hand_of, pixels, characters, order, firsts, starts
        )  # fmt: skip

    @property
    def height(self) -> int:
        """px of the pictures."""
        return int(self.pixels.shape[1])

    @cached_property
    def alphabet(self) -> frozenset[str]:
        """The characters that can be written."""
        return frozenset(self.text) - {BREAK}

    @cached_property
    def alphabets(self) -> tuple[frozenset[str], ...]:
        """The characters that each hand can write."""
        positions = [self.order[1, a:b] for a, b in zip(self.firsts, self.firsts[1:], strict=False)]
        return tuple(frozenset(self.text[p] for p in one.tolist()) for one in positions)

    def longest(self, text: str, hand: int | None = None) -> Occurrences | None:
        """The occurrences of the longest beginning of `text` that the bank holds; None if it lacks the first character.

        `hand`: of this hand alone; None: of all.
        """
        row = 0 if hand is None else 1
        low, high = (0, self.order.shape[1]) if hand is None else (int(self.firsts[hand]), int(self.firsts[hand + 1]))
        order, corpus, most = self.order[row], self.text, len(text)
        at = bisect_left(order, text, low, high, key=lambda p: corpus[p : p + most])
        length = 0
        for near in (at, at - 1):
            if low <= near < high:
                p = int(order[near])
                length = max(length, _common(corpus[p : p + most], text))
        if not length:
            return None
        start = bisect_left(order, text[:length], low, high, key=lambda p: corpus[p : p + length])
        stop = bisect_right(order, text[:length], start, high, key=lambda p: corpus[p : p + length])
        return Occurrences(text[:length], row, start, stop)

    def sample(self, found: Occurrences, rng: np.random.Generator) -> Ints:
        """The places in `text` of at most MOST occurrences: a random selection, evenly spaced in the order."""
        count = found.stop - found.start
        if count <= MOST:
            chosen = np.arange(found.start, found.stop)
        else:
            chosen = found.start + (int(rng.integers(count)) + np.arange(MOST) * count // MOST) % count
        return np.asarray(self.order[found.order, chosen], np.int64)


def _common(one: str, other: str) -> int:
    """The length of the common beginning of two texts."""
    for length, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return length
    return min(len(one), len(other))


def sorted_suffixes(text: str, hands: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """The places of all characters of `text` but breaks, (2, N), in the order of the LONGEST characters that follow.

    The second row is sorted by hand first; `hands` (len(text),) has the number of the hand of each character.
    """
    codes = np.frombuffer((text + BREAK * LONGEST).encode("utf-32-le"), np.uint32)
    keys = [codes[k : len(text) + k] for k in reversed(range(LONGEST))]
    cut = np.asarray(codes[: len(text)] != ord(BREAK))
    every = np.lexsort(keys)
    by_hand = np.asarray(hands)[every].argsort(kind="stable")
    return np.stack([every[cut[every]], every[by_hand][cut[every[by_hand]]]]).astype(np.int32)
