"""The probability of texts under CTC, for many pictures at once, and the loss that is made of it."""

import numpy as np
import pytest

from forward_algorithm import log_probability
from scriven.jobs.text_loss import OUTSIDE, SPACED, TOO_LONG, LossMeter, TextLoss
from scriven.reader import ctc_forward
from scriven.reader.ctc_decoder import CtcDecoder
from scriven.reader.ctc_forward import log_probabilities
from scriven.reader.ctc_paths import log_posteriors
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import ModelInfo

CLASSES = 5


def lines(count: int = 40) -> tuple[list[np.ndarray], list[list[int]]]:
    """Log posteriors of lines of 1 to 30 frames, and texts that mostly fit, repeated characters among them."""
    rng = np.random.default_rng(3)
    frames = [rng.normal(0, 3, (int(rng.integers(1, 31)), CLASSES)).astype(np.float32) for _ in range(count)]
    texts = [rng.integers(1, 3, int(rng.integers(0, len(one) + 2))).tolist() for one in frames]
    return [log_posteriors(one) for one in frames], texts


@pytest.mark.parametrize("batch", [1, 64, 100_000])
def test_many_at_once_are_as_one_by_one(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctc_forward, "BATCH", batch)
    frames, texts = lines()
    wanted = [log_probability(one, text) for one, text in zip(frames, texts, strict=True)]
    found = log_probabilities(frames, texts)
    assert sum(np.isinf(wanted)) >= 3 and sum(np.isfinite(wanted)) >= 20
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_probabilities_of_all_texts_sum_to_one() -> None:
    frames = log_posteriors(np.random.default_rng(0).normal(0, 1, (3, 3)).astype(np.float32))
    every = [[], [1], [2], [1, 1], [1, 2], [2, 1], [2, 2], [1, 2, 1], [2, 1, 2]]
    assert np.exp(log_probabilities([frames] * len(every), every)).sum() == pytest.approx(1, abs=1e-5)


def test_no_lines_no_frames_and_unlikely_texts() -> None:
    assert log_probabilities([], []).shape == (0,)
    none = np.zeros((0, 3), np.float32)
    assert log_probabilities([none, none], [[], [1]]).tolist() == [0.0, -np.inf]
    unlikely = np.full((400, 3), -1000.0, np.float32)  # exp of these sums is 0 in any precision
    unlikely[:, 1] = 0.0
    assert log_probabilities([unlikely], [[2, 1, 2]])[0] == pytest.approx(-2000)


def meter(**settings: bool) -> LossMeter:
    return LossMeter(CtcDecoder(ModelInfo(network="toy", charset=("a", "b", " ")), DecodeSettings(**settings)))


def test_the_loss_is_the_mean_over_characters_and_names_lines_that_have_none() -> None:
    frames = np.random.default_rng(1).normal(0, 2, (9, 4)).astype(np.float32)
    found = meter()
    for id, text in (("1", "ab a"), ("2", ""), ("3", "abc"), ("4", "aaaaaa"), ("5", " ba  b ")):
        found.add(id, frames, text)
    loss = found.finish()
    classes = [[1, 2, 3, 1], [], [2, 1, 3, 2]]
    wanted = -sum(log_probability(log_posteriors(frames), one) for one in classes) / 8
    assert loss.per_character == pytest.approx(wanted, rel=1e-5) and loss.lines == 3 and loss.characters == 8
    assert loss.unscored == {OUTSIDE: ["3"], TOO_LONG: ["4"]}
    word = meter(word=True)
    word.add("1", frames, "ab a")
    assert word.finish().unscored == {SPACED: ["1"]} and word.finish().per_character is None


def test_losses_add_up_by_characters() -> None:
    total = TextLoss(8.0, 2, 1, {"x": ["1"]}) + TextLoss(2.0, 8, 3, {"x": ["2"], "y": ["3"]})
    assert total.per_character == 1.0 and total.lines == 4 and total.unscored == {"x": ["1", "2"], "y": ["3"]}


def test_the_loss_has_the_temperature_and_the_case_variants_of_the_reader() -> None:
    info = ModelInfo(network="toy", charset=("a", "A"), temperature=2.0)
    frames = np.random.default_rng(2).normal(0, 2, (1, 3)).astype(np.float32)
    p = np.exp(log_posteriors(frames, 2.0))[0]
    plain, ignoring = (CtcDecoder(info, DecodeSettings(ignore_case=ignore)) for ignore in (False, True))
    assert np.exp(plain.log_likelihoods([frames], [[1]]))[0] == pytest.approx(p[1], rel=1e-4)
    assert np.exp(ignoring.log_likelihoods([frames], [[1]]))[0] == pytest.approx(p[1] + p[2], rel=1e-4)
