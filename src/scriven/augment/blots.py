"""Blots: strike-outs, scribbles and stains over a line of handwriting, whose text stays legible or partly covered.

The idea is that of HandWritten Blots (StackMix-OCR, Shonenkov et al. 2021, arXiv:2108.11667). Its blots are Bézier
curves of degree 540, in px and always black; these are quadratic B-splines of a few control points, sized by the
height of the picture and the width of its strokes, in the ink of its writing. A picture without ink is returned as is.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scriven.augment.noise import Sampler, as_image, crop
from scriven.augment.writing import Writing, writing
from scriven.images import Grey

PER_HEIGHTS = 16  # blots are counted per this many heights of width: the shape of a picture of StackMix-OCR
STEPS = 3  # points that a curve has per control point
_WEAK = np.maximum(np.arange(256) - 128, 0).astype(np.uint8)  # where noise makes ink paler
_T = np.linspace(0, 1, STEPS, endpoint=False)
_BASIS = ((1 - _T) ** 2 / 2, 0.5 + _T - _T**2, _T**2 / 2)  # weights of three control points along a segment
Points = NDArray[np.complex128]  # (N,) of x + iy in px: one number a point needs half the operations
Blot = Callable[[Grey, Writing, Grey, Sampler], None]


def blots(image: Grey, sampler: Sampler, kind: Blot, count: int = 1) -> Grey:
    """A copy of a picture (H, W) with `count` blots of a kind: `strike`, `scribble` or `stain`."""
    image = image.copy()
    if found := writing(image):
        for _ in range(count):
            kind(image, *found, sampler)
    return image


def count_for(shape: tuple[int, int], numbers: tuple[int, int], sampler: Sampler) -> int:
    """A random number of blots for a picture (H, W), at least 1: between `numbers` per PER_HEIGHTS heights of width."""
    number = numbers[0] + sampler.below(numbers[1] - numbers[0] + 1)
    return max(1, int(number * min(1.0, shape[1] / (PER_HEIGHTS * shape[0])) + sampler.unit()))


def blot(image: Grey, sampler: Sampler) -> Grey:
    """A copy of a picture with one simple ellipse, or a straight line, as dark as the darkest ink."""
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


def strike(image: Grey, about: Writing, inked: Grey, sampler: Sampler) -> None:
    """Strike out a word, a part of it, or up to three words, in place: one or two lines, a wave, hatching, a cross."""
    left, right = _struck(about, sampler)
    middle, body = about.word_rows(inked, max(0, int(left)), max(1, math.ceil(right)))
    wide, rise = right - left, sampler.normal(0.035) * min(right - left, 4 * about.height)
    middle += 0.12 * body * sampler.between(-1, 1)
    width = about.stroke * sampler.between(0.7, 1.3)
    kind = sampler.unit()
    if kind < 0.6:
        apart = 0.36 * body if kind > 0.42 else 0.0
        rows = (middle - apart / 2, middle + apart / 2) if apart else (middle,)
        curves = [_line(left, right, row, rise, body, sampler) for row in rows]
    elif kind < 0.75:
        turns = max(3, int(wide / (0.35 * body * sampler.between(0.8, 1.8))))
        swing = body * sampler.between(0.15, 0.4)
        curves = [_zigzag(left, right, middle, rise, swing, turns, 0.12 * body, sampler)]
    elif kind < 0.9:
        curves = _hatching(left, right, middle, body, sampler)
    else:
        bow, high = sampler.normal(0.15) * body, body * sampler.between(0.5, 0.8)
        ends = np.array([[-1 - 1j, 0, 1 + 1j], [-1 + 1j, 0, 1 - 1j]])
        y = ends.imag * high + (middle, middle + bow, middle)
        curves = list(spline((left + right) / 2 + ends.real * (wide / 2) + 1j * y))
    _pen(image, about, curves, width, sampler.between(0.85, 1.0), sampler)


def scribble(image: Grey, about: Writing, inked: Grey, sampler: Sampler) -> None:
    """Scribble over a few letters in place: a box of 0.16 to 0.77 by 0.4 to 0.77 heights, by up to three zigzags."""
    height = about.height
    wide, high = height * sampler.between(0.16, 0.77), height * sampler.between(0.39, 0.77)
    word = about.words[sampler.below(len(about.words))]
    left = sampler.between(word[0] - 0.3 * wide, max(word[0], word[1] - 0.7 * wide))
    middle = about.word_rows(inked, int(word[0]), int(word[1]))[0] + sampler.normal(0.06) * height
    lean, width = sampler.between(0.1, 0.7), about.stroke * sampler.between(0.7, 1.3)
    curves = []
    for _ in range(1 + sampler.below(3)):
        curve = _zigzag(-high / 2, high / 2, 0, 0, wide / 2, 5 + sampler.below(9), 0.09 * height, sampler)
        across, down = curve.imag, curve.real  # the pen goes to and fro, and down the box
        curves.append(across * (1 - 1j * lean) + 1j * down + (left + wide / 2 + 1j * middle))
    _pen(image, about, curves, width, sampler.between(0.6, 0.95), sampler)


def stain(image: Grey, about: Writing, inked: Grey, sampler: Sampler) -> None:
    """Stain a picture in place: a blot of ink with drops (half of the time), smeared ink, or a stain of water."""
    height, width = image.shape
    x, y = sampler.between(0, width), about.middle + sampler.normal(0.2) * height
    kind = sampler.unit()
    if kind < 0.5:
        _ink_blot(image, about, x, y, sampler)
    elif kind < 0.75:
        _smear(image, about, x, y, sampler)
    else:
        _water(image, about, x, y, sampler)


def spline(points: Points, closed: bool = False) -> Points:
    """Uniform quadratic B-splines (..., N) of control points (..., M), from the first to the last, or closed."""
    last = points[..., -1:]
    points = np.concatenate((points, points[..., :2]) if closed else (points[..., :1], points, last), axis=-1)
    before, at, after = points[..., :-2, None], points[..., 1:-1, None], points[..., 2:, None]  # of every segment
    curve = (before * _BASIS[0] + at * _BASIS[1] + after * _BASIS[2]).reshape(*points.shape[:-1], -1)
    return curve if closed else np.concatenate((curve, last), axis=-1)


def _struck(about: Writing, sampler: Sampler) -> tuple[float, float]:
    """The columns of what is struck out: 0.4 to 5 heights; most often a word."""
    first = sampler.below(len(about.words))
    last = min(len(about.words) - 1, first + (1 + sampler.below(2) if sampler.bernoulli(0.2) else 0))
    left, right = float(about.words[first][0]), float(about.words[last][1])
    most = about.height * sampler.between(2.5, 5.0)
    if sampler.bernoulli(0.3) or right - left > most:
        wide = min(most, (right - left) * sampler.between(0.3, 0.8))
        left = sampler.between(left, right - wide)
        right = left + wide
    over, least = 0.12 * about.height, 0.4 * about.height
    left, right = left - over * sampler.between(-0.3, 1), right + over * sampler.between(-0.3, 1)
    grown = max(0.0, least - (right - left)) / 2
    return left - grown, right + grown


def _line(left: float, right: float, y: float, rise: float, body: float, sampler: Sampler) -> Points:
    """A hasty line from `left` to `right` px about row `y`, whose right end is `rise` px lower."""
    knots = 4 + min(4, int((right - left) / (3 * body)))
    along = np.arange(knots) / (knots - 1)
    wave = 0.12 * body * sampler.rng.uniform(-1, 1, knots)
    return spline(left + (right - left) * along + 1j * (y + rise * (along - 0.5) + wave))


def _zigzag(
    left: float, right: float, y: float, rise: float, swing: float, turns: int, jitter: float, sampler: Sampler
) -> Points:
    """A curve to and fro across row `y`, `swing` px to either side, from `left` to `right` px, with `turns` turns."""
    along = np.arange(turns) / (turns - 1)
    noise = sampler.rng.uniform(-jitter, jitter, (2, turns))
    knots = left + (right - left) * along + noise[0] + 1j * (y + rise * (along - 0.5) + noise[1])
    knots[::2] -= 1.25j * swing  # a spline stays inside its knots
    knots[1::2] += 1.25j * swing
    return spline(knots)


def _hatching(left: float, right: float, y: float, body: float, sampler: Sampler) -> list[Points]:
    """Parallel strokes that lean to the right, from `left` to `right` px about row `y`."""
    apart = max(3.0, body * sampler.between(0.35, 0.7), (right - left) / 14)
    lean, high = sampler.between(0.4, 1.0), body * sampler.between(0.55, 0.85)
    x = np.arange(left, right, apart)
    jitter = body * sampler.rng.uniform(-1, 1, (2, len(x), 1))
    middles = x[:, None] + 0.08 * jitter[0] + 1j * (y + 0.12 * jitter[1])
    return list(spline(middles + high * np.array([-lean + 1j, 0, lean - 1j])))


def _pen(image: Grey, about: Writing, curves: Sequence[Points], width: float, opacity: float, sampler: Sampler) -> None:
    """Draw curves in place with a pen of a given width, px: the pressure varies, and the ends taper."""
    quads = _strokes(curves, width, sampler)
    if (box := _box(image, quads, 2)) is None:
        return
    part, origin = box
    drawn = np.zeros(part.shape, np.uint8)
    for quad in _fixed(quads - origin):
        cv2.fillConvexPoly(drawn, quad, 255, cv2.LINE_AA, 4)
    _lay(part, drawn, about, opacity, sampler)


def _strokes(curves: Sequence[Points], width: float, sampler: Sampler) -> Points:
    """The quadrilaterals (N, 4) between neighbouring points of curves (M,) drawn with a pen of a given width, px."""
    points = np.concatenate(curves)
    taper, lasts, within = _ends(tuple(map(len, curves)))
    pressed = 1 + 0.2 * np.sin(sampler.between(0, 6.3) + sampler.between(0.1, 0.4) * np.arange(len(points)))
    half = np.maximum(width * pressed * taper - 1, 0) / 2  # an edge is drawn 1 px wide itself
    along = np.empty_like(points)
    along[:-1] = points[1:] - points[:-1]
    along[lasts] = along[lasts - 1]
    along[1:] += along[:-1] * within  # at a point inside a curve, the direction between its neighbours
    across = along * (1j * half / np.maximum(np.abs(along), 1e-6))
    one, other = points + across, points - across
    quads = np.stack((one[:-1], one[1:], other[1:], other[:-1]), axis=1)
    return quads[within]


@lru_cache(maxsize=512)
def _ends(lengths: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Of curves laid end to end: the taper of the pen at every point, the last points, and which points follow one."""
    sizes = np.array(lengths)
    lasts = np.cumsum(sizes) - 1
    place = np.arange(lasts[-1] + 1) - np.repeat(lasts - sizes + 1, sizes)
    ends = np.minimum(place, np.repeat(sizes, sizes) - 1 - place)
    return np.minimum(1, 0.55 + ends / 4), lasts, place[1:] > 0


def _ink_blot(image: Grey, about: Writing, x: float, y: float, sampler: Sampler) -> None:
    """A blot of ink in place with up to six drops about it; its radius is 0.05 to 0.25 heights."""
    radius = about.height * 0.05 * 5 ** (sampler.unit() ** 1.5)
    shapes = [_outline(x, y, radius, 0.25, sampler)]
    for _ in range(sampler.below(7)):
        angle, far = sampler.between(0, 2 * math.pi), radius * sampler.between(1.2, 3.0)
        size = max(0.7, radius * sampler.between(0.06, 0.25))
        shapes.append(_outline(x + far * math.cos(angle), y + far * math.sin(angle), size, 0.1, sampler))
    if (filled := _filled(image, shapes, 2)) is None:
        return
    part, drawn = filled
    _lay(part, drawn, about, sampler.between(0.75, 1.0), sampler, uneven=0.12)


def _smear(image: Grey, about: Writing, x: float, y: float, sampler: Sampler) -> None:
    """Smear the wet ink of a few letters in place, towards one side."""
    far = max(3, int(about.height * sampler.between(0.15, 0.5)))
    shape = _outline(x, y, about.height * sampler.between(0.25, 0.6), 0.2, sampler)
    if (filled := _filled(image, [shape], 2)) is None:
        return
    part, drawn = filled
    drawn = as_image(cv2.blur(drawn, (9, 9)))
    kernel = np.linspace(0, 1, far, dtype=np.float32)[None, :: 1 if sampler.bernoulli(0.5) else -1]
    anchor = (far - 1 if kernel[0, -1] else 0, 0)
    wet = cv2.filter2D(part, -1, kernel / kernel.sum(), None, anchor, 0, cv2.BORDER_REPLICATE)
    wet = cv2.blur(wet, (1, 3))
    depth = cv2.subtract(part, as_image(wet))  # where the smear is darker than what is there
    part -= as_image(cv2.multiply(depth, drawn, scale=sampler.between(0.6, 1.0) / 255))


def _water(image: Grey, about: Writing, x: float, y: float, sampler: Sampler) -> None:
    """A stain of water in place, 0.4 to 1.3 heights in radius: darker paper with a rim that is darker still."""
    shape = _outline(x, y, about.height * sampler.between(0.4, 1.3), 0.18, sampler)
    if (filled := _filled(image, [shape], 4)) is None:
        return
    part, drawn = filled
    size = 2 * max(1, round(about.height * sampler.between(0.02, 0.06))) + 1
    inside = as_image(cv2.blur(drawn, (size, size)))
    rim = as_image(cv2.subtract(drawn, inside))
    tone, edge = sampler.between(0.03, 0.16), sampler.between(0.1, 0.5)
    dark = as_image(cv2.addWeighted(drawn, tone, rim, edge, 0))
    dark = as_image(cv2.multiply(dark, crop("cloud", dark.shape, sampler), scale=1 / 150))
    part[:] = cv2.multiply(part, cv2.bitwise_not(as_image(cv2.blur(dark, (3, 3)))), scale=1 / 255)


def _outline(x: float, y: float, radius: float, rough: float, sampler: Sampler) -> Points:
    """A closed irregular curve about (x, y): `rough` is the relative standard deviation of its radius."""
    knots = 9 + sampler.below(6)
    noise = sampler.rng.uniform(-1, 1, (2, knots))
    angles = (np.arange(knots) + 0.3 * noise[0]) * (2 * math.pi / knots)
    radii = radius * np.maximum(1 + 1.7 * rough * noise[1], 0.4)  # 1.7: a uniform number with a deviation of 1
    wide = math.exp(sampler.normal(0.25))
    return spline(x + 1j * y + radii * (wide * np.cos(angles) + 1j / wide * np.sin(angles)), closed=True)


def _box(image: Grey, points: Points, margin: int) -> tuple[Grey, complex] | None:
    """The part of a picture that some points lie in, as a view, and its corner x + iy; None if they are outside."""
    x, y = points.real, points.imag
    left, top = max(0, math.floor(x.min()) - margin), max(0, math.floor(y.min()) - margin)
    right, bottom = math.ceil(x.max()) + margin + 1, math.ceil(y.max()) + margin + 1
    part = image[top : max(0, bottom), left : max(0, right)]
    return (part, complex(left, top)) if part.size else None


def _filled(image: Grey, shapes: Sequence[Points], margin: int) -> tuple[Grey, Grey] | None:
    """The part of a picture that some closed curves lie in, as a view, and the curves filled; None if outside."""
    if (box := _box(image, np.concatenate(shapes), margin)) is None:
        return None
    part, origin = box
    drawn = np.zeros(part.shape, np.uint8)
    for shape in shapes:  # one by one: where two overlap, both are filled
        cv2.fillPoly(drawn, [_fixed(shape - origin)], 255, cv2.LINE_AA, 4)
    return part, drawn


def _fixed(points: Points) -> NDArray[np.int32]:
    """Points (..., N) as OpenCV draws them with `shift=4`, (..., N, 2): in sixteenths of a px."""
    return (points.view(np.float64).reshape(*points.shape, 2) * 16).astype(np.int32)


def _lay(part: Grey, drawn: Grey, about: Writing, opacity: float, sampler: Sampler, uneven: float = 0.3) -> None:
    """Lay the ink of the writing in place where `drawn` is not 0; nothing becomes lighter, and the ink is uneven."""
    soft = cv2.GaussianBlur(drawn, (3, 3), 0.6)
    weak = cv2.multiply(soft, cv2.LUT(crop("cloud", part.shape, sampler), _WEAK), scale=uneven / 64)
    depth = cv2.subtract(part, about.ink)  # type: ignore[call-overload]  # a number stands for a picture
    part -= as_image(cv2.multiply(depth, cv2.subtract(soft, weak), scale=opacity / 255))
