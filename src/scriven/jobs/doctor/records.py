"""What the doctor passes from hand to hand: a line as it was seen, and a problem that was found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scriven.base import Skipped
from scriven.jobs.doctor.image_stats import Seen

Severity = Literal["lost", "harm", "note"]
SEVERITIES: tuple[Severity, ...] = ("lost", "harm", "note")  # from bad to good to know
RANK = {"train": 0, "valid": 1, "test": 2}


@dataclass(frozen=True, slots=True)
class Row:
    """A line without its picture. `name` is its id, with the folder before it where several are looked at."""

    folder: str
    split: str
    id: str
    name: str
    text: str | None
    hand: str
    page: str
    origin: str  # in words, see `source_of`
    by_model: bool  # whether a model wrote the text
    width: int  # px at the height of the recogniser; 0 where the picture cannot be decoded
    seen: Seen


@dataclass(frozen=True)
class Problem:
    """One kind of trouble: how often, what it does, what to do, and the lines (hands, characters ...) it is about."""

    kind: str
    severity: Severity
    count: int
    what: str
    advice: str
    found: tuple[Skipped, ...] = ()


def problem(kind: str, severity: Severity, found: Iterable[Skipped], what: str, advice: str) -> list[Problem]:
    """A problem with all its lines, or nothing where there are none."""
    lines = tuple(found)
    return [Problem(kind, severity, len(lines), what, advice, lines)] if lines else []
