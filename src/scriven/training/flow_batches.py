"""Batches for the generator: pieces of lines, with what covers their columns and a piece of the same hand's writing.

Batch number i of a seed is the same, whatever came before it, so that a run can be resumed exactly.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from scriven.scribes.flow.columns import COLUMN, HEIGHT, ColumnText, Floats, covered, piece, stacked
from scriven.scribes.flow.model import REFERENCE_COLUMNS, Hand, joined
from scriven.scribes.flow.network import Layout, ShownWriting
from scriven.training.aligned_lines import AlignedLines

WIDTH_POWER = 0.7  # lines are drawn in proportion to their width to this power
LEAD = (4, 20)  # px of paper before the beginning of a line
AT_THE_BEGINNING = 0.25  # share of the pieces of long lines that begin where the line does: every text has a beginning
SHORT_REFERENCE = 0.25  # probability that a reference ends after each piece
MOST_TRIES = 8


class FlowBatch(NamedTuple):
    """Ink (N, 1, HEIGHT, 8 T) with its layout and references, and the characters of the references' widths."""

    ink: Tensor
    layout: Layout
    references: ShownWriting
    classes: Tensor  # (N, K) of the whole lines
    edges: Tensor  # (N, K, 2), px from the left of the piece
    log_widths: Tensor  # (N, K), px
    known: Tensor  # (N, K): 1 where there is a character

    def to(self, device: torch.device) -> "FlowBatch":
        layout, shown = Layout(*(one.to(device) for one in self.layout)), self.references
        references = ShownWriting(
            shown.ink.to(device), Layout(*(one.to(device) for one in shown.layout)), shown.given.to(device)
        )
        rest = (one.to(device) for one in (self.classes, self.edges, self.log_widths, self.known))
        return FlowBatch(self.ink.to(device), layout, references, *rest)


class FlowBatches:
    """Batches of the lines `indices`, each `columns` columns wide."""

    def __init__(self, lines: AlignedLines, indices: list[int], shown: list[int], columns: int, seed: int):
        """`shown`: the lines that references are taken of."""
        self.lines, self.indices, self.columns, self.seed = lines, indices, columns, seed
        self._shown = lines.by_hand(shown)
        widths = np.array([lines.lines[i].width for i in indices], np.float64) ** WIDTH_POWER
        self._cumulated = widths.cumsum() / widths.sum()

    def batch(self, number: int, size: int) -> FlowBatch:
        """Batch `number` of `size` pieces."""
        rng = np.random.default_rng([self.seed, number])
        chosen = [self.indices[int(i)] for i in self._cumulated.searchsorted(rng.random(size))]
        return collated([self._item(index, rng) for index in chosen])

    def _item(self, index: int, rng: np.random.Generator) -> "Item":
        line, ink = self.lines.lines[index], self.lines.ink(index)
        room = line.width - self.columns * COLUMN
        inside = room > -LEAD[0] and rng.random() >= AT_THE_BEGINNING
        start = int(rng.integers(-LEAD[1], room + LEAD[1])) if inside else -int(rng.integers(*LEAD))
        layout = covered(line.classes, line.edges - start, self.columns)
        hand = self.reference(index, rng, (start, start + self.columns * COLUMN))
        return Item(piece(ink, start, self.columns), layout, hand, line.classes, line.edges - start)

    def reference(self, index: int, rng: np.random.Generator, hidden: tuple[int, int]) -> Hand:
        """A piece of other lines of the hand of a line; of a hand without others, of what is not `hidden` of the line.

        `hidden`: from px, to px.
        """
        hand = self.lines.lines[index].hand
        others = [i for i in self._shown.get(hand, ()) if i != index]
        if others:
            return self._of_lines(others, rng, SHORT_REFERENCE)
        found = self._part(index, rng, hidden)
        return joined(self.lines.hands[hand], [found]) if found else self._of_lines([], rng, 0)

    def representative(self, indices: list[int], rng: np.random.Generator) -> Hand:
        """A reference as long as they come, of some lines of one hand."""
        return self._of_lines(indices, rng, 0.0)

    def _of_lines(self, indices: list[int], rng: np.random.Generator, stop: float) -> Hand:
        """Pieces of random lines side by side; after each it ends with the probability `stop`."""
        pieces, columns = [], 0
        for _ in range(MOST_TRIES if indices else 0):
            found = self._part(indices[int(rng.integers(len(indices)))], rng, (0, 0))
            if found is not None:
                pieces.append(found)
                columns += len(found[0]) // COLUMN
            if columns >= REFERENCE_COLUMNS or rng.random() < stop:
                break
        if not pieces:
            return Hand("", np.zeros((0, HEIGHT), np.float32), np.zeros(0, np.int64), np.zeros((0, 2)))
        return joined(self.lines.hands[self.lines.lines[indices[0]].hand], pieces)

    def _part(
        self, index: int, rng: np.random.Generator, hidden: tuple[int, int]
    ) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.float64]] | None:
        """At most half a reference of a line, outside `hidden`; None if nothing is left."""
        line = self.lines.lines[index]
        spaces = [(0, min(hidden[0], line.width)), (max(hidden[1], 0), line.width)]
        free = [(a, b) for a, b in spaces if b - a >= 3 * COLUMN]
        if not free:
            return None
        first, last = free[int(rng.integers(len(free)))]
        columns = min(-(-(last - first) // COLUMN), REFERENCE_COLUMNS // 2)
        start = first + int(rng.integers(0, max(1, last - first - columns * COLUMN + 1)))
        end = min(start + columns * COLUMN, last)
        ink = piece(self.lines.ink(index)[:end], start, columns)
        return ink, line.classes, np.minimum(line.edges, end) - start


class Item(NamedTuple):
    """One piece: ink (8 T, HEIGHT), layout, reference, and the characters of the line with their edges in the piece."""

    ink: Floats
    layout: ColumnText
    hand: Hand
    classes: npt.NDArray[np.int64]
    edges: npt.NDArray[np.float64]


def collated(items: list[Item]) -> FlowBatch:
    """A batch of pieces of equally many columns."""
    shown = [item.hand.inputs() for item in items]
    references = stacked([ColumnText(*(one[name][0] for name in ColumnText._fields)) for one in shown])
    most = max(len(item.classes) for item in items)
    classes, logs, known = np.zeros((len(items), most), np.int64), *np.zeros((2, len(items), most), np.float32)
    edges = np.zeros((len(items), most, 2), np.float32)
    for i, item in enumerate(items):
        edges[i, : len(item.edges)] = item.edges
        widths, count = item.edges[:, 1] - item.edges[:, 0], len(item.classes)
        classes[i, :count], known[i, :count] = item.classes, widths >= 1
        logs[i, :count] = np.log(np.maximum(widths, 1))
    ink = torch.from_numpy(np.stack([item.ink.T for item in items])[:, None].copy())
    given = torch.from_numpy(np.concatenate([one["given"] for one in shown]))
    return FlowBatch(
        ink,
        Layout(*map(torch.from_numpy, stacked([item.layout for item in items]))),
        ShownWriting(torch.from_numpy(np.concatenate([one["ink"] for one in shown])), _layout(references), given),
        torch.from_numpy(classes), torch.from_numpy(edges), torch.from_numpy(logs), torch.from_numpy(known),
    )  # fmt: skip


def _layout(one: ColumnText) -> Layout:
    return Layout(*map(torch.from_numpy, one))
