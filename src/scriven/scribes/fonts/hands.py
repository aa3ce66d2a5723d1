"""A hand: one typeface and the habits that stay the same from word to word, drawn from (seed, number)."""

from dataclasses import dataclass

import numpy as np

from scriven.augment import Ink, Paper, Ruling, Sampler
from scriven.scribes.fonts.face import Face
from scriven.scribes.fonts.font import Rasteriser
from scriven.scribes.fonts.layout import Spacing
from scriven.scribes.fonts.settings import FontSettings


@dataclass(frozen=True)
class Hand:
    """A typeface and its parameters; `name` is the id of the typeface and the number of the hand."""

    name: str
    typeface: int
    features: dict[str, bool]
    spacing: Spacing
    pen: Ink
    paper: Paper
    raster: Rasteriser
    x_height: float  # px at height 64
    slant: float  # dx per dy
    wide: float  # horizontal scale
    stroke: float  # px at height 64
    elastic: float
    stretch: float
    swell: float
    sway: float
    drift: float
    turn: float  # radians
    place: float  # 0 lines touch the top of the picture .. 1 they touch the bottom
    tight: float  # this and the following: probability or amount per picture
    tight_words: float
    neighbours: float
    through: float
    jpeg: float


def draw_hand(face: Face, typeface: int, number: int, seed: int, settings: FontSettings) -> Hand:
    """The hand of this number: the same for the same (seed, number, typeface, settings)."""
    sampler = Sampler(np.random.default_rng([seed, number]))
    pen = _pen(sampler, settings)
    x_height = _low(settings.x_height, sampler)
    haste = sampler.between(1.5, 2.6) if sampler.bernoulli(settings.hasty) else 1.0
    slanted = sampler.bernoulli(0.55)
    low, high = settings.slant
    return Hand(
        name=f"{face.typeface.id}/{number}",
        typeface=typeface,
        features=_features(face, sampler, settings),
        spacing=Spacing(
            tracking=sampler.between(-0.04, 0.16) if sampler.bernoulli(0.6) else 0.0,
            gap=sampler.between(0.12, 0.4) if sampler.bernoulli(settings.crowded) else _low(settings.gap, sampler),
            gap_spread=sampler.between(0.05, 0.3),
            rise=settings.rise * sampler.unit() ** 2,
            step=settings.step * sampler.unit(),
            tremble=settings.tremble * sampler.unit(),
        ),
        pen=pen,
        paper=_paper(sampler, settings, x_height, pen),
        raster=_raster(typeface, seed, settings),
        x_height=x_height,
        slant=sampler.between(low, high) if slanted else sampler.normal(0.05),
        wide=min(max(_low(settings.pace, sampler) / face.metrics.pace, settings.squeeze[0]), settings.squeeze[1]),
        stroke=max(1.1, x_height * _low(settings.stroke, sampler)),
        elastic=settings.elastic * sampler.unit() * haste,
        stretch=settings.stretch * sampler.unit() * haste,
        swell=settings.swell * sampler.unit() * haste,
        sway=settings.sway * sampler.unit() * haste,
        drift=settings.drift * sampler.unit() ** 2,
        turn=sampler.normal(settings.turn * 0.5) * 0.01745,
        place=min(1.0, max(0.0, 0.5 + sampler.normal(0.25))),
        tight=0.85 if sampler.bernoulli(settings.tight) else 0.05,
        tight_words=0.9 if sampler.bernoulli(settings.tight_words) else 0.1,
        neighbours=sampler.between(0.2, 0.8) if sampler.bernoulli(settings.neighbours) else 0.0,
        through=sampler.between(0.3, 1.0) if sampler.bernoulli(settings.through) else 0.0,
        jpeg=0.7 if sampler.bernoulli(settings.jpeg) else 0.15 * settings.jpeg,
    )


def _raster(typeface: int, seed: int, settings: FontSettings) -> Rasteriser:
    """The rasteriser of a typeface, the same for all of its hands: so the cache holds one bitmap per glyph, not two."""
    return "sampled" if np.random.default_rng([seed, typeface, 1]).random() < settings.sampled else "smooth"


def _low(span: tuple[float, float], sampler: Sampler) -> float:
    """A random number of the span, most often in its lower half."""
    low, high = span
    return low + (high - low) * (sampler.unit() + sampler.unit() * sampler.unit()) / 2


def _features(face: Face, sampler: Sampler, settings: FontSettings) -> dict[str, bool]:
    features = {
        "calt": not sampler.bernoulli(settings.plain),
        "liga": not sampler.bernoulli(0.25),
        "dlig": sampler.bernoulli(0.1),
    }
    features["kern"] = not sampler.bernoulli(0.1)
    for tag in face.font(0).alternates:
        if sampler.bernoulli(settings.alternates):
            features[tag] = True
    return features


def _pen(sampler: Sampler, settings: FontSettings) -> Ink:
    faint = sampler.bernoulli(settings.faint)
    darkness = sampler.between(0.18, 0.45) if faint else sampler.between(0.45, 0.9)
    pencil = faint and sampler.bernoulli(0.5)
    return Ink(
        darkness=darkness,
        soft=sampler.between(0.5, 1.1),
        nib=sampler.bernoulli(settings.nib),
        pressure=sampler.between(0.1, 0.8) if sampler.bernoulli(0.6) else 0.0,
        uneven=sampler.between(0.1, 0.6) if sampler.bernoulli(0.45) else 0.0,
        grainy=sampler.between(0.3, 0.8) if pencil else sampler.between(0.1, 0.4) if sampler.bernoulli(0.2) else 0.0,
    )


def _paper(sampler: Sampler, settings: FontSettings, x_height: float, pen: Ink) -> Paper:
    if sampler.bernoulli(settings.white):
        level, worn = round(sampler.between(246, 255)), False
    elif sampler.bernoulli(0.8):
        level, worn = round(sampler.between(175, 245)), sampler.bernoulli(0.7)
    else:
        level, worn = round(sampler.between(110, 190)), True
    kinds: tuple[Ruling, ...] = ("lines", "lines", "lines", "squares", "squares", "column")
    ruled = sampler.bernoulli(settings.ruled)
    kind = kinds[sampler.below(len(kinds))]
    pitch = sampler.between(1.1, 2.4) if kind == "squares" else sampler.between(2.2, 4.5)
    rule = sampler.between(0.04, 0.25) if kind != "lines" or sampler.bernoulli(0.7) else sampler.between(0.25, 0.7)
    return Paper(
        level=level,
        light=sampler.between(1, 7) if worn and sampler.bernoulli(0.6) else 0.0,
        cloud=sampler.between(0.3, 3) if worn else 0.0,
        fibre=sampler.between(0.5, 2) if worn and sampler.bernoulli(0.3) else 0.0,
        stain=sampler.between(0.03, 0.18) if worn and sampler.bernoulli(0.1) else 0.0,
        ruling=kind if ruled else "none",
        rule=min(rule, 0.8 * pen.darkness),
        pitch=max(8.0, pitch * x_height),
    )
