"""Cutting lines into a bank: forced alignment of their texts, boundaries between characters in the upright picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from scriven.base import Skipped
from scriven.base.settings import Share, validated
from scriven.images import to_height
from scriven.lines import Line
from scriven.metrics import distance
from scriven.reader.align import TooFewFrames
from scriven.reader.boundaries import aligned_edges
from scriven.reader.ctc_paths import greedy_text
from scriven.reader.labelled import LabelledFrames, Lines, labelled_frames
from scriven.reader.session import Reader
from scriven.scribes.stackmix.measures import measures, upright
from scriven.scribes.stackmix.writer import BankWriter
from scriven.text import normalise


@validated
@dataclass(frozen=True)
class CutSettings:
    """What is cut. Lengths in px at height 64."""

    confidence: Share = 0.0  # of a pseudo-label, below which its line is left out; labels without one are all cut
    posterior: Share = 0.02  # of a character where it is emitted, below which it is not cut
    agreement: Share = 0.5  # share of the characters of a line that must be cut, or the whole line is left out
    narrowest: Annotated[float, Field(ge=0, le=64)] = 2.0  # width of a character below which it is not cut


CUT_DEFAULTS = CutSettings()


@dataclass(frozen=True)
class Cut:
    """A line that was cut: its characters, those that spans can hold, and the edits of a greedy reading of it."""

    id: str
    characters: int
    usable: int
    edits: int


def cut_lines(
    reader: Reader, lines: Lines, bank: BankWriter, settings: CutSettings = CUT_DEFAULTS
) -> Iterator[Cut | Skipped]:
    """Cut `lines` into `bank`, streamed; yields each line as it was cut, or why it was left out.

    The texts of the lines are taken as correct, be they labels or pseudo-labels.
    Raises InputError for a reader whose network was not trained with CTC.
    """

    def doubtful(line: Line) -> str:
        if line.confidence is None or line.confidence >= settings.confidence:
            return ""
        return f"the confidence of its text, {line.confidence:.2f}, is below {settings.confidence:g}"

    for one in labelled_frames(reader, lines, lambda grey, _: to_height(grey, bank.height), doubtful):
        yield one if isinstance(one, Skipped) else _cut(reader, one, bank, settings)


def _cut(reader: Reader, one: LabelledFrames, bank: BankWriter, settings: CutSettings) -> Cut | Skipped:
    """Cut a line, or say why it is left out."""
    line, text, grey, picture, log_probs = one
    measured = measures(grey)
    if measured is None:
        return Skipped(line.id, "its picture shows no ink; check it")
    straight = upright(grey, measured.slant, round(measured.paper))
    try:
        edges, posteriors = aligned_edges(reader.info, reader.charset, text, picture.ink, log_probs, straight)
    except TooFewFrames as error:
        return Skipped(line.id, str(error))
    least = settings.narrowest * bank.height / 64
    usable = (posteriors >= settings.posterior) & (edges[:, 1] - edges[:, 0] >= least)
    if usable.mean() < settings.agreement:
        return Skipped(
            line.id,
            f"the model finds only {usable.sum()} of the {len(text)} characters of its text {line.text!r}; correct the "
            "text, or cut with a model that reads this hand",
        )
    bank.add(line, straight, edges, usable, measured)
    read = normalise(greedy_text(log_probs, reader.charset))
    return Cut(line.id, len(text), int(usable.sum()), distance(read, text))
