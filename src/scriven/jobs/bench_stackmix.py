"""The part of `bench` that cuts lines into a bank and assembles lines from it, which needs the extra `train`."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np

from scriven.images import Grey
from scriven.language.texts import source, text_at
from scriven.lines import Line
from scriven.reader.decoder_contract import Frames
from scriven.reader.session import Picture, Reader
from scriven.scribes.specs import scribe_of
from scriven.scribes.stackmix.cutting import Cut, cut_lines
from scriven.scribes.stackmix.scribe import StackMixScribe
from scriven.scribes.stackmix.writer import BankWriter
from scriven.text import normalise

CHARACTERS = 30  # of a line
STRENGTH = 0.5  # of the variation of the lines that are cut

Labelled = list[tuple[Line, Grey]]


class Benchmark:
    """Lines of about CHARACTERS characters, read once by a model; they are cut and assembled without reading again.

    Use it in a `with` statement: its banks are in a temporary folder.
    """

    def __init__(self, reader: Reader, lines: int):
        self.lines = _written(reader, lines)
        self._reader = cast(Reader, _Read(reader, self.lines))
        self._place = TemporaryDirectory(prefix="scriven-bench-")
        self._number = count()

    def __enter__(self) -> "Benchmark":
        return self

    def __exit__(self, *_: object) -> None:
        self._place.cleanup()

    def cut(self) -> Path:
        """Cut all lines into a new bank."""
        folder = Path(self._place.name) / f"{next(self._number)}"
        with BankWriter(folder, self._reader.info.height) as bank:
            pictures = ((line, lambda picture=picture: picture) for line, picture in self.lines)
            made = list(cut_lines(self._reader, pictures, bank))
            assert any(isinstance(one, Cut) for one in made)
            bank.finish({})
        return folder

    def assembler(self) -> tuple[int, Callable[[], object]]:
        """(lines, work): per call, the texts of the lines are assembled from a bank of them, differently each time."""
        scribe = StackMixScribe(self.cut())
        texts = [text for line, _ in self.lines if scribe.refusal(text := line.text or "") is None]
        seeds = count()
        return len(texts), lambda: [scribe.write(text, np.random.default_rng(next(seeds))) for text in texts]


class _Read:
    """A reader whose pictures are prepared and read already."""

    def __init__(self, reader: Reader, lines: Labelled):
        self.info, self.charset = reader.info, reader.charset
        prepared = [reader.prepare(line.id, picture) for line, picture in lines]
        self._prepared = {picture.id: picture for picture in prepared}
        self._frames = {picture.id: (picture, frames) for picture, frames in reader.frames(prepared)}

    def prepare(self, id: str, picture: Grey) -> Picture:
        return self._prepared[id]

    def frames(self, pictures: Iterable[Picture]) -> Iterator[tuple[Picture, Frames]]:
        return (self._frames[picture.id] for picture in pictures)


def _written(reader: Reader, lines: int) -> Labelled:
    scribe, texts = scribe_of("fonts"), source("lines:en")
    made: Labelled = []
    for index in count():
        if len(made) == lines:
            return made
        text = normalise(text_at(texts, 0, index)[:CHARACTERS])
        if len(text) >= CHARACTERS - 2 and not reader.charset.missing([text]) and scribe.refusal(text) is None:
            wrote = scribe.write(text, np.random.default_rng([0, index]), hand=index % 8, strength=STRENGTH)
            made.append((Line(f"{index}", b"", text, hand=wrote.hand), wrote.picture))
    return made
