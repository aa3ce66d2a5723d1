"""One line from text to finished picture: mask, neighbours, pen, paper, camera."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from scriven.augment import STILL, Affine, Ink, Paper, Sampler, Wobble, blot, camera, ink, paper, seen_through, warp
from scriven.augment.noise import as_image
from scriven.base import TextError
from scriven.scribes.hands import FontSettings, Hand
from scriven.scribes.layout import Cut, Frame, Inked, Manner, Set, blit, frame, lay, pictures, size_for
from scriven.scribes.shaping import Face, Glyphs, Mask

_REACHING = "gpyjfqlbdhkt"  # letters of neighbouring lines that reach into this one


class Task(NamedTuple):
    """Everything one picture depends on."""

    text: str
    hand: Hand
    face: Face
    glyphs: Glyphs
    dice: Sampler
    strength: float
    settings: FontSettings


class Drawing(NamedTuple):
    """The letters drawn at `size` px an em, and how the picture is cut around them."""

    inked: list[Inked]
    size: int
    frame: Frame
    wobble: Wobble
    tight: bool


def write_line(task: Task) -> Mask:
    """A finished picture (height, W) uint8, 255 = paper."""
    drawing = draw(task)
    mask = _mask(task, drawing)
    if task.strength <= 0:
        return np.subtract(255, mask, dtype=np.uint8)
    dice, hand, strength, framed = task.dice, task.hand, task.strength, drawing.frame
    page = paper(mask.shape, _sheet(hand.sheet, strength, dice), dice, framed.baseline + 2)
    if hand.through and dice.bernoulli(hand.through * strength):
        page = seen_through(
            page, _stamp(_other(task, drawing.size), framed), hand.pen.darkness * dice.between(0.05, 0.35), dice
        )
    stroke = task.face.metrics.stroke * drawing.size * framed.scale
    marks = ink(mask, _pen(task, drawing, stroke), stroke, dice)
    image = as_image(cv2.multiply(page, marks, scale=1 / 255))
    if dice.bernoulli(task.settings.blots * strength):
        image = blot(image, dice)
    return camera(image, task.settings.camera, dice, strength, hand.jpeg)


def draw(task: Task) -> Drawing:
    """Set the letters and choose the frame; letters far from the size they end with are drawn at a better one."""
    face, hand, dice, strength, settings = task.face, task.hand, task.dice, task.strength, task.settings
    letters = lay(face, task.text, hand.features, _eased(hand.manner, strength), dice)
    wobble = _wobble(hand, dice, strength, settings.height / 64)
    x_height = hand.x_height * settings.height / 64 * (1 + strength * dice.normal(0.07))
    tight = hand.tight if " " in task.text else hand.tight_words
    cut = Cut(
        height=settings.height,
        x_height=x_height,
        left=_margin(settings, dice, strength),
        right=_margin(settings, dice, strength),
        reach=wobble.reach(settings.height),
        place=0.5 + strength * (min(1.0, max(0.0, hand.place + dice.normal(0.12))) - 0.5),
        tight=dice.bernoulli(tight * strength),
        most=settings.tight_x_height * settings.height / 64,
    )
    lean = _lean(hand, letters, x_height / face.metrics.x_height, dice, strength)
    size = size_for(face, x_height)
    inked = pictures(task.glyphs, face, hand.typeface, letters, (size, hand.raster))
    if not inked:
        raise TextError(f"{face.typeface.family} draws nothing for {task.text!r}; choose another hand")
    framed = frame(face, inked, size, lean, cut)
    better = size_for(face, framed.scale * face.metrics.x_height * size)
    if better != size and not 0.8 < framed.scale < 1.1:
        size = better
        inked = pictures(task.glyphs, face, hand.typeface, letters, (size, hand.raster))
        framed = frame(face, inked, size, lean, cut)
    return Drawing(inked, size, framed, wobble, cut.tight)


def _mask(task: Task, drawing: Drawing) -> Mask:
    """The warped mask of the line and of what shows of its neighbours, (height, W), 255 = ink."""
    height, framed, inked = task.settings.height, drawing.frame, drawing.inked
    back = framed.forward.inverse()
    top = min(math.floor(back.f), min(box.y for box in inked)) - 2
    bottom = max(math.ceil(back.f + back.e * height), max(box.y + box.mask.shape[0] for box in inked)) + 2
    left = min(box.x for box in inked) - 2
    right = max(box.x + box.mask.shape[1] for box in inked) + 2
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    near = task.hand.neighbours * task.strength * (0.3 if drawing.tight else 1.0)
    if near and task.dice.bernoulli(near):
        _neighbours(canvas, top, task, drawing)
    blit(canvas, inked, -left, -top)
    return warp(canvas, back.moved(-left, -top), (height, framed.width), drawing.wobble, task.dice)


def _neighbours(canvas: Mask, top: int, task: Task, drawing: Drawing) -> None:
    """Draw descenders of the line above and ascenders of the line below into a canvas whose first row is `top`."""
    dice, size, framed, metrics = task.dice, drawing.size, drawing.frame, task.face.metrics
    above = round(-framed.baseline / framed.scale)
    below = round((task.settings.height - framed.baseline) / framed.scale)
    for upper in (True, False):
        if not dice.bernoulli(0.65):
            continue
        depth = dice.between(0.02, 0.05 + 0.13 * dice.unit()) * task.settings.height / framed.scale
        base = above + depth - metrics.descent * size if upper else below - depth + metrics.ascent * size
        blit(canvas, _other(task, size), round(dice.between(-0.3, 0.5) * canvas.shape[1]), round(base) - top)
        if dice.bernoulli(0.5):  # a polygon cut the neighbour off before the edge
            rim = round(dice.between(0.0, 0.7) * depth)
            canvas[slice(0, max(0, above - top + rim)) if upper else slice(below - top - rim, None)] = 0


def _other(task: Task, size: int) -> list[Inked]:
    """Other words of the same hand, in the letters of this text and some that reach far up and down."""
    dice, known = task.dice, task.face.font(0).characters
    own = task.text.replace(" ", "")
    pool = [c for c in own + _REACHING if c in known] or list(own)
    words = 1 + task.text.count(" ")
    picks = dice.rng.integers(0, len(pool), 9 * words).tolist()
    ends = [9 * i + 1 + dice.below(8) for i in range(words)]
    other = " ".join("".join(pool[k] for k in picks[9 * i : end]) for i, end in enumerate(ends))
    letters = lay(task.face, other, task.hand.features, task.hand.manner, dice)
    return pictures(task.glyphs, task.face, task.hand.typeface, letters, (size, task.hand.raster))


def _pen(task: Task, drawing: Drawing, stroke: float) -> Ink:
    """The hand's pen for letters whose strokes are `stroke` px wide now."""
    hand, dice, strength = task.hand, task.dice, task.strength
    grown = drawing.frame.scale * drawing.size * task.face.metrics.x_height / hand.x_height
    wanted = hand.stroke * grown * math.exp(dice.normal(0.1))
    return hand.pen._replace(
        darkness=1 - strength * (1 - min(0.97, hand.pen.darkness * math.exp(dice.normal(0.08)))),
        grow=strength * max(-0.4 * stroke, min(0.5 * (wanted - stroke), 1.6)),
        nib=hand.pen.nib and wanted > 1.2 * stroke,
        pressure=strength * hand.pen.pressure,
        uneven=strength * hand.pen.uneven,
        grainy=strength * hand.pen.grainy,
    )


def _margin(settings: FontSettings, dice: Sampler, strength: float) -> float:
    return 4.0 + strength * (settings.margin * dice.unit() - 4.0)


def _eased(manner: Manner, strength: float) -> Manner:
    if strength >= 1:
        return manner
    return Manner(
        tracking=manner.tracking * strength,
        gap=1 + (manner.gap - 1) * strength,
        gap_spread=manner.gap_spread * strength,
        rise=manner.rise * strength,
        step=manner.step * strength,
        tremble=manner.tremble * strength,
    )


def _wobble(hand: Hand, dice: Sampler, strength: float, scale: float) -> Wobble:
    if strength <= 0:
        return STILL
    return Wobble(
        elastic=hand.elastic * scale * strength * dice.between(0.5, 1.0),
        stretch=hand.stretch * scale * strength * dice.between(0.5, 1.0),
        swell=hand.swell * strength,
        sway=hand.sway * strength,
        drift=hand.drift * scale * strength * dice.unit(),
        period=dice.between(120, 700) * scale,
    )


def _lean(hand: Hand, letters: Sequence[Set], em: float, dice: Sampler, strength: float) -> Affine:
    """Slant, width and turn about the hand's own; a long line turns less, that it may stay large."""
    length = max(1.0, letters[-1].x * em) if letters else 1.0
    turn = max(-7.0, min(7.0, (hand.turn + dice.normal(0.006)) * strength * length)) / length
    return Affine.of(
        slant=strength * (hand.slant + dice.normal(0.04)),
        wide=1 + strength * (hand.wide * math.exp(dice.normal(0.05)) - 1),
        turn=turn,
    )


def _sheet(sheet: Paper, strength: float, dice: Sampler) -> Paper:
    level = min(255.0, sheet.level + dice.normal(4))
    return sheet._replace(
        level=round(255 - strength * (255 - level)),
        light=sheet.light * strength,
        cloud=sheet.cloud * strength,
        fibre=sheet.fibre * strength,
        stain=sheet.stain * strength,
        rule=sheet.rule * strength,
    )


def _stamp(inked: list[Inked], framed: Frame) -> Mask:
    """Pictures drawn on a canvas of their own, at the scale of the frame."""
    if not inked:
        return np.zeros((1, 1), np.uint8)
    left, top = min(box.x for box in inked), min(box.y for box in inked)
    right = max(box.x + box.mask.shape[1] for box in inked)
    bottom = max(box.y + box.mask.shape[0] for box in inked)
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    blit(canvas, inked, -left, -top)
    a = framed.forward
    wide, high = max(1, round(canvas.shape[1] * a.a)), max(1, round(canvas.shape[0] * a.e))
    return warp(
        canvas, a._replace(c=0.0, d=0.0, f=0.0).inverse(), (high, wide), STILL, Sampler(np.random.default_rng(0))
    )
