"""Decoding by attention, and by CTC and attention together, with graphs that are tables of transition probabilities."""

import numpy as np
import pytest

from scriven.base import ModelError, SettingsError
from scriven.reader.attention_decoder import AttentionDecoder
from scriven.reader.attention_extent import bounds, spans
from scriven.reader.both_decoder import BothDecoder
from scriven.reader.calibrate import fit_decoder
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.decoders import decoder_of
from scriven.reader.model import ModelInfo
from scriven.reader.session import Picture, Reader

START, END, A, B = range(4)
FRAMES = np.zeros((6, 5), np.float32)


def graphs(table: dict[int, list[float]], attended=lambda place: place):
    """`start` and `step`: probabilities of start, end, a, b after each class; the place of a step is attended to."""
    logits = {before: np.log(np.array(row, np.float32) + 1e-9) for before, row in table.items()}

    def start(inputs):
        return {"frames": inputs["frames"], "place": np.zeros((1, 1), np.int64)}

    def step(inputs):
        attention = np.zeros((len(inputs["previous"]), inputs["frames"].shape[1]), np.float32)
        for row, place in zip(attention, inputs["place"][:, 0], strict=True):
            row[min(attended(place), len(row) - 1)] = 1
        found = np.stack([logits.get(int(before), logits[START]) for before in inputs["previous"]])
        return {"logits": found, "attention": attention, "next_place": inputs["place"] + 1}

    return {"start": start, "step": step}


def decoder(table, settings=None, decoders=("attention",), **more):
    info = ModelInfo(network="table", charset=("a", "b"), decoders=decoders, **more)
    return decoder_of(info, settings, runs=graphs(table))


GREEDY_TRAP = {  # a is likelier at first, but b is followed by a certain end
    START: [0, 0.0, 0.6, 0.4], A: [0, 0.4, 0.3, 0.3], B: [0, 1.0, 0, 0], END: [0, 1, 0, 0],
}  # fmt: skip
ENDLESS = {START: [0, 0, 1, 0], A: [0, 0, 1, 0], B: [0, 0, 1, 0]}


def test_greedy_takes_the_likeliest_character_and_a_beam_the_likeliest_text():
    assert decoder(GREEDY_TRAP).reading("x", FRAMES).text == "a"
    found = decoder(GREEDY_TRAP, DecodeSettings(beam=3)).hypotheses(FRAMES)
    assert found[0].classes == (2,) and found[0].optical == pytest.approx(np.log(0.4), abs=1e-4)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_the_probability_of_a_text_is_that_of_its_characters_and_its_end():
    found = decoder(GREEDY_TRAP).log_probabilities(FRAMES, [(1,), (2,), (1, 2)])
    np.testing.assert_allclose(np.exp(found), [0.6 * 0.4, 0.4, 0.6 * 0.3], rtol=1e-3)


def test_likelihoods_of_texts_of_several_pictures():
    found = decoder(GREEDY_TRAP).log_likelihoods([FRAMES, FRAMES[:2]], [(1,), (2,)])
    np.testing.assert_allclose(np.exp(found), [0.6 * 0.4, 0.4], rtol=1e-3)
    both, alone = ("ctc", "attention", "both"), DecodeSettings(decoder="ctc")
    texts = [[1, 2], [2]]
    ranked = decoder(GREEDY_TRAP, DecodeSettings(decoder="both"), both)
    assert ranked.charset.characters == ("a", "b")
    of_ctc = decoder(GREEDY_TRAP, alone, both).log_likelihoods([ctc("ab"), ctc("b")], texts)
    np.testing.assert_array_equal(ranked.log_likelihoods([ctc("ab"), ctc("b")], texts), of_ctc)
    assert (of_ctc > -0.1).all() and decoder(GREEDY_TRAP).log_likelihoods([], []).shape == (0,)


def test_texts_are_ranked_at_once_where_a_graph_can():
    info = ModelInfo(network="table", charset=("a", "b"), decoders=("attention",))
    runs, asked = graphs(GREEDY_TRAP), []

    def rank(inputs):
        asked.append(inputs["previous"].tolist())
        steps = [runs["step"]({"previous": row, "frames": inputs["frames"], "place": np.zeros((len(row), 1), np.int64)})
                 for row in inputs["previous"].T]  # fmt: skip
        return {"logits": np.stack([one["logits"] for one in steps], axis=1)}

    texts = [(1,), (2,), (1, 2), ()]
    one_by_one = decoder_of(info, runs=runs).log_probabilities(FRAMES, texts)
    np.testing.assert_allclose(
        decoder_of(info, runs={**runs, "rank": rank}).log_probabilities(FRAMES, texts), one_by_one, rtol=1e-5
    )
    assert asked == [[[START, A, END], [START, B, END], [START, A, B], [START, END, END]]]


def test_a_text_that_never_ends_is_cut_off_at_a_character_for_each_4_px():
    assert decoder(ENDLESS, stride=8).reading("x", FRAMES).text == "a" * 12
    assert decoder(ENDLESS, frames=6).reading("x", FRAMES).text == "a" * 24
    assert len(decoder(ENDLESS, DecodeSettings(beam=2), stride=4).hypotheses(FRAMES)[0].classes) <= 6


def ctc(text: str, spare: int = 2) -> np.ndarray:
    """Logits (T, 3) on which CTC reads `text`, each character followed by a blank, then 2 features."""
    path = [c for character in text for c in ("ab".index(character) + 1, 0)] + [0] * spare
    logits = np.full((len(path), 5), -4, np.float32)
    logits[np.arange(len(path)), path] = 4
    return logits


def test_where_there_is_a_ctc_head_it_bounds_the_length():
    both = ("ctc", "attention", "both")
    attention = DecodeSettings(decoder="attention")
    assert bounds(10) == (6, 14)
    assert len(decoder(ENDLESS, attention, both).reading("x", ctc("ab" * 5)).text) == 14
    early = {START: [0, 0.6, 0.4, 0], A: [0, 0.6, 0.4, 0]}
    assert len(decoder(early, attention, both).reading("x", ctc("ab" * 5)).text) == 6
    assert decoder(early, attention, both).reading("x", ctc("a")).text == ""


def test_both_heads_rank_the_texts_of_ctc_and_add_none():
    frames = ctc("ab")
    frames[2, :3] = [-4, 1.0, 1.2]  # b is a little likelier than a
    table = {START: [0, 0.1, 0.8, 0.1], A: [0, 0.2, 0.7, 0.1], B: [0, 0.2, 0.4, 0.4]}
    every = ("ctc", "attention", "both")
    assert decoder(table, DecodeSettings(decoder="ctc"), every).reading("x", frames).text == "ab"
    assert decoder(table, DecodeSettings(decoder="both"), every).reading("x", frames).text == "aa"
    assert decoder(table, DecodeSettings(decoder="both"), every, attention_weight=0).reading("x", frames).text == "ab"
    assert decoder(ENDLESS, DecodeSettings(decoder="both"), every).reading("x", frames).text in ("ab", "aa", "a")


def test_the_decoder_is_the_first_of_the_model_or_the_one_that_is_asked_for():
    every = ("ctc", "attention", "both")
    assert isinstance(decoder(ENDLESS, None, ("both", "ctc")), BothDecoder)
    assert isinstance(decoder(ENDLESS, DecodeSettings(decoder="attention"), every), AttentionDecoder)
    for name, said in (("hand", "the model hand has"), ("", "the model, of the network table, has")):
        info = ModelInfo(name=name, network="table", charset=("a",))
        with pytest.raises(SettingsError, match=f"{said} no decoder 'both'; it has: ctc"):
            decoder_of(info, DecodeSettings(decoder="both"))
    with pytest.raises(ModelError, match="'step'"):
        decoder_of(
            ModelInfo(network="table", charset=("a",), decoders=("attention",)),
            runs={"start": graphs(ENDLESS)["start"]},
        )


def test_a_word_has_no_space_and_a_line_single_ones():
    info = ModelInfo(network="table", charset=("a", " "), decoders=("attention",))
    table = {START: [0, 0, 0.1, 0.9], A: [0, 0.1, 0.2, 0.7], B: [0, 0.2, 0.3, 0.5]}  # B is the space here
    spaced = decoder_of(info, DecodeSettings(beam=2), runs=graphs(table)).reading("x", FRAMES)
    assert "  " not in spaced.text and spaced.text == spaced.text.strip()
    word = decoder_of(info, DecodeSettings(word=True), runs=graphs(table)).reading("x", FRAMES)
    assert set(word.text) == {"a"}


def test_a_language_model_changes_what_is_written():
    from scriven.language.model import CharLM

    lm = CharLM.train(["ab"] * 50, order=3)
    table = {START: [0, 0, 1, 0], A: [0, 0.3, 0.4, 0.3], B: [0, 1.0, 0, 0]}
    info = ModelInfo(network="table", charset=("a", "b"), decoders=("attention",))
    assert decoder_of(info, DecodeSettings(beam=4), runs=graphs(table)).reading("x", FRAMES).text == "a"
    assert decoder_of(info, DecodeSettings(beta=0), lm, runs=graphs(table)).reading("x", FRAMES).text == "ab"


@pytest.mark.parametrize("count", [1, 2, 7, 30])
@pytest.mark.parametrize("end", [3.2, 12.0])
def test_spans_increase_and_end_before_the_picture_does(count, end):
    rng = np.random.default_rng(count)
    found = spans(rng.dirichlet(np.ones(12), count).astype(np.float32), end)
    assert (found[:, 0] < found[:, 1]).all() and found.min() >= 0 and found.max() <= end + 1e-6
    assert (np.diff(found[:, 0]) > 0).all() and np.allclose(found[1:, 0], found[:-1, 1])


def test_spans_follow_the_attention():
    (span,) = spans(np.eye(8, dtype=np.float32)[[5]], 8.0)
    assert span[0] < 5.5 < span[1]
    reading = decoder({START: [0, 0, 1, 0], A: [0, 0, 0, 1], B: [0, 1, 0, 0]}).reading("x", FRAMES)
    assert [(c.text, c.start < 4 * (i + 0.5) < c.end) for i, c in enumerate(reading.characters)] == [
        ("a", True),
        ("b", True),
    ]


def test_confidences_are_calibrated_on_known_texts():
    sure = {START: [0, 0.0, 0.99, 0.01], A: [0, 0.99, 0.01, 0], B: [0, 1, 0, 0]}
    wrong = decoder(sure).calibrated([FRAMES] * 40, ["b"] * 30 + ["a"] * 10)
    right = decoder(sure).calibrated([FRAMES] * 40, ["a"] * 40)
    assert wrong.temperature > 1.5 > right.temperature


@pytest.mark.parametrize(("truth", "first"), [("aa", "both"), ("ab", "ctc")])
def test_both_heads_read_by_default_where_that_lowers_the_cer(truth, first):
    """Attention prefers aa, CTC slightly ab."""
    info = ModelInfo(network="table", charset=("a", "b"), decoders=("ctc", "attention", "both"))
    frames = ctc("ab")
    frames[2, :3] = [-4, 1.0, 1.2]
    table = {START: [0, 0.1, 0.8, 0.1], A: [0, 0.2, 0.7, 0.1], B: [0, 0.2, 0.4, 0.4]}
    runs = graphs(table) | {"reader": lambda inputs: {"frames": np.stack([frames] * len(inputs["images"]))}}
    reader = Reader(info, runs)
    picture = Picture.of("x", np.full((64, 4 * len(frames)), 255, np.uint8))
    reader.frames = lambda pictures: ((one, frames) for one in pictures)
    found = fit_decoder(reader, [(picture, truth)] * 3)
    assert found.decoders[0] == first and set(found.decoders) == set(info.decoders)
    alone = ModelInfo(network="table", charset=("a", "b"))
    plain = Reader(alone, {"reader": lambda inputs: {}})
    assert fit_decoder(plain, [(picture, truth)]) == alone
