"""Lines written again in the hands of other lines: whose style is shown to the scribe, and the drawing itself."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scriven.base import Skipped, TextError
from scriven.base.progress import progress
from scriven.images import encode, with_note
from scriven.jobs.drawing import Try
from scriven.jobs.write import GENERATED
from scriven.lines import Line, LinesFolder
from scriven.reader.session import Reader
from scriven.scribes.flow.generator import Generator
from scriven.scribes.flow.model import Hand
from scriven.scribes.flow.scribe import FlowScribe
from scriven.scribes.flow.settings import FlowSettings
from scriven.selection.distances import mean_style, style_of
from scriven.selection.measured import StyleTarget
from scriven.text import Charset, normalise, visual
from scriven.training.aligned_lines import AlignedLines, align_lines, hand_name
from scriven.training.flow_batches import FlowBatches


@dataclass(frozen=True)
class Row:
    """A line to write again: what is kept of the original."""

    id: str
    split: str
    text: str | None
    hand: str
    page: str

    @property
    def group(self) -> str:
        """The name of its hand: see `hand_name`."""
        return hand_name(self.id, self.hand, self.page)


class ShownLines:
    """The lines of which the style of each hand is taken, aligned with their texts; never the line that is written."""

    def __init__(self, lines: AlignedLines, seed: int, left_out: Sequence[Skipped]):
        self.lines, self.seed, self.left_out = lines, seed, left_out
        every = list(range(len(lines)))
        self._batches = FlowBatches(lines, every, every, 1, seed)
        self._numbers = {name: number for number, name in enumerate(lines.hands)}
        self._by_hand = lines.by_hand(every)
        self._styles = dict[int, StyleTarget | None]()

    def others(self, row: Row) -> list[int]:
        """The lines of the same hand, without the line itself."""
        own = self._by_hand.get(self._numbers.get(row.group, -1), ())
        return [index for index in own if self.lines.lines[index].id != row.id]

    def hand(self, row: Row, number: int, attempt: int) -> Hand:
        """Pieces of other lines of the hand of line `number`; other ones for a further attempt."""
        return self._batches.representative(self.others(row), np.random.default_rng([self.seed, number, 1, attempt]))

    def style(self, row: Row) -> StyleTarget | None:
        """The median of the measurements of the other lines of a hand."""
        found = []
        for index in self.others(row):
            if index not in self._styles:
                self._styles[index] = style_of(self.lines.images.get(index), len(self.lines.lines[index].text))
            if style := self._styles[index]:
                found.append(style)
        return mean_style(found)


def shown_lines(
    folder: LinesFolder, rows: Sequence[Row], charset: Charset, reader: Reader, most: int, seed: int
) -> ShownLines:
    """Align up to `most` lines of every hand with their texts by forced alignment.

    Lines that cannot be aligned, or have characters that the scribe lacks, show no style; they are in `left_out`.
    """
    ranked = dict[str, list[str]]()
    for row in rows:
        if row.text and not charset.missing([visual(normalise(row.text))]):
            ranked.setdefault(row.group, []).append(row.id)
    chosen = {id for ids in ranked.values() for id in sorted(ids, key=_hash)[:most]}
    lines, left_out = AlignedLines(charset), list[Skipped]()
    pictures = ((one, partial(folder.picture, one)) for one in folder.lines() if one.id in chosen)
    for number, done in enumerate(align_lines(reader, pictures, lines, ""), start=1):
        progress("aligning", number, len(chosen))
        left_out += [done] if isinstance(done, Skipped) else []
    return ShownLines(lines, seed, left_out)


def _hash(id: str) -> bytes:
    return hashlib.sha256(f"shown {id}".encode()).digest()


def rows_of(folder: LinesFolder, splits: Sequence[str], seen: Callable[[Line], object]) -> Iterator[Row]:
    """The rows of some splits; `seen` is told each line."""
    for split in splits:
        for line in folder.lines(split):
            seen(line)
            text = None if line.text is None else normalise(line.text)
            yield Row(line.id, split, text, line.hand, line.page)


class Asked(NamedTuple):
    """A line to draw in a hand."""

    id: str
    text: str
    hand: str
    page: str
    shown: Hand
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """The scribe that writes; a worker process loads it itself."""

    model: Path
    settings: FlowSettings

    def maker(self) -> "Imitator":
        """The scribe, loaded."""
        return Imitator(self, Generator.load(self.model, threads=1))


@dataclass(frozen=True)
class Imitator:
    """Draws lines in hands that it is shown."""

    recipe: Recipe
    generator: Generator

    def make(self, task: Asked | Skipped) -> Line | Skipped:
        """The line of a task. Without ink in what is shown of the hand, it is skipped."""
        if isinstance(task, Skipped):
            return task
        if not task.shown.ink.any():
            return Skipped(task.id, f"the other lines of the hand {task.hand or task.page!r} show no ink; check them")
        scribe = FlowScribe.of(self.generator.with_hands([task.shown]), self.recipe.settings)
        try:
            made = scribe.write(task.text, np.random.default_rng(task.seeds), hand=0)
        except TextError as error:
            return Skipped(task.id, str(error))
        high, wide = made.picture.shape
        png = with_note(encode(made.picture, "png"), GENERATED)
        return Line(
            task.id, png, made.text, hand=task.hand, page=task.page, origin=scribe.origin, width=wide, height=high
        )


def tasks(
    rows: Sequence[Row], ids: Mapping[int, str], shown: ShownLines, refusal: Callable[[int], Skipped | None]
) -> Callable[[Try], Asked | Skipped]:
    """What is drawn of the rows, by number, or why they are not; `ids` are those of the lines that are written."""

    def task(one: Try) -> Asked | Skipped:
        if why := refusal(one.number):
            return why
        row = rows[one.number]
        hand = shown.hand(row, one.number, one.attempt)
        seeds = (shown.seed, one.number, one.attempt)
        return Asked(ids[one.number], row.text or "", row.hand, row.page, hand, seeds)

    return task
