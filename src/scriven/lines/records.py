"""The records of this room: lines, readings, row groups, skipped rows. Importing them does not need pyarrow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scriven.base import LinesError, Skipped


@dataclass(frozen=True)
class Line:
    """One row of a lines folder. `image` is an encoded picture.

    `text` is NFC and single-spaced; None if it is unknown, "" if the picture shows no text.
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
    )  # for a row of a table: (file, page) or (folder, id)


PSEUDO_LABEL = "pseudo-label"  # displayed origin of a text made by self-training
REPEATED = "its id occurs more than once; only the first is used"


def skipped_row(id: str, error: LinesError) -> "SkippedRow":
    """The record of an unusable row."""
    return SkippedRow(id, str(error), "picture" if isinstance(error, PictureNotFound) else "row")


def by_model(origin: str | None, confidence: float | None) -> bool:
    """Whether a text was read by a model and not confirmed by a person: it is a pseudo-label or has a confidence."""
    return origin == "pseudo" or (confidence is not None and confidence == confidence)


def per_character(confidence: float | None, text: str) -> float | None:
    """The confidence of a line per character (geometric mean), comparable between short and long lines."""
    return None if confidence is None else max(confidence, 0.0) ** (1 / max(1, len(text)))


def source_of(origin: str | None, confidence: float | None) -> str:
    """The displayed origin of the text of a line."""
    if origin == "pseudo":
        return PSEUDO_LABEL
    return "read by a model" if by_model(origin, confidence) else origin or "human"


@dataclass(frozen=True)
class Character:
    """One character of a reading: confidence 0..1, span in px of the picture, best alternatives with probabilities."""

    text: str
    confidence: float
    start: float
    end: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Reading:
    """The transcription of a picture; `confidence` 0..1 is the calibrated probability that all of it is correct."""

    id: str
    text: str
    confidence: float
    characters: tuple[Character, ...] = ()

    @property
    def confidence_product(self) -> float | None:
        """The product of the confidences of its characters; None if nothing is read."""
        return product([one.confidence for one in self.characters])

    @property
    def confidence_mean(self) -> float | None:
        """The geometric mean of the confidences of its characters; None if nothing is read."""
        return geometric_mean([one.confidence for one in self.characters])


def product(confidences: Sequence[float]) -> float | None:
    """The product of the confidences of characters, the confidence of AttentionHTR; None if there are none."""
    return math.prod(confidences) if confidences else None


def geometric_mean(confidences: Sequence[float]) -> float | None:
    """The product of confidences normalised by their number, which does not fall with it; None if there are none."""
    if not confidences:
        return None
    return math.exp(math.fsum(math.log(max(one, 1e-12)) for one in confidences) / len(confidences))


@dataclass(frozen=True)
class SkippedRow(Skipped):
    """A row of a lines folder that was skipped.

    `kind`: "id" if its id is that of an earlier row, "picture" if its picture is not found, else "row".
    """

    kind: str = "row"


class PictureNotFound(LinesError):
    """A row refers to a picture that does not exist or cannot be opened."""


@dataclass(frozen=True)
class Group:
    """A row group of a file: the unit of streaming, at most a few hundred lines. `rows` includes unusable ones."""

    file: Path
    index: int
    rows: int
