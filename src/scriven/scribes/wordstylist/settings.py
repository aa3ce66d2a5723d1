"""How a trained WordStylist writes."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from scriven.base import SettingsError
from scriven.base.settings import Count, Natural, Share, validated

NOISE_STEPS = 1000  # of the noise schedule; networks are trained on steps 1 .. NOISE_STEPS - 1
Guidance = Annotated[float, Field(ge=0, le=10)]
Steps = Annotated[int, Field(ge=1, lt=NOISE_STEPS)]


@validated
@dataclass(frozen=True)
class WordStylistSettings:
    """How WordStylist writes. Lengths in px at height 64."""

    sampler: Literal["ddim", "ddpm"] = "ddim"
    steps: Steps | None = None  # from noise to writing; None: those of the model; as published: sampler=ddpm, steps=999
    guidance: Guidance | None = (
        None  # how far the text is exaggerated against no text; 1 not at all; None: see GUIDANCE
    )
    style_guidance: Guidance = 1.0  # the same for the hand
    between: tuple[str, ...] = ()  # names of two hands of the model between which it writes
    blend: Share = 0.5  # how far from the first of them to the second
    trim: bool = True  # cut the paper left and right of the ink; else pictures are 256 px wide
    margin: Natural = 8  # of paper that is left there
    strength: Share = (
        1.0  # of the noise that differs; 0: always the same picture; the argument of `write` multiplies it
    )
    autoencoder: str = ""  # folder of an external autoencoder; "" that of the model
    threads: Count = 1
    device: Literal["cpu", "cuda", "mps"] = "cpu"

    def __post_init__(self) -> None:
        if self.between and len(self.between) != 2:
            raise SettingsError(f"the setting 'between' names {len(self.between)} hands; name two, such as A,B")


GUIDANCE = 3.0  # where the setting is None and the model was trained for it; 1 where it was not
WORDSTYLIST_DEFAULTS = WordStylistSettings()
