"""Generated pictures through a recogniser: how each is read, and how far it is from what it imitates."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from scriven.images import Grey, decode
from scriven.lines import Line
from scriven.metrics import distance
from scriven.reader.session import Picture, Reader
from scriven.selection.distances import nmae, style_distance, style_of
from scriven.selection.measured import Measured, StyleTarget
from scriven.text import normalise


def _nothing(line: Line) -> None:
    return None


@dataclass(frozen=True)
class Imitated:
    """What a line imitates: the real picture of its text, and its hand; None where there is none."""

    picture: Callable[[Line], Grey | None] = _nothing
    style: Callable[[Line], StyleTarget | None] = _nothing


def read_back(reader: Reader, lines: Iterable[tuple[Line, int]], imitated: Imitated) -> Iterator[tuple[Line, Measured]]:
    """Lines with the number of their attempt, read in batches, each with its measurements, in order.

    Raises ImageError for a picture that cannot be a line of text.
    """
    waiting: deque[tuple[Line, int, Grey]] = deque()

    def prepared() -> Iterator[Picture]:
        for line, attempt in lines:
            picture = decode(line.image, line.id)
            waiting.append((line, attempt, picture))
            yield reader.prepare(line.id, picture)

    for reading in reader.read_prepared(prepared()):
        line, attempt, picture = waiting.popleft()
        text, real, hand = normalise(line.text or ""), imitated.picture(line), imitated.style(line)
        yield line, Measured(
            line.id, line.hand, text, reading.text, reading.confidence_mean or 0.0, reading.confidence_product or 0.0,
            distance(text, reading.text) / max(1, len(text)),
            None if real is None else nmae(real, picture),
            None if hand is None else style_distance(style_of(picture, len(text)), hand),
            attempt,
        )  # fmt: skip
