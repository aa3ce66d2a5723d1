"""Training: lines used and skipped, splits, the end of a run, batches that do not fit into memory."""

import random
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.base import InputError, ModelError, SettingsError
from scriven.images import encode
from scriven.jobs.train import TrainSettings, train
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.trainable import InputSpec
from scriven.text import Charset
from scriven.training import fit as fitting
from scriven.training.checkpoint import load_tensors
from scriven.training.devices import fabric_of
from scriven.training.sources import FolderSource, split_source
from toy_training import WORDS, folder, lines, no_export, picture, settings  # noqa: F401


def test_unusable_lines_are_skipped_with_a_reason(tmp_path):
    extra = [
        Line("blank-text", encode(picture("ink")), ""),
        Line("narrow", encode(picture("ink")[:, :20]), "paper quill letter seal"),
        Line("broken", b"\x89PNG no picture at all", "ink"),
        Line("strange", encode(picture("ink")), "ink\N{GREEK SMALL LETTER PI}"),
    ]
    path = folder(tmp_path / "lines", extra=extra)
    source = FolderSource(LinesFolder(path), "train", InputSpec(64, 4, Charset.of([" ".join(WORDS)])))
    reasons = {r.id: r.reason for r in source.skipped}
    assert set(reasons) == {"blank-text", "narrow", "broken", "strange"}
    assert "GREEK SMALL LETTER PI" in reasons["strange"] and "is too long for its picture" in reasons["narrow"]
    assert len(source) == 40


def test_without_a_valid_split_whole_pages_or_hands_are_held_out(tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(60):
            writer.write(Line(f"l{i}", encode(picture("ink")), "ink", hand=f"h{i % 12}"))
    learn, check = split_source(LinesFolder(tmp_path / "lines"), InputSpec(64, 4))
    assert len(check) == 5 and len(learn) == 55
    assert not set(learn.hands) & set(check.hands)


@pytest.mark.parametrize("splits", [("train", "valid"), ("train",)])
def test_the_test_split_is_used_neither_for_training_nor_for_validation(splits, tmp_path):
    """Neither usable nor unusable lines of the test split change the weights."""
    torch.set_num_threads(1)
    shutil.copytree(folder(tmp_path / "without", splits=splits), tmp_path / "with")
    with LinesWriter(tmp_path / "test", {}) as writer:
        for i in range(10):
            writer.write(Line(f"good{i}", encode(picture("wax seal")), "wax seal"), "test")
        writer.write(Line("broken", b"\x89PNG no picture at all", "ink"), "test")
        writer.write(Line("strange", encode(picture("ink")), "\N{GREEK SMALL LETTER PI}" * 400), "test")
    shutil.copy(tmp_path / "test" / "test-00000.parquet", tmp_path / "with")
    assert LinesFolder(tmp_path / "with").count("test") == 12
    found = []
    for name in ("without", "with"):
        model = tmp_path / f"{name}-model"
        done = train([tmp_path / name], model, settings=settings(steps=2, evaluations=2))
        rows = [{k: v for k, v in row.items() if k not in ("minutes", "waiting")} for row in done.progress.rows]
        found.append(
            (rows, done.info.scores, done.info.charset, done.skipped, load_file(model / "weights.safetensors"))
        )
    assert found[0][:4] == found[1][:4] and not found[0][3]
    assert all(torch.equal(found[0][4][k], found[1][4][k]) for k in found[0][4] | found[1][4])


def test_training_does_not_change_the_global_random_generators(lines, tmp_path):
    random.seed(5)
    np.random.seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist()
    fabric_of(settings(seed=9))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_out_of_memory_halves_the_batch_with_a_message(lines, tmp_path, monkeypatch, caplog):
    from scriven.recognisers.convtext import ConvText

    loss = ConvText.loss

    def hungry(self, batch, smoothing=0.0):
        if len(batch) > 2:
            raise torch.OutOfMemoryError("too much")
        return loss(self, batch, smoothing)

    monkeypatch.setattr(ConvText, "loss", hungry)
    done = train([lines], tmp_path / "m", settings=settings(steps=2, evaluations=1))
    assert done.progress.step == 2 and done.progress.parts >= 4
    assert "out of memory" in caplog.text


def test_patience_ends_a_run_early(lines, tmp_path, monkeypatch):
    from scriven.metrics import score

    monkeypatch.setattr(fitting, "validate", lambda *_: score(["a"], ["b"]))
    done = train([lines], tmp_path / "m", settings=settings(steps=20, evaluations=20, patience=2))
    assert done.progress.step == 3  # the first is the best, and neither of the next two is better


def test_inputs_without_usable_lines_are_refused_with_a_reason(tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(12):
            writer.write(Line(f"l{i}", encode(picture("ink"))))
    with pytest.raises(InputError, match="no line that can be trained on.*it has no text"):
        train([tmp_path / "lines"], tmp_path / "m", settings=settings())


def test_exactly_one_of_steps_and_minutes_is_required():
    with pytest.raises(SettingsError, match="exactly one"):
        TrainSettings()
    with pytest.raises(SettingsError, match="cosine"):
        TrainSettings(steps=1, schedule="linear")


@pytest.mark.parametrize("fraction", [0.0, 0.02, 0.5, 1.0])
def test_learning_rates_stay_below_the_peak(fraction):
    for schedule in ("cosine", "one-cycle"):
        rate = fitting.learning_rate(TrainSettings(steps=1, schedule=schedule), fraction)
        assert 0 < rate <= 2e-3


def test_truncated_weights_are_refused_by_file_name(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(ModelError, match="damaged"):
        load_tensors(tmp_path / "weights.safetensors")
