"""Changes of a picture that earlier systems train with: CLAHE, rotation, per-word threshold, weak and strong sets.

CLAHE, rotation and JPEG are the augmentations of StackMix-OCR (Shonenkov et al. 2021, arXiv:2108.11667); the weak and
the strong set are those of the label-free HTR learner (Wolf & Fink 2022, arXiv:2206.03149), the strong one after
FixMatch (Sohn et al. 2020, arXiv:2001.07685). Unlike the originals no change cuts off a letter, since the text of a
picture stays: rotated and sheared pictures are fitted into their height, shifts end where the ink would leave.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from scriven.augment.noise import Sampler, as_image
from scriven.augment.warp import STILL, Affine, warp
from scriven.augment.writing import ink_rows, paper_of, writing
from scriven.images import Grey

CLIP = (1.0, 4.0)  # contrast limit of CLAHE
TILES = (8, 8)  # of CLAHE, across and down
LEAST_SCALE = 0.75  # to which a rotated or sheared picture is reduced at most; then the angle is reduced
WHITE = 255
STRONG_TURN = 30.0  # degrees
STRONG_SHEAR = math.radians(17.2)
STRONG_SHIFT = 0.3  # of the width or the height
STRONG_TONE = (0.05, 0.95)  # factors of brightness, contrast and sharpness
_GREYS = np.arange(256, dtype=np.float64)
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
NOISE, BLUR = 10.0, 1.0  # weak set: standard deviations in grey levels and in px


def clahe(image: Grey, sampler: Sampler) -> Grey:
    """Equalise the contrast of a picture (H, W) locally, with a random limit in CLIP."""
    return as_image(cv2.createCLAHE(sampler.between(*CLIP), TILES).apply(image))


def rotate(image: Grey, most: float, sampler: Sampler) -> Grey:
    """Rotate a picture (H, W) by up to `most` degrees either way: (H, W')."""
    return placed(image, sampler, turn=math.radians(most) * sampler.between(-1, 1))


def threshold(image: Grey, sampler: Sampler) -> Grey:
    """Whiten what is lighter than a threshold drawn for every word, in a picture (H, W): like the words of IAM.

    A threshold is 15 to 50 % of the way from the grey value of the paper to that of the ink of the word.
    """
    if (found := writing(image)) is None:
        return image
    about, _ = found
    darkest = image.min(axis=0)
    edges = np.concatenate(((0,), (about.words[1:, 0] + about.words[:-1, 1]) // 2, (image.shape[1],)))
    columns = [np.sort(darkest[left:right]) for left, right in about.words]
    inks = np.array([sorted_ones[len(sorted_ones) // 7] for sorted_ones in columns], np.float64)
    levels = about.paper - (about.paper - inks) * [sampler.between(0.15, 0.5) for _ in inks]
    lighter = image > np.repeat(levels.astype(np.uint8), np.diff(edges))
    return np.where(lighter, np.uint8(WHITE), image)


def weak(image: Grey, probability: float, sampler: Sampler, strength: float = 1.0) -> Grey:
    """Rotation by up to 5 degrees, noise and blur of a picture (H, W), each with a probability: (H, W')."""
    image = image.copy()
    if sampler.bernoulli(probability):
        image = rotate(image, 5.0 * strength, sampler)
    if sampler.bernoulli(probability):
        noise = sampler.rng.standard_normal(image.shape, dtype=np.float32)
        image = np.clip(image + NOISE * strength * noise, 0, 255).astype(np.uint8)
    if sampler.bernoulli(probability):
        image = as_image(cv2.GaussianBlur(image, (3, 3), max(BLUR * strength, 1e-3)))
    return image


def strong(image: Grey, count: int, sampler: Sampler, strength: float = 1.0) -> Grey:
    """A copy of a picture (H, W) changed by `count` different random operations of STRONG: (H, W')."""
    image, operations = image.copy(), list(STRONG)
    for _ in range(min(count, len(STRONG))):
        image = operations.pop(sampler.below(len(operations)))(image, sampler, strength)
    return image


def placed(image: Grey, sampler: Sampler, turn: float = 0.0, slant: float = 0.0, fall: float = 0.0) -> Grey:
    """Rotate a picture (H, W) by `turn` radians, shear it by `slant` (dx per -dy) and by `fall` (dy per dx): (H, W').

    If the ink would leave the picture, it is reduced, by LEAST_SCALE at most; beyond that the change is reduced.
    """
    height, width = image.shape
    if not (turn or slant or fall):
        return image
    paper = paper_of(image)
    top, bottom = ink_rows(image, paper)
    middle = (top + bottom) / 2
    steepest = max(height / LEAST_SCALE - (bottom - top), 0.1 * height) / width  # of a falling or rising line
    turn = min(max(turn, -math.atan(steepest)), math.atan(steepest))
    fall = min(max(fall, -steepest), steepest)
    affine = Affine.of(slant=slant, turn=turn)
    affine = Affine(affine.a, affine.b, 0.0, affine.d + fall * affine.a, affine.e + fall * affine.b, 0.0)
    ink = (-width / 2, top - middle, width / 2, bottom - middle)
    left, up, right, down = affine.box(*ink)
    if down - up > height:
        affine = affine.scaled(height / (down - up))
        left, up, right, down = affine.box(*ink)
    centre = min(max(middle, -up), height - down)
    back = affine.moved(-left, centre).inverse().moved(width / 2, middle)
    return warp(image, back, (height, max(1, math.ceil(right - left))), STILL, sampler, paper)


def _autocontrast(image: Grey, sampler: Sampler, strength: float) -> Grey:
    low, high = int(image.min()), int(image.max())
    if low == high:
        return image
    stretched = np.clip((_GREYS - low) * (255 / (high - low)), 0, 255)
    return _mapped(image, _GREYS + strength * (stretched - _GREYS))


def _brightness(image: Grey, sampler: Sampler, strength: float) -> Grey:
    return _mapped(image, _GREYS * _factor(sampler, strength))


def _contrast(image: Grey, sampler: Sampler, strength: float) -> Grey:
    mean = cv2.mean(image)[0]
    return _mapped(image, mean + _factor(sampler, strength) * (_GREYS - mean))


def _sharpness(image: Grey, sampler: Sampler, strength: float) -> Grey:
    factor = _factor(sampler, strength)
    return as_image(cv2.addWeighted(image, factor, cv2.filter2D(image, -1, _SMOOTH), 1 - factor, 0))


def _equalise(image: Grey, sampler: Sampler, strength: float) -> Grey:
    return as_image(cv2.addWeighted(cv2.equalizeHist(image), strength, image, 1 - strength, 0))


def _identity(image: Grey, sampler: Sampler, strength: float) -> Grey:
    return image


def _posterise(image: Grey, sampler: Sampler, strength: float) -> Grey:
    return image & np.uint8(256 - 2 ** round(strength * sampler.below(5)))  # 4 to 8 bits remain


def _solarise(image: Grey, sampler: Sampler, strength: float) -> Grey:
    return _mapped(image, np.where(_GREYS >= 256 - strength * sampler.below(257), 255 - _GREYS, _GREYS))


def _rotate(image: Grey, sampler: Sampler, strength: float) -> Grey:
    return rotate(image, STRONG_TURN * strength, sampler)


def _shear_x(image: Grey, sampler: Sampler, strength: float) -> Grey:
    return placed(image, sampler, slant=math.tan(STRONG_SHEAR) * strength * sampler.between(-1, 1))


def _shear_y(image: Grey, sampler: Sampler, strength: float) -> Grey:
    return placed(image, sampler, fall=math.tan(STRONG_SHEAR) * strength * sampler.between(-1, 1))


def _translate_x(image: Grey, sampler: Sampler, strength: float) -> Grey:
    """Paper is added at one end: as much as if the picture were no wider than 4 heights."""
    height, width = image.shape
    far = round(STRONG_SHIFT * strength * sampler.between(-1, 1) * min(width, 4 * height))
    ends = (max(far, 0), max(-far, 0))
    return as_image(cv2.copyMakeBorder(image, 0, 0, *ends, cv2.BORDER_CONSTANT, value=(paper_of(image),)))


def _translate_y(image: Grey, sampler: Sampler, strength: float) -> Grey:
    height, paper = image.shape[0], paper_of(image)
    top, bottom = ink_rows(image, paper)
    far = round(STRONG_SHIFT * strength * sampler.between(-1, 1) * height)
    far = min(max(far, -top), height - bottom)
    part = image[max(0, -far) : height - max(0, far)]
    return as_image(cv2.copyMakeBorder(part, max(far, 0), max(-far, 0), 0, 0, cv2.BORDER_CONSTANT, value=(paper,)))


def _factor(sampler: Sampler, strength: float) -> float:
    return 1 - strength * (1 - sampler.between(*STRONG_TONE))


def _mapped(image: Grey, greys: NDArray[np.float64]) -> Grey:
    return as_image(cv2.LUT(image, (greys + 0.5).astype(np.uint8)))


STRONG: tuple[Callable[[Grey, Sampler, float], Grey], ...] = (
    _autocontrast, _brightness, _contrast, _sharpness, _equalise, _identity, _posterise,
    _rotate, _shear_x, _shear_y, _solarise, _translate_x, _translate_y,
)  # fmt: skip
