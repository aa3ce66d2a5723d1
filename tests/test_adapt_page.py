"""The page about an adaptation: numbers named as estimates, what was believed, what is read now."""

from pathlib import Path

import numpy as np

from scriven.estimate.cer import Estimate
from scriven.images import encode
from scriven.lines import Character, Line, LinesWriter, Reading
from scriven.selftrain.report import Aside, page_of

ROUNDS = [
    {"round": 0, "accepted": True, "view_disagreement": 0.2, "lm_bits_per_char": 3.0, "characters": 9.0},
    {"round": 1, "accepted": True, "why": "", "pseudo_labels": 5, "view_disagreement": 0.1,
     "lm_bits_per_char": 2.5, "characters": 9.0},
    {"round": 2, "accepted": False, "why": "it agrees less with itself", "pseudo_labels": 7, "view_disagreement": 0.3,
     "lm_bits_per_char": 2.5, "characters": 9.0},
]  # fmt: skip


def reading(id: str, text: str) -> Reading:
    return Reading(id, text, 0.5, tuple(Character(c, 0.9, float(i), i + 1.0) for i, c in enumerate(text)))


def aside() -> Aside:
    pictures = [(f"p{i}", np.full((64, 90), 255, np.uint8)) for i in range(3)]
    estimates = (Estimate(0.31, 3, (0.2, 0.4), 3), Estimate(0.17, 3, (0.1, 0.3), 3))
    before, after = ([reading(id, word) for id, _ in pictures] for word in ("imk", "ink"))
    return Aside(70, pictures, before, after, estimates)


def believed(path: Path) -> Path:
    with LinesWriter(path, {}) as writer:
        for i in range(40):
            image = encode(np.full((64, 90), 255, np.uint8))
            writer.write(Line(f"b{i}", image, f"word{i}", origin="pseudo", confidence=i / 40))
    return path


def test_it_tells_what_was_believed_and_what_is_read(tmp_path):
    page = page_of(aside(), 40, ROUNDS, "it agrees less with itself", believed(tmp_path / "01"))
    assert "The hand was learnt in 1 round. Then it ended: it agrees less with itself." in page
    assert "estimated CER before" in page and "31 %" in page and "17 %" in page and "estimate" in page
    assert page.index(">word39<") < page.index(">word0<")  # the surest first
    assert '<div class="pictures">' in page and '<div class="pictures wide">' not in page  # words
    assert "underlined" not in page  # no text is known: nothing can be marked as wrong
    assert "3 of the 70 pictures that were not learnt from" in page
    assert page.count("<figure>") == 3 + 16 and "imk" in page and "ink" in page


def test_what_did_not_help_says_why(tmp_path):
    page = page_of(aside(), 40, [ROUNDS[0], {**ROUNDS[2], "round": 1}], "it agrees less with itself", None)
    assert "No round was better, and the old weights are kept: it agrees less with itself." in page
    assert "What it believed" not in page and "A hand that was not learnt" in page
    assert ">before<" not in page and "estimated CER before" not in page and "31 %" in page


def test_without_an_estimate_there_is_no_number():
    page = page_of(Aside(0, [], [], [], (None, None)), 8, ROUNDS[:1], "the model reads nothing", None)
    assert "estimated CER" not in page and "None." in page
