"""The bank: pictures of lines, stored once, whose characters are cut; a span of characters is an offset into them.

A folder. `pixels.npy` (W, H): the upright pictures of all lines, one after the other, a column a row, so that a span
is one block of the memory-mapped file. `characters.npy` (N, 2): left and right edge of every character, px. `order.npy`
and `keys.npy` (2, N): the index of `suffixes`, over all hands and hand by hand. `lines.parquet`: text, hand, place and
measurements of every line. `bank.json`: what it was cut from. No text is ever part of a file name.
"""

import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scriven.base import InputError
from scriven.scribes.stackmix.measures import Measures
from scriven.scribes.stackmix.suffixes import BREAK, Alphabet, Ints, Keys, longest_matches

Pixels = npt.NDArray[np.uint8]

FORMAT = 1
MOST = 100  # occurrences of a string that are considered at a time
ABOUT, PIXELS, CHARACTERS = "bank.json", "pixels.npy", "characters.npy"
ORDER, KEYS, LINES = "order.npy", "keys.npy", "lines.parquet"


class Tokens(NamedTuple):
    """The strings that a text is cut into, and their occurrences: ranges of a row of the order of a bank."""

    begins: Ints  # (K,) in the text
    lengths: Ints  # (K,) characters
    row: int
    start: Ints  # (K,)
    stop: Ints  # (K,)


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
    characters: npt.NDArray[np.float64]  # (N, 2), memory-mapped: edges in `pixels`
    order: npt.NDArray[np.int32]  # (2, N'), memory-mapped; breaks are left out
    keys: Keys  # (2, N'), memory-mapped
    starts: tuple[int, ...]  # (L + 1): where the pictures of the lines begin in `pixels`

    @classmethod
    def open(cls, folder: str | Path) -> "Bank":
        """Open a bank. Raises InputError for a path that holds none, or a damaged one."""
        import pyarrow as pa

        folder = Path(folder)
        if not (folder / ABOUT).is_file():
            raise InputError(f"{folder} is not a finished bank; make one with `scriven cut MODEL LINES -o BANK`")
        try:
            about = json.loads((folder / ABOUT).read_text("utf-8"))
            if not isinstance(about, dict) or about.get("format") != FORMAT:
                raise ValueError("its bank.json is not of the format that this version of Scriven reads")
            for name, expected in about["checksums"].items():
                if checksum(folder / name) != expected:
                    raise ValueError(f"{name} is not the file that was written")
            return cls._of(folder, about)
        except (OSError, EOFError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
            raise InputError(f"the bank {folder} is damaged ({error}); cut it again") from error

    @classmethod
    def _of(cls, folder: Path, about: dict[str, Any]) -> "Bank":
        import pyarrow.parquet as pq

        rows = pq.read_table(folder / LINES).to_pydict()
        pixels, characters, order, keys = (
            np.load(folder / name, mmap_mode="r").view(np.ndarray) for name in (PIXELS, CHARACTERS, ORDER, KEYS)
        )
        if pixels.shape != (rows["start"][-1] + rows["width"][-1], about["height"]):
            raise ValueError(f"{PIXELS} is not the file that was written")
        hands = tuple(dict.fromkeys(rows["hand"]))
        numbers = {hand: number for number, hand in enumerate(hands)}
        return cls(
            folder, about,
            text="".join(one + BREAK for one in rows["text"]),
            hands=hands,
            measures=np.array([rows[name] for name in Measures._fields], np.float64).T,
            line_of=np.repeat(np.arange(len(rows["text"])), [len(one) + 1 for one in rows["text"]]),
            hand_of=np.array([numbers[hand] for hand in rows["hand"]], np.int64),
            pixels=pixels, characters=characters, order=order, keys=keys,
            starts=(*rows["start"], len(pixels)),
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
        codes = np.frombuffer(self.text.encode("utf-32-le"), np.uint32)
        parts = [np.unique(codes[self.order[1, a:b]]) for a, b in zip(self._firsts, self._firsts[1:], strict=False)]
        return tuple(frozenset(map(chr, one.tolist())) for one in parts)

    @cached_property
    def _firsts(self) -> list[int]:
        """Where the characters of each hand begin in the second row of the order, and its end."""
        hand_of = self.hand_of[self.line_of[self.order[1]]]
        return [*np.searchsorted(hand_of, np.arange(len(self.hands) + 1)).tolist()]

    @cached_property
    def _numbered(self) -> Alphabet:
        return Alphabet.of(self.text)

    def tokens(self, text: str, longest: int, hand: int | None = None) -> Tokens:
        """Cut a text, from left to right, into the longest strings of at most `longest` characters that the bank holds.

        `hand`: of this hand alone; None: of all. Raises KeyError with the first character that is not there.
        """
        row, first, last = (0, 0, None) if hand is None else (1, self._firsts[hand], self._firsts[hand + 1])
        lengths, start, stop = longest_matches(self.keys[row, first:last], self._numbered, text, longest)
        return Tokens(lengths.cumsum() - lengths, lengths, row, start + first, stop + first)

    def sample(self, tokens: Tokens, rng: np.random.Generator | None) -> tuple[npt.NDArray[np.int32], Ints]:
        """The places in `text` of at most MOST occurrences of each token, and where those of each begin among them.

        The occurrences are evenly spaced in the order, from a random one on; without `rng` from the first.
        """
        count = tokens.stop - tokens.start
        taken = np.minimum(count, MOST)
        firsts = taken.cumsum() - taken
        offset = tokens.start if rng is None else tokens.start + (rng.random(len(count)) * count).astype(np.int64)
        of = np.arange(len(count)).repeat(taken)
        chosen = (np.arange(len(of)) - firsts[of]) * (count / taken)[of]
        chosen = chosen.astype(np.int64) + offset[of]
        chosen -= np.where(chosen >= tokens.stop[of], count[of], 0)
        return self.order[tokens.row, chosen], firsts


def checksum(file: Path) -> int:
    """The CRC-32 of a file."""
    value = 0
    with open(file, "rb") as opened:
        while part := opened.read(1 << 20):
            value = zlib.crc32(part, value)
    return value
