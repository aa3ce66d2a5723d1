"""Pseudo-labels: readings likely under the language model and without close competitors rank high."""

import numpy as np
import pytest

pytest.importorskip("torch")

from scriven.language.model import CharLM  # noqa: E402
from scriven.lines import Character, Reading  # noqa: E402
from scriven.reader.decoder_contract import DecodeSettings  # noqa: E402
from scriven.reader.decoders import decoder_of
from scriven.reader.model import ModelInfo  # noqa: E402
from scriven.reader.session import Reader  # noqa: E402
from scriven.selftrain.pseudo_labels import PseudoLabel, pseudo_label, select  # noqa: E402
from toy_reader import runs_of

LETTERS = ("a", "b", "c", " ")


def pseudo_labels(
    decode: DecodeSettings | None = None, lm: CharLM | None = None, **rows: list[list[float]]
) -> dict[str, PseudoLabel]:
    """Pseudo-labels of pictures with these network outputs: per frame, probabilities of the blank and LETTERS."""
    info = ModelInfo(network="convtext", sizes={"size": "tiny"}, charset=LETTERS)
    logits = {id: np.log(np.array(frames, np.float32)) for id, frames in rows.items()}
    widths = {4 * len(frames): id for id, frames in rows.items()}
    assert len(widths) == len(rows), "pictures are told apart by their widths"

    def run(images: np.ndarray, given: np.ndarray) -> np.ndarray:
        found = np.zeros((len(images), images.shape[3] // 4, len(LETTERS) + 1), np.float32)
        for place, width in enumerate(given.tolist()):
            said = logits[widths[width]]
            found[place, : len(said)] = said
        return found

    pictures = [(id, np.full((64, 4 * len(frames)), 255, np.uint8)) for id, frames in rows.items()]
    found = pseudo_label(Reader(info, runs_of(run)), pictures, decoder_of(info, decode or DecodeSettings(beam=8), lm))
    return {label.reading.id: label for label in found}


def frame(**shares: float) -> list[float]:
    """One frame: the probability of each letter, `space` for the space, the rest for the blank."""
    named = [shares.get(letter if letter != " " else "space", 0.001) for letter in LETTERS]
    return [1 - sum(named), *named]


def test_a_reading_with_a_close_competitor_scores_lower():
    found = pseudo_labels(clear=[frame(a=0.9)] * 1 + [frame()] * 3, near=[frame(a=0.5, b=0.45)] + [frame()] * 7)
    assert found["clear"].reading.text == found["near"].reading.text == "a"
    alone = np.log(0.9 / 0.5)  # without rivals the scores would differ by the posteriors of the readings
    assert found["clear"].score > found["near"].score + alone + 0.3


def test_length_alone_does_not_lower_the_score():
    found = pseudo_labels(
        short=[frame(a=0.8), frame(), frame(), frame()],
        long=[frame(a=0.8), frame(), frame(b=0.8), frame(), frame(a=0.8), frame(), frame(c=0.8), frame()],
    )
    assert found["long"].reading.text == "abac"
    assert found["long"].score == pytest.approx(found["short"].score, abs=0.05)


def test_a_text_likely_under_the_language_model_scores_higher():
    lm = CharLM.train(["abab abab ab"] * 20, order=3)
    sure = {
        "usual": [frame(a=0.7), frame(), frame(b=0.7), frame()],
        "odd": [frame(c=0.7), frame(), frame(c=0.7), *[frame()] * 3],
    }
    told = pseudo_labels(lm=lm, **sure)
    assert told["usual"].reading.text == "ab" and told["usual"].score > told["odd"].score + 0.2
    alone = pseudo_labels(**sure)
    assert alone["usual"].score == pytest.approx(alone["odd"].score, abs=0.05)


def test_pseudo_labels_of_words_have_no_spaces():
    rows = {"x": [frame(a=0.9), frame(space=0.6), frame(), frame(b=0.9)]}
    assert pseudo_labels(**rows)["x"].reading.text == "a b"
    assert pseudo_labels(DecodeSettings(beam=8, word=True), **rows)["x"].reading.text == "ab"


def test_an_empty_reading_is_never_selected():
    found = pseudo_labels(blank=[frame()] * 4, read=[frame(a=0.9)] + [frame()] * 7)
    assert found["blank"].score == -np.inf
    assert [label.reading.id for label in select(list(found.values()), 1.0)] == ["read"]


def label(id: str, text: str, score: float) -> PseudoLabel:
    characters = tuple(Character(c, 0.9, i, i + 1) for i, c in enumerate(text))
    return PseudoLabel(Reading(id, text, 0.5, characters), score)


def test_labels_are_ranked_inside_bins_of_length():
    short = [label(f"s{i}", f"a{chr(97 + i)}", -0.01 * i) for i in range(10)]
    long = [label(f"l{i}", f"a long reading {chr(97 + i)}", -5.0 - i) for i in range(10)]
    kept = select(short + long, 0.5)
    assert sorted(b.reading.id for b in kept) == sorted(f"{k}{i}" for k in "sl" for i in range(5))


def test_empty_and_repeated_readings_are_not_selected():
    pseudo_labels = [label(f"e{i}", "", 0.0) for i in range(5)] + [label(f"r{i}", "the", -0.1) for i in range(50)]
    kept = select(pseudo_labels, 1.0)
    assert {b.reading.text for b in kept} == {"the"} and len(kept) == 1
