"""The records of the room: a line, what was read in it, and the unit of streaming. Importing them needs no pyarrow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scriven.base import LinesError, Skipped


@dataclass(frozen=True)
class Line:
    """One row of a lines folder. `image` is an encoded picture.

    `text` is NFC and single-spaced; None where it is unknown, "" where the picture is known to hold no text.
    """

    id: str
    image: bytes
    text: str | None = None
    hand: str = ""
    page: str = ""
    origin: str = "human"  # human | fonts | stackmix | generated | pseudo
    confidence: float | None = None
    width: int = 0  # px, 0 unknown
    height: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)  # unknown columns, kept
    place: tuple[Path, str] | None = field(
        default=None, compare=False
    )  # of a table's row: file and page, folder and id


PSEUDO_LABEL = "pseudo-label"  # the origin, in words, of a text that self-training has made
REPEATED = "its id occurs more than once; only the first is used"


def skipped_row(id: str, error: LinesError) -> "SkippedRow":
    """The record of a row that cannot be used."""
    return SkippedRow(id, str(error), "picture" if isinstance(error, PictureNotFound) else "row")


def by_model(origin: str | None, confidence: float | None) -> bool:
    """Whether a text was read by a model and not confirmed by a person: a pseudo-label, or one with a confidence."""
    return origin == "pseudo" or (confidence is not None and confidence == confidence)


def per_character(confidence: float | None, text: str) -> float | None:
    """The confidence of a line as one per character, the geometric mean: comparable between short and long lines."""
    return None if confidence is None else max(confidence, 0.0) ** (1 / max(1, len(text)))


def source_of(origin: str | None, confidence: float | None) -> str:
    """Where the text of a line comes from, in words: its origin, unless it was read by a model."""
    if origin == "pseudo":
        return PSEUDO_LABEL
    return "read by a model" if by_model(origin, confidence) else origin or "human"


@dataclass(frozen=True)
class Character:
    """One character of a reading: its confidence 0..1, its span in px of the picture, the best alternatives."""

    text: str
    confidence: float
    start: float
    end: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a recogniser read in a picture; `confidence` 0..1 is the calibrated probability that all of it is right."""

    id: str
    text: str
    confidence: float
    characters: tuple[Character, ...] = ()


@dataclass(frozen=True)
class SkippedRow(Skipped):
    """A row of a lines folder that was left out.

    `kind`: "id" where its id is that of an earlier row, "picture" where its picture is not found, else "row".
    """

    kind: str = "row"


class PictureNotFound(LinesError):
    """A row refers to a picture that is not there or cannot be opened."""


@dataclass(frozen=True)
class Group:
    """A row group of a file: the unit of streaming, at most a few hundred lines. `rows` counts unusable ones too."""

    file: Path
    index: int
    rows: int
