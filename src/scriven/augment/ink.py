"""Pen and ink: from a stroke mask (uint8, 255 = ink) to the transmission of the sheet (uint8, 255 = no ink)."""

import math
from functools import cache, lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from scriven.augment.noise import NoiseKind, Sampler, as_image, crop
from scriven.images import Grey

_RAMP = np.arange(256, dtype=np.float32) / 255
_NIB = np.array([[0, 0, 1], [0, 1, 0]], np.uint8)
_THINNED = np.clip(_RAMP * 255 * 1.1 - 70, 0, 255).astype(np.uint8)


class Ink(NamedTuple):
    """Parameters of pen and ink, constant over the pictures of a hand."""

    darkness: float = 1.0  # 0 invisible .. 1 black
    grow: float = 0.0  # px added on either side of a stroke; negative makes it thinner
    soft: float = 0.8  # px, blur of the mask before it is thresholded again
    nib: bool = False  # a broad nib: strokes are wider in one direction
    pressure: float = 0.0  # variation of the stroke width, 0..1
    uneven: float = 0.0  # slow variation of the darkness, 0..1
    grainy: float = 0.0  # texture of the paper visible in the stroke (pencil, dry nib), 0..1


def ink(mask: Grey, pen: Ink, stroke: float, sampler: Sampler) -> Grey:
    """The transmission (H, W) of a sheet with the strokes of `mask` (H, W).

    `stroke`: the width of the strokes in px, which limits thinning so that none vanishes.
    """
    if pen.nib:
        mask = as_image(cv2.dilate(mask, _NIB))
    if pen.grow or pen.pressure:
        mask = _rethreshold(mask, pen, stroke, sampler)
    if pen.uneven:
        mask = _modulate(mask, "cloud" if sampler.bernoulli(0.5) else "wide", pen.uneven, sampler)
    if pen.grainy:
        mask = _modulate(mask, "soft" if sampler.bernoulli(0.6) else "grain", pen.grainy, sampler)
    return as_image(cv2.LUT(mask, _transmission(round(pen.darkness, 2))))


def _rethreshold(mask: Grey, pen: Ink, stroke: float, sampler: Sampler) -> Grey:
    """Blur a mask and threshold it again: strokes grow or shrink by a given width, and vary with pressure."""
    soft = max(pen.soft, 0.4)
    peak = math.erf(stroke / (2 * math.sqrt(2) * soft))  # of the blurred mask, in the middle of a stroke
    level = 0.5 * math.erfc(pen.grow / (math.sqrt(2) * soft))
    level = max(0.12, min(level, 0.72 * peak))
    half = max(0.08, min(0.3, level - 0.02, (peak - level) * 0.9))
    level, half = round(level, 2), round(half, 2)
    size = 3 if soft < 0.75 else 5
    blurred = as_image(cv2.GaussianBlur(mask, (size, size), soft))
    if pen.pressure:
        swing = min(1.4 * pen.pressure * min(level, peak - level), 2 * (level - half))  # no ink on bare paper
        blurred = as_image(cv2.addWeighted(blurred, 1.0, crop("cloud", mask.shape, sampler), swing, -128 * swing))
    hairlines = mask if pen.grow >= 0 else cv2.LUT(mask, _THINNED)  # paler, so that letters stay connected
    return as_image(cv2.max(cv2.LUT(blurred, _edge(level, half)), hairlines))


def _modulate(mask: Grey, kind: NoiseKind, amount: float, sampler: Sampler) -> Grey:
    """Multiply a mask by a noise field between 1 - amount and 1."""
    field = cv2.LUT(crop(kind, mask.shape, sampler), _field_table(round(amount, 2)))
    return as_image(cv2.multiply(mask, field, scale=1 / 255))


@cache
def _transmission(darkness: float) -> Grey:
    return as_image((255.5 - 255 * darkness * _RAMP).astype(np.uint8))


@lru_cache(maxsize=4096)
def _edge(level: float, half: float) -> Grey:
    """A soft threshold as a look-up table: a ramp from 0 to 255 between level - half and level + half."""
    return as_image(np.clip((_RAMP - (level - half)) * (255 / (2 * half)) + 0.5, 0, 255).astype(np.uint8))


@cache
def _field_table(amount: float) -> Grey:
    """A look-up table from noise to a factor (255 = 1): 1 for half of the field, 1 - amount to 1 for the rest."""
    return as_image((255 * (1 - amount * np.clip((150 / 255 - _RAMP) * 3.2, 0, 1)) + 0.5).astype(np.uint8))
