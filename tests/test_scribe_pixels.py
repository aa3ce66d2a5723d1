"""Settings of the font scribe are visible in the pixels; each test fails without its feature."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from scriven.augment import Affine, Camera, Ink, Paper, Sampler, Wobble, bleed_through, camera, ink, paper, warp
from scriven.scribes.fonts import FontSettings
from scriven.scribes.fonts.face import Face
from scriven.scribes.fonts.glyph_cache import GlyphCache
from scriven.scribes.fonts.layout import Spacing, blit, place_letters, rasterise
from scriven.scribes.fonts.rendering import Task, draw, write_line
from scriven.scribes.fonts.scribe import FontScribe
from scriven.scribes.typefaces import Typeface, bundled

QUIET = {"blur": 0.0, "shrink": 0.0, "noise": 0.0, "jpeg": 0.0, "blots": 0.0, "neighbours": 0.0}


@pytest.fixture(scope="module")
def faces() -> dict[str, Typeface]:
    few = {face.id: face for face in bundled() if face.id in ("homemade-apple", "kristi", "dancing-script")}
    assert len(few) == 3
    return few


@pytest.fixture(scope="module")
def task(faces: dict[str, Typeface]) -> Task:
    """A dark hand on clean paper, without random variation except what a test adds."""
    settings = FontSettings(**QUIET, white=1.0, ruled=0.0, through=0.0, faint=0.0, nib=0.0)
    scribe = FontScribe([faces["homemade-apple"]], settings)
    hand = scribe.hand(0)
    hand = replace(hand, pen=Ink(darkness=0.9), paper=Paper(level=250), jpeg=0.0, neighbours=0.0, through=0.0)
    return Task("nunu nunu", hand, Face(faces["homemade-apple"]), GlyphCache(), sampler(), 1.0, settings)


def sampler(seed: int = 0) -> Sampler:
    return Sampler(np.random.default_rng(seed))


def written(task: Task, **changes: Any) -> np.ndarray:
    return write_line(task._replace(hand=replace(task.hand, **changes), sampler=sampler(1)))


def hands(faces: dict[str, Typeface], **changes: Any) -> list[Any]:
    scribe = FontScribe(list(faces.values()), FontSettings(**changes))
    return [scribe.hand(number) for number in range(40)]


def test_joined_words_stay_connected(faces: dict[str, Typeface]) -> None:
    face = Face(faces["dancing-script"])
    assert face.metrics.joined
    letters = place_letters(face, "nunununu", {}, Spacing(rise=1.0, tremble=1.0, tracking=1.0), sampler())
    assert {(letter.y, letter.variant) for letter in letters} == {(0.0, 0)}
    bitmaps = rasterise(GlyphCache(), face, 0, letters, (90, "smooth"))
    canvas = np.zeros((400, 1600), np.uint8)
    blit(canvas, bitmaps, 40, 200)
    assert cv2.connectedComponents((canvas > 100).astype(np.uint8))[0] - 1 == 1


def test_rasterisers_draw_different_pictures(faces: dict[str, Typeface]) -> None:
    font = Face(faces["homemade-apple"]).font(0)
    glyph = font.shaper.get_nominal_glyph(ord("a"))
    smooth, sampled = (font.rasterise(glyph, 60, raster, False, 0).mask for raster in ("smooth", "sampled"))  # type: ignore[arg-type]
    assert len(np.unique(sampled)) <= 10 < len(np.unique(smooth))  # nine samples a pixel
    assert {hand.raster for seed in range(6) for hand in hands(faces, seed=seed)} == {"smooth", "sampled"}
    rasters = {hand.typeface: hand.raster for hand in hands(faces)}
    assert all(hand.raster == rasters[hand.typeface] for hand in hands(faces))  # one for all hands of a typeface
    assert {hand.raster for hand in hands(faces, sampled=1.0)} == {"sampled"}


def test_the_rasteriser_of_the_hand_is_used(task: Task) -> None:
    assert not np.array_equal(written(task, raster="smooth"), written(task, raster="sampled"))


def test_paper_is_ruled(faces: dict[str, Typeface], task: Task) -> None:
    for ruling in ("lines", "squares", "column"):
        page = paper((64, 200), Paper(level=250, ruling=ruling, rule=0.5, pitch=20), sampler())
        assert (page < 200).sum() >= 60
        page = written(task, paper=Paper(level=250, ruling=ruling, rule=0.5, pitch=16))
        if ruling != "column":
            assert page[:, 0].min() < 200 < written(task)[:, 0].min()
    assert all(hand.paper.ruling != "none" and hand.paper.rule > 0 for hand in hands(faces, ruled=1.0))


def test_jpeg_artefacts_are_visible(faces: dict[str, Typeface], task: Task) -> None:
    image = written(task)
    still = Camera(blur=0, shrink=0, noise=0, jpeg=0)
    assert np.array_equal(camera(image, still, sampler()), image)
    assert not np.array_equal(camera(image, replace(still, jpeg=1.0), sampler()), image)
    assert not np.array_equal(written(task, jpeg=1.0), image)
    assert all(hand.jpeg > 0.5 for hand in hands(faces, jpeg=1.0))


def test_the_baseline_drifts(faces: dict[str, Typeface], task: Task) -> None:
    bar = np.zeros((64, 400), np.uint8)
    bar[30:34] = 255
    bent = warp(bar, Affine.of(), bar.shape, Wobble(drift=6.0, period=200.0), sampler()).astype(float)
    middle = (bent * np.arange(64)[:, None]).sum(axis=0) / bent.sum(axis=0)
    assert np.ptp(middle) > 8
    drifts = [
        draw(task._replace(hand=replace(task.hand, drift=drift), sampler=sampler(1))).wobble.drift for drift in (0, 6)
    ]
    assert drifts[0] == 0 < drifts[1]
    assert max(hand.drift for hand in hands(faces, drift=4.0)) > 2


def test_pen_width_and_pressure_change_the_strokes(faces: dict[str, Typeface], task: Task) -> None:
    bar = np.zeros((64, 400), np.uint8)
    bar[30:34] = 255
    thin, thick = ((ink(bar, Ink(grow=grow), 4.0, sampler()) < 128).sum(axis=0) for grow in (0.0, 1.0))
    assert np.median(thick) >= np.median(thin) + 2
    light = ink(bar, Ink(pressure=0.8), 4.0, sampler()).astype(float).sum(axis=0)
    assert np.ptp(light) > 100  # the width wanders along the stroke
    lean, broad = (255 - written(task, stroke=stroke).astype(float).mean() for stroke in (0.5, 4.0))
    assert broad > 1.2 * lean
    assert not np.array_equal(written(task, pen=Ink(darkness=0.9, pressure=0.8)), written(task))
    assert 10 < sum(hand.pen.pressure > 0 for hand in hands(faces)) < 40


@pytest.mark.parametrize(
    ("id", "tag", "text"), [("kristi", "calt", "Th office"), ("dancing-script", "liga", "Th office")]
)
def test_alternates_and_ligatures_are_used(
    faces: dict[str, Typeface], task: Task, id: str, tag: str, text: str
) -> None:
    face = Face(faces[id])
    on, off = ([g.glyph for g in face.shape(text, {tag: wanted})] for wanted in (True, False))
    assert on != off
    for wanted, glyphs in ((True, on), (False, off)):
        features = {tag: wanted}
        letters = place_letters(face, text, features, Spacing(), sampler())
        blank = face.shape(" ", features)[0].glyph
        assert [letter.glyph.glyph for letter in letters] == [g for g in glyphs if g != blank]
    found = [hand.features[tag] for hand in hands(faces, plain=0.3)]
    assert 20 <= sum(found) < 40  # most hands have them, some do not


def test_bleed_through_is_visible(faces: dict[str, Typeface], task: Task) -> None:
    page, other = np.full((64, 200), 250, np.uint8), np.zeros((40, 150), np.uint8)
    other[10:30, 20:60] = 255
    assert (bleed_through(page, other, 0.3, sampler()) < 220).sum() > 300
    faint = lambda image: int(((image > 120) & (image < 245)).sum())  # noqa: E731
    assert faint(written(task, through=1.0)) > 1.5 * faint(written(task))
    assert all(hand.through >= 0.3 for hand in hands(faces, through=1.0))
