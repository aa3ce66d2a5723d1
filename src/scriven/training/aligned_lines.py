"""Lines whose characters have edges, in memory and on disk: what a generator of handwriting is trained on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scriven.base import Skipped
from scriven.images import Grey, prepare
from scriven.reader.align import TooFewFrames
from scriven.reader.boundaries import aligned_edges
from scriven.reader.labelled import Lines, labelled_frames
from scriven.reader.session import Picture, Reader
from scriven.scribes.flow.columns import HEIGHT, Classes, Floats, ink_of
from scriven.text import Charset, normalise
from scriven.training.image_cache import ImageCache

POSTERIOR, AGREEMENT = 0.05, 0.7  # of a character where it is emitted; share of such characters in a usable line


@dataclass(frozen=True)
class LineOfHand:
    """A line: its text as it is read; its classes (K,) with edges (K, 2) px as they are seen; width px; its hand."""

    id: str
    text: str
    classes: Classes
    edges: npt.NDArray[np.float64]
    width: int
    hand: int


@dataclass
class AlignedLines:
    """Aligned lines and their pictures; `hands` are the names of the hands by number."""

    charset: Charset
    images: ImageCache = field(default_factory=lambda: ImageCache(HEIGHT))
    lines: list[LineOfHand] = field(default_factory=list)
    hands: list[str] = field(default_factory=list)
    without_writer: set[int] = field(default_factory=set)  # hands that are only a page or a line

    def __len__(self) -> int:
        return len(self.lines)

    def ink(self, index: int) -> Floats:
        """The ink (W, HEIGHT), 0..1, of a line."""
        return ink_of(self.images.get(index))

    def add(self, line: LineOfHand, picture: Grey) -> None:
        """Append a line with its prepared picture. Raises OutputError when the disk is full."""
        self.images.add(picture)
        self.lines.append(line)

    def by_hand(self, indices: Iterable[int]) -> dict[int, list[int]]:
        """Some lines by the number of their hand."""
        found: dict[int, list[int]] = {}
        for index in indices:
            found.setdefault(self.lines[index].hand, []).append(index)
        return found


def align_lines(reader: Reader, given: Lines, into: AlignedLines, prefix: str) -> Iterator[str | Skipped]:
    """Align lines with a recogniser that decodes by CTC, streamed; yields the id of each, or why it was left out.

    `prefix` is set before the names of hands. A line without a hand belongs to that of its page, or is alone.
    Raises InputError for a reader whose network was not trained with CTC.
    """
    numbers = {name: number for number, name in enumerate(into.hands)}
    for one in labelled_frames(reader, given, _at_height):
        if isinstance(one, Skipped):
            yield one
            continue
        line, text, ink, picture, log_probs = one
        try:
            edges, posteriors = aligned_edges(reader.info, reader.charset, text, picture.ink, log_probs, ink)
        except TooFewFrames as error:
            yield Skipped(line.id, str(error))
            continue
        if (found := (posteriors >= POSTERIOR).mean()) < AGREEMENT:
            why = f"the model that aligns finds only {100 * found:.0f} % of the characters of its text {line.text!r}"
            yield Skipped(line.id, f"{why}; correct the text, or align with a model that reads this hand")
            continue
        named = prefix + hand_name(line.id, line.hand, line.page)
        if named not in numbers:
            numbers[named] = len(into.hands)
            into.hands.append(named)
            if not line.hand:
                into.without_writer.add(numbers[named])
        classes = np.array(into.charset.encode(text), np.int64)
        label = normalise(line.text or "")
        into.add(LineOfHand(line.id, label, classes, edges, ink.shape[1], numbers[named]), ink)
        yield line.id


def hand_name(id: str, hand: str | None, page: str | None) -> str:
    """The hand of a line: its own, else that of its page; a line without both is a hand of its own."""
    return hand or (f"page {page}" if page else f"line {id}")


def _at_height(grey: Grey, prepared: Picture) -> Grey:
    """The prepared picture, HEIGHT px high and not stretched."""
    return prepared.ink if prepared.ink.shape[0] == HEIGHT else prepare(grey, HEIGHT)


def split(lines: AlignedLines, most: int, seed: int) -> tuple[list[int], list[int]]:
    """The indices to train on and, of hands with several lines, at most `most` to validate on."""
    hands = lines.by_hand(range(len(lines)))
    order: Sequence[int] = np.random.default_rng(seed).permutation(len(lines)).tolist()
    valid: set[int] = set()
    left = {hand: len(own) for hand, own in hands.items()}
    for index in order:
        hand = lines.lines[index].hand
        if len(valid) < min(most, len(lines) // 10) and left[hand] > 2:
            left[hand] -= 1
            valid.add(index)
    return [i for i in range(len(lines)) if i not in valid], sorted(valid)
