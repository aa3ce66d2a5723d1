"""One line from text to finished picture: letters, neighbouring lines, warp, pen, paper, camera."""

import copy
import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from scriven.augment import STILL, Affine, Ink, Paper, Sampler, Wobble, bleed_through, blot, camera, ink, paper, warp
from scriven.augment.noise import as_image
from scriven.base import TextError
from scriven.scribes.fonts.face import Face
from scriven.scribes.fonts.font import Mask
from scriven.scribes.fonts.glyph_cache import GlyphCache
from scriven.scribes.fonts.hands import Hand
from scriven.scribes.fonts.layout import (
    Crop,
    Frame,
    PlacedBitmap,
    PlacedGlyph,
    Spacing,
    blit,
    frame,
    place_letters,
    raster_size,
    rasterise,
)
from scriven.scribes.fonts.settings import FontSettings

VISIBLE = 64  # of 255: coverage of a pixel from which it counts as ink of a glyph
_LONG_LETTERS = "gpyjfqlbdhkt"  # ascenders and descenders, which neighbouring lines reach into this one with


class Task(NamedTuple):
    """Everything that one picture depends on."""

    text: str
    hand: Hand
    face: Face
    glyphs: GlyphCache
    sampler: Sampler
    strength: float
    settings: FontSettings


class Drawing(NamedTuple):
    """The letters rasterised at `size` px per em, and how the picture is cropped around them."""

    bitmaps: list[PlacedBitmap]
    size: int
    frame: Frame
    wobble: Wobble
    tight: bool


def write_line(task: Task) -> Mask:
    """The finished picture (height, W) uint8, 255 = paper."""
    drawing = draw(task)
    mask = _mask(task, drawing)
    if task.strength <= 0:
        return np.subtract(255, mask, dtype=np.uint8)
    sampler, hand, strength, framed = task.sampler, task.hand, task.strength, drawing.frame
    page = paper(mask.shape, _paper(hand.paper, strength, sampler), sampler, framed.baseline + 2)
    if hand.through and sampler.bernoulli(hand.through * strength):
        verso = _stamp(_other_words(task, drawing.size), framed)
        page = bleed_through(page, verso, hand.pen.darkness * sampler.between(0.05, 0.35), sampler)
    stroke = task.face.metrics.stroke * drawing.size * framed.scale
    marks = ink(mask, _pen(task, drawing, stroke), stroke, sampler)
    image = as_image(cv2.multiply(page, marks, scale=1 / 255))
    if sampler.bernoulli(task.settings.blots * strength):
        image = blot(image, sampler)
    return camera(image, task.settings.camera, sampler, strength, hand.jpeg)


def draw(task: Task) -> Drawing:
    """Place the letters and choose the crop. Letters are rasterised again if the crop scales them a lot."""
    face, hand, sampler, strength, settings = task.face, task.hand, task.sampler, task.strength, task.settings
    letters = place_letters(face, task.text, hand.features, _scaled_spacing(hand.spacing, strength), sampler)
    wobble = _wobble(hand, sampler, strength, settings.height / 64)
    x_height = hand.x_height * settings.height / 64 * (1 + strength * sampler.normal(0.07))
    tight = hand.tight if " " in task.text else hand.tight_words
    crop = Crop(
        height=settings.height,
        x_height=x_height,
        left=_margin(settings, sampler, strength),
        right=_margin(settings, sampler, strength),
        reach=wobble.reach(settings.height),
        place=0.5 + strength * (min(1.0, max(0.0, hand.place + sampler.normal(0.12))) - 0.5),
        tight=sampler.bernoulli(tight * strength),
        most=settings.tight_x_height * settings.height / 64,
    )
    affine = _affine(hand, letters, x_height / face.metrics.x_height, sampler, strength)
    size = raster_size(face, x_height)
    bitmaps = rasterise(task.glyphs, face, hand.typeface, letters, (size, hand.raster))
    if not bitmaps:
        raise TextError(f"{face.typeface.family} draws nothing for {task.text!r}; choose another hand")
    framed = frame(face, bitmaps, size, affine, crop)
    better = raster_size(face, framed.scale * face.metrics.x_height * size)
    if better != size and not 0.8 < framed.scale < 1.1:
        size = better
        bitmaps = rasterise(task.glyphs, face, hand.typeface, letters, (size, hand.raster))
        framed = frame(face, bitmaps, size, affine, crop)
    return Drawing(bitmaps, size, framed, wobble, crop.tight)


def extents(task: Task) -> dict[int, tuple[float, float]]:
    """The left and right edge, px, of the ink of characters in the picture that `write_line` makes of the same task.

    By the index of the character in the text: of a ligature that of its first. Those without visible ink are left out.
    """
    drawing = draw(task)
    canvas, back = _canvas(task, drawing)
    left, top = _corner(drawing, task.settings.height)
    found: dict[int, tuple[float, float]] = {}
    for bitmap in drawing.bitmaps:
        alone = np.zeros_like(canvas)
        blit(alone, [bitmap], -left, -top)
        shape = task.settings.height, drawing.frame.width
        inked = warp(alone, back, shape, drawing.wobble, copy.deepcopy(task.sampler)) > VISIBLE
        if len(columns := np.flatnonzero(inked.any(axis=0))):
            begin, end = found.get(bitmap.cluster, (math.inf, 0.0))
            found[bitmap.cluster] = min(begin, float(columns[0])), max(end, float(columns[-1] + 1))
    return found


def _mask(task: Task, drawing: Drawing) -> Mask:
    """The warped mask of the line and of the visible parts of its neighbours, (height, W), 255 = ink."""
    canvas, back = _canvas(task, drawing)
    return warp(canvas, back, (task.settings.height, drawing.frame.width), drawing.wobble, task.sampler)


def _corner(drawing: Drawing, height: int) -> tuple[int, int]:
    """The left and top edge of the canvas that a line is drawn in, px of the drawing."""
    top = min(math.floor(drawing.frame.forward.inverse().f), min(box.y for box in drawing.bitmaps)) - 2
    return min(box.x for box in drawing.bitmaps) - 2, top


def _canvas(task: Task, drawing: Drawing) -> tuple[Mask, Affine]:
    """The line and its neighbours as drawn, 255 = ink, and the map from px of the picture to px of the canvas."""
    height, framed, bitmaps = task.settings.height, drawing.frame, drawing.bitmaps
    back = framed.forward.inverse()
    left, top = _corner(drawing, height)
    bottom = max(math.ceil(back.f + back.e * height), max(box.y + box.mask.shape[0] for box in bitmaps)) + 2
    right = max(box.x + box.mask.shape[1] for box in bitmaps) + 2
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    near = task.hand.neighbours * task.strength * (0.3 if drawing.tight else 1.0)
    if near and task.sampler.bernoulli(near):
        _draw_neighbours(canvas, top, task, drawing)
    blit(canvas, bitmaps, -left, -top)
    return canvas, back.moved(-left, -top)


def _draw_neighbours(canvas: Mask, top: int, task: Task, drawing: Drawing) -> None:
    """Draw descenders of the line above and ascenders of the line below into a canvas whose first row is `top`."""
    sampler, size, framed, metrics = task.sampler, drawing.size, drawing.frame, task.face.metrics
    above = round(-framed.baseline / framed.scale)
    below = round((task.settings.height - framed.baseline) / framed.scale)
    for upper in (True, False):
        if not sampler.bernoulli(0.65):
            continue
        depth = sampler.between(0.02, 0.05 + 0.13 * sampler.unit()) * task.settings.height / framed.scale
        base = above + depth - metrics.descent * size if upper else below - depth + metrics.ascent * size
        words = _other_words(task, size)
        blit(canvas, words, round(sampler.between(-0.3, 0.5) * canvas.shape[1]), round(base) - top)
        if sampler.bernoulli(0.5):  # the polygon of the line cuts the neighbour off before the edge
            rim = round(sampler.between(0.0, 0.7) * depth)
            canvas[slice(0, max(0, above - top + rim)) if upper else slice(below - top - rim, None)] = 0


def _other_words(task: Task, size: int) -> list[PlacedBitmap]:
    """Random words in the same hand: of the letters of this text and of some with ascenders and descenders."""
    sampler, known = task.sampler, task.face.font(0).characters
    own = task.text.replace(" ", "")
    pool = [c for c in own + _LONG_LETTERS if c in known] or list(own)
    words = 1 + task.text.count(" ")
    picks = sampler.rng.integers(0, len(pool), 9 * words).tolist()
    ends = [9 * i + 1 + sampler.below(8) for i in range(words)]
    other = " ".join("".join(pool[k] for k in picks[9 * i : end]) for i, end in enumerate(ends))
    letters = place_letters(task.face, other, task.hand.features, task.hand.spacing, sampler)
    return rasterise(task.glyphs, task.face, task.hand.typeface, letters, (size, task.hand.raster))


def _pen(task: Task, drawing: Drawing, stroke: float) -> Ink:
    """The hand's pen for letters whose strokes are `stroke` px wide as drawn."""
    hand, sampler, strength = task.hand, task.sampler, task.strength
    grown = drawing.frame.scale * drawing.size * task.face.metrics.x_height / hand.x_height
    wanted = hand.stroke * grown * math.exp(sampler.normal(0.1))
    return hand.pen._replace(
        darkness=1 - strength * (1 - min(0.97, hand.pen.darkness * math.exp(sampler.normal(0.08)))),
        grow=strength * max(-0.4 * stroke, min(0.5 * (wanted - stroke), 1.6)),
        nib=hand.pen.nib and wanted > 1.2 * stroke,
        pressure=strength * hand.pen.pressure,
        uneven=strength * hand.pen.uneven,
        grainy=strength * hand.pen.grainy,
    )


def _margin(settings: FontSettings, sampler: Sampler, strength: float) -> float:
    return 4.0 + strength * (settings.margin * sampler.unit() - 4.0)


def _scaled_spacing(spacing: Spacing, strength: float) -> Spacing:
    if strength >= 1:
        return spacing
    return Spacing(
        tracking=spacing.tracking * strength,
        gap=1 + (spacing.gap - 1) * strength,
        gap_spread=spacing.gap_spread * strength,
        rise=spacing.rise * strength,
        step=spacing.step * strength,
        tremble=spacing.tremble * strength,
    )


def _wobble(hand: Hand, sampler: Sampler, strength: float, scale: float) -> Wobble:
    if strength <= 0:
        return STILL
    return Wobble(
        elastic=hand.elastic * scale * strength * sampler.between(0.5, 1.0),
        stretch=hand.stretch * scale * strength * sampler.between(0.5, 1.0),
        swell=hand.swell * strength,
        sway=hand.sway * strength,
        drift=hand.drift * scale * strength * sampler.unit(),
        period=sampler.between(120, 700) * scale,
    )


def _affine(hand: Hand, letters: Sequence[PlacedGlyph], em: float, sampler: Sampler, strength: float) -> Affine:
    """Slant, width and rotation around those of the hand; a long line is rotated less, so that it is not shrunk."""
    length = max(1.0, letters[-1].x * em) if letters else 1.0
    turn = max(-7.0, min(7.0, (hand.turn + sampler.normal(0.006)) * strength * length)) / length
    return Affine.of(
        slant=strength * (hand.slant + sampler.normal(0.04)),
        wide=1 + strength * (hand.wide * math.exp(sampler.normal(0.05)) - 1),
        turn=turn,
    )


def _paper(sheet: Paper, strength: float, sampler: Sampler) -> Paper:
    level = min(255.0, sheet.level + sampler.normal(4))
    return sheet._replace(
        level=round(255 - strength * (255 - level)),
        light=sheet.light * strength,
        cloud=sheet.cloud * strength,
        fibre=sheet.fibre * strength,
        stain=sheet.stain * strength,
        rule=sheet.rule * strength,
    )


def _stamp(bitmaps: list[PlacedBitmap], framed: Frame) -> Mask:
    """Bitmaps drawn on a canvas of their own, at the scale of the frame."""
    if not bitmaps:
        return np.zeros((1, 1), np.uint8)
    left, top = min(box.x for box in bitmaps), min(box.y for box in bitmaps)
    right = max(box.x + box.mask.shape[1] for box in bitmaps)
    bottom = max(box.y + box.mask.shape[0] for box in bitmaps)
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    blit(canvas, bitmaps, -left, -top)
    a = framed.forward
    wide, high = max(1, round(canvas.shape[1] * a.a)), max(1, round(canvas.shape[0] * a.e))
    back = a._replace(c=0.0, d=0.0, f=0.0).inverse()
    return warp(canvas, back, (high, wide), STILL, Sampler(np.random.default_rng(0)))
