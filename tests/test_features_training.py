"""Features of training and adapting that settings control: each test fails if its feature is removed."""

import logging
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning_fabric.utilities.rank_zero import rank_zero_info
from safetensors.torch import load_file

from scriven.base import OutputError, SettingsError
from scriven.cli import run
from scriven.images import encode
from scriven.jobs import train as training
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.jobs.train import Trained, TrainSettings, fabric_of, train
from scriven.lines import LinesFolder
from scriven.lines.sketch import digest, share_in
from scriven.recognisers import build
from scriven.selftrain import pseudo_labels as labelling
from scriven.selftrain import rounds as adapting
from scriven.selftrain import students
from scriven.tensors import collate
from scriven.text import Charset
from scriven.training import devices
from scriven.training import fit as fitting
from scriven.training import loader as loading
from scriven.training.checkpoint import write_tensorboard
from scriven.training.fit import begin
from scriven.training.loader import Stream
from scriven.training.progress_log import format_log_row
from scriven.training.settings import learning_rate
from scriven.training.sources import FolderSource, ScribeSource
from test_training import WORDS, folder, picture
from toy_hand import folder as unlabelled
from toy_hand import parent, small_world  # noqa: F401


class Stopped(Exception):
    pass


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("data") / "lines")


def settings(**changes):
    return TrainSettings(**{"steps": 2, "size": "tiny", "batch_width_px": 600, "evaluations": 1, "ramp": 2, **changes})


def test_the_saved_weights_are_those_of_the_best_evaluation(lines, tmp_path, monkeypatch):
    rates, seen = iter([0.5, 0.2, 0.4, 0.3]), []

    def validate(net, valid, batch_width_px):
        seen.append({k: v.clone() for k, v in net.state_dict().items()})
        return SimpleNamespace(cer=next(rates), wer=1.0)

    monkeypatch.setattr(fitting, "validate", validate)
    done = train([lines], tmp_path / "m", settings=settings(steps=4, evaluations=4))
    kept = load_file(tmp_path / "m" / "weights.safetensors")
    equal = [all(torch.equal(kept[k], weights[k]) for k in kept) for weights in seen]
    assert equal == [False, True, False, False]
    assert done.info.scores["valid"]["cer"] == 0.2 and done.info.scores["valid"]["step"] == 2


def test_inputs_are_mixed_by_their_weights(lines, tmp_path, monkeypatch):
    plans = []

    def fit(run, plan, *rest):
        plans.append(plan)
        raise Stopped

    monkeypatch.setattr(training, "fit", fit)
    other = folder(tmp_path / "other")
    for weights in ((3.0, 1.0), (1.0, 4.0), ()):
        with pytest.raises(Stopped):
            train([lines, other], tmp_path / f"m{len(plans)}", settings=settings(weights=weights))
    counts = [[sum(i.source == n for i in plan.items(0, 400)) for n in (0, 1)] for plan in plans]
    assert counts == [[300, 100], [80, 320], [200, 200]]


def _begun(**changes):
    torch.manual_seed(0)
    chosen = settings(device="cpu", **changes)
    net = build("convtext", Charset.of([" ".join(WORDS)]), size="tiny")
    fabric = fabric_of(chosen)
    return begin(net, chosen, fabric), chosen, fabric, collate([picture(w) for w in WORDS[:4]], WORDS[:4])


@pytest.mark.parametrize("replicas", [1, 2])
def test_label_smoothing_changes_the_loss(replicas):
    losses = []
    for smoothing in (0.0, 0.4):
        run, chosen, fabric, batch = _begun(smoothing=smoothing, replicas=replicas)
        losses.append(float(fitting.training_step(run, batch, chosen, fabric)))
    assert abs(losses[1] - losses[0]) > 0.02 * losses[0]


def test_gradients_are_clipped():
    norms = []
    for clip in (1e9, 1e-3):
        run, chosen, fabric, batch = _begun(clip=clip)
        fitting.training_step(run, batch, chosen, fabric)
        norms.append(float(torch.stack([p.grad.norm() for p in run.net.parameters() if p.grad is not None]).norm()))
    assert norms[0] > 0.01 and norms[1] == pytest.approx(1e-3, rel=0.01)


def test_one_cycle_warms_up_over_a_third_and_decays_to_zero(lines, tmp_path):
    chosen = settings(steps=10, evaluations=10, schedule="one-cycle")
    rates = [learning_rate(chosen, f) / chosen.lr for f in (0.0, 0.15, 0.3, 0.65, 1.0)]
    assert rates == pytest.approx([0.04, 0.52, 1.0, 0.5, 1e-4])
    done = train([lines], tmp_path / "m", settings=chosen)
    trained = [row["lr"] for row in done.progress.rows]
    assert trained == pytest.approx([learning_rate(chosen, step / 10) for step in range(10)])
    assert np.argmax(trained) == 3


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


def adapting_to(**changes):
    return AdaptSettings(
        **{"steps": 2, "affine_steps": 0, "rounds": 1, "batch_width_px": 900, "language": "en", **changes}
    )


def test_held_out_pictures_are_never_trained_on(parent, tmp_path, monkeypatch):
    unsupervised_metrics, pseudo_label = adapting.unsupervised_metrics, labelling.pseudo_label
    judged, learnt = [], []

    def judging(reader, pictures, *more):
        judged.append({id for id, _ in pictures})
        return unsupervised_metrics(reader, pictures, *more)

    def labelling_(reader, pictures, decoder):
        learnt.append({id for id, _ in pictures})
        return pseudo_label(reader, pictures, decoder)

    monkeypatch.setattr(adapting, "unsupervised_metrics", judging)
    monkeypatch.setattr(labelling, "pseudo_label", labelling_)
    adapt([unlabelled(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=adapting_to(held_out=0.3))
    pseudo_labelled = {line.id for line in LinesFolder(tmp_path / "m" / "rounds" / "01").lines("train")}
    assert len(judged) == 2 and judged[0] == judged[1] and len(judged[0]) == 9
    assert pseudo_labelled and pseudo_labelled <= learnt[0] and not judged[0] & learnt[0]
    assert len(judged[0] | learnt[0]) == 30


def test_pseudo_labelled_pictures_are_mixed_with_synthetic_ones(parent, tmp_path, monkeypatch):
    plans = []

    def fit(run, plan, *rest):
        plans.append(plan)
        raise Stopped

    monkeypatch.setattr(students, "fit", fit)
    with pytest.raises(Stopped):
        adapt(
            [unlabelled(tmp_path / "lines")],
            tmp_path / "m",
            parent=parent,
            settings=adapting_to(synthetic_fraction=0.25),
        )
    kinds = [type(source) for source in plans[0].mixture.sources]
    assert kinds == [FolderSource, ScribeSource]
    items = plans[0].items(0, 400)
    assert sum(item.source == 1 for item in items) == 100
    made, text, _ = plans[0].mixture.sources[1].make(items[-1].index, 1.0)
    assert text and made.shape[0] == 64 and encode(made)


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_network_computes_in_half_precision(lines, tmp_path, monkeypatch, replicas):
    found = []
    loss = build("convtext", Charset.of(WORDS), size="tiny").__class__.loss

    def spied(net, batch, smoothing=0.0):
        found.append(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32)
        return loss(net, batch, smoothing)

    monkeypatch.setattr("scriven.recognisers.convtext.ConvText.loss", spied)
    for precision in ("bf16-mixed", "32-true"):
        train([lines], tmp_path / precision, settings=settings(replicas=replicas, precision=precision))
    half = len(found) // 2
    assert found == [torch.bfloat16] * half + [torch.float32] * half and half >= 2 * replicas


def test_non_finite_gradients_are_skipped_and_many_in_a_row_end_the_run(lines, tmp_path, monkeypatch):
    loss = build("convtext", Charset.of(WORDS), size="tiny").__class__.loss
    calls = iter(range(10_000))
    bad = {1}

    def spoilt(net, batch, smoothing=0.0):
        return loss(net, batch, smoothing) * (float("nan") if next(calls) in bad else 1.0)

    monkeypatch.setattr("scriven.recognisers.convtext.ConvText.loss", spoilt)
    train([lines], tmp_path / "a", settings=settings(steps=3, replicas=1))
    weights = load_file(tmp_path / "a" / "weights.safetensors")
    assert all(torch.isfinite(w).all() for w in weights.values())
    bad.update(range(10_000))
    with pytest.raises(SettingsError, match="were not finite"):
        train([lines], tmp_path / "b", settings=settings(steps=100, replicas=1))


def test_a_run_is_resumed_in_the_precision_it_began_with(lines, tmp_path, monkeypatch):
    found = []

    def stopped(*arguments):
        raise Stopped

    monkeypatch.setattr(training, "publish", stopped)
    for measured in ("bf16-mixed", "32-true"):
        monkeypatch.setattr(devices, "precision_of", lambda device, measured=measured: measured)
        monkeypatch.setattr(training, "fabric_of", lambda s: found.append(s.precision) or fabric_of(s))
        with pytest.raises(Stopped):
            train([lines], tmp_path / "m", settings=settings(replicas=1))
    assert found == ["auto", "bf16-mixed"]


def test_a_damaged_state_is_refused_with_advice_to_start_again(lines, tmp_path, monkeypatch):
    state = tmp_path / "m" / "state" / "run.safetensors"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(OutputError, match="and start again"):
        train([lines], tmp_path / "m", settings=settings())


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


@pytest.mark.parametrize(
    ("wanted", "device", "ranks", "expected"),
    [(None, "cpu", 1, 0), (3, "cpu", 1, 3), (None, "cuda", 1, 12), (None, "cuda", 4, 3), (0, "cuda", 1, 0)],
)
def test_a_gpu_has_data_loading_processes(monkeypatch, wanted, device, ranks, expected):
    monkeypatch.setattr(loading, "cores", lambda: 16)
    fabric = SimpleNamespace(device=SimpleNamespace(type=device), world_size=ranks)
    assert loading.workers(wanted, fabric) == expected


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


def test_a_model_records_the_data_of_its_parents(lines, tmp_path):
    first = train([lines], tmp_path / "a", settings=settings()).info
    other = folder(tmp_path / "other", count=41)
    second = train([other], tmp_path / "b", parent=tmp_path / "a", settings=settings()).info
    prints = [LinesFolder(one).fingerprint() for one in (lines, other)]
    assert f"\n- started from: {tmp_path / 'a'}\n" in (tmp_path / "b" / "README.md").read_text()
    images = [{digest(line.image) for line in LinesFolder(one).lines()} for one in (lines, other)]
    kept = [one.data[0]["sketch"] for one in (first, second)]
    assert all(0.8 < share_in([one], some) <= 1 for one, some in zip(kept, images, strict=True))
    assert first.sketches() == {kept[0]} and second.sketches() == set(kept)
    assert prints[0] != prints[1] and first.learnt() == {prints[0]} and second.learnt() == set(prints)


@pytest.mark.parametrize(("n", "said"), [(1, "1 validation line, too few"), (2, "2 validation lines, too few"),
                                         (50, "50 validation lines\n")])  # fmt: skip
def test_the_final_message_warns_of_a_cer_on_few_lines(n, said, monkeypatch, tmp_path, capsys):
    info = SimpleNamespace(scores={"valid": {"cer": 0.4364, "n": n}})
    done = Trained("m", info, SimpleNamespace(step=1), ())
    monkeypatch.setattr(training, "train", lambda *_, **__: done)
    assert run(["train", str(tmp_path), "-o", "m"]) == 0
    assert f"CER 43.64% on {said}" in capsys.readouterr().out
