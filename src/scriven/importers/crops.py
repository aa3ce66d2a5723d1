"""Cutting rotated boxes and quadrilaterals out of a page, upright; beyond its border the page is continued.

Each crop costs time in proportion to its own area, not to that of the page.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from scriven.base import ImageError
from scriven.images import Grey

Point = tuple[float, float]

MARGIN = 4  # px around a box that the interpolation reads


def crop_box(page: Grey, centre: Point, size: Point, angle: float) -> Grey:
    """The box of `size` (width, height) px about `centre`, whose text ascends by `angle` degrees (counter-clockwise).

    Raises ImageError for a box of less than 2 px, or outside the page.
    """
    (x, y), (width, height) = centre, size
    turn = math.radians(angle)
    along, down = (math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))
    across, below = (width / 2 * along[0], width / 2 * along[1]), (height / 2 * down[0], height / 2 * down[1])
    corners = [
        (x + i * across[0] + j * below[0], y + i * across[1] + j * below[1])
        for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    return crop_quad(page, corners)


def crop_quad(page: Grey, corners: Sequence[Point]) -> Grey:
    """The quadrilateral of the corners top left, top right, bottom right, bottom left, in px, as a rectangle.

    Its sides are the longer ones of the opposite sides. Raises ImageError for a side of less than 2 px, or a
    quadrilateral outside the page.
    """
    points = np.asarray(corners, np.float64).reshape(-1, 2)
    if len(points) != 4 or not np.isfinite(points).all():
        raise ImageError(f"a box needs four corners (x, y), but has {np.round(points, 1).tolist()}; correct it")
    sides = np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1)  # top, right, bottom, left
    width, height = (int(round(float(max(pair)))) for pair in (sides[::2], sides[1::2]))
    high, wide = page.shape
    outside = (points.max(0) <= 0).any() or (points.min(0) >= (wide, high)).any()
    if min(width, height) < 2 or outside or max(width, height) > 4 * max(wide, high):
        raise ImageError(
            f"its box of {width} x {height} px about {points.mean(0).round(1).tolist()} lies outside its page of "
            f"{wide} x {high} px, or is too small; check that box and page belong together"
        )
    rectangle = np.asarray([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    offset = np.rint(points[0])
    if np.array_equal(points, rectangle + offset) and (offset >= 0).all() and (points[2] <= (wide, high)).all():
        left, top = offset.astype(int)
        return np.ascontiguousarray(page[top : top + height, left : left + width])
    first = np.clip(np.floor(points.min(0)) - MARGIN, 0, (wide - 1, high - 1)).astype(int)
    last = np.clip(np.ceil(points.max(0)) + MARGIN, 1, (wide, high)).astype(int)
    part = np.ascontiguousarray(page[first[1] : last[1], first[0] : last[0]])
    # corners of pixels become centres of pixels: half a pixel less
    matrix = cv2.getPerspectiveTransform(
        (points - first - 0.5).astype(np.float32), (rectangle - 0.5).astype(np.float32)
    )
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpPerspective(part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=border))


def is_vertical(image: Grey, text: str) -> bool:
    """Whether a line is written vertically: more than twice as high as wide, though its text has several characters."""
    high, wide = image.shape
    return high > 2 * wide and len(text.strip()) > 1


def turned(image: Grey, clockwise: bool = False) -> Grey:
    """The picture turned by 90 degrees, counter-clockwise unless `clockwise`: downward writing becomes horizontal."""
    return np.ascontiguousarray(np.rot90(image, -1 if clockwise else 1))
