"""What `augment` changes: ranges and probabilities, and the named sets of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from scriven.augment.paper import Camera
from scriven.base.settings import Count, NonNegative, Positive, Range, Share, changed, validated

Quality = Annotated[int, Field(ge=1, le=100)]  # of JPEG
SetName = Literal["default", "none", "blots", "stackmix", "stackmix+blots", "weak", "strong"]


@validated
@dataclass(frozen=True)
class AugmentSettings:
    """Ranges and probabilities of the augmentation at strength 1; at strength 0 nothing is changed."""

    slant: NonNegative = 0.35  # largest shear, dx per dy
    turn: NonNegative = 2.0  # degrees, largest rotation
    wide: Range[Positive] = (0.8, 1.25)  # horizontal scale
    high: Range[Positive] = (0.85, 1.12)  # vertical scale
    shift: Share = 0.05  # largest vertical shift, as a share of the height
    elastic: NonNegative = 1.2  # px at height 64, standard deviation
    stretch: NonNegative = 1.5  # px at height 64, standard deviation of shifts along the line
    swell: Share = 0.04  # relative standard deviation of the letter height
    sway: Share = 0.05  # standard deviation of the letter slant, dx per dy
    drift: NonNegative = 1.5  # px at height 64, amplitude of a slow wave of the baseline
    weight: Share = 0.5  # probability of thicker or thinner strokes
    contrast: Share = 0.7  # probability of a change of contrast, gamma and paper grey
    fade: Share = 0.15  # probability of ink that fades in places
    light: Share = 0.3  # probability of uneven illumination
    blot: Share = 0.03  # probability of a blot or a stroke across
    blur: Share = 0.3  # probability; these as in Camera
    shrink: Share = 0.15
    noise: Share = 0.4
    jpeg: Share = 0.15
    jpeg_quality: Range[Quality] = (35, 92)
    # Off by default; see SETS
    strike: Share = 0.0  # probability of strike-outs; this and the next two: `marks` of them
    scribble: Share = 0.0  # probability of scribbles over a few letters: the blots of StackMix-OCR
    stain: Share = 0.0  # probability of stains of ink or water and of smeared ink
    marks: Range[Count] = (1, 10)  # per 16 heights of width; at least one, and no more in a longer line
    rotate: Share = 0.0  # probability of a rotation by up to `rotate_most` degrees, fitted into the height
    rotate_most: Annotated[float, Field(ge=0, le=45)] = 3.0
    threshold: Share = 0.0  # probability that what is lighter than a threshold drawn for every word becomes white
    clahe: Share = 0.0  # probability of CLAHE: contrast limit 1 to 4, 8 x 8 tiles
    weak: Share = 0.0  # probability of each of: rotation up to 5 degrees, noise of 10 grey levels, blur of 1 px
    strong: Annotated[int, Field(ge=0, le=13)] = 0  # number of different random operations of 13

    @cached_property
    def camera(self) -> Camera:
        """The settings of blur, noise and compression."""
        worst, best = self.jpeg_quality
        return Camera(
            blur=self.blur, blur_most=0.9, shrink=self.shrink, noise=self.noise,
            jpeg=self.jpeg, jpeg_worst=worst, jpeg_best=best,
        )  # fmt: skip


NONE = AugmentSettings(
    slant=0, turn=0, wide=(1, 1), high=(1, 1), shift=0, elastic=0, stretch=0, swell=0, sway=0, drift=0, weight=0,
    contrast=0, fade=0, light=0, blot=0, blur=0, shrink=0, noise=0, jpeg=0,
)  # fmt: skip
# The augmentation of StackMix-OCR (`--use_augs`); with blots (`--use_augs --use_blot`).
_STACKMIX = replace(NONE, clahe=0.25, rotate=0.5, rotate_most=3.0, jpeg=0.5, jpeg_quality=(75, 100))
SETS: Mapping[SetName, AugmentSettings] = {
    "default": AugmentSettings(),
    "none": NONE,
    "blots": AugmentSettings(strike=0.25, scribble=0.3, stain=0.15, marks=(1, 5)),
    "stackmix": _STACKMIX,
    "stackmix+blots": replace(_STACKMIX, scribble=0.5),
    "weak": replace(NONE, weak=0.4),  # of the label-free HTR learner, as the next one
    "strong": replace(NONE, strong=2),
}


def settings_of(name: SetName, changes: Mapping[str, Any]) -> AugmentSettings:
    """The settings of a set with some changed, given as text or as values.

    Raises SettingsError for an unknown setting or an invalid value.

    >>> settings_of("none", {"stain": "0.5"}).stain
    0.5
    """
    return changed(SETS[name], changes)
