"""Pen and ink: a mask of strokes (uint8, 255 = ink) becomes the transmission of a sheet (uint8, 255 = untouched)."""

import math
from functools import cache, lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from scriven.augment.noise import Image, Kind, Sampler, as_image, crop

_RAMP = np.arange(256, dtype=np.float32) / 255
_NIB = np.array([[0, 0, 1], [0, 1, 0]], np.uint8)
_THINNED = np.clip(_RAMP * 255 * 1.1 - 70, 0, 255).astype(np.uint8)


class Ink(NamedTuple):
    """What a pen leaves on paper, constant for a hand."""

    darkness: float = 1.0  # 0 invisible .. 1 black
    grow: float = 0.0  # px added to the width of a stroke on either side; negative thins
    soft: float = 0.8  # px, blur of the mask before it is cut again
    nib: bool = False  # a broad nib: strokes across its edge are wider
    pressure: float = 0.0  # how much the width of strokes wanders, 0..1
    uneven: float = 0.0  # how much the darkness wanders slowly, 0..1
    grainy: float = 0.0  # tooth of the paper showing in the stroke (pencil, dry nib), 0..1


def ink(mask: Image, pen: Ink, stroke: float, dice: Sampler) -> Image:
    """Transmission of a sheet under `mask`. `stroke`: width of the mask's strokes in px, so that none vanishes."""
    if pen.nib:
        mask = as_image(cv2.dilate(mask, _NIB))
    if pen.grow or pen.pressure:
        mask = _cut(mask, pen, stroke, dice)
    if pen.uneven:
        mask = _modulate(mask, "cloud" if dice.bernoulli(0.5) else "wide", pen.uneven, dice)
    if pen.grainy:
        mask = _modulate(mask, "soft" if dice.bernoulli(0.6) else "grain", pen.grainy, dice)
    return as_image(cv2.LUT(mask, _transmission(round(pen.darkness, 2))))


def _cut(mask: Image, pen: Ink, stroke: float, dice: Sampler) -> Image:
    """Blur the mask and cut it at another level: strokes grow or shrink by a known width, and wander with pressure."""
    soft = max(pen.soft, 0.4)
    peak = math.erf(stroke / (2 * math.sqrt(2) * soft))  # the middle of a stroke after the blur
    level = 0.5 * math.erfc(pen.grow / (math.sqrt(2) * soft))
    level = max(0.12, min(level, 0.72 * peak))
    half = max(0.08, min(0.3, level - 0.02, (peak - level) * 0.9))
    level, half = round(level, 2), round(half, 2)
    size = 3 if soft < 0.75 else 5
    blurred = as_image(cv2.GaussianBlur(mask, (size, size), soft))
    if pen.pressure:
        swing = min(1.4 * pen.pressure * min(level, peak - level), 2 * (level - half))  # bare paper stays bare
        blurred = as_image(cv2.addWeighted(blurred, 1.0, crop("cloud", mask.shape, dice), swing, -128 * swing))
    hairlines = mask if pen.grow >= 0 else cv2.LUT(mask, _THINNED)  # they pale, but no letter falls apart
    return as_image(cv2.max(cv2.LUT(blurred, _edge(level, half)), hairlines))


def _modulate(mask: Image, kind: Kind, amount: float, dice: Sampler) -> Image:
    """Multiply by a field between 1 - amount and 1."""
    field = cv2.LUT(crop(kind, mask.shape, dice), _field_table(round(amount, 2)))
    return as_image(cv2.multiply(mask, field, scale=1 / 255))


@cache
def _transmission(darkness: float) -> Image:
    return as_image((255.5 - 255 * darkness * _RAMP).astype(np.uint8))


@lru_cache(maxsize=4096)
def _edge(level: float, half: float) -> Image:
    """A ramp from nothing to full ink between level - half and level + half."""
    return as_image(np.clip((_RAMP - (level - half)) * (255 / (2 * half)) + 0.5, 0, 255).astype(np.uint8))


@cache
def _field_table(amount: float) -> Image:
    """A pool's grey to a factor (255 = 1): half the field untouched, the rest falling to 1 - amount."""
    return as_image((255 * (1 - amount * np.clip((150 / 255 - _RAMP) * 3.2, 0, 1)) + 0.5).astype(np.uint8))
