"""The estimated CER in `read`, `score` and the recipe that fits it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import scriven
from scriven.base import InputError
from scriven.estimate.cer import (
    MAX_VIEWED,
    MIN_LINES,
)
from scriven.images import encode
from scriven.jobs.read import read
from scriven.jobs.score import score
from scriven.lines import Line, LinesWriter
from scriven.reader.decoder_contract import Decoder
from scriven.reader.session import Reader
from toy_estimate import ONE, Command, Python, folder, model, texts  # noqa: F401
from toy_reader import picture


def test_score_estimates_lines_without_text_and_uses_no_text(model: Path, tmp_path: Path) -> None:
    bare = score(model, [folder(tmp_path / "bare", 20)], settings=ONE)
    answer = bare.as_json(variants=True)
    assert "cer" not in answer and "variants" not in answer and answer["sets"][0]["unlabelled"] == 20
    guess = answer["estimate"]
    assert guess["n"] == 20 and guess["interval"][0] < guess["cer"] < guess["interval"][1] and guess["cer"] < 0.1
    mixed = score(model, [folder(tmp_path / "mixed", 20, labelled=5, wrong=True)], settings=ONE).as_json()
    assert mixed["n"] == 5 and mixed["cer"] > 0.1 and mixed["estimate"]["n"] == mixed["sets"][0]["unlabelled"] == 15
    full = score(model, [folder(tmp_path / "full", 5, labelled=5)], settings=ONE).as_json()
    assert full["estimate"] is None and full["sets"][0]["estimate"] is None
    both = score(model, [tmp_path / "bare", tmp_path / "mixed", tmp_path / "full"], settings=ONE)
    assert both.overall().n == 10 and both.as_json()["estimate"]["n"] == 35
    assert [row["n"] for row in both.estimates()] == ["20", "15", "35"] and len(both.rows()) == 3


def test_score_labels_an_estimate_as_such(model: Path, tmp_path: Path, scriven: Command) -> None:
    code, out, _ = scriven("score", model, folder(tmp_path / "bare", 12), "--threads", 1)
    assert code == 0 and "estimated CER %" in out and "not measured" in out and "WER" not in out
    code, out, _ = scriven("score", model, folder(tmp_path / "mixed", 12, labelled=6), "--threads", 1)
    assert code == 0 and out.index("WER %") < out.index("not measured") < out.index("estimated CER %")


def test_of_many_lines_without_text_a_sample_is_read(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_prepared, counted = Reader.read_prepared, []

    def counting(self: Reader, pictures: object, decoder: Decoder | None = None) -> object:
        every = list(pictures)  # type: ignore[call-overload]
        counted.append([p.id for p in every])
        return read_prepared(self, every, decoder)

    monkeypatch.setattr(Reader, "read_prepared", counting)
    result = score(model, [folder(tmp_path / "many", 450)], settings=ONE)
    seen = [ids for ids in counted if ids]
    assert [len(ids) for ids in seen] == [MAX_VIEWED, MAX_VIEWED] and seen[0] == seen[1]
    assert max(int(id[1:]) for id in seen[0]) > 400  # to the end of the folder
    guess = result.estimate()
    assert guess and (guess.n, guess.viewed) == (450, MAX_VIEWED)


def test_pictures_without_writing_cannot_be_estimated(model: Path, tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "blank", {}) as writer:
        for i in range(3):
            writer.write(Line(f"l{i}", encode(np.full((64, 200), 255, np.uint8))))
    with pytest.raises(InputError, match=r"no lines to score in all \(3 without transcription\)"):
        score(model, [tmp_path / "blank"], settings=ONE)


def scans(path: Path, count: int) -> Path:
    path.mkdir()
    for i, text in enumerate(texts(count)):
        (path / f"{i:03d}.png").write_bytes(encode(picture(text)))
    return path


def test_read_ends_with_an_estimate_on_standard_error(model: Path, tmp_path: Path, scriven: Command) -> None:
    few, enough = scans(tmp_path / "few", MIN_LINES - 1), scans(tmp_path / "enough", MIN_LINES)
    code, out, err = scriven("read", "-m", model, few, "--threads", 1)
    assert code == 0 and "estimated" not in out + err
    code, out, err = scriven("read", "-m", model, enough, "--threads", 1)
    assert code == 0 and "estimated" not in out and len(out.splitlines()) == MIN_LINES
    assert f"from these {MIN_LINES} lines, without transcriptions" in err and err.count("estimated CER") == 1
    code, out, err = scriven("-q", "read", "-m", model, enough, "--threads", 1)
    assert code == 0 and "estimated" not in out + err


@pytest.mark.parametrize(("given", "hinted"), [((), True), (("--lm", "none"), False)])
def test_read_suggests_a_language_model(
    given: tuple[str, ...], hinted: bool, model: Path, tmp_path: Path, scriven: Command
) -> None:
    code, _, err = scriven("read", "-m", model, scans(tmp_path / "scans", MIN_LINES), "--threads", 1, *given)
    assert code == 0 and ("--lm CODE, such as --lm fr" in err) is hinted


def test_read_reads_a_sample_of_lines_twice(model: Path, tmp_path: Path) -> None:
    outcome = read([scans(tmp_path / "scans", 230)], model, out=tmp_path / "all.txt", settings=ONE)
    assert outcome.estimate and (outcome.estimate.n, outcome.estimate.viewed) == (230, 30)


def test_read_estimates_without_torch(model: Path, tmp_path: Path, python: Python) -> None:
    code = """
import sys
sys.modules["torch"] = sys.modules["wordfreq"] = None
from scriven.cli import run

sys.exit(run(["read", "-m", sys.argv[1], sys.argv[2], "--threads", "1"]))
"""
    done = python(code, model, scans(tmp_path / "scans", MIN_LINES))
    assert done.returncode == 0 and "estimated CER" in done.stderr


def test_the_recipe_fits_without_the_collection_it_estimates_and_never_to_unseen_ones(
    model: Path, tmp_path: Path
) -> None:
    """Of fitted collections the validation splits are read, never the test splits."""
    data = tmp_path / "data"
    for name in ("a_fr", "b_fr", "c_fr", "hooker_en"):
        made = folder(tmp_path / name, 12, labelled=12, wrong=name != "a_fr")
        for split in ("val", "test"):
            (data / name / split).mkdir(parents=True)
        unread = "val" if name == "hooker_en" else "test"
        (data / name / unread / "lines.parquet").write_bytes(b"must not be opened")
        used = "test" if name == "hooker_en" else "val"
        (made / "test-00000.parquet").rename(data / name / used / "lines.parquet")
    home, recipe = Path(scriven.__file__).parents[1], Path(__file__).parents[1] / "recipes" / "estimate"
    command = [sys.executable, "-B", recipe, data, tmp_path / "out", model]
    environment = {**os.environ, "PYTHONPATH": str(home)}
    ran = subprocess.run([*map(str, command)], text=True, capture_output=True, env=environment, timeout=300)
    assert ran.returncode == 0, ran.stderr
    stored = json.loads((tmp_path / "out" / "regression.json").read_text("utf-8"))
    assert set(stored) >= {"bias", "weights", "spread"} and stored["made"]["collections"] == ["a_fr", "b_fr", "c_fr"]
    assert stored["made"]["unseen"] == ["hooker_en"] and stored["made"]["readings"] == 3
    rows = json.loads((tmp_path / "out" / "estimate.json").read_text("utf-8"))
    assert len(rows) == 4 and {row["way"] for row in rows} == {"as it is"}  # of a model that is not bundled
    table = (tmp_path / "out" / "estimate.md").read_text("utf-8")
    assert "never used for a fit" in table and table.count("| a_fr |") == table.count("| hooker_en |") == 1
    again = subprocess.run([*map(str, command)], text=True, capture_output=True, env=environment, timeout=300)
    assert again.returncode == 0 and not again.stderr  # nothing is read twice
