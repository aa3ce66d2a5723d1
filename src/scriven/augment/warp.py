"""A fused warp: an affine map, a drifting baseline and an elastic field in a single `cv2.remap`."""

import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from scriven.augment.noise import Sampler, as_image
from scriven.images import Grey

CELL = 20  # px between the nodes of the elastic grid
_MOST = 1.6  # standard deviations at which the shift of a node is clipped
_ENDS = 0.3  # share of the shifts along the line that remains near the ends, since the outermost nodes are fixed
Floats = NDArray[np.float32]
_NO_MAP: Any = None  # the first map holds both coordinates


class Affine(NamedTuple):
    """An affine map: (x, y) -> (a x + b y + c, d x + e y + f)."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    @classmethod
    def of(cls, *, slant: float = 0.0, wide: float = 1.0, high: float = 1.0, turn: float = 0.0) -> "Affine":
        """Scale by (wide, high), shear right by `slant` (dx per -dy), then rotate by `turn` radians."""
        cos, sin = math.cos(turn), math.sin(turn)
        a, b, e = wide, -slant * high, high
        return cls(cos * a, cos * b - sin * e, 0.0, sin * a, sin * b + cos * e, 0.0)

    def scaled(self, factor: float) -> "Affine":
        """This map followed by a scaling."""
        a, b, c, d, e, f = self
        return Affine(a * factor, b * factor, c * factor, d * factor, e * factor, f * factor)

    def moved(self, right: float, down: float) -> "Affine":
        """This map followed by a translation, px."""
        return Affine(self.a, self.b, self.c + right, self.d, self.e, self.f + down)

    def inverse(self) -> "Affine":
        """The inverse map."""
        det = self.a * self.e - self.b * self.d
        a, b, d, e = self.e / det, -self.b / det, -self.d / det, self.a / det
        return Affine(a, b, -(a * self.c + b * self.f), d, e, -(d * self.c + e * self.f))

    def box(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """The bounding box (left, top, right, bottom) of a mapped box, for rotations below 90 degrees."""
        low_x, high_x = (self.b * bottom, self.b * top) if self.b < 0 else (self.b * top, self.b * bottom)
        low_y, high_y = (self.d * right, self.d * left) if self.d < 0 else (self.d * left, self.d * right)
        x, y = self.c, self.f
        return (
            self.a * left + low_x + x,
            self.e * top + low_y + y,
            self.a * right + high_x + x,
            self.e * bottom + high_y + y,
        )


UNCHANGED = Affine(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class Wobble(NamedTuple):
    """Parameters of the random displacements from the affine map: lengths in px of the result, the rest fractions.

    `elastic` shifts every node of a grid independently; the others vary along the line only, so that joined letters
    change size, slant and width together.
    """

    elastic: float = 0.0  # standard deviation of the local shifts
    stretch: float = 0.0  # standard deviation of the shifts along the line: wider and narrower letters
    swell: float = 0.0  # standard deviation of the letters' height
    sway: float = 0.0  # standard deviation of the letters' slant
    drift: float = 0.0  # amplitude of a slow wave of the baseline
    period: float = 300.0  # wavelength of the drift

    def reach(self, height: int) -> tuple[float, float]:
        """The margins that the displacements need, px: left and right, above and below."""
        return (
            _ENDS * _MOST * (self.elastic + self.stretch + self.sway * height / 2),
            _MOST * (self.elastic + self.swell * height / 2) + self.drift,
        )


STILL = Wobble()


def warp(image: Grey, back: Affine, shape: tuple[int, int], wobble: Wobble, sampler: Sampler, fill: int = 0) -> Grey:
    """Resample a picture to `shape` (H, W); `back` maps pixels of the result to the picture, `fill` lies outside it."""
    height, width = shape
    if wobble == STILL:
        matrix = np.array([[back.a, back.b, back.c], [back.d, back.e, back.f]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return as_image(cv2.warpAffine(image, matrix, (width, height), None, flags, cv2.BORDER_CONSTANT, (fill,)))
    nodes, cells = _nodes(shape, back, wobble, sampler)
    size = (nodes.shape[1] * cells[1], nodes.shape[0] * cells[0])
    where = cv2.resize(nodes, size, interpolation=cv2.INTER_LINEAR)
    top, left = cells[0] // 2, cells[1] // 2
    where = where[top : top + height, left : left + width]
    return as_image(cv2.remap(image, where, _NO_MAP, cv2.INTER_LINEAR, None, cv2.BORDER_CONSTANT, (fill,)))


def _nodes(shape: tuple[int, int], back: Affine, wobble: Wobble, sampler: Sampler) -> tuple[Floats, tuple[int, int]]:
    """The positions in the picture of a coarse grid of nodes, (rows, columns, 2) px, and the size of its cells.

    The first node is at the first pixel, the last one at the last or a few px beyond. The displacements of a column
    (stretch, sway, shifts along the line, swell, shifts across it) and its position form one vector, so that a single
    matrix product gives all positions.
    """
    rows, columns = max(2, shape[0] // CELL + 1), max(2, shape[1] // CELL + 1)
    high, wide = -(-shape[0] // (rows - 1)), -(-shape[1] // (columns - 1))
    high, wide = high + high % 2, wide + wide % 2
    noise = sampler.rng.standard_normal((2 * rows + 6, columns), dtype=np.float32)
    np.minimum(noise, _MOST, out=noise)
    np.maximum(noise, -_MOST, out=noise)
    noise[: rows + 2, 0] = noise[: rows + 2, -1] = 0
    noise[-3] = x = np.arange(0, columns * wide, wide, dtype=np.float32)
    noise[-2] = np.sin(x * (2 * math.pi / wobble.period) + sampler.between(0, 6.3)) if wobble.drift else 0
    noise[-1] = 1
    mix = np.array([_weights(row, rows, row * high, row * high - shape[0] / 2, back, wobble) for row in range(rows)])
    nodes = mix.astype(np.float32) @ noise  # (rows, 2, columns)
    return np.ascontiguousarray(nodes.transpose(0, 2, 1)), (high, wide)


def _weights(row: int, rows: int, y: float, off: float, back: Affine, wobble: Wobble) -> list[list[float]]:
    """The matrix from the displacements of a column to its node `y` px from the top and `off` px from the middle."""
    before, after = [0.0] * row, [0.0] * (rows - row - 1)
    return [
        [a * wobble.stretch, a * wobble.sway * off, *before, a * wobble.elastic, *after]
        + [b * wobble.swell * off, *before, b * wobble.elastic, *after, a, b * wobble.drift, b * y + c]
        for a, b, c in (back[:3], back[3:])
    ]
