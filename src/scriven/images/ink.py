"""Preprocessing of grey pictures: polarity, scaling, illumination. `prepare` makes the input of a recogniser."""

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from scriven.base import ImageError

Grey = npt.NDArray[np.uint8]
CLEAR_SKEWNESS = 0.5  # absolute skewness from which the polarity is treated as certain
MAX_ASPECT_RATIO = 4000  # largest ratio of width to height of a line of writing
GREYS = np.arange(256, dtype=np.float64)


def polarity(image: Grey) -> float:
    """Negative skewness of the grey values: positive for dark ink on light paper, negative for light on dark.

    Ink covers less area than paper, so grey values are skewed towards it. If the skewness is small, because of uneven
    light or the edge of the sheet, that after subtracting the local mean is returned.
    """
    small = image if image.size < 1 << 18 else _small(image, 64 if image.shape[1] > 4 * image.shape[0] else 512)
    skewness = _skewness(small)
    if skewness > CLEAR_SKEWNESS:
        return skewness
    local = cv2.blur(small, (63, 63), borderType=cv2.BORDER_REFLECT)
    return _skewness(np.asarray(cv2.addWeighted(small, 0.5, local, -0.5, 128), np.uint8))


def _skewness(image: Grey) -> float:
    """Negative skewness of the grey values; near 0 if they hardly vary."""
    counts = _histogram(image)
    share = counts / counts.sum()
    from_mean = GREYS - float(share @ GREYS)
    spread = float(np.sqrt(share @ from_mean**2))
    return float(-(share @ from_mean**3) / max(spread, 1.0) ** 3)


def dark_ink(image: Grey) -> Grey:
    """The picture with dark ink on light paper: inverted if `polarity` is below -CLEAR_SKEWNESS."""
    return np.asarray(255 - image, np.uint8) if polarity(image) < -CLEAR_SKEWNESS else image


def _small(image: Grey, height: int) -> Grey:
    """The picture scaled down to at most `height` px and 16 times that width."""
    scale = min(1.0, height / image.shape[0], 16 * height / image.shape[1])
    if scale == 1.0:
        return image
    wide, high = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)


def to_height(image: Grey, height: int = 64) -> Grey:
    """Scale a picture to `height` px, keeping its aspect ratio: (height, W).

    Pictures narrower than height // 2 are padded with paper on the right. Raises ImageError for a picture more than
    MAX_ASPECT_RATIO times as wide as high.
    """
    if image.shape[1] > MAX_ASPECT_RATIO * image.shape[0]:
        size = f"{image.shape[1]} px wide and {image.shape[0]} px high"
        raise ImageError(f"the picture is {size}, which cannot be a line of writing; leave it out")
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    if image.shape != (height, width):
        method = cv2.INTER_AREA if image.shape[0] > height else cv2.INTER_CUBIC
        image = np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
    if width < height // 2:
        paper = int(_percentile(image, 0.8))
        image = np.pad(image, ((0, 0), (0, height // 2 - width)), constant_values=paper)
    return image


def pad_to_height(image: Grey, height: int) -> Grey:
    """Pad a picture with paper to `height` px, half above and half below.

    A picture that is at least as high, or too wide for `to_height`, is returned unchanged.
    """
    missing = height - image.shape[0]
    if missing <= 0 or image.shape[1] > MAX_ASPECT_RATIO * image.shape[0]:
        return image
    return np.pad(image, ((missing // 2, missing - missing // 2), (0, 0)), constant_values=_percentile(image, 0.8))


def widened(image: Grey, factor: float) -> Grey:
    """Scale the width of a picture by `factor`, to at least 8 px; factor 1 returns the same object."""
    if factor == 1:
        return image
    width = max(8, round(image.shape[1] * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, image.shape[0]), interpolation=method), np.uint8)


def _percentile(image: Grey, share: float) -> int:
    """The smallest grey value with at least `share` (0..1) of the pixels at or below it."""
    return int(np.searchsorted(np.cumsum(_histogram(image)), share * image.size))


def _histogram(image: Grey) -> npt.NDArray[np.float64]:
    return cv2.calcHist([image], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def background(image: Grey, cell: int = 4, window: int = 11) -> Grey:
    """Estimate the paper behind the ink, (H, W): a grey closing of the picture at 1/`cell` size, smoothed."""
    high, wide = image.shape
    small = cv2.resize(image, (-(-wide // cell), -(-high // cell)), interpolation=cv2.INTER_AREA)
    closed = cv2.morphologyEx(
        small, cv2.MORPH_CLOSE, np.ones((window, window), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    smooth = cv2.blur(closed, (window, window), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(smooth, (wide, high), interpolation=cv2.INTER_LINEAR), np.uint8)


def ink_mask(image: Grey) -> Grey:
    """1 for ink, 0 for paper, (H, W): Otsu's threshold of the difference to the background, at least 12 grey levels."""
    depth = cv2.subtract(background(image), image)
    threshold, _ = cv2.threshold(depth, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(depth > max(threshold, 12), np.uint8)


def normalise(image: Grey, *, ink: int = 64, max_gain: float = 4.0) -> Grey:
    """Correct illumination and contrast: paper near 255, strokes near `ink`.

    The gain is limited to `max_gain`, so that blank paper stays blank. The stroke level is the median of the pixels
    that are more than half as dark as the darkest 0.5 %; it depends little on the share of ink in the picture.
    """
    flat = np.asarray(cv2.divide(image, background(image), scale=255), np.uint8)
    counts = _histogram(flat)
    below = np.cumsum(counts)
    white = max(int(np.searchsorted(below, 0.6 * flat.size)), 235)
    darkest = int(np.searchsorted(below, 0.005 * flat.size))
    middle = max(white + darkest, 0) // 2
    strokes = int(np.searchsorted(below, below[middle] / 2))
    gain = min(max_gain, (255 - ink) / max(white - strokes, 1))
    table = np.clip(255 - (white - GREYS) * gain + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(flat, table), np.uint8)


def prepare(image: Grey, height: int = 64) -> Grey:
    """The input of a recogniser, uint8 (height, W): `to_height` followed by `normalise`. Raises ImageError."""
    return normalise(to_height(image, height))


def crop_polygon(image: Grey, points: Sequence[tuple[float, float]]) -> Grey:
    """The bounding box of a polygon of (x, y) px; pixels outside the polygon are replaced by the background.

    Raises ImageError for fewer than three points or a polygon outside the picture.
    """
    corners = np.asarray(points, np.float64).reshape(-1, 2).round().astype(np.int32)
    if len(corners) < 3:
        raise ImageError(f"a polygon of {len(corners)} points has no area; give at least three")
    high, wide = image.shape
    left, top = np.maximum(corners.min(0), 0)
    right, bottom = np.minimum(corners.max(0) + 1, (wide, high))
    if right - left < 2 or bottom - top < 2:
        raise ImageError(
            f"the polygon from {corners.min(0).tolist()} to {corners.max(0).tolist()} lies outside the picture of "
            f"{wide} x {high} px or has no area; check that page and picture belong together"
        )
    return mask_polygon(image[top:bottom, left:right], corners - (left, top))


def mask_polygon(image: Grey, points: npt.ArrayLike, outside: Literal["paper", "black"] = "paper") -> Grey:
    """The picture with the pixels outside a polygon of (x, y) px replaced by the background, or by black.

    Raises ImageError for fewer than three points or a polygon outside the picture.
    """
    corners = np.asarray(points, np.float64).reshape(-1, 2).round().astype(np.int32)
    inside = np.zeros(image.shape, np.uint8)
    if len(corners) >= 3:
        cv2.fillPoly(inside, [corners], 255)
    if not inside.any():
        high, wide = image.shape
        raise ImageError(
            f"a polygon of {len(corners)} points has no area in the picture of {wide} x {high} px; check that they "
            "belong together"
        )
    if inside.all():
        return np.ascontiguousarray(image)
    other = background(np.ascontiguousarray(image)) if outside == "paper" else np.zeros_like(image)
    return np.where(inside > 0, image, other)
