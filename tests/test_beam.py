"""The beam search compared with exhaustive search, and its invariants."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forward_algorithm import log_probability
from scriven.language.model import CharLM
from scriven.reader.beam import BeamSettings, beam_search
from scriven.reader.ctc_decoder import CtcDecoder
from scriven.reader.ctc_paths import collapse, greedy, log_posteriors
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import ModelInfo
from scriven.reader.scorers import LanguageScorer, WordScorer
from scriven.text import Charset
from toy_reader import LETTERS

EXACT = BeamSettings(width=10**9, cut=0, blank=1)


class TableScorer:
    """A scorer with random scores for every text."""

    def __init__(self, classes, seed):
        self.classes, self.seed = classes, seed

    def _rng(self, state):
        return np.random.default_rng([self.seed, *state])

    def start(self):
        return ()

    def rows(self, states):
        return np.stack([self._rng(s).normal(0, 1, self.classes) for s in states])

    def advance(self, state, class_):
        return (*state, class_)

    def final(self, state):
        return float(self._rng((99, *state)).normal())


def total(scorer, classes):
    states = [tuple(classes[:i]) for i in range(len(classes) + 1)]
    steps = sum(scorer.rows([s])[0, c] for s, c in zip(states, classes, strict=False))
    return steps + scorer.final(states[-1])


@st.composite
def some_frames(draw, steps=5, classes=4):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, steps)), draw(st.integers(2, classes))
    return log_posteriors(rng.normal(0, draw(st.sampled_from([0.5, 2.0, 5.0])), shape).astype(np.float32))


@given(some_frames(), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_an_unpruned_beam_finds_the_best_of_all_texts(log_probs, seed):
    steps, classes = log_probs.shape
    scorer = TableScorer(classes, seed)
    every = [t for n in range(steps + 1) for t in itertools.product(range(1, classes), repeat=n)]
    optical = {t: log_probability(log_probs, t) for t in every}
    found = beam_search(log_probs, (), EXACT)
    assert {h.classes for h in found} == {t for t, p in optical.items() if p > -np.inf}
    for hypothesis in found:
        assert hypothesis.optical == pytest.approx(optical[hypothesis.classes], abs=1e-5)
    best = max(every, key=lambda t: optical[t] + total(scorer, t))
    first = beam_search(log_probs, [scorer], EXACT)[0]
    assert first.score == pytest.approx(optical[best] + total(scorer, best), abs=1e-5)


@given(some_frames(steps=12, classes=6))
@settings(max_examples=40, deadline=None)
def test_probabilities_of_hypotheses_sum_to_at_most_one(log_probs):
    for chosen in (EXACT if log_probs.size <= 20 else BeamSettings(64, 0, 1), BeamSettings(8)):
        found = beam_search(log_probs, (), chosen)
        assert len({h.classes for h in found}) == len(found)
        assert np.logaddexp.reduce([h.optical for h in found]) <= 1e-4
        for hypothesis in found[:3]:
            assert hypothesis.optical <= log_probability(log_probs, hypothesis.classes) + 1e-4


def test_without_scorers_the_beam_is_rarely_less_probable_than_greedy():
    """Pruning may lose a text of many paths, each of which is improbable: rarely, and with a small difference."""
    lost = []
    for seed in range(60):
        logits = np.random.default_rng(seed).normal(0, 2, (30, 8))
        log_probs = (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)
        best = beam_search(log_probs, (), BeamSettings(128, cut=0, blank=1))[0]
        greedily = log_probability(log_probs, collapse(greedy(log_probs)))
        lost.append(greedily - log_probability(log_probs, best.classes))
    assert np.mean(np.array(lost) > 0.02) <= 0.05 and max(lost) < 1


def spelled(text, charset, rng, sure=4.0, frames=4):
    """Noisy logits of a text, `frames` frames per letter."""
    logits = rng.normal(0, 1, (frames * len(text) + 2, len(charset) + 1)).astype(np.float32)
    logits[:, 0] += sure
    for i, class_ in enumerate(charset.encode(text)):
        logits[1 + frames * i, 0] -= sure
        logits[1 + frames * i, class_] += sure
    return logits


def test_skipped_blank_frames_still_separate_double_letters():
    charset = Charset(tuple("ab"))
    logits = spelled("aabbba", charset, np.random.default_rng(0), sure=20)
    log_probs = log_posteriors(logits)
    assert (log_probs[:, 0] > np.log(0.999)).sum() > 5
    assert charset.decode(beam_search(log_probs)[0].classes) == "aabbba"


def test_a_language_model_corrects_an_ambiguous_letter():
    lm = CharLM.train(["the cat sat on the mat", "the hat", "that cat"] * 20, order=4)
    charset = Charset.of(["abcdefghijklmnopqrstuvwxyz"])
    logits = spelled("the cxt", charset, np.random.default_rng(1), sure=8)
    frame = 1 + 4 * 5
    logits[frame, charset.encode("a")[0]] = logits[frame].max() - 0.5
    info = ModelInfo(network="toy", sizes={"size": "toy"}, charset=charset.characters)
    assert CtcDecoder(info).reading("a", logits).text == "the cxt"
    reading = CtcDecoder(info, lm=lm).reading("a", logits)
    assert reading.text == "the cat"
    assert reading.characters[5].confidence > 0.5  # raised by the language model
    scorer = LanguageScorer(lm, charset, 0.5, 0.0)
    best = beam_search(log_posteriors(logits), [scorer])[0]
    said = 0.5 * lm.logprob(charset.decode(best.classes))
    assert best.score - best.optical == pytest.approx(said, abs=1e-3)


def test_a_word_stands_between_spaces_anywhere_in_a_line():
    lm = CharLM.train(["The cat sat", "The dog ran", "Our cat saw"] * 10, order=4)
    charset = Charset.of(["The cat sat dog ran Our cat saw"])
    line, word = (LanguageScorer(lm, charset, 1.0, 0.0, word=w) for w in (False, True))
    assert walk(line, charset, "The") > walk(line, charset, "cat")
    assert walk(word, charset, "cat") > walk(line, charset, "cat")
    assert walk(word, charset, "cat") > walk(word, charset, "ca")


def walk(scorer, charset, text):
    state, score = scorer.start(), 0.0
    for class_ in charset.encode(text):
        score += scorer.rows([state])[0, class_]
        state = scorer.advance(state, class_)
    return score + scorer.final(state)


def test_listed_words_gain_the_bonus_and_others_are_unchanged():
    charset = Charset(tuple("abc, "))
    scorer = WordScorer(["ab", "abc", "xyz"], charset, 1.0)
    gains = {"ab": 2, "abc": 3, "ab,abc": 5, "ab ab": 4, "abb": 0, "a": 0, "ac": 0, "cab": 0, "c ab": 2, "a ab": 2}
    assert {text: walk(scorer, charset, text) for text in gains} == gains


def test_a_word_list_decides_between_similar_readings():
    charset = Charset(LETTERS)
    info = ModelInfo(network="toy", sizes={"size": "toy"}, charset=LETTERS)
    logits = spelled("bad fed", charset, np.random.default_rng(2), sure=8)
    logits[1 + 4 * 2, charset.encode("g")[0]] = logits[1 + 4 * 2].max() - 1
    assert CtcDecoder(info).reading("a", logits).text == "bad fed"
    assert CtcDecoder(info, words=["bag", "cab"]).reading("a", logits).text == "bag fed"
    mild = DecodeSettings(bonus=0.1)
    assert CtcDecoder(info, mild, words=["bag", "cab"]).reading("a", logits).text == "bad fed"


def test_a_line_of_1024_px_is_decoded_quickly():
    rng = np.random.default_rng(3)
    charset = Charset(tuple(map(chr, range(0x20, 0x20 + 120))))
    text = "".join(rng.choice(list("etaoin shrdlu"), 60))
    lm = CharLM.train([text] * 3, order=6)
    logits = spelled(text, charset, rng, sure=6)
    log_probs = log_posteriors(logits)
    scorer = LanguageScorer(lm, charset, 0.5, 1.0)
    beam_search(log_probs, [scorer])
    start = time.process_time()
    assert charset.decode(beam_search(log_probs, [scorer])[0].classes) == text
    assert time.process_time() - start < 0.25  # usually 0.03 s; the bound catches a wrong complexity only
