"""Augmentation of given pictures for training: warp, stroke width, contrast, blots, blur and noise."""

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from scriven.augment.noise import Sampler, add_noise, as_image, crop
from scriven.augment.paper import Camera, camera
from scriven.augment.warp import Affine, Wobble, warp
from scriven.base.settings import NonNegative, Positive, Range, Share, validated
from scriven.images import Grey

SPAN = (6, 26)  # px at height 64, smallest and largest width of a masked span: up to two letters


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
    blur: Share = 0.3  # probability; these three as in Camera
    noise: Share = 0.4
    jpeg: Share = 0.15

    @cached_property
    def camera(self) -> Camera:
        """The settings of blur, noise and compression."""
        return Camera(blur=self.blur, blur_most=0.9, noise=self.noise, jpeg=self.jpeg)


def augment(
    image: Grey, rng: np.random.Generator, strength: float = 1.0, settings: AugmentSettings | None = None
) -> Grey:
    """A random variation of a grey picture (H, W), 255 = paper: (H, W'), where W' is wide enough to cut off no letter.

    `strength` scales every change from none (0) to full (1).
    """
    if strength <= 0:
        return image.copy()
    settings = settings or AugmentSettings()
    sampler = Sampler(rng)
    paper = int(np.median(image[::3, ::3]))
    image = _warped(image, paper, sampler, strength, settings)
    if sampler.bernoulli(settings.weight * strength):
        image = _reweighted(image, sampler, strength)
    if sampler.bernoulli(settings.blot * strength):
        image = blot(image, sampler)
    if sampler.bernoulli(settings.fade * strength):
        image = _faded(image, paper, sampler, strength)
    if sampler.bernoulli(settings.contrast * strength):
        image = as_image(cv2.LUT(image, _tone(paper, sampler, strength)))
    if sampler.bernoulli(settings.light * strength):
        image = add_noise(image, "wide", sampler.between(2, 9) * strength, sampler)
    return camera(image, settings.camera, sampler, strength)


def _warped(image: Grey, paper: int, sampler: Sampler, strength: float, settings: AugmentSettings) -> Grey:
    """Shear, rotate, scale, shift and distort in one interpolation; rows with ink stay inside the picture."""
    height, width = image.shape
    scale = strength * height / 64
    most = min(math.radians(settings.turn), 0.12 * height / width)  # otherwise long lines would have to shrink
    affine = Affine.of(
        slant=settings.slant * strength * sampler.normal(0.4),
        wide=_between(settings.wide, strength, sampler),
        high=_between(settings.high, strength, sampler),
        turn=most * strength * sampler.between(-1, 1),
    )
    wobble = Wobble(
        elastic=settings.elastic * scale * sampler.unit(),
        stretch=settings.stretch * scale * sampler.unit(),
        swell=settings.swell * strength * sampler.unit(),
        sway=settings.sway * strength * sampler.unit(),
        drift=settings.drift * scale * sampler.unit(),
        period=sampler.between(3, 12) * height,
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
    wanted = middle + settings.shift * height * strength * sampler.between(-1, 1)
    wanted = min(max(wanted, -up), height - down) if down - up <= height else height / 2
    forward = affine.moved(-left, wanted)
    back = forward.inverse().moved(width / 2, middle)
    return warp(image, back, (height, wide), wobble, sampler, paper)


def _between(span: tuple[float, float], strength: float, sampler: Sampler) -> float:
    """A random factor of a span, moved towards 1 by 1 - strength."""
    return 1.0 + strength * (sampler.between(*span) - 1.0)


def _ink_rows(image: Grey, paper: int) -> tuple[int, int]:
    """The first row with ink and the row after the last, by the darkest pixel of each row; (0, H) without ink."""
    darkest = cv2.reduce(image, 1, cv2.REDUCE_MIN).ravel()
    level = paper - 0.4 * (paper - int(darkest.min()))
    rows = np.flatnonzero(darkest < level)
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) and level < paper - 4 else (0, len(darkest))


def _reweighted(image: Grey, sampler: Sampler, strength: float) -> Grey:
    """Blend with a picture whose strokes are one pixel wider (two times in three) or thinner."""
    kernel = np.ones((2, 2) if sampler.bernoulli(0.6) else (3, 3), np.uint8)
    amount = sampler.between(0.2, 1.0) * strength
    if sampler.bernoulli(0.65):
        other = cv2.erode(image, kernel)
    else:
        other, amount = cv2.dilate(image, kernel[:2, :2]), amount * 0.6
    return as_image(cv2.addWeighted(image, 1 - amount, other, amount, 0))


def _tone(paper: int, sampler: Sampler, strength: float) -> Grey:
    """A look-up table (256,) that changes the grey value of the paper, the darkness of the ink, and gamma."""
    target = paper + strength * (sampler.between(min(paper, 140), 255) - paper)
    depth = 1.0 + strength * (sampler.between(0.45, 1.35) - 1.0)
    gamma = math.exp(strength * sampler.normal(0.25))
    grey = np.arange(256, dtype=np.float32)
    share = np.clip((paper - grey) / max(paper, 1), -0.5, 1)  # 0 paper .. 1 black
    bent = np.sign(share) * np.abs(share) ** gamma * depth
    return np.clip(target * (1 - bent), 0, 255).astype(np.uint8)


def _faded(image: Grey, paper: int, sampler: Sampler, strength: float) -> Grey:
    """Fade the ink towards the paper in places."""
    amount = sampler.between(0.2, 0.7) * strength
    ramp = np.arange(256, dtype=np.float32)
    table = (255 * amount * np.clip((ramp - 110) / 70, 0, 1)).astype(np.uint8)
    veil = cv2.LUT(crop("cloud", image.shape, sampler), table)
    return as_image(cv2.add(image, cv2.multiply(cv2.subtract(np.full_like(image, paper), image), veil, scale=1 / 255)))


def mask_spans(image: Grey, rng: np.random.Generator, share: float) -> Grey:
    """Fill spans of columns with the grey value of the paper: about `share` (0..1) of the width, at least one span.

    The network has to infer the hidden letters from context: span masking of HTR-VT (Li et al. 2024, arXiv:2409.08573).
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


def blot(image: Grey, sampler: Sampler) -> Grey:
    """A copy of a picture with a blot, or a stroke across some letters, as dark as the darkest ink."""
    image = image.copy()
    height, width = image.shape
    grey = int(image.min())
    x, y = sampler.between(0, width), sampler.between(0.2, 0.8) * height
    if sampler.bernoulli(0.5):
        axes = (1 + int(sampler.between(0.02, 0.12) * height), 1 + int(sampler.between(0.02, 0.1) * height))
        cv2.ellipse(image, (int(x), int(y)), axes, sampler.between(0, 180), 0, 360, grey, -1, cv2.LINE_AA)
    else:
        end = (int(x + sampler.between(0.5, 3) * height), int(y + sampler.normal(0.08) * height))
        cv2.line(image, (int(x), int(y)), end, grey, 1 + sampler.below(2), cv2.LINE_AA)
    return image
