"""The box of letters of the demo: about 500 synthetic lines of one hasty hand on old paper.

The texts (`letters.txt`) were written for the demo; the typeface (`typeface/`) is not used in any training. Whole pages
are drawn, with ruling, bleed-through and overlapping lines, and then cut into lines, so that a line picture shows parts
of its neighbours, as in scans.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from scriven.augment import Camera, Ink, Paper, Sampler, bleed_through, camera, ink, paper, warp
from scriven.augment.noise import as_image
from scriven.base.progress import progress
from scriven.images import encode
from scriven.jobs.demo.settings import LetterSettings
from scriven.lines import Line, LinesWriter
from scriven.scribes import typefaces
from scriven.scribes.fonts import FontSettings
from scriven.scribes.fonts.face import Face
from scriven.scribes.fonts.glyph_cache import GlyphCache
from scriven.scribes.fonts.hands import Hand
from scriven.scribes.fonts.layout import Spacing, blit
from scriven.scribes.fonts.rendering import Task, draw

HERE = Path(__file__).parent
TEXT, TYPEFACE = HERE / "letters.txt", HERE / "typeface"
CANVAS = 128  # px, height of the canvas on which a line is drawn before it is placed on its page
MARGIN = 64  # px of paper around the writing of a page
PROVENANCE = {
    "title": "Letters of a surveyor's assistant, drawn by a program",
    "attribution": "Text written for Scriven, CC0 1.0; drawn with the typeface Fuggles, copyright 2021 The Fuggles Pro "
    "Project Authors (https://github.com/googlefonts/fuggles), SIL Open Font License 1.1",
    "licence": "CC0 1.0",
    "language": "en",
}
Grey = NDArray[np.uint8]


class Strip(NamedTuple):
    """One line on its own canvas: a mask (CANVAS, W), 255 = ink; its baseline and stroke width in px."""

    mask: Grey
    baseline: float
    stroke: float


class Placed(NamedTuple):
    """A line on its page: the text, the extent of its ink, and its baseline from the top of the page, in px."""

    text: str
    left: int
    right: int
    baseline: float


class Leaf(NamedTuple):
    """One page without ink and paper: the mask of its writing (H, W), its lines, the mean stroke width in px."""

    mask: Grey
    lines: list[Placed]
    stroke: float


def write_letters(folder: Path, settings: LetterSettings | None = None) -> Path:
    """Draw the box of letters into a new lines folder with the split `train`; the settings determine the pictures."""
    settings = settings or LetterSettings()
    leaves = [_leaf(texts, number, settings) for number, texts in enumerate(pages(settings))]
    total, number = sum(len(leaf.lines) for leaf in leaves), 0
    with LinesWriter(folder, {"command": "scriven demo", **PROVENANCE, "settings": asdict(settings)}) as writer:
        for page, leaf in enumerate(leaves):
            other = leaves[min(page ^ 1, len(leaves) - 1)]  # pairs of pages are the two sides of a sheet
            for row, (text, picture) in enumerate(_cut(leaf, _sheet(leaf, other, page, settings), page, settings)):
                height, width = picture.shape
                id = f"page-{page + 1:02d}-line-{row + 1:02d}"
                writer.write(
                    Line(id, encode(picture, "jpeg"), text, "one hand", id[:7], "fonts", width=width, height=height)
                )
                number += 1
                progress("drawing", number, total)
    return folder


def pages(settings: LetterSettings | None = None) -> list[list[str]]:
    """The texts of the lines, page by page; every letter begins on a new page."""
    settings = settings or LetterSettings()
    found: list[list[str]] = []
    for letter in TEXT.read_text("utf-8").strip().split("\n\n\n"):
        lines = [line for part in letter.splitlines() for line in textwrap.wrap(part, settings.characters)]
        found += [lines[at : at + settings.lines] for at in range(0, len(lines), settings.lines)]
    return found[: settings.pages]


@cache
def _face() -> tuple[Face, GlyphCache]:
    found, _ = typefaces.from_folder(TYPEFACE)
    return Face(found[0]), GlyphCache()


def _hand(settings: LetterSettings) -> Hand:
    """The hand of the box. Its pen and paper are not used, since those vary from page to page."""
    return Hand(
        name="letters",
        typeface=0,
        features={"calt": True, "liga": True, "kern": True},
        spacing=Spacing(gap=1.15, gap_spread=0.25, rise=0.04, step=0.04, tremble=0.2),
        pen=Ink(),
        paper=Paper(),
        raster="smooth",
        x_height=settings.x_height * 64 / CANVAS,
        slant=settings.slant,
        wide=settings.wide,
        stroke=1.0,
        elastic=0.6,
        stretch=0.9,
        swell=0.06,
        sway=0.07,
        drift=1.2,
        turn=0.004,
        place=0.5,
        tight=0.0,
        tight_words=0.0,
        neighbours=0.0,
        through=0.0,
        jpeg=0.0,
    )


def _leaf(texts: list[str], page: int, settings: LetterSettings) -> Leaf:
    """Write lines below one another on a page."""
    sampler = Sampler(np.random.default_rng([settings.seed, page]))
    strips = [_strip(text, [settings.seed, page, row], settings) for row, text in enumerate(texts)]
    width = max(strip.mask.shape[1] for strip in strips) + 3 * MARGIN
    mask = np.zeros((settings.pitch * len(texts) + 2 * MARGIN, width), np.uint8)
    lines = []
    for row, (text, strip) in enumerate(zip(texts, strips, strict=True)):
        baseline = MARGIN + settings.pitch * (row + 1) + sampler.normal(settings.jitter)
        left, top = round(MARGIN + sampler.between(0, 26)), round(baseline - strip.baseline)
        room = mask[max(0, top) : top + CANVAS, left : left + strip.mask.shape[1]]
        np.maximum(room, strip.mask[max(0, -top) :][: room.shape[0]], out=room)
        inked = np.flatnonzero(strip.mask.max(axis=0) > 40)
        lines.append(Placed(text, left + int(inked[0]), left + int(inked[-1]), baseline))
    return Leaf(mask, lines, float(np.mean([strip.stroke for strip in strips])))


def _strip(text: str, seed: list[int], settings: LetterSettings) -> Strip:
    """Draw one line, which depends on `seed` and the settings only."""
    sampler, (face, glyphs), hand = Sampler(np.random.default_rng(seed)), _face(), _hand(settings)
    hand = replace(
        hand,
        slant=hand.slant + sampler.normal(settings.haste),
        wide=hand.wide * (1 + sampler.normal(settings.haste)),
    )
    drawing = draw(Task(text, hand, face, glyphs, sampler, 1.0, FontSettings(height=CANVAS)))
    inked, back = drawing.bitmaps, drawing.frame.forward.inverse()
    left, top = min(box.x for box in inked) - 2, min(box.y for box in inked) - 2
    right = max(box.x + box.mask.shape[1] for box in inked) + 2
    bottom = max(box.y + box.mask.shape[0] for box in inked) + 2
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    blit(canvas, inked, -left, -top)
    mask = warp(canvas, back.moved(-left, -top), (CANVAS, drawing.frame.width), drawing.wobble, sampler)
    return Strip(mask, drawing.frame.baseline, face.metrics.stroke * drawing.size * drawing.frame.scale)


def _sheet(leaf: Leaf, other: Leaf, page: int, settings: LetterSettings) -> Grey:
    """The complete page (H, W), 255 = white: paper, ruling, bleed-through, ink, camera."""
    rng = np.random.default_rng([settings.seed, page, 1 << 16])
    sampler = Sampler(rng)
    plain = Paper(
        level=round(sampler.between(*settings.level)),
        fibre=sampler.between(0.5, 2),
        ruling="lines",
        rule=settings.rule,
        pitch=settings.pitch,
    )
    sheet = paper(leaf.mask.shape, plain, sampler, MARGIN)
    sheet = bleed_through(sheet, other.mask, sampler.between(*settings.through), sampler)
    stained = sheet + sampler.between(*settings.stains) * _clouds(leaf.mask.shape, rng)
    pen = Ink(darkness=sampler.between(*settings.darkness), pressure=0.6, uneven=0.5, grainy=0.3)
    marks = ink(leaf.mask, pen, leaf.stroke, sampler)
    page_picture = as_image(cv2.multiply(np.clip(stained, 0, 255).astype(np.uint8), marks, scale=1 / 255))
    return camera(page_picture, Camera(blur=0.5, shrink=0.3, shrink_least=0.6, noise=1.0, noise_most=5.0), sampler)


def _clouds(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Stains and uneven light over a page (H, W): smooth noise of two sizes, mean 0, standard deviation about 1."""
    field = np.zeros(shape, np.float32)
    for size, share in ((260, 0.8), (70, 0.6)):  # px
        small = rng.standard_normal((shape[0] // size + 3, shape[1] // size + 3), dtype=np.float32)
        field += share * cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return field


def _cut(leaf: Leaf, sheet: Grey, page: int, settings: LetterSettings) -> Iterator[tuple[str, Grey]]:
    """The text and the picture of every line: a rectangular crop, which includes parts of neighbouring lines."""
    sampler = Sampler(np.random.default_rng([settings.seed, page, 1 << 17]))
    for line in leaf.lines:
        top = round(line.baseline - settings.above + sampler.normal(settings.jitter))
        bottom = round(line.baseline + settings.below + sampler.normal(settings.jitter))
        left, right = round(line.left - sampler.between(4, 24)), round(line.right + sampler.between(4, 24))
        yield line.text, sheet[max(0, top) : bottom, max(0, left) : right]
