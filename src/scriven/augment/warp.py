"""One fused warp: an affine map, a drifting baseline, and an elastic field, sampled by a single `cv2.remap`."""

import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from scriven.augment.noise import Image, Sampler, as_image

CELL = 20  # px between the nodes of the elastic grid
_MOST = 1.6  # standard deviations a node may stray
_ENDS = 0.3  # of the shifts along the line that is left near the ends, where the outermost nodes hold still
Floats = NDArray[np.float32]
_NO_MAP: Any = None  # both coordinates are in the first map


class Affine(NamedTuple):
    """(x, y) -> (a x + b y + c, d x + e y + f)."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    @classmethod
    def of(cls, *, slant: float = 0.0, wide: float = 1.0, high: float = 1.0, turn: float = 0.0) -> "Affine":
        """Scale by (wide, high), lean right by `slant` (dx per -dy), then turn by `turn` radians, about the origin."""
        cos, sin = math.cos(turn), math.sin(turn)
        a, b, e = wide, -slant * high, high
        return cls(cos * a, cos * b - sin * e, 0.0, sin * a, sin * b + cos * e, 0.0)

    def scaled(self, factor: float) -> "Affine":
        """This map, its result `factor` times as large."""
        a, b, c, d, e, f = self
        return Affine(a * factor, b * factor, c * factor, d * factor, e * factor, f * factor)

    def moved(self, right: float, down: float) -> "Affine":
        """This map, its result moved by px."""
        return Affine(self.a, self.b, self.c + right, self.d, self.e, self.f + down)

    def inverse(self) -> "Affine":
        """The map back."""
        det = self.a * self.e - self.b * self.d
        a, b, d, e = self.e / det, -self.b / det, -self.d / det, self.a / det
        return Affine(a, b, -(a * self.c + b * self.f), d, e, -(d * self.c + e * self.f))

    def box(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) around a mapped box, for maps that turn by less than a quarter."""
        low_x, high_x = (self.b * bottom, self.b * top) if self.b < 0 else (self.b * top, self.b * bottom)
        low_y, high_y = (self.d * right, self.d * left) if self.d < 0 else (self.d * left, self.d * right)
        x, y = self.c, self.f
        return (
            self.a * left + low_x + x,
            self.e * top + low_y + y,
            self.a * right + high_x + x,
            self.e * bottom + high_y + y,
        )


class Wobble(NamedTuple):
    """How far a picture's points stray from the affine map; lengths in px of the result, the rest fractions.

    Elastic shifts every node of a grid by itself; the others change along the line only, so that joined letters grow,
    lean and spread together.
    """

    elastic: float = 0.0  # standard deviation of the local shifts
    stretch: float = 0.0  # standard deviation of the shifts along the line: wider and narrower letters
    swell: float = 0.0  # standard deviation of the letters' height
    sway: float = 0.0  # standard deviation of the letters' slant
    drift: float = 0.0  # height of the slow wave of the baseline
    period: float = 300.0  # its length

    def reach(self, height: int) -> tuple[float, float]:
        """The farthest shift (right or left, up or down) that has to be allowed for at the edges, px."""
        return (
            _ENDS * _MOST * (self.elastic + self.stretch + self.sway * height / 2),
            _MOST * (self.elastic + self.swell * height / 2) + self.drift,
        )


STILL = Wobble()


def warp(image: Image, back: Affine, shape: tuple[int, int], wobble: Wobble, dice: Sampler, fill: int = 0) -> Image:
    """Sample `image` into a picture of `shape` (H, W); `back` maps result pixels to image pixels. Outside is `fill`."""
    height, width = shape
    if wobble == STILL:
        matrix = np.array([[back.a, back.b, back.c], [back.d, back.e, back.f]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return as_image(cv2.warpAffine(image, matrix, (width, height), None, flags, cv2.BORDER_CONSTANT, (fill,)))
    nodes, cells = _nodes(shape, back, wobble, dice)
    size = (nodes.shape[1] * cells[1], nodes.shape[0] * cells[0])
    where = cv2.resize(nodes, size, interpolation=cv2.INTER_LINEAR)
    top, left = cells[0] // 2, cells[1] // 2
    where = where[top : top + height, left : left + width]
    return as_image(cv2.remap(image, where, _NO_MAP, cv2.INTER_LINEAR, None, cv2.BORDER_CONSTANT, (fill,)))


def _nodes(shape: tuple[int, int], back: Affine, wobble: Wobble, dice: Sampler) -> tuple[Floats, tuple[int, int]]:
    """Where in the image the nodes of a coarse grid are sampled, (rows, columns, 2) px, and the size of its cells.

    The first node stands on the first pixel, the last one on the last or a few px beyond. With the noise of a column
    (stretch, sway, shifts along the line, swell, shifts across it) and its place as one vector, all is one product.
    """
    rows, columns = max(2, shape[0] // CELL + 1), max(2, shape[1] // CELL + 1)
    high, wide = -(-shape[0] // (rows - 1)), -(-shape[1] // (columns - 1))
    high, wide = high + high % 2, wide + wide % 2
    noise = dice.rng.standard_normal((2 * rows + 6, columns), dtype=np.float32)
    np.minimum(noise, _MOST, out=noise)
    np.maximum(noise, -_MOST, out=noise)
    noise[: rows + 2, 0] = noise[: rows + 2, -1] = 0
    noise[-3] = x = np.arange(0, columns * wide, wide, dtype=np.float32)
    noise[-2] = np.sin(x * (2 * math.pi / wobble.period) + dice.between(0, 6.3)) if wobble.drift else 0
    noise[-1] = 1
    mix = np.array([_mixed(row, rows, row * high, row * high - shape[0] / 2, back, wobble) for row in range(rows)])
    nodes = mix.astype(np.float32) @ noise  # (rows, 2, columns)
    return np.ascontiguousarray(nodes.transpose(0, 2, 1)), (high, wide)


def _mixed(row: int, rows: int, y: float, off: float, back: Affine, wobble: Wobble) -> list[list[float]]:
    """How the nodes of a row, `y` px from the top and `off` from the middle, are made of the noise of their column."""
    before, after = [0.0] * row, [0.0] * (rows - row - 1)
    return [
        [a * wobble.stretch, a * wobble.sway * off, *before, a * wobble.elastic, *after]
        + [b * wobble.swell * off, *before, b * wobble.elastic, *after, a, b * wobble.drift, b * y + c]
        for a, b, c in (back[:3], back[3:])
    ]
