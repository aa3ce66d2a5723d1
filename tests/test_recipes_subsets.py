"""Recipes that train on parts of a collection: the learning curve, picked lines, hands."""

from pathlib import Path

import pytest

from scriven.lines import LinesFolder
from toy_recipes import _recipes_on_the_path, module, recipe  # noqa: F401


def test_learning_curve_draws_whole_pages_inside_one_another() -> None:
    chosen = module("learning-curve").chosen
    pages = [f"page {i % 40}" for i in range(1000)]  # 25 lines each
    few, more = chosen(pages, 100, 0), chosen(pages, 500, 0)
    assert (len(few), len(more), len(chosen(pages, 0, 0))) == (4, 20, 40)
    assert few < more and few != chosen(pages, 100, 1) and few == chosen(pages, 100, 0)


def test_pick_draws_by_lines_and_by_letters_and_compares_with_the_mean_of_chance() -> None:
    recipe = module("pick")
    texts = {f"l{i}": "a" * (10 + i % 3) for i in range(100)}
    bench = recipe.Bench(None, Path(), "m", "fonts:en", 1, 2, texts)
    some = recipe.by_chance(bench, 10, None, 0)
    assert len(set(some)) == 10 and some != recipe.by_chance(bench, 10, None, 1)
    more = recipe.by_chance(bench, 10, 165, 0)
    assert more[:10] == some and abs(bench.letters(more) - 165) <= 6
    key = {"lines": 10, "steps": 1, "tune": {"lr": "0.001"}, "parts": 2, "n": 2, "date": "2000-01-01", "valid": 0.3}
    found = {"nothing": [0.5], recipe.CHANCE: [0.3, 0.5], "mixed": [0.36]}
    rows = [
        {"way": way, "cer": cer, "interval": [cer, cer], "letters": 100, "count": 10, **key}
        for way, cers in found.items()
        for cer in cers
    ]
    table = recipe.tables(rows, "m", "toys")
    assert "40.00 (30.00-50.00) | +0.0 % |" in table and "36.00 (36.00-36.00) | -10.0 % |" in table


@pytest.mark.real
def test_learning_curve_cuts_lines_of_whole_pages(tmp_path: Path, real_data: Path) -> None:
    recipe = module("learning-curve")
    folder, out = real_data / "czech16_cs", tmp_path / "cut"
    count = recipe.subset(folder, out, 100, 0)
    cut, source = LinesFolder(out), LinesFolder(folder, "lines")
    pages = source.columns("train", ["page"])["page"]
    assert count == sum(pages.count(p) for p in {line.page for line in cut.lines("train")}) and 60 <= count <= 140
    assert cut.count("valid") == source.count("valid") and "test" not in cut.splits
    assert recipe.subset(folder, out, 100, 0) == count


def test_hands_are_split_by_page() -> None:
    recipe = module("hands")
    pages = [f"p{i // 10}" for i in range(120)]
    found = recipe.splits(pages)
    tests = {page for page, split in zip(pages, found, strict=True) if split == "test"}
    others = {page for page, split in zip(pages, found, strict=True) if split != "test"}
    assert not tests & others and len(tests) == 3 and found.count("val") == 8 and found == recipe.splits(pages)
