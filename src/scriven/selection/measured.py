"""What is measured of a generated picture, and the columns of a lines folder that keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class StyleTarget(NamedTuple):
    """Measurements of writing, in a picture 64 px high: see `style`."""

    slant: float  # dx per dy, right positive
    stroke: float  # log px, width of the strokes
    body: float  # log px, height of the small letters
    density: float  # log of the inked share of the words, per height of the small letters
    pitch: float  # log px per character


@dataclass(frozen=True)
class Measured:
    """A generated picture: how it was read, and how far it is from the real picture and from the hand it imitates."""

    id: str
    hand: str
    text: str
    reading: str
    confidence: float  # of the reading, 0..1: geometric mean over its characters; 0 if nothing is read
    product: float  # of the confidences of its characters: the score of DiffusionHTR
    cer: float  # of the reading, a fraction
    nmae: float | None = None  # to the real picture of the same id, 0..1; None if there is none
    style: float | None = None  # distance to the hand, in standard deviations between hands; None without the hand
    attempt: int = 0  # pictures of this line that were drawn before

    @property
    def right(self) -> bool:
        """Whether the picture is read as its text."""
        return self.cer == 0

    def columns(self) -> dict[str, Any]:
        """The extra columns of its line."""
        found: dict[str, Any] = {
            "reading": self.reading, "reading_confidence": self.confidence, "reading_product": self.product,
            "reading_cer": self.cer, "attempt": self.attempt,
        }  # fmt: skip
        found |= {} if self.nmae is None else {"nmae": self.nmae}
        return found | ({} if self.style is None else {"style_distance": self.style})

    @classmethod
    def of(cls, id: str, hand: str, text: str, columns: Mapping[str, Any]) -> "Measured":
        """That of a line with the columns of `columns`."""
        return cls(
            id, hand, text, columns["reading"], columns["reading_confidence"], columns["reading_product"],
            columns["reading_cer"], columns.get("nmae"), columns.get("style_distance"), columns["attempt"],
        )  # fmt: skip
