"""StackMix lines from pseudo-labels: from the second round on, of the better half, reproducible, cleaned up."""

import json
import logging
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from scriven.base import SettingsError
from scriven.jobs.adapt import adapt
from scriven.lines import LinesFolder
from scriven.reader.model import ModelInfo
from scriven.selftrain import stackmix
from scriven.selftrain import students as students_module
from toy_hand import accepting, cut, folder, parent, settings, small_world  # noqa: F401


@pytest.fixture
def banks(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[list[str], list[str]]]:
    """By round: the ids of its pseudo-labels, best first, and those of the lines in its bank, when it is trained."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    make = stackmix.stackmix_source

    def watched(folder, number, context, teacher):
        source = make(folder, number, context, teacher)
        if source is not None:
            ids = pq.read_table(folder / "bank" / "lines.parquet")["id"].to_pylist()
            found[folder.name] = [line.id for line in LinesFolder(folder).lines("train")], ids
        return source

    monkeypatch.setattr(students_module, "stackmix_source", watched)
    monkeypatch.setattr(stackmix, "FEWEST", 2)
    return found


def test_the_better_half_is_cut_from_the_second_round_on(parent, tmp_path, monkeypatch, banks):
    accepting(monkeypatch)
    given = settings(affine_steps=0, rounds=2, steps=2, keep_fraction=1.0, stackmix=0.5)
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=given)
    assert list(banks) == ["02"]
    labels, lines = banks["02"]
    assert 2 <= len(lines) <= round(len(labels) / 2) and set(lines) <= set(labels[: round(len(labels) / 2)])
    assert not list((tmp_path / "m" / "rounds").glob("*/bank"))


def test_stackmix_changes_the_student_and_an_interrupted_run_ends_the_same(parent, tmp_path, monkeypatch, banks):
    accepting(monkeypatch)
    lines, weights = folder(tmp_path / "lines"), {}
    for name, share in (("off", 0.0), ("on", 0.5), ("again", 0.5)):
        given = settings(affine_steps=0, rounds=2, steps=2, keep_fraction=1.0, stackmix=share)

        def run(out: Path = tmp_path / name, given=given) -> None:
            adapt([lines], out, parent=parent, settings=given)

        if name == "again":
            cut(run, monkeypatch, "held_out_metrics", 3)
        run()
        weights[name] = load_file(tmp_path / name / "weights.safetensors")
    assert all(torch.equal(weights["on"][k], weights["again"][k]) for k in weights["on"])
    assert any(not torch.equal(weights["on"][k], weights["off"][k]) for k in weights["on"])


def test_too_few_pseudo_labels_are_reported_and_trained_without(parent, tmp_path, monkeypatch, caplog):
    accepting(monkeypatch)
    given = settings(affine_steps=0, rounds=2, steps=2, keep_fraction=1.0, stackmix=0.5)
    with caplog.at_level(logging.WARNING, "scriven.adapt"):
        adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=given)
    assert "round 2 trains without StackMix: fewer than 20 pseudo-labels can be cut" in caplog.text
    rounds = [json.loads(row) for row in (tmp_path / "m" / "log.jsonl").read_text("utf-8").splitlines()]
    assert len(rounds) == 3


def test_a_parent_without_ctc_is_refused_before_the_first_round():
    info = ModelInfo(network="table", charset=("a", "b"), decoders=("attention",), stride=8)
    with pytest.raises(SettingsError, match="'stackmix' needs a model that decodes by CTC"):
        settings(stackmix=0.3).for_parent(info)
    assert settings(stackmix=0.0).for_parent(info).stackmix == 0
