"""An interrupted training run is resumed exactly, and only with the same data and settings."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from scriven.base import OutputError
from scriven.images import encode
from scriven.jobs.train import train
from scriven.lines import Line
from scriven.training import fit as fitting
from scriven.training.checkpoint import load_net
from toy_training import folder, lines, no_export, picture, settings  # noqa: F401


def test_training_resumes_exactly(lines, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    whole = train([lines], tmp_path / "whole", settings=settings())

    step = fitting.training_step

    def interrupted(run, *rest):
        if run.progress.step == 4:
            raise KeyboardInterrupt
        return step(run, *rest)

    monkeypatch.setattr(fitting, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train([lines], tmp_path / "cut", settings=settings())
    assert not (tmp_path / "cut" / "model.json").exists()
    monkeypatch.setattr(fitting, "training_step", step)
    monkeypatch.setattr("scriven.jobs.train.write_tensorboard", lambda folder, row: tracked.append(row["step"]))
    tracked = []
    cut = train([lines], tmp_path / "cut", settings=settings(track=True))  # `track` may change
    assert tracked == [6]
    assert cut.progress.step == whole.progress.step == 6
    for name in ("weights.safetensors", "state/run.safetensors"):
        a, b = load_file(tmp_path / "whole" / name), load_file(tmp_path / "cut" / name)
        assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    texts = [(tmp_path / n / "log.jsonl").read_text() for n in ("whole", "cut")]
    rows = [[json.loads(row) for row in text.splitlines()] for text in texts]
    assert [r["cer"] for r in rows[0]] == [r["cer"] for r in rows[1]]


@pytest.mark.parametrize("extra", [None, Line("new", encode(picture("cafe")), "café")])
def test_a_run_is_not_resumed_on_other_data(lines, tmp_path, monkeypatch, extra):
    """Other lines with the same characters, or one more character, for which the saved weights do not fit."""
    path = shutil.copytree(lines, tmp_path / "lines")
    monkeypatch.setattr("scriven.jobs.train.publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        train([path], tmp_path / "m", settings=settings(steps=2, evaluations=1))
    shutil.rmtree(path)
    folder(path, count=38, extra=[extra] if extra else [])
    with pytest.raises(OutputError, match="begun with other training data"):
        train([path], tmp_path / "m", settings=settings(steps=2, evaluations=1))


def test_a_run_is_not_resumed_with_other_settings(lines, tmp_path):
    train([lines], tmp_path / "m", settings=settings(steps=2, evaluations=1))
    with pytest.raises(OutputError, match="finished"):
        train([lines], tmp_path / "m", settings=settings(steps=2, evaluations=1))
    (tmp_path / "m" / "model.json").unlink()
    with pytest.raises(OutputError, match="lr"):
        train([lines], tmp_path / "m", settings=settings(steps=2, evaluations=1, lr=1e-4))


def test_a_run_interrupted_while_publishing_is_resumed(lines, tmp_path, monkeypatch):
    def stop(info):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("scriven.training.publish.card", stop)
        with pytest.raises(KeyboardInterrupt):
            train([lines], tmp_path / "m", settings=settings(steps=1, evaluations=1))
    assert not (tmp_path / "m" / "model.json").exists()
    train([lines], tmp_path / "m", settings=settings(steps=1, evaluations=1))
    assert (
        load_net(tmp_path / "m")[1].graphs["reader"].file == "reader.onnx" and (tmp_path / "m" / "README.md").is_file()
    )


def test_a_damaged_state_is_refused_with_advice_to_start_again(lines, tmp_path, monkeypatch):
    state = tmp_path / "m" / "state" / "run.safetensors"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(OutputError, match="and start again"):
        train([lines], tmp_path / "m", settings=settings())
