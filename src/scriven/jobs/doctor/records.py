"""Records of `doctor`: a measured line, and a problem found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scriven.base import Skipped
from scriven.jobs.doctor.image_stats import ImageStats

Severity = Literal["lost", "harm", "note"]
SEVERITIES: tuple[Severity, ...] = ("lost", "harm", "note")  # most severe first
RANK = {"train": 0, "valid": 1, "test": 2}


@dataclass(frozen=True, slots=True)
class Row:
    """A line without its picture. `name` is its id, prefixed by the folder if several are inspected."""

    folder: str
    split: str
    id: str
    name: str
    text: str | None
    hand: str
    page: str
    origin: str  # in words, see `source_of`
    by_model: bool  # whether a model wrote the text
    width: int  # px at the height of the recogniser; 0 if the picture cannot be decoded
    stats: ImageStats
    doubt: str | None = None  # why `align` doubts the text, empty if it does not; None for other texts


@dataclass(frozen=True)
class Problem:
    """One kind of problem: its severity and count, what it is, what to do, and the lines, hands or characters found."""

    kind: str
    severity: Severity
    count: int
    what: str
    advice: str
    found: tuple[Skipped, ...] = ()


def problem(kind: str, severity: Severity, found: Iterable[Skipped], what: str, advice: str) -> list[Problem]:
    """A list of one problem with everything found; an empty list if nothing was."""
    lines = tuple(found)
    return [Problem(kind, severity, len(lines), what, advice, lines)] if lines else []
