"""recipes/align: texts without line breaks, damaged pages, the table and the fit of the confidence."""

import numpy as np
import pytest

from scriven.lines import Line
from scriven.reader.page_align import BIAS, WEIGHTS, Evidence, confidence
from toy_recipes import _recipes_on_the_path, module  # noqa: F401


def test_texts_are_joined_as_an_edition_would() -> None:
    joined = module("align").without_breaks
    assert joined(["a hand-", "writing", "is  rare -", "Paris-", "Lyon ¬", "x=", "y"]) == (
        "a handwriting is rare - Paris- Lyon ¬ xy"
    )


def test_damaged_pages_lack_text_and_lines_and_have_others() -> None:
    page = [Line(str(n), b"x", f"text {n}", page="p") for n in range(200)]
    others = [Line("o", b"x", "other", page="q")]
    texts, lines = module("align").damaged_page(page, others, np.random.default_rng(0))
    foreign = [line for line, _ in lines if line.text == "other"]
    assert len(foreign) == 2 and len({line.id for line in foreign}) == 2
    assert 150 < len(texts) < 190 and 165 < len(lines) - 2 < 195
    assert {line.text for line, known in lines if known} <= set(texts)
    assert not {line.text for line, known in lines if not known} & set(texts)


def test_the_interval_is_of_pages() -> None:
    interval = module("align").interval
    assert interval([("a", True), ("b", True)]) == (1.0, 1.0)
    low, high = interval([(str(n), n % 2 == 0) for n in range(100)])
    assert 0.38 < low < 0.45 and 0.55 < high < 0.62


def test_the_table_has_shares_with_their_numbers() -> None:
    row = {
        "collection": "toys_en", "model": "m", "lines": 100, "damaged": False, "n": 200, "exact": 0.965,
        "interval": [0.95, 0.98], "wrong": 5, "marked": 10, "marked_wrong": 4, "foreign": 0, "foreign_placed": 0,
        "date": "2026-11-30",
    }  # fmt: skip
    assert "| toys_en | m, 100 lines | whole | 200 | 96.5 (95.0-98.0) | 5 | 4 (80 %) | 10 (40 % wrong) |" in (
        module("align").table([row])
    )


def test_the_fit_finds_the_weights_that_made_the_lines() -> None:
    rng = np.random.default_rng(0)
    made = [
        Evidence(float(m), 0.3, float(e), bool(d), bool(b))
        for m, e, d, b in zip(
            rng.exponential(3, 20000), rng.normal(0, 0.2, 20000), rng.random(20000) < 0.2, rng.random(20000) < 0.3,
            strict=True,
        )
    ]  # fmt: skip
    right = [confidence(one) > rng.random() for one in made]
    fit = module("_confidence.py")
    names, values = fit.design(made)
    found = dict(zip(names, fit.fit(values, np.array(right, float)), strict=True))
    assert found == pytest.approx({"bias": BIAS, **WEIGHTS}, abs=0.2)
    said = fit.fitted(made, right, ["a", "b"] * 10000)
    assert "20000 placed lines" in said and "held out: 90 % of the wrong lines below 0." in said
