"""What training reports: the rows of its log, TensorBoard, progress, the final message."""

import logging
import time
from types import SimpleNamespace

import pytest
from lightning_fabric.utilities.rank_zero import rank_zero_info

from scriven.cli import run
from scriven.jobs import train as training
from scriven.jobs.train import Trained, fabric_of, train
from scriven.training.checkpoint import write_tensorboard
from scriven.training.loader import Stream
from scriven.training.progress_log import format_log_row
from toy_training import brief_settings as settings
from toy_training import lines  # noqa: F401


def test_tensorboard_events_hold_the_rows_of_the_log(lines, tmp_path):
    pytest.importorskip("tensorboard")
    done = train([lines], tmp_path / "m", settings=settings(evaluations=2, track=True))
    found = _events(tmp_path / "m" / "tensorboard")
    assert len(done.progress.rows) == 2 and set(found) == {"loss", "lr", "cer", "wer"}
    for key, events in found.items():
        assert [step for step, _ in events] == [1, 2]
        assert [value for _, value in events] == pytest.approx([row[key] for row in done.progress.rows], rel=1e-5)
    train([lines], tmp_path / "quiet", settings=settings())
    assert not (tmp_path / "quiet" / "tensorboard").exists()


def test_one_row_becomes_four_events(tmp_path):
    pytest.importorskip("tensorboard")
    write_tensorboard(tmp_path, {"step": 7, "loss": 2.5, "lr": 0.25, "cer": 0.5, "wer": 0.75, "best": True})
    found = _events(tmp_path / "tensorboard")
    assert found == {"loss": [(7, 2.5)], "lr": [(7, 0.25)], "cer": [(7, 0.5)], "wer": [(7, 0.75)]}


def _events(path):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util import tensor_util

    found = {}
    for file in sorted(path.iterdir()):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                number = (
                    float(tensor_util.make_ndarray(value.tensor)) if value.HasField("tensor") else value.simple_value
                )
                found.setdefault(value.tag, []).append((event.step, number))
    return {tag: sorted(events) for tag, events in found.items()}


def test_the_share_of_time_waiting_for_pictures_is_logged(lines, tmp_path, monkeypatch):
    rows = []
    batch = Stream.make_batch

    def slow(self, items, strength):
        time.sleep(0.3)
        return batch(self, items, strength)

    for name, made in (("quick", batch), ("slow", slow)):
        monkeypatch.setattr(Stream, "make_batch", made)
        rows.append(train([lines], tmp_path / name, settings=settings(steps=3)).progress.rows[-1]["waiting"])
    assert 0 <= rows[0] < rows[1] <= 1


def test_the_log_of_an_evaluation_names_its_data_and_the_progress(lines, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "scriven"):
        train([lines], tmp_path / "m", settings=settings(steps=4))
    said = [r.getMessage() for r in caplog.records if r.getMessage().startswith("step ")]
    assert len(said) == 1 and said[0].endswith(" % on validation lines (best so far)")
    steps = [r.progress for r in caplog.records if hasattr(r, "progress")]
    assert steps[-1] == ("training", 100.0, 100) and sum(done == 100 for _, done, _ in steps) == 1
    assert all(what == "training" and 0 < done <= 100 for what, done, _ in steps)


def test_fit_reports_the_fraction_done_after_every_step(lines, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(training, "percent", lambda what, fraction: told.append((what, fraction)))
    train([lines], tmp_path / "m", settings=settings(steps=4))
    assert told == [("training", 0.25), ("training", 0.5), ("training", 0.75), ("training", 1.0)]


def test_waiting_is_mentioned_only_above_a_threshold():
    row = {"step": 3, "minutes": 1.0, "loss": 0.5, "cer": 0.0766, "best": False, "waiting": 0.03}
    assert format_log_row(row, "validation lines") == "step 3, 1.0 min: loss 0.500, CER 7.66 % on validation lines"
    assert format_log_row(row | {"waiting": 0.2}, "x").endswith("on x, 20% of the time waiting for pictures")


def test_fabric_of_silences_the_messages_of_lightning(caplog, monkeypatch):
    logger = logging.getLogger("lightning_fabric")
    monkeypatch.setattr(logger, "propagate", True)  # to the handler of caplog
    logger.setLevel(logging.INFO)  # as its import leaves it
    rank_zero_info("heard")
    assert "heard" in caplog.text
    caplog.clear()
    fabric_of(settings(device="cpu", precision="bf16-mixed"))
    rank_zero_info("more of this")
    assert not caplog.text


@pytest.mark.parametrize(("n", "said"), [(1, "1 validation line, too few"), (2, "2 validation lines, too few"),
                                         (50, "50 validation lines\n")])  # fmt: skip
def test_the_final_message_warns_of_a_cer_on_few_lines(n, said, monkeypatch, tmp_path, capsys):
    info = SimpleNamespace(scores={"valid": {"cer": 0.4364, "n": n}})
    done = Trained("m", info, SimpleNamespace(step=1), ())
    monkeypatch.setattr(training, "train", lambda *_, **__: done)
    assert run(["train", str(tmp_path), "-o", "m"]) == 0
    assert f"CER 43.64% on {said}" in capsys.readouterr().out
