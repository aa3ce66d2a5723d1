"""The settings of the font scribe, with their defaults."""

import math
from dataclasses import dataclass, fields
from functools import cached_property

from scriven.augment import Camera
from scriven.base import SettingsError, within
from scriven.scribes.typefaces import TAGS

Span = tuple[float, float]

LOWEST, HIGHEST = 16, 512  # px, height of a picture
LIMITS: dict[str, tuple[float, float]] = {  # of the settings whose range is not 0..1
    "height": (LOWEST, HIGHEST),
    "seed": (0, math.inf),
    "hands": (1, math.inf),
    "x_height": (2, 64),
    "slant": (-2, 2),
    "pace": (0.1, 10),
    "squeeze": (0.1, 10),
    "stroke": (0.01, 1),
    "gap": (0, 10),
    "elastic": (0, 16),
    "stretch": (0, 16),
    "drift": (0, 16),
    "turn": (0, 45),
    "margin": (0, 256),
    "tight_x_height": (2, 64),
    "noise_most": (0, 255),
}


@dataclass(frozen=True)
class FontSettings:
    """How the font scribe writes. Lengths in px at height 64; probabilities, darkness and amounts in 0..1."""

    height: int = 64  # px of every picture
    seed: int = 0  # of the hands
    hands: int = 100  # per typeface
    strength: float = 1.0  # scales everything but typeface and text; the argument of `write` multiplies it
    tags: tuple[str, ...] = ()  # typefaces with any of print, cursive, school, historical, marker; () all
    # relative frequency of the kinds of typeface
    print: float = 0.18
    cursive: float = 0.47
    school: float = 0.15
    historical: float = 0.17
    marker: float = 0.03
    # letters
    x_height: Span = (8.0, 24.0)
    slant: Span = (-0.2, 0.75)  # dx per dy, right positive
    pace: Span = (0.75, 2.1)  # mean advance of lower-case letters, in x-heights
    squeeze: Span = (0.7, 1.7)  # allowed horizontal scaling of a typeface to reach that
    stroke: Span = (0.075, 0.2)  # stroke width, in x-heights
    gap: Span = (0.7, 2.2)  # space between words, relative to the font's own
    crowded: float = 0.05  # probability of hardly any space between words
    rise: float = 0.09  # largest standard deviation of unjoined letters about the baseline, in x-heights
    step: float = 0.06  # largest standard deviation of their advance, as a fraction
    tremble: float = 0.5  # largest probability of a letter slightly rotated or resized
    alternates: float = 0.3  # probability of each stylistic set of a font
    plain: float = 0.06  # probability of no contextual alternates
    sampled: float = 0.4  # share of the typefaces rasterised by oversampling
    # warp: largest value of each
    elastic: float = 1.3
    stretch: float = 2.2
    swell: float = 0.06
    sway: float = 0.08
    drift: float = 2.0
    turn: float = 1.2  # degrees
    hasty: float = 0.35  # probability of a hand with more of all these
    # ink and paper: probabilities
    nib: float = 0.08  # a broad nib
    faint: float = 0.22  # pencil and pale ink
    white: float = 0.25  # clean white paper
    ruled: float = 0.3
    through: float = 0.15  # bleed-through of the other side
    blots: float = 0.02  # per picture: a blot or a stroke across
    # the crop
    margin: float = 12.0  # px, the widest paper left and right of the ink
    tight: float = 0.15  # probability of a hand whose lines are cropped close to the ink
    tight_words: float = 0.65  # the same for its single words
    tight_x_height: float = 46.0  # largest x-height of such a crop
    neighbours: float = 0.35  # probability of a hand whose lines show parts of their neighbours
    # the camera: probabilities per picture, except `noise_most`
    blur: float = 0.5
    shrink: float = 0.15
    noise: float = 0.6
    noise_most: float = 4.0  # grey levels
    jpeg: float = 0.3  # probability of a hand whose pictures are mostly JPEG compressed

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.tags) - set(TAGS)):
            raise SettingsError(f"no typeface has the tag {unknown[0]!r}; there are: {', '.join(TAGS)}")
        for name in (field.name for field in fields(self) if field.name != "tags"):
            value = getattr(self, name)
            for number in value if isinstance(value, tuple) else (value,):
                within(name, number, *LIMITS.get(name, (0, 1)))
            if isinstance(value, tuple) and value[0] > value[1]:
                raise SettingsError(
                    f"the setting {name!r} goes from {value[0]:g} to {value[1]:g}; give the smaller number first"
                )

    @cached_property
    def camera(self) -> Camera:
        """The settings of blur, downscaling, noise and compression."""
        return Camera(blur=self.blur, shrink=self.shrink, noise=self.noise, noise_most=self.noise_most, jpeg=self.jpeg)


DEFAULTS = FontSettings()
