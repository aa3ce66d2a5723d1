"""The recipes: their tables come from rows, rows are never measured twice, absent readers are named."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

import scriven
from toy_recipes import PYTHON, RECIPES, SHELL, _recipes_on_the_path, module, ran  # noqa: F401


@pytest.fixture
def began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a `scriven` that stands first on the path writes its arguments when it is called."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "scriven").write_text(f'#!/bin/sh\necho "$@" > {tmp_path / "began"}\n')
    (tmp_path / "bin" / "scriven").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(scriven.__file__).parents[1]))
    return tmp_path / "began"


@pytest.mark.parametrize("name", sorted(p.name for p in RECIPES.iterdir() if p.is_file() and "." not in p.name))
def test_recipes_are_programs_with_help(name: str, began: Path) -> None:
    file = RECIPES / name
    assert os.access(file, os.X_OK)
    text = file.read_text("utf-8")
    kind = "bash" if name in SHELL else "python3"
    assert text.startswith(f"#!/usr/bin/env {kind}\n") and text.count("\n") <= 200
    assert f"recipes/{name}" in (RECIPES / "README.md").read_text("utf-8")
    for word in ("--help", "-h") if name in SHELL else ("--help",):
        done = ran(name, word)
        assert f"recipes/{name}" in done.stdout and not done.stderr
        assert done.returncode == 0
    assert not began.exists()


@pytest.mark.parametrize(("name", "wanted"), [("scriven-general", 2), ("scriven-synthetic", 1)])
def test_a_recipe_for_the_shell_says_what_it_wants(name: str, wanted: int, began: Path) -> None:
    for count in (*range(wanted), wanted + 4):
        done = ran(name, *("x",) * count)
        assert done.returncode == 2 and f"usage: recipes/{name}" in done.stderr and not done.stdout
    assert not began.exists()
    assert ran(name, *("x",) * (wanted + 3)).returncode == 2  # the last is `gpu` or nothing
    for more in ((), ("5",), ("5", "m"), ("5", "m", "gpu")):
        assert ran(name, *("x",) * wanted, *more).returncode == 0 and began.read_text().startswith("train ")
    assert "--from m" in began.read_text() and "span_mask=" in began.read_text()


def test_the_document_has_a_place_for_every_table() -> None:
    text = (RECIPES.parent / "docs" / "results.md").read_text("utf-8")
    for name in PYTHON:
        assert len(re.findall(rf"<!-- {name} -->.*?<!-- /{name} -->", text, re.DOTALL)) == 1


def test_pages_are_scored_together_and_adapting_is_told_against_plain_reading() -> None:
    pages = module("pages")
    row = {"collection": "toys_fr", "date": "2026-11-26", "lm": "none"}
    plain = [
        {**row, "page": p, "adapt": False, "kept": False, "cpu": 1.0, "said": [["abcd", "abxx"]] * 3} for p in "ab"
    ]
    learnt = [
        {**row, "page": "a", "adapt": True, "kept": True, "cpu": 30.0, "said": [["abcd", "abcx"]] * 3},
        {**row, "page": "b", "adapt": True, "kept": False, "cpu": 20.0, "said": [["abcd", "abxx"]] * 3},
    ]
    rows = pages.tables([*plain, *learnt], "toys").splitlines()
    assert [cell.strip() for cell in rows[-2].split("|")[1:-1]] == [
        "scriven read --lm none", "2", "6", "50.00 (50.00-50.00)", "", "", "1"
    ]  # fmt: skip
    assert [cell.strip() for cell in rows[-1].split("|")[1:-1]] == [
        "scriven read --adapt --lm none", "2", "6", "37.50 (25.00-50.00)", "-25.0 %", "1", "25"
    ]  # fmt: skip


def test_put_replaces_only_what_is_between_the_marks(tmp_path: Path) -> None:
    common = module("_common.py")
    file = tmp_path / "results.md"
    file.write_text("above\n<!-- a -->\nold\n<!-- /a -->\nbelow\n<!-- b -->\nkept\n<!-- /b -->\n")
    common.put(file, "a", "new")
    common.put(file, "a", "newer")
    assert file.read_text() == ("above\n<!-- a -->\n\nnewer\n\n<!-- /a -->\nbelow\n<!-- b -->\nkept\n<!-- /b -->\n")
    with pytest.raises(SystemExit, match="no place"):
        common.put(file, "c", "new")


def test_rows_are_found_by_their_keys_and_survive(tmp_path: Path) -> None:
    common = module("_common.py")
    rows = common.Rows(tmp_path / "rows.json", ("model", "n"))
    rows.keep({"model": "a", "n": 1, "cer": 0.5})
    rows.keep({"model": "a", "n": 2, "cer": 0.4})
    rows.keep({"model": "a", "n": 1, "cer": 0.3})
    again = common.Rows(tmp_path / "rows.json", ("model", "n"))
    assert len(again.all) == 2
    assert again.find(model="a", n=1)["cer"] == 0.3
    assert again.find(model="b", n=1) is None


def test_a_command_is_weighed(tmp_path: Path) -> None:
    common = module("_common.py")
    ran = common.run([sys.executable, "-c", "x = bytearray(200_000_000); sum(range(2_000_000)); print('é')"])
    assert ran.out == "é\n" and ran.code == 0
    assert 0 < ran.cpu and ran.peak > 190 and ran.wall > 0


def test_nothing_bundled_was_fitted_to_the_unseen_collections() -> None:
    from scriven.estimate.learning_curve import CURVES
    from scriven.estimate.regression import REGRESSION

    unseen = set(module("_regression.py").UNSEEN)
    assert unseen == {"czech16_cs", "hooker_en", "peraire_fr"}
    assert not unseen & set(json.loads(REGRESSION.read_text("utf-8"))["made"]["collections"])
    assert not [name for name in CURVES if any(one in name for one in unseen)]
    assert not unseen & set(module("hands").HANDS)
