"""Augmentation of given pictures for training, by AugmentSettings; and masking of spans."""

import math

import cv2
import numpy as np

from scriven.augment.blots import blot, blots, count_for, scribble, stain, strike
from scriven.augment.changes import clahe, rotate, strong, threshold, weak
from scriven.augment.noise import Sampler, add_noise, as_image, crop
from scriven.augment.paper import camera
from scriven.augment.settings import AugmentSettings
from scriven.augment.warp import STILL, UNCHANGED, Affine, Wobble, warp
from scriven.augment.writing import ink_rows, paper_of
from scriven.images import Grey

SPAN = (6, 26)  # px at height 64, smallest and largest width of a masked span: up to two letters


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
    paper = paper_of(image)
    image = _warped(image, paper, sampler, strength, settings)
    if settings.rotate and sampler.bernoulli(settings.rotate * strength):
        image = rotate(image, settings.rotate_most, sampler)
    if sampler.bernoulli(settings.weight * strength):
        image = _reweighted(image, sampler, strength)
    if sampler.bernoulli(settings.blot * strength):
        image = blot(image, sampler)
    for probability, kind in ((settings.strike, strike), (settings.scribble, scribble), (settings.stain, stain)):
        if probability and sampler.bernoulli(probability * strength):  # one that is off takes no random number
            image = blots(image, sampler, kind, count_for(image.shape, settings.marks, sampler))
    if sampler.bernoulli(settings.fade * strength):
        image = _faded(image, paper, sampler, strength)
    if settings.threshold and sampler.bernoulli(settings.threshold * strength):
        image = threshold(image, sampler)
    if settings.clahe and sampler.bernoulli(settings.clahe * strength):
        image = clahe(image, sampler)
    if sampler.bernoulli(settings.contrast * strength):
        image = as_image(cv2.LUT(image, _tone(paper, sampler, strength)))
    if sampler.bernoulli(settings.light * strength):
        image = add_noise(image, "wide", sampler.between(2, 9) * strength, sampler)
    if settings.weak:
        image = weak(image, settings.weak, sampler, strength)
    if settings.strong:
        image = strong(image, settings.strong, sampler, strength)
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
    if affine == UNCHANGED and wobble._replace(period=STILL.period) == STILL and not settings.shift:
        return image.copy()
    top, bottom = ink_rows(image, paper)
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
    paper = paper_of(image)
    low, high = (edge * height / 64 for edge in SPAN)
    for _ in range(max(1, int(width * share / ((low + high) / 2)))):
        wide = int(rng.uniform(low, high))
        left = int(rng.integers(0, max(1, width - wide + 1)))
        image[:, left : left + wide] = paper
    return image
