"""Recipes that score readers: side by side, test scores, adapting, averaging, the regression of the estimate."""

import json
import sys
from pathlib import Path

import pytest

from scriven.reader.model import read_info, write_info
from toy_reader import write_model
from toy_recipes import Recipe, _recipes_on_the_path, data, module, recipe  # noqa: F401


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
