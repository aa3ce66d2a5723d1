"""Rotated boxes and quadrilaterals are cut out of a page exactly, at a cost in proportion to their own size."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriven.base import ImageError
from scriven.importers.crops import MARGIN, crop_box, crop_quad

HIGH, WIDE = 160, 200


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A grey that grows evenly with the place, so that interpolation is exact."""
    return 20 + 0.6 * x + 0.5 * y


PAGE = np.rint(plane(*np.meshgrid(np.arange(WIDE) + 0.5, np.arange(HIGH) + 0.5))).astype(np.uint8)


@given(
    centre=st.tuples(st.floats(80, 120), st.floats(70, 90)),
    size=st.tuples(st.integers(4, 90), st.integers(4, 60)),
    angle=st.floats(-180, 180),
)
def test_every_pixel_of_a_box_comes_from_its_place(
    centre: tuple[float, float], size: tuple[int, int], angle: float
) -> None:
    cut = crop_box(PAGE, centre, size, angle)
    assert cut.shape == size[::-1]
    turn = math.radians(angle)
    right, down = np.meshgrid(np.arange(size[0]) + 0.5 - size[0] / 2, np.arange(size[1]) + 0.5 - size[1] / 2)
    x = centre[0] + right * math.cos(turn) + down * math.sin(turn)
    y = centre[1] - right * math.sin(turn) + down * math.cos(turn)
    assert np.abs(cut - plane(x, y)).max() < 2


@given(left=st.integers(0, 150), top=st.integers(0, 120), width=st.integers(2, 50), height=st.integers(2, 40))
def test_an_upright_box_is_a_slice(left: int, top: int, width: int, height: int) -> None:
    cut = crop_box(PAGE, (left + width / 2, top + height / 2), (width, height), 0)
    assert np.array_equal(cut, PAGE[top : top + height, left : left + width])


def test_a_crop_reads_only_its_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier scripts rotated the whole page for every word."""
    read, warp = list[tuple[int, ...]](), cv2.warpPerspective
    monkeypatch.setattr(
        cv2, "warpPerspective", lambda part, *rest, **more: read.append(part.shape) or warp(part, *rest, **more)
    )
    crop_box(PAGE, (100, 80), (30, 10), 45)
    longest = math.ceil((30 + 10) * math.sqrt(0.5)) + 1 + 2 * MARGIN
    assert len(read) == 1 and max(read[0]) <= longest


@pytest.mark.parametrize(
    "corners", [[], [(0, 0)] * 3, [(0, 0)] * 4, [(float("nan"), 0)] * 4, [(0, 0), (1e9, 0), (1e9, 9), (0, 9)]]
)
def test_impossible_boxes_are_refused(corners: list[tuple[float, float]]) -> None:
    with pytest.raises(ImageError, match="correct it|belong together"):
        crop_quad(PAGE, corners)
