"""Distances of a generated picture: to the real one of the same text, and to the hand that it imitates."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from scriven.augment.writing import writing
from scriven.base import ImageError
from scriven.images import Grey, ink_mask, prepare
from scriven.scribes.stackmix.measures import slant_of
from scriven.selection.measured import StyleTarget

HEIGHT = 64  # px
SPREAD = StyleTarget(0.30, 0.22, 0.10, 0.22, 0.22)  # standard deviation between 217 French hands of 1790 to 1920
FARTHEST = 10.0  # the distance of a picture without ink, and the largest


def nmae(first: Grey, second: Grey) -> float:
    """The normalised mean absolute error of two grey pictures, 0..1: the mean of |A - B| / 255.

    As in DiffusionHTR, where pictures of words are 64 px high and centred on white. Here both are prepared for a
    recogniser, and the narrower one is centred on paper of the width of the wider. Raises ImageError.
    """
    one, other = prepare(first, HEIGHT), prepare(second, HEIGHT)
    wide = max(one.shape[1], other.shape[1])
    return float(cv2.absdiff(_centred(one, wide), _centred(other, wide)).mean()) / 255


def _centred(picture: Grey, width: int) -> Grey:
    left = (width - picture.shape[1]) // 2
    return np.pad(picture, ((0, 0), (left, width - picture.shape[1] - left)), constant_values=255)


def style_of(picture: Grey, characters: int) -> StyleTarget | None:
    """Measurements of the writing in a grey picture (H, W) of so many characters; None without ink."""
    try:
        ink = prepare(picture, HEIGHT)
    except ImageError:
        return None
    found = writing(ink)
    if found is None or characters < 1:
        return None
    wrote, mask = found
    inside = max(int((wrote.words[:, 1] - wrote.words[:, 0]).sum()), 1)
    span = max(int(wrote.words[-1, 1] - wrote.words[0, 0]), 1)
    inked = max(float(mask.sum()), 1.0)
    return StyleTarget(
        slant_of(ink_mask(ink)), math.log(wrote.stroke), math.log(wrote.body), math.log(inked / inside / wrote.body),
        math.log(span / characters),
    )  # fmt: skip


def mean_style(some: Sequence[StyleTarget]) -> StyleTarget | None:
    """The median of each measurement of pictures of one hand; None without pictures."""
    return StyleTarget(*np.median(np.array(some), axis=0).tolist()) if some else None


def style_distance(picture: StyleTarget | None, hand: StyleTarget) -> float:
    """How far a picture is from a hand: root mean square of the differences, each in SPREAD; at most FARTHEST.

    A distance of 1 is that of two hands that differ by a standard deviation in everything that is measured.
    """
    if picture is None:
        return FARTHEST
    apart = (np.array(picture) - np.array(hand)) / np.array(SPREAD)
    return min(float(np.sqrt((apart**2).mean())), FARTHEST)
