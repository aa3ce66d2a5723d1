"""The recipes: their tables come from rows, rows are never measured twice, absent readers are named."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

import scriven
from scriven.images import encode
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.model import read_info, write_info
from toy_reader import picture, write_model

RECIPES = Path(__file__).parents[1] / "recipes"
PYTHON = ("test-scores", "side-by-side", "learning-curve", "adapt", "estimate", "pick", "speed")
SHELL = ("scriven-general", "scriven-synthetic")
Recipe = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _recipes_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def module(name: str) -> ModuleType:
    """A recipe as a module, though its file has no ending."""
    loader = SourceFileLoader(name.replace("-", "_"), str(RECIPES / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    found = module_from_spec(spec)
    sys.modules[loader.name] = found  # dataclasses look there
    loader.exec_module(found)
    return found


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Run a recipe in a fresh process that sees this scriven, and of other programs only those in `bin`."""

    def call(name: str, *arguments: object, kraken: str = "") -> subprocess.CompletedProcess[str]:
        home = str(Path(scriven.__file__).parents[1])
        own = {"PYTHONPATH": home, "PATH": str(tmp_path / "bin"), "KRAKEN_MODEL": kraken}
        command = [sys.executable, "-B", str(RECIPES / name), *map(str, arguments)]
        done = subprocess.run(command, text=True, capture_output=True, env={**os.environ, **own}, timeout=300)
        assert done.returncode == 0, done.stderr
        return done

    return call


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of one collection that the toy reader reads: two pages of lines, every second text wrong."""
    folder = tmp_path / "data"
    with LinesWriter(tmp_path / "made", {}) as writer:
        for i in range(6):
            text = ("abc", "gfed", "ba dc")[i % 3]
            said = text if i % 2 else text + "g"
            writer.write(
                Line(f"p/{i}", encode(picture(text)), said, page=f"p{i // 3}", extra={"language": "fr"}), "test"
            )
    place = folder / "toys_fr" / "test" / "lines.parquet"
    place.parent.mkdir(parents=True)
    (tmp_path / "made" / "test-00000.parquet").rename(place)
    return folder


@pytest.fixture
def began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a `scriven` that stands first on the path writes its arguments when it is called."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "scriven").write_text(f'#!/bin/sh\necho "$@" > {tmp_path / "began"}\n')
    (tmp_path / "bin" / "scriven").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(scriven.__file__).parents[1]))
    return tmp_path / "began"


def ran(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash"] if name in SHELL else [sys.executable, "-B"]
    return subprocess.run([*command, str(RECIPES / name), *arguments], text=True, capture_output=True, timeout=300)


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


def test_side_by_side_reads_the_same_lines_and_names_who_is_absent(tmp_path: Path, data: Path, recipe: Recipe) -> None:
    model, out = write_model(tmp_path / "toy"), tmp_path / "out"
    first = recipe("side-by-side", data, out, "--model", model)
    assert "| kraken |" in first.stdout and first.stdout.count("not installed") == 2
    rows = {row["reader"]: row for row in json.loads((out / "side-by-side.json").read_text())}
    assert rows["tesseract"]["note"] == "not installed" and "cer" not in rows["tesseract"]
    row = rows["toy"]
    assert (row["n"], row["edits"], row["characters"]) == (6, 3, 27) and row["cer"] == pytest.approx(3 / 27)
    assert row["cpu_a_line"] > 0
    (out / "pictures" / "toys_fr.toy.tsv").unlink()
    recipe("side-by-side", data, out, "--model", model)
    assert not (out / "pictures" / "toys_fr.toy.tsv").exists()  # nothing was read again


def test_side_by_side_with_peers(tmp_path: Path, data: Path, recipe: Recipe) -> None:
    """Programs that answer as Tesseract and kraken do stand in for them; every picture gets its own text."""
    programs = {
        "tesseract": """
            if "--version" in sys.argv: print("tesseract 5.9.9")
            elif "--list-langs" in sys.argv: print("List of available languages (1):\\nfra")
            else:
                assert sys.argv[2:] == ["stdout", "--psm", "7", "-l", "fra"] and os.environ["OMP_THREAD_LIMIT"] == "1"
                sys.stdout.write("\\f".join(p.split("_")[-1] + "\\n" for p in open(sys.argv[1]).read().split()))
        """,
        "kraken": """
            if "--version" in sys.argv: print("kraken, version 7.0")
            else:
                pairs = sys.argv[3 : sys.argv.index("ocr")]
                for i in range(0, len(pairs), 3): open(pairs[i + 2], "w").write("k" + pairs[i + 1].split("_")[-1])
        """,
    }
    (tmp_path / "bin").mkdir()
    for name, code in programs.items():
        lines = [line[12:] for line in code.strip("\n").splitlines()]
        file = tmp_path / "bin" / name
        file.write_text("\n".join([f"#!{sys.executable}", "import os, sys", *lines]))
        file.chmod(0o755)
    model, out = write_model(tmp_path / "toy"), tmp_path / "out"
    done = recipe("side-by-side", data, out, "--model", model)
    assert "Tesseract 5.9.9" in done.stdout and "no model (KRAKEN_MODEL is not set)" in done.stdout
    (tmp_path / "net").write_text("a network")
    done = recipe("side-by-side", data, out, "--model", model, kraken=str(tmp_path / "net"))
    assert "kraken 7.0" in done.stdout and "no model" not in done.stdout
    for reader, mark in (("Tesseract-5.9.9", ""), ("kraken-7.0", "k")):
        read = (out / "pictures" / f"toys_fr.{reader}.tsv").read_text().splitlines()
        assert [line.split("\t")[2] for line in read] == [f"{mark}{i}.png" for i in range(6)]


def test_test_scores_go_on_where_they_were(tmp_path: Path, data: Path, recipe: Recipe) -> None:
    model, out = write_model(tmp_path / "toy"), tmp_path / "out"
    recipe("test-scores", data, out, model, "--greedy")
    rows = json.loads((out / "test-scores.json").read_text())
    assert [(r["level"], r["lm"], r["n"]) for r in rows] == [("lines", "", 6)]
    low, high = rows[0]["interval"]
    assert rows[0]["cer"] == pytest.approx(3 / 27) and low <= rows[0]["cer"] <= high
    (out / "test-scores.json").write_text(json.dumps([{**r, "cer": 0.777} for r in rows]))
    document = tmp_path / "results.md"
    document.write_text("<!-- test-scores -->\n<!-- /test-scores -->\n")
    again = recipe("test-scores", data, out, model, "--greedy", "--into", document)
    assert "77.70" in again.stdout and again.stdout.strip() in document.read_text()  # not measured again
    (tmp_path / "toy" / "model.json").write_text((tmp_path / "toy" / "model.json").read_text() + " ")
    assert "77.70" not in recipe("test-scores", data, out, model, "--greedy").stdout  # another model


def test_test_scores_use_the_language_model_of_the_lines(tmp_path: Path, data: Path) -> None:
    recipe = module("test-scores")
    rows = list(recipe.wanted(data, ["toys_fr"], [write_model(tmp_path / "toy")], False))
    assert [(r["level"], r["lm"]) for r in rows] == [("lines", ""), ("lines", "fr")]
    found = {"cer": 0.2, "interval": [0.1, 0.3], "n": 6, "left_out": 0, "wer": 0.5, "exact": 0, "date": "2000-01-01"}
    measured = [{**row, **found, "command": "a command"} for row in rows]
    table = recipe.tables([measured[0], {**measured[1], "cer": 0.15}])
    assert "| fr | 15.00 (10.00-30.00) | +25.0 |" in table


def test_adapt_reads_the_test_pictures_before_and_after(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = module("adapt")
    (data / "toys_fr" / "train").mkdir()
    (data / "toys_fr" / "train" / "lines.parquet").write_bytes((data / "toys_fr/test/lines.parquet").read_bytes())
    before = write_model(tmp_path / "before", charset=("b", "c", "d", "e", "f", "g", "a", " "))
    calls = []

    def adapting(*arguments: object, quiet: bool) -> None:
        calls.append(arguments)
        made = write_model(Path(str(arguments[arguments.index("-o") + 1])))
        rounds = [{"round": n, "accepted": True} for n in range(3)]
        write_info(made, read_info(made).model_copy(update={"scores": {"rounds": rounds}}))

    monkeypatch.setattr(recipe, "scriven", adapting)
    common = [str(data), str(tmp_path / "out"), "--model", str(before)]
    for more in (
        [],
        [],
        ["--set", "span_mask=0.3"],
        ["--set", "span_mask=0.15"],
    ):  # the second time nothing is measured
        monkeypatch.setattr(sys, "argv", ["adapt", *common, *more])
        recipe.main()
    assert len(calls) == 3 and len({call[call.index("-o") + 1] for call in calls}) == 3
    assert calls[0][:2] == ("adapt", data / "toys_fr") and calls[0][calls[0].index("--lang") + 1] == "fr"
    rows = json.loads((tmp_path / "out" / "adapt.json").read_text())
    assert all(row["before"]["cer"] > row["after"]["cer"] == pytest.approx(3 / 27) for row in rows)
    table = (tmp_path / "out" / "adapt.md").read_text()
    assert table.count("toys_fr lines") == 3 and "before span_mask=0.15" in table and table.rstrip().endswith("| 2 |")
    read = list(module("_regression.py").adapted_rows(tmp_path / "out" / "adapt.json"))
    assert len(read) == 3 and all(row["way"] == "as it is" and len(row["features"]) == 6 for row in read)
    with pytest.raises(SystemExit, match="there is no .*nowhere"):
        monkeypatch.setattr(sys, "argv", ["adapt", *common[:2], "nowhere", *common[2:]])
        recipe.main()


def test_average_weighs_the_weights_and_says_so(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from scriven.reader.model import ModelInfo, read_info, write_info
    from scriven.recognisers import build
    from scriven.text import Charset
    from scriven.training.checkpoint import load_tensors, save_weights

    charset = Charset.of(["abc"])
    for seed in (0, 1):
        torch.manual_seed(seed)
        save_weights(tmp_path / str(seed), build("convtext", charset, size="tiny"))
        info = ModelInfo(name=f"m{seed}", network="convtext", sizes={"size": "tiny"}, charset=charset.characters)
        write_info(tmp_path / str(seed), info)
        (tmp_path / str(seed) / "log.jsonl").write_text("")
    (tmp_path / "data" / "a" / "test").mkdir(parents=True)
    (tmp_path / "data" / "a" / "test" / "lines.parquet").touch()
    out = tmp_path / "mean"
    module("average").main(tmp_path / "data", out, [(str(tmp_path / "0"), 3.0), (str(tmp_path / "1"), 1.0)])
    first, second, mean = (load_tensors(one / "weights.safetensors") for one in (tmp_path / "0", tmp_path / "1", out))
    key = "head.weight"
    assert torch.allclose(mean[key], 0.75 * first[key] + 0.25 * second[key]) and not torch.equal(mean[key], first[key])
    assert read_info(out).settings["averaged"] == [["0", 0.75], ["1", 0.25]] and (out / "reader.onnx").is_file()
    assert "the mean of 0 (0.75), 1 (0.25)" in (out / "README.md").read_text()


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


@pytest.mark.real
@pytest.mark.slow
def test_the_same_lines_score_the_same_by_both_recipes(tmp_path: Path, real_data: Path, recipe: Recipe) -> None:
    """Pictures as PNG files and the lines folder itself: not a single edit differs."""
    model = write_model(tmp_path / "toy")
    recipe("side-by-side", real_data, tmp_path / "a", "--model", model, "--collection", "peraire_fr")
    recipe("test-scores", real_data, tmp_path / "b", model, "--collection", "peraire_fr")
    rows = [json.loads((tmp_path / name).read_text()) for name in ("a/side-by-side.json", "b/test-scores.json")]
    files, folder = next(r for r in rows[0] if r["reader"] == "toy"), rows[1][0]
    assert [files[k] for k in ("cer", "n", "interval")] == [folder[k] for k in ("cer", "n", "interval")]


def test_the_regression_of_the_estimate_was_fitted_to_readings_of_the_bundled_models() -> None:
    from scriven.estimate.regression import REGRESSION

    made, common = json.loads(REGRESSION.read_text("utf-8"))["made"], module("_common.py")
    for name in ("scriven-general", "scriven-synthetic"):
        assert f"{name} {common.fingerprint(name)}" in made["models"], f"{name} has changed: run recipes/estimate"


def test_nothing_bundled_was_fitted_to_the_unseen_collections() -> None:
    from scriven.estimate.learning_curve import CURVES
    from scriven.estimate.regression import REGRESSION

    unseen = set(module("_regression.py").UNSEEN)
    assert unseen == {"czech16_cs", "hooker_en", "peraire_fr"}
    assert not unseen & set(json.loads(REGRESSION.read_text("utf-8"))["made"]["collections"])
    assert not [name for name in CURVES if any(one in name for one in unseen)]
    assert not unseen & set(module("hands").HANDS)


def test_hands_are_split_by_page() -> None:
    recipe = module("hands")
    pages = [f"p{i // 10}" for i in range(120)]
    found = recipe.splits(pages)
    tests = {page for page, split in zip(pages, found, strict=True) if split == "test"}
    others = {page for page, split in zip(pages, found, strict=True) if split != "test"}
    assert not tests & others and len(tests) == 3 and found.count("val") == 8 and found == recipe.splits(pages)
