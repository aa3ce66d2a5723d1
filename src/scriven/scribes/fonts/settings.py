"""The settings of the font scribe, with their defaults."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import Field

from scriven.augment import Camera
from scriven.base import SettingsError
from scriven.base.settings import Count, Natural, Range, Share, validated
from scriven.scribes.typefaces import TAGS

MIN_HEIGHT, MAX_HEIGHT = 16, 512  # px, height of a picture
XHeight = Annotated[float, Field(ge=2, le=64)]  # px
Slant = Annotated[float, Field(ge=-2, le=2)]  # dx per dy, right positive
Scaling = Annotated[float, Field(ge=0.1, le=10)]
Displacement = Annotated[float, Field(ge=0, le=16)]  # px


@validated
@dataclass(frozen=True)
class FontSettings:
    """How the font scribe writes. Lengths in px at height 64; probabilities, darkness and amounts in 0..1."""

    height: Annotated[int, Field(ge=MIN_HEIGHT, le=MAX_HEIGHT)] = 64  # px of every picture
    seed: Natural = 0  # of the hands
    hands: Count = 100  # per typeface
    strength: Share = 1.0  # scales everything but typeface and text; the argument of `write` multiplies it
    tags: tuple[str, ...] = ()  # typefaces with any of print, cursive, school, historical, marker; () all
    # relative frequency of the kinds of typeface
    print: Share = 0.18
    cursive: Share = 0.47
    school: Share = 0.15
    historical: Share = 0.17
    marker: Share = 0.03
    # letters
    x_height: Range[XHeight] = (8.0, 24.0)
    slant: Range[Slant] = (-0.2, 0.75)  # dx per dy, right positive
    pace: Range[Scaling] = (0.75, 2.1)  # mean advance of lower-case letters, in x-heights
    squeeze: Range[Scaling] = (0.7, 1.7)  # allowed horizontal scaling of a typeface to reach that
    stroke: Range[Annotated[float, Field(ge=0.01, le=1)]] = (0.075, 0.2)  # stroke width, in x-heights
    gap: Range[Annotated[float, Field(ge=0, le=10)]] = (0.7, 2.2)  # space between words, relative to the font's own
    crowded: Share = 0.05  # probability of hardly any space between words
    rise: Share = 0.09  # largest standard deviation of unjoined letters about the baseline, in x-heights
    step: Share = 0.06  # largest standard deviation of their advance, as a fraction
    tremble: Share = 0.5  # largest probability of a letter slightly rotated or resized
    alternates: Share = 0.3  # probability of each stylistic set of a font
    plain: Share = 0.06  # probability of no contextual alternates
    sampled: Share = 0.4  # share of the typefaces rasterised by oversampling
    # warp: largest value of each
    elastic: Displacement = 1.3
    stretch: Displacement = 2.2
    swell: Share = 0.06
    sway: Share = 0.08
    drift: Displacement = 2.0
    turn: Annotated[float, Field(ge=0, le=45)] = 1.2  # degrees
    hasty: Share = 0.35  # probability of a hand with more of all these
    # ink and paper: probabilities
    nib: Share = 0.08  # a broad nib
    faint: Share = 0.22  # pencil and pale ink
    white: Share = 0.25  # clean white paper
    ruled: Share = 0.3
    through: Share = 0.15  # bleed-through of the other side
    blots: Share = 0.02  # per picture: a blot or a stroke across
    # the crop
    margin: Annotated[float, Field(ge=0, le=256)] = 12.0  # px, the widest paper left and right of the ink
    tight: Share = 0.15  # probability of a hand whose lines are cropped close to the ink
    tight_words: Share = 0.65  # the same for its single words
    tight_x_height: XHeight = 46.0  # largest x-height of such a crop
    neighbours: Share = 0.35  # probability of a hand whose lines show parts of their neighbours
    # the camera: probabilities per picture, except `noise_most`
    blur: Share = 0.5
    shrink: Share = 0.15
    noise: Share = 0.6
    noise_most: Annotated[float, Field(ge=0, le=255)] = 4.0  # grey levels
    jpeg: Share = 0.3  # probability of a hand whose pictures are mostly JPEG compressed

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.tags) - set(TAGS)):
            raise SettingsError(f"no typeface has the tag {unknown[0]!r}; there are: {', '.join(TAGS)}")

    @cached_property
    def camera(self) -> Camera:
        """The settings of blur, downscaling, noise and compression."""
        return Camera(blur=self.blur, shrink=self.shrink, noise=self.noise, noise_most=self.noise_most, jpeg=self.jpeg)


FONT_DEFAULTS = FontSettings()
