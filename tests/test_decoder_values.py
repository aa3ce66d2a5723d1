"""The effect of each weight and rule of the decoders, with numbers known in advance."""

import numpy as np
import pytest

from scriven.language.model import CharLM
from scriven.reader.beam import BeamSettings, beam_search
from scriven.reader.ctc_decoder import CtcDecoder
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import ModelInfo
from scriven.reader.scorers import LanguageScorer
from scriven.text import Charset

CHARSET = Charset(tuple(" ab"))


@pytest.fixture(scope="module")
def lm() -> CharLM:
    return CharLM.train(["ab ab", "ab", "aba"] * 10, order=3)


def frames(*rows: dict[str, float]) -> np.ndarray:
    """Log posteriors (T, C) from the probabilities of characters per frame; the rest is the blank."""
    table = np.full((len(rows), 4), 1e-9)
    for frame, row in zip(table, rows, strict=True):
        for character, probability in row.items():
            frame[CHARSET.encode(character)[0]] = probability
        frame[0] = 1 - sum(row.values())
    return np.log(table).astype(np.float32)


def probabilities(log_probs: np.ndarray, width: int = 50) -> dict[str, float]:
    found = beam_search(log_probs, (), BeamSettings(width, cut=0, blank=1))
    return {CHARSET.decode(h.classes): float(np.exp(h.score)) for h in found if h.score > -12}


def test_the_language_model_is_weighted_by_alpha_and_beta_is_added_per_character(lm: CharLM) -> None:
    scorer = LanguageScorer(lm, CHARSET, 0.3, 1.7)
    plain = LanguageScorer(lm, CHARSET, 1.0, 0.0)
    state = plain.start()
    for class_ in CHARSET.encode("ab"):
        rows, told = scorer.rows([state])[0, 1:], plain.rows([state])[0, 1:]
        assert rows == pytest.approx(0.3 * told + 1.7)
        state = plain.advance(state, class_)
    assert scorer.final(state) == pytest.approx(0.3 * plain.final(state)) and plain.final(state) < 0
    whole = sum(plain.rows([s])[0, c] for s, c in zip(states(plain, "ab"), CHARSET.encode("ab"), strict=False))
    assert whole + plain.final(state) == pytest.approx(lm.logprob("ab"), abs=1e-4)


def states(scorer: LanguageScorer, text: str) -> list[int]:
    found = [scorer.start()]
    for class_ in CHARSET.encode(text):
        found.append(scorer.advance(found[-1], class_))
    return found


def test_the_decoder_takes_alpha_and_beta_from_its_settings(lm: CharLM) -> None:
    info = ModelInfo(network="toy", size="toy", charset=CHARSET.characters)
    log_probs = frames({"a": 0.9}, {}, {"b": 0.5, "a": 0.4})
    for alpha, beta in ((0.2, 0.0), (0.9, 1.0)):
        best = CtcDecoder(info, DecodeSettings(alpha=alpha, beta=beta), lm).hypotheses(log_probs)[0]
        text = CHARSET.decode(best.classes)
        assert best.score - best.optical == pytest.approx(alpha * lm.logprob(text) + beta * len(text), abs=1e-3)


def test_a_doubled_character_needs_a_blank_between() -> None:
    assert set(probabilities(frames({"a": 0.5}, {"a": 0.5}))) == {"", "a"}
    told = probabilities(frames({"a": 0.5}, {"a": 0.5}, {"a": 0.5}))
    assert told["aa"] == pytest.approx(0.125) and told["a"] == pytest.approx(0.75) and told[""] == pytest.approx(0.125)


def test_paths_of_the_same_text_are_summed() -> None:
    told = probabilities(frames({"a": 0.4}, {"a": 0.4}))
    assert told["a"] == pytest.approx(0.64) and told[""] == pytest.approx(0.36)
    told = probabilities(frames({"a": 0.6, "b": 0.3}, {"a": 0.2, "b": 0.6}))
    assert told["ab"] == pytest.approx(0.36) and told["b"] == pytest.approx(0.3 * 0.6 + 0.3 * 0.2 + 0.1 * 0.6)
    assert sum(told.values()) == pytest.approx(1.0, abs=1e-6)


def test_a_wider_beam_finds_texts_that_a_narrow_one_prunes() -> None:
    log_probs = frames({"a": 0.49}, {"a": 0.49})
    assert list(probabilities(log_probs, width=1)) == [""]
    assert next(iter(probabilities(log_probs, width=3))) == "a"


def test_posteriors_are_divided_by_the_temperature_of_the_model() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (5, 4)).astype(np.float32)
    info = ModelInfo(network="toy", size="toy", charset=CHARSET.characters, temperature=2.5)
    plain = info.model_copy(update={"temperature": 1.0})
    for word in (False, True):
        found = CtcDecoder(info, DecodeSettings(word=word)).explain("x", logits, CHARSET.encode("ab"))
        same = CtcDecoder(plain, DecodeSettings(word=word)).explain("x", logits / 2.5, CHARSET.encode("ab"))
        other = CtcDecoder(plain, DecodeSettings(word=word)).explain("x", logits, CHARSET.encode("ab"))
        told = [[c.confidence for c in reading.characters] for reading in (found, same, other)]
        assert told[0] == pytest.approx(told[1], abs=1e-4) and told[0] != pytest.approx(told[2], abs=1e-2)
