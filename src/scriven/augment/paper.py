"""Paper and camera: illumination, texture, stains, ruling, bleed-through; blur, resolution, noise and compression."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np

from scriven.augment.noise import NoiseKind, Sampler, add_noise, as_image, crop
from scriven.images import Grey

Ruling = Literal["none", "lines", "squares", "column"]


class Paper(NamedTuple):
    """Parameters of a sheet, constant over the pictures of a hand. Amounts: standard deviation in grey levels."""

    level: int = 255  # grey value of the paper
    light: float = 0.0  # uneven illumination over the whole picture
    cloud: float = 0.0  # mottling
    fibre: float = 0.0
    stain: float = 0.0  # darkening of stained parts, 0..1
    ruling: Ruling = "none"
    rule: float = 0.0  # darkness of the ruling, 0..1
    pitch: float = 40.0  # px between rulings


def paper(shape: tuple[int, int], sheet: Paper, sampler: Sampler, baseline: float = 0.0, turn: float = 0.0) -> Grey:
    """Draw a sheet (H, W) with ruling aligned to a `baseline` (px from the top) and rotated by `turn` radians."""
    page = np.full(shape, sheet.level, np.uint8)
    if sheet.ruling != "none":
        _rule(page, sheet, sampler, baseline, turn)
    amounts: dict[NoiseKind, float] = {"wide": sheet.light, "cloud": sheet.cloud, "fibre": sheet.fibre}
    for kind, amount in amounts.items():
        if amount:
            page = add_noise(page, kind, amount, sampler)
    if sheet.stain:
        ramp = np.arange(256, dtype=np.float32)
        table = 255.5 - 255 * sheet.stain * np.clip((ramp - 150) / 30, 0, 1)
        page = as_image(
            cv2.multiply(page, cv2.LUT(crop("wide", shape, sampler), table.astype(np.uint8)), scale=1 / 255)
        )
    return page


def _rule(page: Grey, sheet: Paper, sampler: Sampler, baseline: float, turn: float) -> None:
    """Draw the ruling onto a page: horizontal lines, squares, or one vertical line."""
    height, width = page.shape
    colour = int(sheet.level * (1 - sheet.rule))
    rise = math.tan(turn) * width

    def line(x0: float, y0: float, x1: float, y1: float, thick: int = 1) -> None:
        ends = (round(x0 * 16), round(y0 * 16)), (round(x1 * 16), round(y1 * 16))
        cv2.line(page, *ends, colour, thick, cv2.LINE_AA, 4)

    if sheet.ruling == "column":
        x = sampler.between(0.01, 0.1) * width if sampler.bernoulli(0.5) else sampler.between(0.9, 0.99) * width
        line(x, 0, x - rise * height / width, height, 1 + sampler.below(2))
        return
    y = baseline + sampler.normal(1.5) - rise / 2
    y -= sheet.pitch * math.floor(y / sheet.pitch)
    while y < height + abs(rise):
        line(0, y, width, y + rise)
        y += sheet.pitch
    if sheet.ruling == "squares":
        x = -sampler.unit() * sheet.pitch
        while x < width:
            line(x, 0, x - rise * height / width, height)
            x += sheet.pitch


def bleed_through(page: Grey, other: Grey, amount: float, sampler: Sampler) -> Grey:
    """Darken a page (H, W) by the writing on its verso: `other`, a mask (255 = ink), mirrored and blurred.

    `amount`: darkness of the bleed-through, 0..1.
    """
    mask = np.zeros(page.shape, np.uint8)
    top = sampler.below(max(1, page.shape[0] // 2)) - page.shape[0] // 4
    part = other[max(0, -top) :, ::-1][: page.shape[0] - max(0, top), : page.shape[1]]
    mask[max(0, top) : max(0, top) + part.shape[0], : part.shape[1]] = part
    mask = as_image(cv2.GaussianBlur(mask, (5, 5), sampler.between(0.7, 1.6)))
    ramp = np.arange(256, dtype=np.float32)
    return as_image(cv2.multiply(page, cv2.LUT(mask, (255.5 - amount * ramp).astype(np.uint8)), scale=1 / 255))


@dataclass(frozen=True)
class Camera:
    """Parameters of the degradation between a sheet and a picture file."""

    blur: float = 0.5  # probability
    blur_most: float = 1.0  # px, standard deviation
    shrink: float = 0.15  # probability of downscaling and upscaling
    shrink_least: float = 0.5  # smallest scale
    noise: float = 0.6  # probability
    noise_most: float = 4.0  # grey levels, standard deviation
    jpeg: float = 0.25  # probability
    jpeg_worst: int = 35  # lowest quality, 0..100
    jpeg_best: int = 92  # highest quality


def camera(image: Grey, settings: Camera, sampler: Sampler, strength: float = 1.0, jpeg: float | None = None) -> Grey:
    """Degrade a picture (H, W) by blur, loss of resolution, sensor noise and JPEG; `strength` scales probabilities.

    `jpeg` overrides the probability of JPEG in the settings, for hands whose pictures share one camera.
    """
    height, width = image.shape
    if sampler.bernoulli(settings.shrink * strength) and width > 16:
        scale = sampler.between(settings.shrink_least, 0.9)
        small = cv2.resize(image, (int(width * scale), max(1, int(height * scale))), interpolation=cv2.INTER_AREA)
        image = as_image(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
    elif sampler.bernoulli(settings.blur * strength):
        image = as_image(cv2.GaussianBlur(image, (5, 5), sampler.between(0.3, settings.blur_most * max(strength, 0.4))))
    if sampler.bernoulli(settings.noise * strength):
        amount = sampler.between(0.5, settings.noise_most) * strength
        image = add_noise(image, "grain" if sampler.bernoulli(0.7) else "soft", amount, sampler)
    if sampler.bernoulli((settings.jpeg if jpeg is None else jpeg) * strength):
        quality = int(sampler.between(settings.jpeg_worst, settings.jpeg_best))
        image = as_image(
            cv2.imdecode(cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1], cv2.IMREAD_GRAYSCALE)
        )
    return image
