"""The CER estimated without labels: the regression, its features, intervals and combinations."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scriven.base import InputError
from scriven.estimate import cer as module
from scriven.estimate.cer import (
    WIDE_VIEW,
    CerEstimate,
    change_interval,
    combined,
    estimate_from,
    features_of,
    line_features,
)
from scriven.estimate.regression import (
    FEATURES,
    REGRESSION,
    CerRegression,
    LineFeatures,
    bundled_regression,
    design,
    fit,
    logit,
    self_training_discount,
)
from scriven.estimate.sample import EvenSample
from scriven.jobs.score import score
from scriven.lines import Reading
from scriven.reader.model import read_info, write_info
from scriven.reader.session import Picture, Reader
from toy_estimate import KNOWN, ONE, folder, model  # noqa: F401
from toy_reader import logits_of, picture, runs_of


def truth(counts: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(KNOWN.bias + design(counts) @ [KNOWN.weights[name] for name in FEATURES])))


def drawn(rng: np.random.Generator, count: int) -> np.ndarray:
    characters = rng.integers(1000, 5000, count)
    edits, ink = characters * rng.uniform(0.03, 0.5, count), characters * rng.uniform(0.2, 0.5, count)
    return np.stack([characters, edits, ink, np.zeros(count), characters / rng.uniform(4, 60, count)], 1)


def test_the_fit_recovers_the_regression_that_generated_the_rates() -> None:
    rng = np.random.default_rng(1)
    counts, groups = drawn(rng, 40), [f"c{i % 5}" for i in range(40)]
    found = fit(counts, truth(counts), groups)
    assert found.bias == pytest.approx(KNOWN.bias) and found.weights == pytest.approx(dict(KNOWN.weights))
    assert found.spread < 1e-6


def test_the_spread_is_measured_on_held_out_collections() -> None:
    rng = np.random.default_rng(2)
    counts, groups = drawn(rng, 60), [f"c{i % 6}" for i in range(60)]
    shift = np.array([0.5 if group == "c0" else 0.0 for group in groups])  # a collection that differs from the others
    rates = 1 / (1 + np.exp(-(np.log(truth(counts) / (1 - truth(counts))) + shift)))
    odd, alone = fit(counts, rates, groups), fit(counts[shift > 0], rates[shift > 0], groups[:5] * 2)
    assert odd.spread > 0.2 > 1e-6 > alone.spread


def test_one_collection_is_too_few_for_a_spread() -> None:
    with pytest.raises(InputError, match="two collections or more"):
        fit(np.ones((3, 5)), np.full(3, 0.2), ["a", "a", "a"])


def test_the_bundled_regression_rises_with_change_and_has_a_spread() -> None:
    found = bundled_regression()
    assert set(found.weights) == set(FEATURES) and found.weights["change"] > 0.5 and 0.05 < found.spread < 0.6
    stored = json.loads(REGRESSION.read_text("utf-8"))
    assert stored["made"]["view"] == WIDE_VIEW, "the regression was fitted to another view: run recipes/estimate"
    rates = [estimate_from([LineFeatures(40, edits, 12.0)] * 50) for edits in (0, 2, 6, 14)]
    cers = [rate.cer for rate in rates if rate]
    assert cers == sorted(cers) and cers[0] < 0.05 and 0.1 < cers[2] < 0.5 < cers[3]


def test_an_estimate_lies_in_its_interval_which_narrows_with_lines_but_not_below_the_spread() -> None:
    rng = np.random.default_rng(0)

    def width(count: int, regression: CerRegression) -> float:
        found = estimate_from(
            [LineFeatures(40, int(e), 12.0) for e in rng.integers(0, 16, count)], regression=regression
        )
        assert found and found.interval[0] < found.cer < found.interval[1] and found.n == found.viewed == count
        return found.interval[1] - found.interval[0]

    assert width(10, KNOWN) > 1.1 * width(200, KNOWN) > 2 * width(200, replace(KNOWN, spread=0.0)) > 0


def test_of_the_apparent_gain_of_self_training_a_share_is_credited() -> None:
    known = replace(KNOWN, self_training_discount=0.6)
    before, after = (estimate_from([LineFeatures(40, edits, 12.0)] * 50, regression=known) for edits in (10, 3))
    assert before and after and after.cer < before.cer
    more = module.cer_estimate_bias(before, after, known)
    kept = after.raised(more)
    logits = logit(np.array([before.cer, after.cer, kept.cer]))
    assert logits[0] - logits[2] == pytest.approx(0.6 * (logits[0] - logits[1]))
    assert after.interval[0] < kept.interval[0] < kept.cer < kept.interval[1] and kept.n == after.n
    assert (
        module.cer_estimate_bias(after, before, known) == 0 == module.cer_estimate_bias(None, after, known)
    )  # no gain, no bias
    assert after.raised(0) is after


def test_the_discount_of_gains_weighs_collections_alike() -> None:
    apparent, groups = np.array([1.0, 1.0, 1.0, 2.0]), ["a", "a", "a", "b"]
    assert self_training_discount(0.7 * apparent, apparent, groups) == pytest.approx(0.7)
    assert self_training_discount(np.array([1.0, 1.0, 1.0, 0.0]), apparent, groups) == pytest.approx(1 / 5)


@pytest.mark.parametrize("cer_estimate_bias", [0.0, 0.8])
def test_the_bias_in_model_json_raises_the_estimate(cer_estimate_bias: float, model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(model, tmp_path / "m"))
    write_info(copy, read_info(copy).model_copy(update={"cer_estimate_bias": cer_estimate_bias}))
    lines = folder(tmp_path / "lines", 12)
    plain, found = (score(one, [lines], settings=ONE).estimate() for one in (model, copy))
    assert plain and found
    assert found.cer == pytest.approx(plain.raised(cer_estimate_bias).cer) and (found.cer > plain.cer) == (
        cer_estimate_bias > 0
    )


def test_the_interval_of_a_change_is_a_paired_bootstrap() -> None:
    rng = np.random.default_rng(3)
    edits = rng.integers(2, 16, 60)
    before = [LineFeatures(40, int(e), 12.0) for e in edits]
    better = [LineFeatures(40, int(e) // 2, 12.0) for e in edits]
    shuffled = [LineFeatures(40, int(e), 12.0) for e in rng.permutation(edits)]
    clear, chance = change_interval(before, better), change_interval(before, shuffled)
    assert clear and clear[0] < clear[1] < 0
    assert chance and chance[0] < 0 < chance[1]
    assert change_interval(before, before) == (0.0, 0.0)
    assert change_interval(before, [LineFeatures(0, 0, 0.0)] * 60) is None is change_interval([], [])


def test_without_readings_there_is_no_estimate() -> None:
    assert estimate_from([]) is None and estimate_from([LineFeatures(0, 3, 0.0)] * 20) is None
    some = estimate_from(
        [LineFeatures(0, 2, 0.0)] * 5 + [LineFeatures(30, 2, 9.0)]
    )  # lines in which only one view reads something
    none = estimate_from([LineFeatures(0, 0, 0.0)] * 5 + [LineFeatures(30, 2, 9.0)])
    assert some and none and some.cer > none.cer


def test_lines_in_which_nothing_is_read_are_errors_as_far_as_they_have_ink() -> None:
    read, empty, blank = LineFeatures(30, 1, 9.0), LineFeatures(0, 0, 0.0, 9.0), LineFeatures(0, 0, 0.0, 0.0)
    sound = estimate_from([read] * 10)
    half = estimate_from([read] * 10 + [empty] * 10)
    same = estimate_from([read] * 10 + [blank] * 10)
    none = estimate_from([empty] * 20)
    assert sound and half and same and none
    assert half.cer == pytest.approx((sound.cer + 1) / 2, abs=0.01) and none.cer == 1
    assert same.cer == pytest.approx(sound.cer)
    assert half.characters == pytest.approx(30) and estimate_from([blank] * 20) is None


def test_ink_is_measured_where_nothing_is_read_and_is_zero_on_blank_paper() -> None:
    ink = np.full((64, 300), 230, np.uint8)
    assert line_features(Picture.of("a", ink), Reading("a", "", 0.0, ()), "").unread == 0
    ink[20:40, 50:178] = 60
    assert line_features(Picture.of("a", ink), Reading("a", "", 0.0, ()), "").unread == pytest.approx(2.0)


def test_an_interval_covers_95_percent_of_the_errors_of_the_regression() -> None:
    """Of many lines that are all alike the spread of the regression is all that is uncertain."""
    found = estimate_from([LineFeatures(40, 6, 12.0)] * 10_000, regression=KNOWN)
    assert found
    low, cer, high = logit(np.array([found.interval[0], found.cer, found.interval[1]]))
    assert [cer - low, high - cer] == pytest.approx([1.96 * KNOWN.spread] * 2, rel=0.01)


def test_an_estimate_from_one_line_has_a_wide_interval() -> None:
    one, many = estimate_from([LineFeatures(30, 3, 9.0)]), estimate_from([LineFeatures(30, 3, 9.0)] * 100)
    assert one and many
    assert one.interval[1] - one.interval[0] > 1.3 * (many.interval[1] - many.interval[0])


def test_combined_estimates_are_weighted_by_characters() -> None:
    a, b = CerEstimate(0.1, 300, (0.05, 0.2), 100, 40.0), CerEstimate(0.5, 100, (0.4, 0.6), 100, 5.0)
    both = combined([a, b])
    assert both and (both.n, both.viewed) == (400, 200) and both.characters == pytest.approx(31.25)
    assert both.cer == pytest.approx((0.1 * 12000 + 0.5 * 500) / 12500)
    assert both.interval == pytest.approx(((0.05 * 12000 + 0.4 * 500) / 12500, (0.2 * 12000 + 0.6 * 500) / 12500))
    assert combined([a]) == a and combined([]) is None


@pytest.mark.parametrize("count", [0, 1, 7, 99, 199, 200, 1234, 10_000])
def test_a_sample_is_spread_over_the_whole_stream(count: int) -> None:
    spread: EvenSample[int] = EvenSample(100)
    for i in range(count):
        spread.offer(i if spread.wants() else None)
    assert spread.offered == count and min(count, 100) <= len(spread.kept) < 200
    assert len({*np.diff(spread.kept).tolist()}) <= 1
    some = spread.chosen(10)
    assert len(some) == len(set(some)) == min(count, 10) and some == sorted(some)
    assert count < 2 or (some[0] == 0 and some[-1] >= count - 1 - spread.step)


def test_features_count_changes_and_measure_letters_at_any_size(model: Path) -> None:
    reader = Reader.load(model, threads=1)
    decoder = reader.decoder()

    def looked(height: int) -> list[LineFeatures]:
        pictures = [reader.prepare(text, picture(text, height)) for text in ("abcd", "gfedcba")]
        return features_of(reader, decoder, list(zip(pictures, reader.read_prepared(pictures), strict=True)))

    small, large = looked(64), looked(128)
    assert [s.characters for s in small] == [4, 7] and all(s.edits == 0 for s in small)
    assert [s.ink / s.characters for s in small] == pytest.approx([16 / 64] * 2, rel=0.3)
    assert [s.ink for s in large] == pytest.approx([s.ink for s in small], rel=0.05)
    run_once = logits_of(reader)
    views: list[int] = []

    def blind(images: np.ndarray, widths: np.ndarray) -> np.ndarray:
        views.append(len(widths))
        return run_once(images * 0 if len(views) > 1 else images, widths)

    reader.runs = runs_of(blind)
    assert [s.edits for s in looked(64)] == [4, 7]  # the second view shows nothing
