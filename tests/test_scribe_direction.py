"""The font scribe writes lines from right to left, and of both directions, in visual order."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scriven.augment import Sampler
from scriven.base import TextError
from scriven.scribes.fonts.face import Face
from scriven.scribes.fonts.layout import Spacing, place_letters
from scriven.scribes.fonts.scribe import FontScribe
from scriven.scribes.typefaces import Typeface, from_folder
from scriven.text import normalise
from toy_typeface import ARABIC, HEBREW, LATIN, OTHERS, toy_typeface, twin

ALEF, BEH, DAL = ARABIC


@pytest.fixture(scope="module")
def typeface(tmp_path_factory: pytest.TempPathFactory) -> Typeface:
    return toy_typeface(tmp_path_factory.mktemp("font"))


@pytest.fixture(scope="module")
def face(typeface: Typeface) -> Face:
    return Face(typeface)


@pytest.fixture(scope="module")
def scribe(typeface: Typeface) -> FontScribe:
    return FontScribe([typeface])


def picture(scribe: FontScribe, text: str) -> np.ndarray:
    """The text as clean print, which does not depend on the generator."""
    return scribe.write(text, np.random.default_rng(0), strength=0).picture


def glyphs(face: Face, text: str) -> list[str]:
    """The names of the glyphs of a text from left to right; their pens increase."""
    shaped = face.shape(text, {})
    assert [glyph.pen for glyph in shaped] == sorted(glyph.pen for glyph in shaped)
    return [face.font(0).shaper.glyph_to_string(glyph.glyph) for glyph in shaped]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("אבג", "cba"),
        ("אב גד", "dc ba"),
        ("אב 12 גד", "dc 12 ba"),
        ("אב (גד)", "(dc) ba"),
        ("אב [גד 3.5]", "[3.5 dc] ba"),
        ("ab גדה ef", "ab edc ef"),
        ("ab (גדה) ef", "ab (edc) ef"),
        ("אבגד (ef) ה", "e (ef) dcba"),
        ("אבגד (e-f), ה", "e ,(e-f) dcba"),
        ("אבגד e>f ה", "e e>f dcba"),
        ("אב > ג", "c < ba"),
    ],
)
def test_a_line_looks_like_its_parts_in_visual_order(scribe: FontScribe, text: str, seen: str) -> None:
    assert twin(text) == seen
    assert np.array_equal(picture(scribe, text), picture(scribe, seen))
    assert scribe.write(text, np.random.default_rng(0)).text == text  # the label is in logical order


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(HEBREW + LATIN + OTHERS + "   ", min_size=1, max_size=24))
def test_any_line_looks_like_its_visual_order(scribe: FontScribe, text: str) -> None:
    text = normalise(text)
    if text:
        assert np.array_equal(picture(scribe, text), picture(scribe, twin(text)))


def test_ink_of_a_mixed_line_is_that_of_its_parts_side_by_side(scribe: FontScribe) -> None:
    """Runs of ink columns: widths of the rectangles, from left to right."""

    def widths(text: str) -> list[int]:
        dark = (picture(scribe, text) < 128).any(axis=0).astype(np.int8)
        edges = np.flatnonzero(np.diff(dark, prepend=0, append=0))
        return [int(b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    line = widths("אגח abh 12 דהו")
    assert len(line) == 11
    assert line == pytest.approx(widths("דהו") + widths("abh") + widths("12") + widths("אגח"), abs=3)


def test_each_glyph_knows_its_character(face: Face) -> None:
    text = "אב 12 (ab) גד"
    shaped = face.shape(text, {})
    assert [text[glyph.cluster] for glyph in shaped] == list("דג )ab( 12 בא")
    assert [glyph.advance > 0 for glyph in shaped] == [True] * len(text)
    assert shaped[0].pen == 0 and shaped[1].pen == pytest.approx(shaped[0].advance)


def test_arabic_is_shaped_from_right_to_left_and_joined(face: Face) -> None:
    assert glyphs(face, BEH * 3) == ["beh.fina", "beh.medi", "beh.init"]
    assert glyphs(face, f"{BEH * 2} {DAL}") == ["dal", "space", "beh.fina", "beh.init"]
    assert glyphs(face, f"ab {BEH * 2} cd")[3:5] == ["beh.fina", "beh.init"]  # in a line from left to right too
    assert glyphs(face, f"{BEH}12{BEH * 2}") == ["beh.fina", "beh.init", "u0031", "u0032", "beh"]
    assert glyphs(face, f"א{BEH * 2}")[:2] == ["beh.fina", "beh.init"]  # beside letters of another script


def test_joined_letters_stay_joined_in_an_irregular_hand(face: Face) -> None:
    text = f"ab {BEH * 3}{DAL} גד"
    spacing = Spacing(tracking=0.2, rise=0.2, step=0.2, tremble=0.3)
    placed = place_letters(face, text, {}, spacing, Sampler(np.random.default_rng(3)))
    joined = [letter for letter in placed if letter.glyph.joined]
    assert [text[letter.glyph.cluster] for letter in joined] == [DAL, BEH, BEH, BEH]
    offsets = np.array([letter.x - letter.glyph.pen for letter in joined])
    assert np.ptp(offsets) < 1e-9 and len({letter.y for letter in joined}) == 1
    assert {letter.variant for letter in joined} == {0}
    others = [letter for letter in placed if not letter.glyph.joined]
    assert len({letter.y for letter in others}) == len(others)


def test_a_line_of_two_files_is_drawn_in_visual_order(tmp_path: Path) -> None:
    """Publishers split fonts into subsets: here the Hebrew letters are in a file of their own."""
    toy_typeface(tmp_path / "a", hebrew="")
    toy_typeface(tmp_path / "b", others="").files[0].path.rename(tmp_path / "a" / "toy-hebrew.ttf")
    (both,), skipped = from_folder(tmp_path / "a")
    assert not skipped and len(both.files) == 2
    scribe = FontScribe([both])
    for text in ("אב 12 (ab) גד", "ab גד, ef", "א(ב)"):
        assert np.array_equal(picture(scribe, text), picture(scribe, twin(text)))


def test_a_bracket_whose_mirror_image_the_font_lacks_is_refused(tmp_path: Path) -> None:
    scribe = FontScribe([toy_typeface(tmp_path, others="(")])
    assert scribe.covers("(a") and not scribe.covers("(א")
    with pytest.raises(TextError, match="RIGHT PARENTHESIS"):
        scribe.write("(א", np.random.default_rng(0))
    assert scribe.refusal("א)") is None  # it is drawn as (
