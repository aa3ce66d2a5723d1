"""Training views of real pictures: the same warp, pen and camera that the font scribe uses, on a finished picture."""

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from scriven.augment.noise import Image, Sampler, as_image, crop, mottled
from scriven.augment.paper import Camera, camera
from scriven.augment.warp import Affine, Wobble, warp
from scriven.base.settings import NonNegative, Positive, Range, Share, validated

SPAN = (6, 26)  # px of width at height 64 that are hidden at once: up to two letters


@validated
@dataclass(frozen=True)
class AugmentSettings:
    """Ranges at strength 1; all shrink to nothing at strength 0."""

    slant: NonNegative = 0.35  # largest shear, dx per dy
    turn: NonNegative = 2.0  # degrees
    wide: Range[Positive] = (0.8, 1.25)
    high: Range[Positive] = (0.85, 1.12)
    shift: Share = 0.05  # of the height, up or down
    elastic: NonNegative = 1.2  # px at height 64, standard deviation
    stretch: NonNegative = 1.5  # px at height 64, along the line
    swell: Share = 0.04  # of the letters' height
    sway: Share = 0.05  # of their slant
    drift: NonNegative = 1.5  # px at height 64
    weight: Share = 0.5  # probability of thicker or thinner strokes
    contrast: Share = 0.7  # probability of another contrast, gamma and paper grey
    fade: Share = 0.15  # probability of ink that pales here and there
    light: Share = 0.3  # probability of uneven light
    blot: Share = 0.03  # probability of a blot or a stroke across
    blur: Share = 0.3  # probability; these three as in Camera
    noise: Share = 0.4
    jpeg: Share = 0.15

    @cached_property
    def camera(self) -> Camera:
        return Camera(blur=self.blur, blur_most=0.9, noise=self.noise, jpeg=self.jpeg)


def augment(
    image: Image, rng: np.random.Generator, strength: float = 1.0, settings: AugmentSettings | None = None
) -> Image:
    """Another view of a grey picture (H, W) uint8, 255 = paper: (H, W') uint8, wide enough that no letter is cut.

    `strength` ramps every change from none (0) to full (1).
    """
    if strength <= 0:
        return image.copy()
    settings = settings or AugmentSettings()
    dice = Sampler(rng)
    paper = int(np.median(image[::3, ::3]))
    image = _warped(image, paper, dice, strength, settings)
    if dice.bernoulli(settings.weight * strength):
        image = _reweighted(image, dice, strength)
    if dice.bernoulli(settings.blot * strength):
        image = blot(image, dice)
    if dice.bernoulli(settings.fade * strength):
        image = _faded(image, paper, dice, strength)
    if dice.bernoulli(settings.contrast * strength):
        image = as_image(cv2.LUT(image, _tone(paper, dice, strength)))
    if dice.bernoulli(settings.light * strength):
        image = mottled(image, "wide", dice.between(2, 9) * strength, dice)
    return camera(image, settings.camera, dice, strength)


def _warped(image: Image, paper: int, dice: Sampler, strength: float, settings: AugmentSettings) -> Image:
    """Shear, turn, scale, shift, elastic and drift in one sampling; rows with ink stay inside the picture."""
    height, width = image.shape
    scale = strength * height / 64
    most = min(math.radians(settings.turn), 0.12 * height / width)  # a long line turns less, that it may stay large
    affine = Affine.of(
        slant=settings.slant * strength * dice.normal(0.4),
        wide=_between(settings.wide, strength, dice),
        high=_between(settings.high, strength, dice),
        turn=most * strength * dice.between(-1, 1),
    )
    wobble = Wobble(
        elastic=settings.elastic * scale * dice.unit(),
        stretch=settings.stretch * scale * dice.unit(),
        swell=settings.swell * strength * dice.unit(),
        sway=settings.sway * strength * dice.unit(),
        drift=settings.drift * scale * dice.unit(),
        period=dice.between(3, 12) * height,
    )
    top, bottom = _ink_rows(image, paper)
    middle = (top + bottom) / 2
    normal = (-width / 2, top - middle, width / 2, bottom - middle)
    left, up, right, down = affine.box(*normal)
    room = height - 2 * min(wobble.reach(height)[1], 0.1 * height)
    if down - up > max(room, bottom - top):
        affine = affine.scaled(max(room, bottom - top) / (down - up))
        left, up, right, down = affine.box(*normal)
    reach = wobble.reach(height)[0]
    left, right = left - reach, right + reach
    wide = max(1, math.ceil(right - left))
    wanted = middle + settings.shift * height * strength * dice.between(-1, 1)
    wanted = min(max(wanted, -up), height - down) if down - up <= height else height / 2
    forward = affine.moved(-left, wanted)
    back = forward.inverse().moved(width / 2, middle)
    return warp(image, back, (height, wide), wobble, dice, paper)


def _between(span: tuple[float, float], strength: float, dice: Sampler) -> float:
    """A factor whose span shrinks to 1 with the strength."""
    return 1.0 + strength * (dice.between(*span) - 1.0)


def _ink_rows(image: Image, paper: int) -> tuple[int, int]:
    """First row with ink and the row after the last, by the darkest pixel of each; (0, H) where there is no ink."""
    darkest = cv2.reduce(image, 1, cv2.REDUCE_MIN).ravel()
    level = paper - 0.4 * (paper - int(darkest.min()))
    rows = np.flatnonzero(darkest < level)
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) and level < paper - 4 else (0, len(darkest))


def _reweighted(image: Image, dice: Sampler, strength: float) -> Image:
    """Mix with a picture whose dark strokes are one pixel wider (two times in three) or thinner."""
    kernel = np.ones((2, 2) if dice.bernoulli(0.6) else (3, 3), np.uint8)
    amount = dice.between(0.2, 1.0) * strength
    if dice.bernoulli(0.65):
        other = cv2.erode(image, kernel)
    else:
        other, amount = cv2.dilate(image, kernel[:2, :2]), amount * 0.6
    return as_image(cv2.addWeighted(image, 1 - amount, other, amount, 0))


def _tone(paper: int, dice: Sampler, strength: float) -> Image:
    """A table from grey to grey: another paper, another darkness of ink, another gamma."""
    target = paper + strength * (dice.between(min(paper, 140), 255) - paper)
    depth = 1.0 + strength * (dice.between(0.45, 1.35) - 1.0)
    gamma = math.exp(strength * dice.normal(0.25))
    grey = np.arange(256, dtype=np.float32)
    share = np.clip((paper - grey) / max(paper, 1), -0.5, 1)  # 0 paper .. 1 black
    bent = np.sign(share) * np.abs(share) ** gamma * depth
    return np.clip(target * (1 - bent), 0, 255).astype(np.uint8)


def _faded(image: Image, paper: int, dice: Sampler, strength: float) -> Image:
    """Ink that pales towards the paper here and there."""
    amount = dice.between(0.2, 0.7) * strength
    ramp = np.arange(256, dtype=np.float32)
    table = (255 * amount * np.clip((ramp - 110) / 70, 0, 1)).astype(np.uint8)
    veil = cv2.LUT(crop("cloud", image.shape, dice), table)
    return as_image(cv2.add(image, cv2.multiply(cv2.subtract(np.full_like(image, paper), image), veil, scale=1 / 255)))


def hide_spans(image: Image, rng: np.random.Generator, share: float) -> Image:
    """The picture with spans of columns painted as paper, about `share` (0..1) of its width, one span at the least.

    What is left must tell what they say, as in the span masking of HTR-VT (Li et al. 2024, arXiv:2409.08573).
    """
    image = image.copy()
    height, width = image.shape
    paper = int(np.median(image[::3, ::3]))
    low, high = (edge * height / 64 for edge in SPAN)
    for _ in range(max(1, int(width * share / ((low + high) / 2)))):
        wide = int(rng.uniform(low, high))
        left = int(rng.integers(0, max(1, width - wide + 1)))
        image[:, left : left + wide] = paper
    return image


def blot(image: Image, dice: Sampler) -> Image:
    """The picture with a blot, or a stroke across some letters, no darker than its darkest ink."""
    image = image.copy()
    height, width = image.shape
    grey = int(image.min())
    x, y = dice.between(0, width), dice.between(0.2, 0.8) * height
    if dice.bernoulli(0.5):
        axes = (1 + int(dice.between(0.02, 0.12) * height), 1 + int(dice.between(0.02, 0.1) * height))
        cv2.ellipse(image, (int(x), int(y)), axes, dice.between(0, 180), 0, 360, grey, -1, cv2.LINE_AA)
    else:
        end = (int(x + dice.between(0.5, 3) * height), int(y + dice.normal(0.08) * height))
        cv2.line(image, (int(x), int(y)), end, grey, 1 + dice.below(2), cv2.LINE_AA)
    return image
