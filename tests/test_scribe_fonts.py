"""The font scribe: reproducible pixels by (seed, index); pictures show exactly the label."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from scriven.augment import Sampler
from scriven.base import TextError
from scriven.scribes import Handwriting
from scriven.scribes.fonts import FontSettings
from scriven.scribes.fonts.face import Face
from scriven.scribes.fonts.glyph_cache import GlyphCache
from scriven.scribes.fonts.layout import extent
from scriven.scribes.fonts.rendering import Task, draw
from scriven.scribes.fonts.scribe import FontScribe
from scriven.scribes.specs import scribe_of
from scriven.scribes.typefaces import Typeface, bundled, from_folder

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


def item(scribe: FontScribe, texts: list[str], seed: int, index: int) -> Handwriting:
    """Item `index` of a seed, with the texts in turn."""
    return scribe.write(texts[index % len(texts)], np.random.default_rng([seed, index]))


def ink(scribe: FontScribe, text: str, seed: int, **options: float) -> np.ndarray:
    return scribe.write(text, rng(seed), **options).picture  # type: ignore[arg-type]


def test_pixels_depend_on_seed_and_index_only(faces: tuple[Typeface, ...], scribe: FontScribe) -> None:
    forth = {i: item(scribe, TEXTS, 5, i) for i in range(24)}
    other = FontScribe(faces)
    for i in reversed(range(24)):
        picture, text, hand = item(other, TEXTS, 5, i)
        assert np.array_equal(picture, forth[i][0])
        assert (text, hand) == forth[i][1:]
        assert picture.dtype == np.uint8 and picture.shape[0] == 64


def test_text_hand_and_seed_each_change_the_ink(scribe: FontScribe) -> None:
    first = ink(scribe, "Paris", 1, hand=3)
    assert np.array_equal(first, ink(scribe, "Paris", 1, hand=3))
    for other in (
        ink(scribe, "Parks", 1, hand=3),
        ink(scribe, "Paris", 1, hand=4),
        ink(scribe, "Paris", 2, hand=3),
    ):
        assert other.shape != first.shape or not np.array_equal(first, other)


def test_strength_0_is_clean_and_deterministic(scribe: FontScribe) -> None:
    for hand in range(12):
        first = ink(scribe, "le 3 août", 1, strength=0, hand=hand)
        again = ink(scribe, "le 3 août", 2, strength=0, hand=hand)
        assert np.array_equal(first, again)
        assert (first == 255).mean() > 0.5 and first.min() < 60


@pytest.mark.parametrize("text", TEXTS)
def test_no_ink_touches_the_edge(scribe: FontScribe, text: str) -> None:
    for hand in range(18):
        picture = ink(scribe, text, hand, strength=0, hand=hand)
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


SPELT = 'coeur Caen AERO -- -> "a" ,, oe ae t" <<oui>> i´ \'a\' ...'
OTHERS = "œæŒÆ–—→“”„‘’«»í"


@pytest.mark.parametrize("parts", [[SPELT], SPELT.split()], ids=["line", "words"])
def test_substitutions_never_change_the_text(parts: list[str]) -> None:
    """Fonts drew oe as œ, -- as a dash, -> as an arrow, \" as ”, with ligatures off too; all bundled ones are asked."""
    for typeface in bundled():
        face = Face(typeface)
        font = face.font(0)
        wrong = {font.shaper.get_nominal_glyph(ord(c)) for c in OTHERS} - {None, 0}
        names = {"arrowright", "quotedblbase", "endash", "emdash", "oe", "ae", "iacute"}
        optional = dict.fromkeys((*font.alternates, "dlig"), True)
        for part in ("".join(c for c in part if c in font.characters) for part in parts):
            for features in ({}, {"calt": False, "liga": False, "dlig": False}, optional):
                placed = face.shape(part, features)
                assert not wrong & {glyph.glyph for glyph in placed}, (typeface.id, part)
                assert not names & {font.shaper.glyph_to_string(glyph.glyph) for glyph in placed}, (typeface.id, part)
                assert {glyph.cluster for glyph in placed} >= {i for i, c in enumerate(part) if c in '-,"'}


def test_only_substitutions_that_change_the_text_are_disabled() -> None:
    faces = {face.id: Face(face) for face in bundled() if face.id in ("explora", "playwrite-nl", "dancing-script")}
    assert len(faces["explora"].shape("fi coeur", {})) == len("fi coeur") - 1  # the ligature fi stays
    assert len(faces["dancing-script"].shape("office", {"liga": True})) < len("office")
    dutch, plain = (faces["playwrite-nl"].shape("mijn", {"calt": on}) for on in (True, False))
    assert dutch != plain  # letters are joined by alternates


def features_font(folder: Path, rules: str, named: bool = True) -> Typeface:
    """A font of rectangles with substitutions: a s f i o e and ſ œ, an alternate, an arrow that no character names."""
    from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    glyphs = [".notdef", *"asfioe", "hyphen", "greater", "longs", "oe", "a.alt", "arrowright", "f_i"]
    build = FontBuilder(1000, isTTF=True)
    build.setupGlyphOrder(glyphs)
    characters = {"hyphen": "-", "greater": ">", "longs": "ſ", "oe": "œ", "a.alt": "\ue000"}
    build.setupCharacterMap({ord(characters.get(g, g)): g for g in glyphs[1:-2]})
    outlines = {}
    for number, glyph in enumerate(glyphs):
        pen = TTGlyphPen(None)
        pen.moveTo((0, 0))
        for point in ((0, 400), (200 + number, 400), (200 + number, 0)):
            pen.lineTo(point)
        pen.closePath()
        outlines[glyph] = pen.glyph()
    build.setupGlyf(outlines)
    build.setupHorizontalMetrics({glyph: (500, 0) for glyph in glyphs})
    build.setupHorizontalHeader(ascent=800, descent=-200)
    build.setupNameTable({"familyName": "Made", "styleName": "Regular"})
    build.setupOS2()
    build.setupPost(keepGlyphNames=named)
    addOpenTypeFeaturesFromString(build.font, rules)
    build.save(folder / "made.ttf")
    (made,), skipped = from_folder(folder)
    assert not skipped
    return made


ALTERNATES = """
feature ss01 { sub s by longs; } ss01;
feature ss02 { sub a by a.alt; } ss02;
feature hist { sub s by longs; } hist;
feature liga { sub f i by f_i; sub o e by oe; } liga;
feature rlig { sub hyphen greater by arrowright; } rlig;
"""


@pytest.mark.parametrize("named", [True, False])
def test_alternates_of_user_fonts_show_the_label(tmp_path: Path, named: bool) -> None:
    """ſ for s is another letter; alternates under private-use code points and a ligature fi are accepted."""
    face = Face(features_font(tmp_path, ALTERNATES, named))
    font = face.font(0)
    assert font.alternates == ("ss01", "ss02")
    placed = face.shape("safi", {"ss01": True, "ss02": True})
    assert [glyph.glyph for glyph in placed] == [
        font.substitutions.nominal["s"],
        font.substitutions.nominal["\ue000"],
        13,
    ]
    assert [glyph.glyph for glyph in face.shape("oe->", {})] == [font.substitutions.nominal[c] for c in "oe->"]


def test_a_font_that_always_draws_another_text_is_refused(tmp_path: Path) -> None:
    face = Face(features_font(tmp_path, "feature rvrn { sub s by longs; } rvrn;"))
    assert len(face.shape("fa", {})) == 2
    with pytest.raises(TextError, match="Made draws other characters for 's' of 'fas'; use another typeface"):
        face.shape("fas", {})


def test_cyrillic_is_written_by_covering_typefaces(scribe: FontScribe) -> None:
    able = {face.id for face in scribe.covers("привет")}
    assert able == {"caveat", "bad-script"}
    for index in range(6):
        picture, _, hand = item(scribe, ["привет"], 0, index)
        assert hand.split("/")[0] in able
        assert np.ptp(picture) > 10


def test_the_height_is_kept_with_neighbours_and_margins(faces: tuple[Typeface, ...]) -> None:
    small = FontScribe(faces, FontSettings(height=48))
    for index in range(40):
        assert item(small, TEXTS, 1, index).picture.shape[0] == 48


def test_every_letter_is_drawn_inside_the_picture(scribe: FontScribe) -> None:
    """At full strength, the mapped boxes of all letters, with the displacement of the warp, stay inside the picture."""
    for number, text in enumerate(TEXTS * 8):
        hand = scribe.hand(number)
        face = Face(scribe.typefaces[hand.typeface])
        task = Task(text, hand, face, GlyphCache(), Sampler(rng(number)), 1.0, scribe.settings)
        drawing = draw(task)
        shaped = [glyph for glyph in face.shape(text, hand.features) if text[glyph.cluster] != " "]
        assert len(drawing.bitmaps) == len(shaped) >= len(text.replace(" ", "")) - 2  # but for ligatures
        left, top, right, bottom = extent(drawing.bitmaps, drawing.frame.forward)
        side, above = drawing.wobble.reach(64)
        assert left >= side and right <= drawing.frame.width - side
        assert top >= above and bottom <= 64 - above


def test_ink_is_as_wide_as_the_shaped_advance(scribe: FontScribe) -> None:
    for hand in range(12):
        face = Face(scribe.typefaces[hand % len(FEW)])
        few, many = ("nono", "nononono")
        ratio = _advance(face, many, scribe.hand(hand).features) / _advance(face, few, scribe.hand(hand).features)
        widths = [_ink_width(ink(scribe, text, 0, strength=0, hand=hand)) for text in (few, many)]
        assert widths[1] / widths[0] == pytest.approx(ratio, rel=0.12)


def _advance(face: Face, text: str, features: dict[str, bool]) -> float:
    last = face.shape(text, features)[-1]
    return last.pen + last.advance


def _ink_width(picture: np.ndarray) -> int:
    columns = np.flatnonzero((picture < 128).any(axis=0))
    return int(columns[-1] - columns[0])


def test_neighbouring_lines_do_not_change_the_height(faces: tuple[Typeface, ...]) -> None:
    plain = {"white": 1.0, "ruled": 0.0, "through": 0.0, "noise": 0.0, "blots": 0.0, "tight": 0.0, "tight_words": 0.0}
    crowded = FontScribe(faces, FontSettings(neighbours=1.0, **plain))
    alone = FontScribe(faces, FontSettings(neighbours=0.0, **plain))
    edges = []
    for scribe in (crowded, alone):
        pictures = [item(scribe, ["la page du petit fils"], 3, i).picture for i in range(60)]
        assert {p.shape[0] for p in pictures} == {64}
        edges.append(sum(int(p[0].min() < 0.7 * p.max() or p[-1].min() < 0.7 * p.max()) for p in pictures))
    assert edges[0] > 10 and edges[1] == 0


def test_a_scribe_travels_to_another_process(scribe: FontScribe) -> None:
    other = pickle.loads(pickle.dumps(scribe))
    assert np.array_equal(item(other, TEXTS, 9, 4).picture, item(scribe, TEXTS, 9, 4).picture)


def test_evicting_cached_glyphs_does_not_change_pictures(
    faces: tuple[Typeface, ...], scribe: FontScribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [item(scribe, TEXTS, 2, i).picture for i in range(16)]
    monkeypatch.setattr("scriven.scribes.fonts.glyph_cache.GLYPH_CACHE_BYTES", 4000)
    small = FontScribe(faces)
    assert all(np.array_equal(item(small, TEXTS, 2, i).picture, kept[i]) for i in range(16))


def test_the_extents_of_characters_are_those_of_their_ink() -> None:
    scribe = scribe_of("fonts")
    for seed, text in enumerate(("a quill", "Même", "office x")):
        picture = scribe.write(text, np.random.default_rng(seed), strength=0).picture
        found = scribe.extents(text, np.random.default_rng(seed), strength=0)
        assert set(found) <= {i for i, c in enumerate(text) if c != " "} and 0 in found
        columns = np.flatnonzero((picture < 150).any(axis=0))
        left, right = min(one[0] for one in found.values()), max(one[1] for one in found.values())
        assert abs(left - columns[0]) <= 2 and abs(right - columns[-1] - 1) <= 2
        drawn = scribe.write(text, np.random.default_rng(seed)).picture.shape[1]
        assert all(0 <= a < b <= drawn for a, b in scribe.extents(text, np.random.default_rng(seed)).values())
