"""Selection of generated pictures: ranking, thresholds, distances, the page."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from scriven.base import SettingsError
from scriven.selection import GateSettings, Measured, fit
from scriven.selection.distances import FARTHEST, SPREAD, mean_style, nmae, style_distance, style_of
from scriven.selection.page import selection_page
from scriven.selection.ranking import LENGTHS, bin_name, bin_of, calibrates
from scriven.selection.summary import Selection, cer, grades_of, grid
from toy_drawing import drawing

Run = Callable[..., tuple[int, str, str]]


def one(id: str, text: str = "word", confidence: float = 0.5, cer: float = 0.0, **more: Any) -> Measured:
    return Measured(id, more.pop("hand", "h"), text, text, confidence, confidence ** len(text), cer, **more)


# --- ranking ----------------------------------------------------------------------------------------------------------


def test_bins_of_lengths_cover_all_texts() -> None:
    assert [bin_of("a" * n) for n in (0, 1, 2, 3, 7, 8, 50, 51, 400)] == [0, 0, 0, 1, 2, 3, 5, 6, 6]
    assert [bin_name(n) for n in (0, 2, len(LENGTHS) - 1)] == ["1 to 2", "5 to 7", "51 and more"]


def test_a_share_is_kept_of_every_length_so_that_short_words_do_not_take_over() -> None:
    """Ranked over all lengths, the 50 short words, which are read with more confidence, would be all that is kept."""
    rng = np.random.default_rng(0)
    short = [one(f"s{n}", "ab", 0.9 + 0.1 * rng.random()) for n in range(50)]
    long = [one(f"l{n}", "ab" * 10, 0.3 + 0.1 * rng.random()) for n in range(50)]
    gate = fit([*short, *long], "confidence", 0.5, None)
    for some in (short, long):
        kept = [measured for measured in some if gate.passes(measured)]
        assert len(kept) == 25
        assert min(m.confidence for m in kept) > max(m.confidence for m in some if m not in kept)


@pytest.mark.parametrize(("n", "keep", "kept"), [(10, 0.9, 9), (11, 0.9, 10), (3, 0.5, 2), (1, 0.1, 1), (7, 1.0, 7)])
def test_the_share_is_rounded_up(n: int, keep: float, kept: int) -> None:
    some = [one(str(i), confidence=0.1 + 0.05 * i) for i in range(n)]
    assert sum(map(fit(some, "confidence", keep, None).passes, some)) == kept


def test_words_with_a_character_that_reads_badly_are_compared_with_their_like() -> None:
    rng = np.random.default_rng(1)
    easy = [one(f"e{n}", "abab", 0.8 + 0.1 * rng.random()) for n in range(100)]
    hard = [one(f"z{n}", "zaza", 0.3 + 0.1 * rng.random()) for n in range(100)]
    gate = fit([*easy, *hard], "confidence", 0.5, None)
    assert sum(map(gate.passes, easy)) + sum(map(gate.passes, hard)) == 100
    assert sum(map(gate.passes, hard)) > 20  # 0 of 100 if ranked by confidence alone
    best = max(hard, key=lambda measured: measured.confidence)
    assert gate.passes(best)


def test_every_score_ranks_the_better_picture_higher() -> None:
    good, bad = one("a", nmae=0.1, style=0.5, confidence=0.9), one("b", nmae=0.2, style=1.5, confidence=0.4, cer=0.5)
    for by in ("confidence", "legibility", "nmae", "style"):
        gate = fit([good, bad], by, 0.5, None)
        assert gate.passes(good) and not gate.passes(bad), by
    with pytest.raises(SettingsError, match="by nmae without a real picture of the same text"):
        fit([one("a")], "nmae", 0.5, None)
    with pytest.raises(SettingsError, match="by style without the writing of the hand"):
        fit([one("a")], "style", 0.5, None)


def calibrated(n: int, text: str, seed: int = 0) -> Iterator[Measured]:
    """Pictures whose confidence is the probability that they are read right."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        sure = float(rng.random())
        yield one(f"{text}-{i}", text, sure, 0.0 if rng.random() < sure else 0.25)


def test_a_precision_is_reached_on_pictures_that_did_not_choose_the_threshold() -> None:
    some = list(calibrated(4000, "word"))
    gate = fit(some, "confidence", 1.0, 0.9)
    check = gate.checked
    assert check and check.precision is not None
    held = [m for m in some if not calibrates(m.id) and gate.passes(m)]
    assert (check.right, check.n) == (sum(m.right for m in held), len(held)) and check.n > 200
    low, high = check.interval()
    assert low < check.precision < high and abs(check.precision - 0.9) < 0.04
    assert abs(gate.thresholds[bin_of("word")] - 0.8) < 0.08  # P(right | confidence >= 0.8) = 0.9
    assert sum(map(gate.passes, some)) < 0.4 * len(some)


def test_thresholds_of_a_precision_are_those_of_each_length_with_enough_pictures() -> None:
    short = [replace(m, cer=1.0) for m in calibrated(200, "ab")]  # never read right
    some = [*short, *calibrated(2000, "a longer text"), *calibrated(5, "words")]
    gate = fit(some, "confidence", 1.0, 0.9)
    assert math.isinf(gate.thresholds[bin_of("ab")]) and math.isfinite(gate.thresholds[bin_of("a longer text")])
    everywhere = gate.thresholds[bin_of("words")]  # too few for a threshold of their own
    assert everywhere > gate.thresholds[bin_of("a longer text")] or math.isinf(everywhere)
    assert gate.as_json()["thresholds"]["1 to 2"] is None
    assert json.loads(json.dumps(gate.as_json(), allow_nan=False))["checked"]["n"] == gate.checked.n  # type: ignore[union-attr]


def test_settings_that_contradict_each_other() -> None:
    for wrong, match in (
        ({"keep": 0.5, "precision": 0.9}, "exclude each other"),
        ({"tries": 3}, "needs one that rejects"),
        ({"keep": 0}, "keep"),
        ({"by": "beauty"}, "confidence or legibility or nmae or style"),
    ):
        with pytest.raises(SettingsError, match=match):
            GateSettings(**wrong)  # type: ignore[arg-type]
    assert not GateSettings().reads and GateSettings(reader="x").reads and not GateSettings(reader="x").selects


# --- distances --------------------------------------------------------------------------------------------------------


def test_nmae_is_the_mean_difference_of_centred_pictures() -> None:
    picture = drawing(200)
    assert nmae(picture, picture) == 0
    wider = np.pad(picture, ((0, 0), (30, 30)), constant_values=235)
    assert nmae(picture, wider) < 0.01 and nmae(picture, np.roll(picture, 9, axis=1)) > 0.05
    assert nmae(picture, wider) == nmae(wider, picture)
    large = cv2.resize(picture, (400, 128), interpolation=cv2.INTER_CUBIC)
    assert nmae(picture, np.asarray(large, np.uint8)) < 0.05  # of another size


def sheared(slant: float) -> np.ndarray:
    image = np.full((64, 400), 255, np.uint8)
    for x in range(60, 330, 20):
        cv2.line(image, (round(x + 20 * slant), 20), (round(x - 20 * slant), 48), 30, 3)
    return image


def test_style_distance_grows_with_the_slant_and_is_largest_without_ink() -> None:
    hand = mean_style([s for s in (style_of(sheared(0.0), 14), style_of(sheared(0.02), 14)) if s])
    assert hand is not None
    near, middle, far = (style_distance(style_of(sheared(s), 14), hand) for s in (0.0, 0.3, 0.6))
    assert near < 0.2 < middle < far < FARTHEST
    assert style_of(np.full((64, 200), 255, np.uint8), 5) is None and style_distance(None, hand) == FARTHEST
    assert mean_style([]) is None
    apart = hand._replace(slant=hand.slant + SPREAD.slant, stroke=hand.stroke + SPREAD.stroke)
    assert style_distance(apart, hand) == pytest.approx(math.sqrt(2 / len(SPREAD)))


# --- summary and page -------------------------------------------------------------------------------------------------


def test_the_categories_are_those_of_diffusionhtr() -> None:
    def graded(product: float, nmae: float | None, cer: float = 0.0) -> tuple[str, str]:
        return grades_of(replace(one("a", nmae=nmae, cer=cer), product=product))

    assert graded(0.995, 0.01) == ("good", "good") and graded(0.99, 0.02) == ("average", "average")
    assert graded(0.81, 0.15) == ("average", "average") and graded(0.8, 0.151) == ("bad", "bad")
    assert graded(0.9, None, 0.0) == ("average", "good") and graded(0.9, None, 0.3) == ("average", "bad")
    counts = grid([replace(one("a", nmae=0.01), product=0.999), replace(one("b", nmae=0.5), product=0.1)])
    assert counts["good"]["good"] == counts["bad"]["bad"] == 1 and sum(sum(c.values()) for c in counts.values()) == 2


def selection() -> Selection:
    first = [one(f"i{n}", "ab" * (1 + n % 3), 0.1 * n, 0.5 * (n % 2), hand=f"hand {n % 2}") for n in range(10)]
    gate = fit(first, "confidence", 0.5, None)
    kept = [*(m for m in first if gate.passes(m)), replace(first[0], attempt=1, cer=0.0)]
    return Selection("reader", first, kept, gate, 2, ("a note",))


def test_rejected_lines_are_counted_by_hand_and_length_and_named() -> None:
    found = selection()
    said = found.as_json()
    assert said["lines"] == 10 and said["kept"] == len(found.kept) and said["kept_at_first"] == len(found.kept) - 1
    assert {row["id"] for row in said["rejected"]} == {m.id for m in found.first} - {m.id for m in found.kept}
    assert [row["group"] for row in said["lengths"]] == ["1 to 2", "3 to 4", "5 to 7"]
    for rows in (said["lengths"], said["hands"]):
        assert sum(row["lines"] for row in rows) == 10 and sum(row["kept"] for row in rows) == len(found.kept)
    retried = next(row for row in said["hands"] if row["group"] == "hand 0")
    assert retried["rejected_first"] > retried["rejected"]
    assert cer([one("a", "abcd", cer=0.5), one("b", "ab", cer=0.0)]) == pytest.approx(2 / 6)
    assert "of 10 kept" in found.sentence() and found.sentence().endswith("a note")


def test_the_page_is_self_contained() -> None:
    from scriven.images import encode

    found = selection()
    png = encode(drawing(100))
    page = selection_page("Read back", found, {m.id: (png, png if m.id == "i1" else None) for m in found.first[:4]})
    assert "http" not in page.replace("http-equiv", "") and "<script" not in page
    assert page.count("<svg") == 4 and "CS good" in page and "a note" in page and "hand 1" in page
