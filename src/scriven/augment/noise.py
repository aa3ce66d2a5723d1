"""Random numbers and noise for augmentation: a fast sampler of scalars, and crops of precomputed noise fields.

Fresh Gaussian noise costs ten times a crop of a precomputed field. The fields have fixed seeds, so a picture depends on
its `rng` alone.
"""

from functools import cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from scriven.images import Grey

NoiseKind = Literal["grain", "soft", "cloud", "wide", "fibre"]

POOL_HEIGHT, POOL_WIDTH = 192, 2560  # px
SPREAD = 32.0  # grey levels, standard deviation of every field; their mean is 128
_SEEDS: dict[NoiseKind, int] = {"grain": 11, "soft": 12, "cloud": 13, "wide": 14, "fibre": 15}


def as_image(array: Any) -> Grey:
    """The same array, typed uint8: the type hints of OpenCV allow any number type."""
    return array  # type: ignore[no-any-return]


class Sampler:
    """Random scalars from a generator. Uniform numbers are drawn 96 at a time, which is faster than one by one."""

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
        """True with this probability."""
        return self.unit() < probability

    def normal(self, std: float) -> float:
        """Approximately normal with mean 0 and standard deviation `std`, never beyond 3 of them (Irwin-Hall)."""
        return (self.unit() + self.unit() + self.unit() - 1.5) * 2.0 * std

    def below(self, count: int) -> int:
        """A uniform integer in 0..count-1."""
        return min(count - 1, int(self.unit() * count))


@cache
def pool(kind: NoiseKind) -> Grey:
    """A noise field, uint8 (192, 2560) with mean 128.

    `grain` is white noise, `soft` the same blurred by 1.3 px; `cloud` mixes scales of 2 to 18 px (mottled paper),
    `wide` has a scale of 60 px (illumination), `fibre` has short horizontal streaks.
    """
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
    """Gaussian noise blurred with `sigma` px to unit variance, computed at a lower resolution for a large sigma."""
    factor = max(1, int(sigma / 4))
    small = rng.standard_normal((shape[0] // factor + 2, shape[1] // factor + 2), dtype=np.float32)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REFLECT)
    field = cv2.resize(blurred, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / field.std(), np.float32)


def add_noise(image: Grey, kind: NoiseKind, amount: float, sampler: Sampler) -> Grey:
    """Add noise to a picture (H, W); `amount` is its standard deviation in grey levels."""
    weight = amount / SPREAD
    return as_image(cv2.addWeighted(image, 1.0, crop(kind, image.shape, sampler), weight, -128 * weight))


def crop(kind: NoiseKind, shape: tuple[int, int], sampler: Sampler) -> Grey:
    """A random window (H, W) of a noise field; a view if the field is large enough."""
    field = pool(kind)
    height, width = shape
    if height > POOL_HEIGHT or width > POOL_WIDTH:
        field = np.tile(field, (-(-height // POOL_HEIGHT), -(-width // POOL_WIDTH)))
    top = sampler.below(field.shape[0] - height + 1)
    left = sampler.below(field.shape[1] - width + 1)
    return field[top : top + height, left : left + width]
