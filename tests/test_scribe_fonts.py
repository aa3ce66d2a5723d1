"""The font scribe: the same pixels for the same (seed, index), nothing lost, nothing invented."""

import pickle

import numpy as np
import pytest

from scriven.augment import Dice
from scriven.base import TextError
from scriven.scribes.fonts import FontScribe, FontSettings
from scriven.scribes.layout import extent
from scriven.scribes.shaping import Face, Glyphs
from scriven.scribes.typefaces import Typeface, bundled
from scriven.scribes.writing import Task, draw

FEW = ("caveat", "homemade-apple", "la-belle-aurore", "playwrite-fr-moderne", "mrs-saint-delafield", "bad-script")
TEXTS = ["Paris", "le 3 août 1914,", "gy", "I", "Fait à Versailles", "yours very truly", "été", "f"]


@pytest.fixture(scope="module")
def faces() -> tuple[Typeface, ...]:
    few = tuple(face for face in bundled() if face.id in FEW)
    assert len(few) == len(FEW)
    return few


@pytest.fixture(scope="module")
def scribe(faces: tuple[Typeface, ...]) -> FontScribe:
    return FontScribe(faces)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_every_pixel_depends_on_seed_and_index_alone(faces: tuple[Typeface, ...], scribe: FontScribe) -> None:
    forth = {i: scribe.picture(TEXTS, 5, i) for i in range(24)}
    other = FontScribe(faces)
    for i in reversed(range(24)):
        picture, text, hand = other.picture(TEXTS, 5, i)
        assert np.array_equal(picture, forth[i][0])
        assert (text, hand) == forth[i][1:]
        assert picture.dtype == np.uint8 and picture.shape[0] == 64


def test_text_hand_and_seed_each_change_the_ink(scribe: FontScribe) -> None:
    first = scribe.write("Paris", rng(1), hand=3)
    assert np.array_equal(first, scribe.write("Paris", rng(1), hand=3))
    for other in (
        scribe.write("Parks", rng(1), hand=3),
        scribe.write("Paris", rng(1), hand=4),
        scribe.write("Paris", rng(2), hand=3),
    ):
        assert other.shape != first.shape or not np.array_equal(first, other)


def test_strength_nothing_is_a_clean_print(scribe: FontScribe) -> None:
    for hand in range(12):
        first = scribe.write("le 3 août", rng(1), strength=0, hand=hand)
        again = scribe.write("le 3 août", rng(2), strength=0, hand=hand)
        assert np.array_equal(first, again)
        assert (first == 255).mean() > 0.5 and first.min() < 60


@pytest.mark.parametrize("text", TEXTS)
def test_no_ink_touches_the_edge(scribe: FontScribe, text: str) -> None:
    for hand in range(18):
        picture = scribe.write(text, rng(hand), strength=0, hand=hand)
        edge = np.concatenate([picture[:, 0], picture[:, -1], picture[0], picture[-1]])
        assert edge.min() == 255, (text, hand)


def test_a_missing_character_is_refused_by_name(scribe: FontScribe) -> None:
    with pytest.raises(TextError, match="U\\+4E2D"):
        scribe.write("中", rng())
    with pytest.raises(TextError, match="U\\+4E2D"):
        scribe.write("a中", rng(), hand=0)
    with pytest.raises(TextError, match="empty"):
        scribe.write("  ", rng())
    assert not scribe.covers("中") and len(scribe.covers("Paris")) == len(FEW)


def test_cyrillic_is_written_by_those_who_can(scribe: FontScribe) -> None:
    able = {face.id for face in scribe.covers("привет")}
    assert able == {"caveat", "bad-script"}
    for index in range(6):
        picture, _, hand = scribe.picture(["привет"], 0, index)
        assert hand.split("/")[0] in able
        assert np.ptp(picture) > 10


def test_height_is_kept_whatever_is_around(faces: tuple[Typeface, ...]) -> None:
    small = FontScribe(faces, FontSettings(height=48))
    for index in range(40):
        assert small.picture(TEXTS, 1, index)[0].shape[0] == 48


def test_every_letter_is_drawn_and_lies_within_the_picture(scribe: FontScribe) -> None:
    """Full strength: the mapped boxes of all letters, with the warp's reach, stay inside; one picture a glyph."""
    for number, text in enumerate(TEXTS * 8):
        hand = scribe.hand(number)
        face = Face(scribe.typefaces[hand.typeface])
        task = Task(text, hand, face, Glyphs(), Dice(rng(number)), 1.0, scribe.settings)
        drawing = draw(task)
        shaped = [glyph for glyph in face.shape(text, hand.features) if text[glyph.cluster] != " "]
        assert len(drawing.inked) == len(shaped) >= len(text.replace(" ", "")) - 2  # but for ligatures
        left, top, right, bottom = extent(drawing.inked, drawing.frame.forward)
        side, above = drawing.wobble.reach(64)
        assert left >= side and right <= drawing.frame.width - side
        assert top >= above and bottom <= 64 - above


def test_ink_is_as_wide_as_the_shaped_advance(scribe: FontScribe) -> None:
    for hand in range(12):
        face = Face(scribe.typefaces[hand % len(FEW)])
        few, many = ("nono", "nononono")
        ratio = _advance(face, many, scribe.hand(hand).features) / _advance(face, few, scribe.hand(hand).features)
        widths = [_ink_width(scribe.write(text, rng(), strength=0, hand=hand)) for text in (few, many)]
        assert widths[1] / widths[0] == pytest.approx(ratio, rel=0.12)


def _advance(face: Face, text: str, features: dict[str, bool]) -> float:
    last = face.shape(text, features)[-1]
    return last.pen + last.advance


def _ink_width(picture: np.ndarray) -> int:
    columns = np.flatnonzero((picture < 128).any(axis=0))
    return int(columns[-1] - columns[0])


def test_neighbouring_lines_never_make_a_picture_higher(faces: tuple[Typeface, ...]) -> None:
    plain = {"white": 1.0, "ruled": 0.0, "through": 0.0, "noise": 0.0, "blots": 0.0, "tight": 0.0, "tight_words": 0.0}
    crowded = FontScribe(faces, FontSettings(neighbours=1.0, **plain))
    alone = FontScribe(faces, FontSettings(neighbours=0.0, **plain))
    edges = []
    for scribe in (crowded, alone):
        pictures = [scribe.picture(["la page du petit fils"], 3, i)[0] for i in range(60)]
        assert {p.shape[0] for p in pictures} == {64}
        edges.append(sum(int(p[0].min() < 0.7 * p.max() or p[-1].min() < 0.7 * p.max()) for p in pictures))
    assert edges[0] > 10 and edges[1] == 0


def test_a_scribe_travels_to_another_process(scribe: FontScribe) -> None:
    other = pickle.loads(pickle.dumps(scribe))
    assert np.array_equal(other.picture(TEXTS, 9, 4)[0], scribe.picture(TEXTS, 9, 4)[0])


def test_what_the_cache_has_thrown_away_does_not_show(
    faces: tuple[Typeface, ...], scribe: FontScribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [scribe.picture(TEXTS, 2, i)[0] for i in range(16)]
    monkeypatch.setattr("scriven.scribes.shaping.CACHE_BYTES", 4000)
    small = FontScribe(faces)
    assert all(np.array_equal(small.picture(TEXTS, 2, i)[0], kept[i]) for i in range(16))
