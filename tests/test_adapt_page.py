"""The report of an adaptation: numbers named as estimates, pseudo-labels, readings before and after."""

from pathlib import Path

import numpy as np

from scriven.estimate.cer import CerEstimate
from scriven.images import encode
from scriven.lines import Character, Line, LinesWriter, Reading
from scriven.selftrain.held_out import HeldOut
from scriven.selftrain.report import page_of

ROUNDS = [
    {"round": 0, "accepted": True, "view_disagreement": 0.2, "lm_bits_per_char": 3.0, "characters": 9.0},
    {"round": 1, "accepted": True, "why": "", "pseudo_labels": 5, "view_disagreement": 0.1,
     "lm_bits_per_char": 2.5, "characters": 9.0},
    {"round": 2, "accepted": False, "why": "two views agree less", "pseudo_labels": 7, "view_disagreement": 0.3,
     "lm_bits_per_char": 2.5, "characters": 9.0},
]  # fmt: skip


def reading(id: str, text: str) -> Reading:
    return Reading(id, text, 0.5, tuple(Character(c, 0.9, float(i), i + 1.0) for i, c in enumerate(text)))


def held_out(improved: bool | None = True) -> HeldOut:
    pictures = [(f"p{i}", np.full((64, 90), 255, np.uint8)) for i in range(3)]
    estimates = (CerEstimate(0.31, 3, (0.2, 0.4), 3), CerEstimate(0.17, 3, (0.1, 0.3), 3))
    before, after = ([reading(id, word) for id, _ in pictures] for word in ("imk", "ink"))
    return HeldOut(70, pictures, before, after, estimates, improved)


def labels(path: Path) -> Path:
    with LinesWriter(path, {}) as writer:
        for i in range(40):
            image = encode(np.full((64, 90), 255, np.uint8))
            writer.write(Line(f"b{i}", image, f"word{i}", origin="pseudo", confidence=i / 40))
    return path


def test_it_shows_pseudo_labels_and_readings(tmp_path):
    page = page_of(held_out(), 40, ROUNDS, "two views agree less", labels(tmp_path / "01"))
    assert "1 round accepted. Adaptation then ended: two views agree less." in page and "not certain that" not in page
    assert "estimated CER before" in page and "31 %" in page and "17 %" in page and "estimate" in page
    assert page.index(">word39<") < page.index(">word0<")  # the most confident first
    assert '<div class="pictures">' in page and '<div class="pictures wide">' not in page  # words
    assert "underlined" not in page  # no text is known: nothing can be marked as wrong
    assert "3 of the 70 held-out pictures" in page
    assert page.count("<figure>") == 3 + 16 and "imk" in page and "ink" in page


def test_the_page_of_a_rejected_adaptation_gives_the_reason(tmp_path):
    page = page_of(held_out(), 40, [ROUNDS[0], {**ROUNDS[2], "round": 1}], "two views agree less", None)
    assert "No round was accepted, and the weights of the parent are kept: two views agree less." in page
    assert "<h2>Pseudo-labels" not in page and "Not adapted: no round was accepted" in page
    assert ">before<" not in page and "estimated CER before" not in page and "31 %" in page


def test_without_an_estimate_no_number_is_shown():
    page = page_of(HeldOut(0, [], [], [], (None, None)), 8, ROUNDS[:1], "the model reads nothing", None)
    assert "estimated CER" not in page and "None." in page


def test_a_change_within_chance_is_reported_as_such(tmp_path):
    for improved in (False, None):
        page = page_of(held_out(improved), 40, ROUNDS, "", labels(tmp_path / str(improved)))
        assert "it is not certain that the new model reads better" in page


def test_rows_of_version_0_1_are_shown():
    """Their keys are `surprise`, `disagreement` and `believed`."""
    old = [
        {"round": 0, "accepted": True, "disagreement": 0.2, "surprise": 3.0, "characters": 9.0},
        {"round": 1, "accepted": True, "why": "", "believed": 5, "disagreement": 0.12, "surprise": 2.5,
         "characters": 9.0, "moved": "scales and shifts"},
    ]  # fmt: skip
    page = page_of(held_out(), 40, old, "", None)
    assert "12.0 %" in page and "2.50" in page and ">5<" in page and "1, affine" in page
