"""Hands chosen by how they look: near ones weigh more, any letter can still be written, the same every time."""

import numpy as np
import pytest

pytest.importorskip("uharfbuzz")
from scriven.base import TextError  # noqa: E402
from scriven.images import prepare  # noqa: E402
from scriven.scribes.fonts import FontScribe  # noqa: E402
from scriven.scribes.likeness import Alike, LikenessSettings, likeness, measured  # noqa: E402
from scriven.scribes.texts import source  # noqa: E402
from scriven.scribes.typefaces import bundled  # noqa: E402

SETTINGS = LikenessSettings(hands=150, effective=15)
SLANT = 3


@pytest.fixture(scope="module")
def scribe() -> FontScribe:
    return FontScribe([face for face in bundled() if "cursive" in face.tags][:12])


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    file = tmp_path_factory.mktemp("texts") / "corpus.txt"
    file.write_text("paper letters of the hand that wrote them\nmany more pages and quills\n" * 20)
    return source(f"lines:{file}")


def pictures(scribe, number, count=12):
    rng = np.random.default_rng(5)
    return [prepare(scribe.write("the letters of a hand", rng, hand=number)) for _ in range(count)]


def test_weights_sum_to_one_and_amount_to_so_many_hands():
    rng = np.random.default_rng(0)
    weights = likeness(rng.normal(size=(400, 7)) * 20, rng.normal(size=(50, 7)), 40)
    assert weights.sum() == pytest.approx(1) and 1 / (weights**2).sum() == pytest.approx(40, rel=0.02)
    few = likeness(rng.normal(size=(10, 7)), rng.normal(size=(50, 7)), 40)
    assert few == pytest.approx(np.full(10, 0.1), abs=1e-3)


def test_a_slanting_hand_is_written_more_slanting(scribe, texts):
    slants = {n: scribe.hand(n).slant for n in range(300)}
    steep, upright = max(slants, key=slants.__getitem__), min(slants, key=lambda n: abs(slants[n]))
    found = []
    for number in (steep, upright):
        alike, rng = Alike(scribe, texts, pictures(scribe, number), 1.0, SETTINGS), np.random.default_rng(1)
        written = [prepare(alike.write("some letters of it", rng)) for _ in range(40)]
        found.append(np.median(measured(written)[:, SLANT]))
    assert found[0] > found[1] + 8


def test_the_same_seed_writes_the_same_and_rare_letters_go_to_any_hand(scribe, texts):
    shown = pictures(scribe, 3)
    one, other = (Alike(scribe, texts, shown, 1.0, SETTINGS) for _ in range(2))
    a, b = (s.write("letters", np.random.default_rng(2)) for s in (one, other))
    assert np.array_equal(a, b)
    with pytest.raises(TextError, match="no typeface draws"):
        one.write("\u4e00", np.random.default_rng(2))
