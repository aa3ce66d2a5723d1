"""The settings of the StackMix scribe, with their defaults."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from scriven.base import SettingsError
from scriven.base.settings import NonNegative, Range, Share, validated


@validated
@dataclass(frozen=True)
class StackMixSettings:
    """How lines are assembled from the spans of a bank. Lengths in px at height 64."""

    mixing: Literal["free", "hand"] = "free"  # spans of all hands, alike ones preferred; or of one hand alone
    # relative frequency of the largest number of characters in a span, from 1 on; one number is drawn for every line
    longest: Annotated[tuple[NonNegative, ...], Field(min_length=1, max_length=8)] = (
        0,
        0,
        0.05,
        0.15,
        0.2,
        0.2,
        0.2,
        0.2,
    )
    variety: Annotated[float, Field(ge=0, le=100)] = 0.5  # of the spans chosen: 0 takes the best match, more is random
    seam: Annotated[int, Field(ge=0, le=16)] = 4  # px that are blended between two spans
    smoothing: Share = 0.1  # probability that the paper between the strokes is replaced by its local mean
    margin: Range[Annotated[float, Field(ge=0, le=256)]] = (2.0, 14.0)  # of paper left and right of the ink
    strength: Share = 1.0  # scales `variety` and `smoothing`; the argument of `write` multiplies it

    def __post_init__(self) -> None:
        if not any(self.longest):
            raise SettingsError("the setting 'longest' is 0 for every length; set at least one of them above 0")


STACKMIX_DEFAULTS = StackMixSettings()
