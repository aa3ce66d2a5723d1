"""The flow scribe: columns, what changes the ink, hands and between them. Its contract is in test_scribes."""

import numpy as np
import pytest
import torch

from scriven.base import SettingsError, TextError
from scriven.scribes.flow.borrowed import glyphs_in, typefaces_with
from scriven.scribes.flow.columns import COLUMN, HEIGHT, covered, ink_of, picture_of, piece, stacked
from scriven.scribes.flow.generator import Generator
from scriven.scribes.flow.model import ScribeInfo
from scriven.scribes.flow.scribe import FlowScribe
from scriven.scribes.flow.settings import FlowSettings
from scriven.text import Charset
from scriven.training.flow_publish import torch_generator
from toy_drawing import drawing
from toy_flow import CHARACTERS, FABRIC, toy_hand, toy_network

FEW = FlowSettings(steps=3)


def generator(latent: int = 0, hands: int = 3, characters: tuple[str, ...] = CHARACTERS) -> Generator:
    """A generator that runs in torch, without a folder."""
    net = toy_network(latent, characters=characters)
    info = ScribeInfo(sizes=net.sizes, charset=characters)
    return torch_generator(net, info, [toy_hand(number, net.charset, "abc") for number in range(hands)], FABRIC)


@pytest.fixture(scope="module", params=[0, 8])
def toy(request: pytest.FixtureRequest) -> Generator:
    return generator(request.param)


def ink(toy: Generator, text: str = "paper", seed: int = 1, hand: int | None = 0, **settings: object) -> np.ndarray:
    """The picture of a text, in 3 steps unless the settings say otherwise."""
    chosen = FlowSettings(**{"steps": 3, **settings})  # type: ignore[arg-type]
    return FlowScribe.of(toy, chosen).write(text, np.random.default_rng(seed), hand=hand).picture


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.array_equal(a, b)


# --- columns ----------------------------------------------------------------------------------------------------------


def test_what_covers_a_column_is_counted_in_halves() -> None:
    """Characters of 6 px from 0, 10 px from 6 and 4 px from 20; a half is 4 px."""
    found = covered(np.array([5, 6, 7]), np.array([[0.0, 6], [6, 16], [20, 24]]), 4)
    expected = [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert np.array_equal(found.overlap, np.array(expected, np.float32)) and found.classes.tolist() == [5, 6, 7]
    assert np.array_equal(found.places[:, 2], found.overlap.sum(1))
    along = [2 / 6, 0.5 * 1.0 + 0.5 * 0.0, 0.4, 0.8, 0, 0.5, 0, 0]
    wide = [6 / 32, (0.5 * 6 + 0.5 * 10) / 32, 10 / 32, 10 / 32, 0, 4 / 32, 0, 0]
    assert np.allclose(found.places[:, 0], along, atol=1e-6) and np.allclose(found.places[:, 1], wide)


def test_characters_on_the_border_of_a_piece_lie_in_one_piece_only() -> None:
    classes, edges = np.array([1, 2, 3]), np.array([[0.0, 16], [16, 32], [32, 32]])
    first, second = covered(classes, edges, 2), covered(classes, edges - 16, 2)
    assert first.classes.tolist() == [1] and second.classes.tolist() == [2]
    across = covered(classes, edges - 8, 2)  # half of each
    assert across.classes.tolist() == [1, 2] and across.overlap.sum(0).tolist() == [2, 2]
    for some in (covered(classes, edges - 100, 2), covered(classes[:0], edges[:0], 2)):
        assert some.overlap.shape == (4, 1) and not some.overlap.any() and not some.places.any()


def test_shifted_by_a_column_the_coverage_is_shifted() -> None:
    rng = np.random.default_rng(0)
    right = rng.uniform(2, 30, 9).cumsum()
    edges = np.stack([np.concatenate([[0], right[:-1]]), right], 1)
    whole, later = covered(np.arange(1, 10), edges, 40), covered(np.arange(1, 10), edges + COLUMN, 41)
    assert np.allclose(whole.overlap, later.overlap[2:], atol=1e-6) and np.allclose(whole.places, later.places[2:])
    assert whole.overlap.sum() * COLUMN / 2 == pytest.approx(right[-1])


def test_stacked_coverages_are_padded_with_the_unknown_class() -> None:
    some = [covered(np.array([1, 2]), np.array([[0.0, 5], [5, 9]]), 2), covered(np.array([3]), np.array([[0.0, 9]]), 2)]
    found = stacked(some)
    assert found.classes.tolist() == [[1, 2], [3, 0]] and not found.overlap[1, :, 1].any()


def test_ink_and_pieces_of_it() -> None:
    picture = drawing(40)
    found = ink_of(picture)
    assert found.shape == (40, HEIGHT) and found.min() == 0 and found.max() == pytest.approx(1, abs=0.05)
    assert np.array_equal(picture_of(found.T)[picture == 235], np.full((picture == 235).sum(), 255))
    part = piece(found, -8, 3)
    assert not part[:8].any() and np.array_equal(part[8:], found[:16])
    end = piece(found, 32, 2)
    assert np.array_equal(end[:8], found[32:]) and not end[8:].any() and not piece(found, 99, 1).any()


# --- the pad is no letter ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("characters", [CHARACTERS, tuple("xyz"), tuple("z")])
def test_the_pad_is_no_letter_and_letters_are_not_counted(characters: tuple[str, ...]) -> None:
    """WordStylist's last letter and its padding share a token; its numbers of letters and writers are constants."""
    charset = Charset(characters)
    assert charset.encode(characters[-1])[0] == len(characters) and 0 not in charset.encode("".join(characters))
    net = toy_network(characters=characters)
    assert len(net.codes.weight) == len(characters) + 1
    assert not torch.equal(net.codes.weight[0], net.codes.weight[-1])
    for hands in (1, 5):
        info = ScribeInfo(sizes=net.sizes, charset=characters)
        every = [toy_hand(n, charset, characters[-1]) for n in range(hands)]
        scribe = FlowScribe.of(torch_generator(net, info, every, FABRIC), FEW)
        assert scribe.hands == hands and scribe.write(characters[-1], np.random.default_rng(0)).picture.min() < 255


@torch.no_grad()
def test_padding_changes_neither_text_nor_widths_nor_hand() -> None:
    net = toy_network()
    torch.nn.init.normal_(net.codes.weight[0], std=9.0)
    layout = covered(np.array([3, 4, 5]), np.array([[0.0, 9], [9, 20], [20, 32]]), 4)
    other = covered(np.arange(1, 9), np.arange(8)[:, None] * 4.0 + [0, 4], 4)
    alone, padded = (tuple(map(torch.from_numpy, stacked(some))) for some in ([layout], [layout, other]))
    assert padded[0].shape == (2, 8)
    assert torch.allclose(net.text(*alone)[0], net.text(*padded)[0], atol=1e-5)
    mean = torch.randn(2, 32)
    for short, long in zip(net.widths(alone[0], mean[:1]), net.widths(padded[0], mean), strict=True):
        assert torch.allclose(short[0], long[0, :3], atol=1e-5)


# --- what changes the ink ---------------------------------------------------------------------------------------------


def test_text_hand_seed_and_the_settings_change_the_ink(toy: Generator) -> None:
    first = ink(toy)
    assert same(first, ink(toy)) and first.shape[0] == HEIGHT and first.shape[1] % COLUMN == 0
    for other in (ink(toy, "papex"), ink(toy, seed=2), ink(toy, hand=1), ink(toy, steps=4)):
        assert not same(first, other)
    widest = ink(toy, margin=(80, 80)).shape[1] - ink(toy, margin=(0, 0)).shape[1]
    assert 152 <= widest <= 168
    at_rest = {ink(toy, seed=seed, variety=0, margin=(4, 4), steps=1).shape[1] for seed in range(3)}
    assert len(at_rest) == 1 < len({ink(toy, seed=seed, margin=(4, 4), steps=1).shape[1] for seed in range(6)})


@pytest.mark.parametrize("name", ["guidance", "style_guidance"])
def test_guidance_changes_the_ink_and_one_is_none(toy: Generator, name: str) -> None:
    """WordStylist's guidance mixed a prediction with itself."""
    plain = {"guidance": 1.0, "style_guidance": 1.0}
    made = [ink(toy, **(plain | {name: value})) for value in (0.0, 1.0, 2.0, 5.0)]
    assert all(not np.array_equal(made[1], other) for other in (made[0], made[2], made[3]))


def test_a_picture_does_not_depend_on_earlier_ones(toy: Generator) -> None:
    scribe, other = FlowScribe.of(toy, FEW), FlowScribe.of(generator(8 if toy.code == 8 else 0), FEW)
    texts = ["ink", "a quill", "7 folio"]
    forth = [scribe.write(text, np.random.default_rng(i)) for i, text in enumerate(texts)]
    back = [other.write(texts[i], np.random.default_rng(i)) for i in (2, 1, 0)][::-1]
    assert all(same(a.picture, b.picture) and a.hand == b.hand for a, b in zip(forth, back, strict=True))


def test_a_text_of_400_characters_is_one_picture(toy: Generator) -> None:
    made = ink(toy, "paper and ink, " * 26 + "the end of it", steps=1)
    assert made.shape[1] > 400 * 5 and (made[:, -160:-40] < 250).any()


# --- hands ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_between_two_hands_is_deterministic_and_ends_at_both(toy: Generator, strength: float) -> None:
    def made(hand: int | None = None, **more: object) -> np.ndarray:
        scribe = FlowScribe.of(toy, FlowSettings(steps=3, style_guidance=1.5, **more))  # type: ignore[arg-type]
        return scribe.write("paper", np.random.default_rng(4), hand=hand, strength=strength).picture

    pair = ("hand-2", "hand-0")
    between = [made(between=pair, blend=share) for share in (0.0, 0.3, 0.7, 1.0)]
    assert same(between[0], made(2)) and same(between[3], made(0))
    assert same(between[1], made(between=pair, blend=0.3))
    swapped = made(between=pair[::-1], blend=0.7).astype(int)
    assert swapped.shape == between[1].shape and np.abs(swapped - between[1]).max() <= 2  # of rounding
    assert len({one.tobytes() for one in between}) == 4
    scribe = FlowScribe.of(toy, FlowSettings(steps=1, between=pair, blend=0.3))
    assert scribe.hands == 1 and scribe.write("a", np.random.default_rng(0)).hand == "0.3 from hand-2 to hand-0"


def test_hands_that_the_model_lacks_are_refused(toy: Generator) -> None:
    for pair in (("hand-0", "anna"), ("anna", "hand-0")):
        with pytest.raises(SettingsError, match="no hand 'anna'; it has hand-0, hand-1, hand-2; see them with"):
            FlowScribe.of(toy, FlowSettings(between=pair))
    for number in (-1, 3):
        with pytest.raises(TextError, match=f"no hand {number}; its hands are numbered 0 to 2"):
            FlowScribe.of(toy).write("a", np.random.default_rng(0), hand=number)


def test_settings_that_exclude_each_other_or_make_no_sense_are_refused() -> None:
    for given, said in (
        ({"between": ("a",)}, "names 1 hands; name two"),
        ({"between": ("a", "b", "c")}, "names 3 hands; name two"),
        ({"between": ("a", "b"), "like": "scans/"}, "exclude each other; leave out one"),
        ({"steps": 0}, "'steps' is 0, .*set it to a whole number of 1 or more"),
        ({"guidance": -1.0}, "'guidance' is -1.0, .*set it to a number"),
        ({"style_guidance": -0.5}, "'style_guidance' is -0.5"),
        ({"blend": 1.5}, "'blend' is 1.5"),
    ):
        with pytest.raises(SettingsError, match=said):
            FlowSettings(**given)  # type: ignore[arg-type]


def test_characters_that_the_model_lacks_are_drawn_from_typefaces_or_refused_by_name(
    toy: Generator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "scriven.write")
    scribe, pixels = FlowScribe.of(toy), toy.draws_pixels
    assert scribe.refusal("paper, é") is None and "empty" in (scribe.refusal("  ") or "")
    with pytest.raises(TextError, match=r"cannot write .*'中' \(U\+4E2D"):
        scribe.write("Z 中", np.random.default_rng(0))
    assert ("cannot write" not in (scribe.refusal("paZer") or "")) == pixels
    if pixels:
        made = [scribe.write("paZer", np.random.default_rng(0), hand=0).picture for _ in range(2)]
        assert np.array_equal(*made)
        said = [record.message for record in caplog.records if "U+005A" in record.message]
        assert said == [
            "'Z' (U+005A LATIN CAPITAL LETTER Z) is drawn from typefaces: the model has never seen it written"
        ]


def test_a_borrowed_glyph_stands_where_its_character_does_at_the_size_of_the_hand() -> None:
    picture = np.full((HEIGHT, 240), 255, np.uint8)
    for at in range(20, 220, 10):  # small letters, 12 px high, above a baseline at row 44
        picture[32:44, at : at + 3] = 0
        picture[32:35, at : at + 8] = 0
    typeface = next(face for face in typefaces_with("Ł") if "x" in face)
    edges = np.array([[20.0, 60], [60, 100], [100, 140]])
    found = glyphs_in(picture, "xŁx", edges, {"Ł": typeface})
    assert found.ink.shape == (240, HEIGHT) and np.flatnonzero(found.places).tolist() == list(range(60, 100))
    rows, columns = np.flatnonzero(found.ink.any(0)), np.flatnonzero(found.ink.any(1))
    assert 56 <= columns[0] and columns[-1] < 104 and rows[-1] < 50 and 12 < rows[-1] - rows[0] < 44
