"""Chance for pictures: one draw of random numbers a picture, and noise cut from pools made once.

Fresh Gaussian noise costs ten times a crop of a pool; the pools come from a fixed seed, so a crop depends on its
offset alone and a picture on its `rng` alone.
"""

from functools import cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Kind = Literal["grain", "soft", "cloud", "wide", "fibre"]

POOL_HEIGHT, POOL_WIDTH = 192, 2560  # px
SPREAD = 32.0  # standard deviation of every pool in grey levels, about a mean of 128
_SEEDS: dict[Kind, int] = {"grain": 11, "soft": 12, "cloud": 13, "wide": 14, "fibre": 15}


def as_image(array: Any) -> Image:
    """What OpenCV gave back: its types say any number, ours are uint8."""
    return array  # type: ignore[no-any-return]


class Sampler:
    """Uniform numbers drawn from `rng` a hundred at a time and handed out one by one as Python floats."""

    __slots__ = ("rng", "_values")

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self._values: list[float] = rng.random(96).tolist()

    def unit(self) -> float:
        """Uniform in 0..1."""
        if not self._values:
            self._values = self.rng.random(96).tolist()
        return self._values.pop()

    def between(self, low: float, high: float) -> float:
        """Uniform in low..high."""
        return low + (high - low) * self.unit()

    def bernoulli(self, probability: float) -> bool:
        """True in this share of all throws."""
        return self.unit() < probability

    def normal(self, spread: float) -> float:
        """About normal with mean 0 and standard deviation `spread`; never beyond 3 of them."""
        return (self.unit() + self.unit() + self.unit() - 1.5) * 2.0 * spread

    def below(self, count: int) -> int:
        """A whole number in 0..count-1."""
        return min(count - 1, int(self.unit() * count))


@cache
def pool(kind: Kind) -> Image:
    """(192, 2560) noise about 128: grain (pixels), soft (a pen's tremble), cloud (paper), wide (light), fibre."""
    rng = np.random.default_rng(_SEEDS[kind])
    shape = (POOL_HEIGHT, POOL_WIDTH)
    field: NDArray[np.float32]
    if kind == "grain":
        field = rng.standard_normal(shape, dtype=np.float32)
    elif kind == "soft":
        field = _smooth(rng, shape, 1.3)
    elif kind == "cloud":
        field = 0.5 * _smooth(rng, shape, 2) + 0.8 * _smooth(rng, shape, 6) + _smooth(rng, shape, 18)
    elif kind == "wide":
        field = _smooth(rng, shape, 60)
    else:
        hairs = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), sigmaX=5, sigmaY=0.7)
        field = np.minimum(hairs, np.roll(cv2.GaussianBlur(hairs, (0, 0), 1.0), 7, axis=1))
    field = (field - field.mean()) / field.std()
    grey = as_image(np.clip(field * SPREAD + 128, 0, 255).astype(np.uint8))
    grey.flags.writeable = False
    return grey


def _smooth(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> NDArray[np.float32]:
    """Normal noise with correlations over `sigma` px and unit variance, drawn small where sigma is large."""
    factor = max(1, int(sigma / 4))
    small = rng.standard_normal((shape[0] // factor + 2, shape[1] // factor + 2), dtype=np.float32)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REFLECT)
    field = cv2.resize(blurred, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / field.std(), np.float32)


def mottled(image: Image, kind: Kind, amount: float, dice: Sampler) -> Image:
    """A picture (H, W) with noise of a pool laid over it; `amount` is its standard deviation in grey levels."""
    weight = amount / SPREAD
    return as_image(cv2.addWeighted(image, 1.0, crop(kind, image.shape, dice), weight, -128 * weight))


def crop(kind: Kind, shape: tuple[int, int], dice: Sampler) -> Image:
    """A random window (H, W) of a pool, a view where the pool is large enough."""
    field = pool(kind)
    height, width = shape
    if height > POOL_HEIGHT or width > POOL_WIDTH:
        field = np.tile(field, (-(-height // POOL_HEIGHT), -(-width // POOL_WIDTH)))
    top = dice.below(field.shape[0] - height + 1)
    left = dice.below(field.shape[1] - width + 1)
    return field[top : top + height, left : left + width]
