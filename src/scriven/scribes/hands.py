"""A hand: one typeface and the habits that stay the same from word to word. Drawn once from (seed, number)."""

import math
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from scriven.augment import Camera, Ink, Paper, Ruling, Sampler
from scriven.base import SettingsError, within
from scriven.scribes.layout import Manner
from scriven.scribes.shaping import Face, Raster

Span = tuple[float, float]

LOWEST, HIGHEST = 16, 512  # px of a picture
LIMITS: dict[str, tuple[float, float]] = {  # of FontSettings, where they are not 0..1
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
    """The defaults of the font scribe. Lengths in px at height 64; probabilities, darkness and amounts 0..1."""

    height: int = 64  # px of every picture
    seed: int = 0  # of the hands
    hands: int = 100  # a typeface
    strength: float = 1.0  # ramps everything but typeface and text; the argument of `write` multiplies it
    # shares of the kinds of typeface
    print: float = 0.18
    cursive: float = 0.47
    school: float = 0.15
    historical: float = 0.17
    marker: float = 0.03
    # letters
    x_height: Span = (8.0, 24.0)
    slant: Span = (-0.2, 0.75)  # dx per dy, right positive
    pace: Span = (0.75, 2.1)  # mean advance of small letters, in x-heights
    squeeze: Span = (0.7, 1.7)  # how far a typeface is narrowed or widened to get there
    stroke: Span = (0.075, 0.2)  # of the x-height
    gap: Span = (0.7, 2.2)  # between words, against the font's own
    crowded: float = 0.05  # probability of words that hardly part
    rise: float = 0.09  # largest spread of unjoined letters about the line, in x-heights
    step: float = 0.06  # largest spread of their advance
    tremble: float = 0.5  # largest probability of a letter slightly turned or resized
    alternates: float = 0.3  # probability of each of a font's stylistic sets
    plain: float = 0.06  # probability of no contextual alternates
    sampled: float = 0.4  # share of the typefaces that the second rasteriser draws
    # warp: the largest of each
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
    through: float = 0.15  # the other side shows through
    blots: float = 0.02  # a blot or a stroke across, a picture
    # the cut
    margin: float = 12.0  # px, the widest paper left and right of the ink
    tight: float = 0.15  # probability of a hand whose lines are cut close to the ink
    tight_words: float = 0.65  # the same for its single words
    tight_x_height: float = 46.0  # largest x-height that gives
    neighbours: float = 0.35  # probability of a hand whose lines show parts of their neighbours
    # the camera: probabilities, a picture, but `noise_most`
    blur: float = 0.5
    shrink: float = 0.15
    noise: float = 0.6
    noise_most: float = 4.0  # grey levels
    jpeg: float = 0.3  # a hand whose pictures are mostly JPEG

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            for number in value if isinstance(value, tuple) else (value,):
                within(name, number, *LIMITS.get(name, (0, 1)))
            if isinstance(value, tuple) and value[0] > value[1]:
                raise SettingsError(
                    f"the setting {name!r} goes from {value[0]:g} to {value[1]:g}; give the smaller number first"
                )

    @cached_property
    def camera(self) -> Camera:
        return Camera(blur=self.blur, shrink=self.shrink, noise=self.noise, noise_most=self.noise_most, jpeg=self.jpeg)


@dataclass(frozen=True)
class Hand:
    """A typeface and its parameters; `name` is the typeface's id and the number."""

    name: str
    typeface: int
    features: dict[str, bool]
    manner: Manner
    pen: Ink
    sheet: Paper
    raster: Raster
    x_height: float  # px at height 64
    slant: float  # dx per dy
    wide: float
    stroke: float  # px at height 64
    elastic: float
    stretch: float
    swell: float
    sway: float
    drift: float
    turn: float  # radians
    place: float  # 0 hangs from the top .. 1 stands on the bottom
    tight: float  # probabilities, a picture
    tight_words: float
    neighbours: float
    through: float
    jpeg: float


def draw_hand(face: Face, typeface: int, number: int, seed: int, settings: FontSettings) -> Hand:
    """The hand of this number: the same for the same (seed, number, typeface, settings)."""
    dice = Sampler(np.random.default_rng([seed, number]))
    pen = _pen(dice, settings)
    x_height = _low(settings.x_height, dice)
    haste = dice.between(1.5, 2.6) if dice.bernoulli(settings.hasty) else 1.0
    slanted = dice.bernoulli(0.55)
    low, high = settings.slant
    return Hand(
        name=f"{face.typeface.id}/{number}",
        typeface=typeface,
        features=_features(face, dice, settings),
        manner=Manner(
            tracking=dice.between(-0.04, 0.16) if dice.bernoulli(0.6) else 0.0,
            gap=dice.between(0.12, 0.4) if dice.bernoulli(settings.crowded) else _low(settings.gap, dice),
            gap_spread=dice.between(0.05, 0.3),
            rise=settings.rise * dice.unit() ** 2,
            step=settings.step * dice.unit(),
            tremble=settings.tremble * dice.unit(),
        ),
        pen=pen,
        sheet=_sheet(dice, settings, x_height, pen),
        raster=_raster(typeface, seed, settings),
        x_height=x_height,
        slant=dice.between(low, high) if slanted else dice.normal(0.05),
        wide=min(max(_low(settings.pace, dice) / face.metrics.pace, settings.squeeze[0]), settings.squeeze[1]),
        stroke=max(1.1, x_height * _low(settings.stroke, dice)),
        elastic=settings.elastic * dice.unit() * haste,
        stretch=settings.stretch * dice.unit() * haste,
        swell=settings.swell * dice.unit() * haste,
        sway=settings.sway * dice.unit() * haste,
        drift=settings.drift * dice.unit() ** 2,
        turn=dice.normal(settings.turn * 0.5) * 0.01745,
        place=min(1.0, max(0.0, 0.5 + dice.normal(0.25))),
        tight=0.85 if dice.bernoulli(settings.tight) else 0.05,
        tight_words=0.9 if dice.bernoulli(settings.tight_words) else 0.1,
        neighbours=dice.between(0.2, 0.8) if dice.bernoulli(settings.neighbours) else 0.0,
        through=dice.between(0.3, 1.0) if dice.bernoulli(settings.through) else 0.0,
        jpeg=0.7 if dice.bernoulli(settings.jpeg) else 0.15 * settings.jpeg,
    )


def _raster(typeface: int, seed: int, settings: FontSettings) -> Raster:
    """The same for all hands of a typeface: twice as many of its glyph pictures find room in the cache."""
    return "sampled" if np.random.default_rng([seed, typeface, 1]).random() < settings.sampled else "smooth"


def _low(span: Span, dice: Sampler) -> float:
    """A number of the span, the middle of its lower half the likeliest."""
    low, high = span
    return low + (high - low) * (dice.unit() + dice.unit() * dice.unit()) / 2


def _features(face: Face, dice: Sampler, settings: FontSettings) -> dict[str, bool]:
    features = {
        "calt": not dice.bernoulli(settings.plain),
        "liga": not dice.bernoulli(0.25),
        "dlig": dice.bernoulli(0.1),
    }
    features["kern"] = not dice.bernoulli(0.1)
    for tag in face.font(0).alternates:
        if dice.bernoulli(settings.alternates):
            features[tag] = True
    return features


def _pen(dice: Sampler, settings: FontSettings) -> Ink:
    faint = dice.bernoulli(settings.faint)
    darkness = dice.between(0.18, 0.45) if faint else dice.between(0.45, 0.9)
    pencil = faint and dice.bernoulli(0.5)
    return Ink(
        darkness=darkness,
        soft=dice.between(0.5, 1.1),
        nib=dice.bernoulli(settings.nib),
        pressure=dice.between(0.1, 0.8) if dice.bernoulli(0.6) else 0.0,
        uneven=dice.between(0.1, 0.6) if dice.bernoulli(0.45) else 0.0,
        grainy=dice.between(0.3, 0.8) if pencil else dice.between(0.1, 0.4) if dice.bernoulli(0.2) else 0.0,
    )


def _sheet(dice: Sampler, settings: FontSettings, x_height: float, pen: Ink) -> Paper:
    if dice.bernoulli(settings.white):
        level, worn = round(dice.between(246, 255)), False
    elif dice.bernoulli(0.8):
        level, worn = round(dice.between(175, 245)), dice.bernoulli(0.7)
    else:
        level, worn = round(dice.between(110, 190)), True
    kinds: tuple[Ruling, ...] = ("lines", "lines", "lines", "squares", "squares", "column")
    ruled = dice.bernoulli(settings.ruled)
    kind = kinds[dice.below(len(kinds))]
    pitch = dice.between(1.1, 2.4) if kind == "squares" else dice.between(2.2, 4.5)
    rule = dice.between(0.04, 0.25) if kind != "lines" or dice.bernoulli(0.7) else dice.between(0.25, 0.7)
    return Paper(
        level=level,
        light=dice.between(1, 7) if worn and dice.bernoulli(0.6) else 0.0,
        cloud=dice.between(0.3, 3) if worn else 0.0,
        fibre=dice.between(0.5, 2) if worn and dice.bernoulli(0.3) else 0.0,
        stain=dice.between(0.03, 0.18) if worn and dice.bernoulli(0.1) else 0.0,
        ruling=kind if ruled else "none",
        rule=min(rule, 0.8 * pen.darkness),
        pitch=max(8.0, pitch * x_height),
    )
