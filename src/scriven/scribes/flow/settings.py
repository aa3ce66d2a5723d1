"""How a trained generator writes."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from scriven.base import SettingsError
from scriven.base.settings import Range, Share, validated

Guidance = Annotated[float, Field(ge=0, le=10)]


@validated
@dataclass(frozen=True)
class FlowSettings:
    """How the flow scribe writes. Lengths in px at height 64."""

    steps: Annotated[int, Field(ge=1, le=1000)] = 10  # Euler steps from noise to writing
    guidance: Guidance = 3.5  # how far the text is exaggerated against no text; 1 not at all
    style_guidance: Guidance = 1.0  # the same for the hand
    variety: Annotated[float, Field(ge=0, le=2)] = 1.0  # of the widths of characters: 0 always the mean
    like: str = ""  # folder or picture in whose hand it writes; "" the hands of the model
    between: tuple[str, ...] = ()  # names of two hands of the model between which it writes
    blend: Share = 0.5  # how far from the first of them to the second
    margin: Range[Annotated[float, Field(ge=0, le=256)]] = (4.0, 14.0)  # of paper left and right of the ink
    strength: Share = 1.0  # scales `variety`; 0: always the same picture; the argument of `write` multiplies it

    def __post_init__(self) -> None:
        if self.between and len(self.between) != 2:
            raise SettingsError(f"the setting 'between' names {len(self.between)} hands; name two, such as A,B")
        if self.between and self.like:
            raise SettingsError("the settings 'like' and 'between' exclude each other; leave out one")


FLOW_DEFAULTS = FlowSettings()
