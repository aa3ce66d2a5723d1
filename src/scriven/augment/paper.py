"""Paper: light, grain, fibre and stains, ruled lines, the writing of the other side, and the camera."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np

from scriven.augment.noise import Image, Kind, Sampler, as_image, crop, mottled

Ruling = Literal["none", "lines", "squares", "column"]


class Paper(NamedTuple):
    """A sheet, constant for a hand. Amounts are standard deviations in grey levels."""

    level: int = 255
    light: float = 0.0  # uneven light over the whole picture
    cloud: float = 0.0  # mottling
    fibre: float = 0.0
    stain: float = 0.0  # darkening of the stained part, 0..1
    ruling: Ruling = "none"
    rule: float = 0.0  # darkness of the ruling, 0..1
    pitch: float = 40.0  # px between rulings


def paper(shape: tuple[int, int], sheet: Paper, dice: Sampler, baseline: float = 0.0, turn: float = 0.0) -> Image:
    """A sheet (H, W), ruled relative to a `baseline` (px from the top) and turned by `turn` radians."""
    page = np.full(shape, sheet.level, np.uint8)
    if sheet.ruling != "none":
        _rule(page, sheet, dice, baseline, turn)
    amounts: dict[Kind, float] = {"wide": sheet.light, "cloud": sheet.cloud, "fibre": sheet.fibre}
    for kind, amount in amounts.items():
        if amount:
            page = mottled(page, kind, amount, dice)
    if sheet.stain:
        ramp = np.arange(256, dtype=np.float32)
        table = 255.5 - 255 * sheet.stain * np.clip((ramp - 150) / 30, 0, 1)
        page = as_image(cv2.multiply(page, cv2.LUT(crop("wide", shape, dice), table.astype(np.uint8)), scale=1 / 255))
    return page


def _rule(page: Image, sheet: Paper, dice: Sampler, baseline: float, turn: float) -> None:
    """Draw horizontal lines, squares, or a column's rule, in place."""
    height, width = page.shape
    colour = int(sheet.level * (1 - sheet.rule))
    rise = math.tan(turn) * width

    def line(x0: float, y0: float, x1: float, y1: float, thick: int = 1) -> None:
        ends = (round(x0 * 16), round(y0 * 16)), (round(x1 * 16), round(y1 * 16))
        cv2.line(page, *ends, colour, thick, cv2.LINE_AA, 4)

    if sheet.ruling == "column":
        x = dice.between(0.01, 0.1) * width if dice.bernoulli(0.5) else dice.between(0.9, 0.99) * width
        line(x, 0, x - rise * height / width, height, 1 + dice.below(2))
        return
    y = baseline + dice.normal(1.5) - rise / 2
    y -= sheet.pitch * math.floor(y / sheet.pitch)
    while y < height + abs(rise):
        line(0, y, width, y + rise)
        y += sheet.pitch
    if sheet.ruling == "squares":
        x = -dice.unit() * sheet.pitch
        while x < width:
            line(x, 0, x - rise * height / width, height)
            x += sheet.pitch


def seen_through(page: Image, other: Image, amount: float, dice: Sampler) -> Image:
    """The writing of the other side (a mask, 255 = ink), mirrored, blurred and faint, on the page."""
    mask = np.zeros(page.shape, np.uint8)
    top = dice.below(max(1, page.shape[0] // 2)) - page.shape[0] // 4
    part = other[max(0, -top) :, ::-1][: page.shape[0] - max(0, top), : page.shape[1]]
    mask[max(0, top) : max(0, top) + part.shape[0], : part.shape[1]] = part
    mask = as_image(cv2.GaussianBlur(mask, (5, 5), dice.between(0.7, 1.6)))
    ramp = np.arange(256, dtype=np.float32)
    return as_image(cv2.multiply(page, cv2.LUT(mask, (255.5 - amount * ramp).astype(np.uint8)), scale=1 / 255))


@dataclass(frozen=True)
class Camera:
    """How a sheet became a file. Probabilities 0..1, the rest in the units named."""

    blur: float = 0.5  # probability
    blur_most: float = 1.0  # px, standard deviation
    shrink: float = 0.15  # probability of a picture scaled down and up again
    shrink_least: float = 0.5  # smallest scale
    noise: float = 0.6  # probability
    noise_most: float = 4.0  # grey levels, standard deviation
    jpeg: float = 0.25  # probability
    jpeg_worst: int = 35  # quality


def camera(image: Image, settings: Camera, dice: Sampler, strength: float = 1.0, jpeg: float | None = None) -> Image:
    """Blur, loss of resolution, sensor noise, JPEG; the shape stays. `strength` 0 changes nothing.

    `jpeg` stands in for the probability in the settings, for a hand whose pictures all came from one camera.
    """
    height, width = image.shape
    if dice.bernoulli(settings.shrink * strength) and width > 16:
        scale = dice.between(settings.shrink_least, 0.9)
        small = cv2.resize(image, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_AREA)
        image = as_image(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
    elif dice.bernoulli(settings.blur * strength):
        image = as_image(cv2.GaussianBlur(image, (5, 5), dice.between(0.3, settings.blur_most * max(strength, 0.4))))
    if dice.bernoulli(settings.noise * strength):
        amount = dice.between(0.5, settings.noise_most) * strength
        image = mottled(image, "grain" if dice.bernoulli(0.7) else "soft", amount, dice)
    if dice.bernoulli((settings.jpeg if jpeg is None else jpeg) * strength):
        quality = int(dice.between(settings.jpeg_worst, 92))
        image = as_image(
            cv2.imdecode(cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1], cv2.IMREAD_GRAYSCALE)
        )
    return image
