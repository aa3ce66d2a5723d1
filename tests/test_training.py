"""The loader plans the same batches in every process, and an interrupted run is resumed exactly."""

import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.base import InputError, ModelError, OutputError, SettingsError
from scriven.images import encode
from scriven.jobs.train import TrainSettings, train
from scriven.language.model import CharLM
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.model import read_info, write_info
from scriven.reader.trainable import InputSpec
from scriven.tensors import Batch
from scriven.text import Charset
from scriven.training import fit as fitting
from scriven.training.checkpoint import load_net, load_tensors
from scriven.training.devices import fabric_of
from scriven.training.loader import AugmentSchedule, Mixture, Plan, Stream, loader, width_bucket
from scriven.training.sources import FolderSource, split_source

WORDS = ("ink", "paper", "quill", "letter", "seal", "wax", "desk", "folio", "hand", "script")


def picture(text: str, size: float = 1.0) -> np.ndarray:
    image = np.full((64, int(26 * len(text) * size) + 16), 255, np.uint8)
    cv2.putText(image, text, (6, 42), cv2.FONT_HERSHEY_SIMPLEX, size, 0, 2)
    return image


def folder(path, count=40, extra=(), splits=("train", "valid")):
    with LinesWriter(path, {"command": "test"}) as writer:
        for split in splits:
            for i in range(count if split == "train" else 8):
                text = WORDS[i % len(WORDS)]
                writer.write(Line(f"{split}{i}", encode(picture(text)), text, hand=f"h{i % 3}"), split)
        for line in extra:
            writer.write(line)
    return path


def settings(**changes):
    return TrainSettings(**{"steps": 6, "size": "tiny", "batch_width_px": 1200, "evaluations": 3, "ramp": 2, **changes})


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("data") / "lines")


@pytest.fixture(autouse=True)
def no_export(monkeypatch):
    """No export of the reading graph, which has its own tests."""
    monkeypatch.setattr("scriven.training.publish.export", lambda net, path: path.write_bytes(b"graph"))


def plan(lines, batch_width_px=1200):
    source = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4))
    return Plan(Mixture.of([source]), seed=3, batch_width_px=batch_width_px)


def test_a_chunk_holds_every_line_once_in_batches_of_similar_width(lines):
    made = plan(lines)
    items = [item for batch in made.batches(0, 40) for item in batch]
    assert sorted(item.index for item in items) == list(range(40))
    for batch in made.batches(0, 40):
        assert len(batch) * max(item.width for item in batch) <= 1200 or len(batch) == 1


def test_width_buckets_are_at_least_as_wide_and_at_most_a_third_wider():
    widths = range(1, 4000)
    assert all(
        width_bucket(w) >= w and width_bucket(w) % 32 == 0 and width_bucket(width_bucket(w)) == width_bucket(w)
        for w in widths
    )
    assert max(width_bucket(w) / w for w in widths if w > 200) < 1.3
    assert len({width_bucket(w) for w in widths}) < 30


def test_batches_for_a_gpu_have_few_shapes_and_hold_every_line(lines):
    source = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4))
    made = Plan(Mixture.of([source]), seed=3, batch_width_px=1200, device="cuda")
    for chunk in (0, 1):
        batches = made.batches(chunk, 40)
        assert sorted(item.index for batch in batches for item in batch) == list(range(40))
        wide = [max(item.width for item in batch) for batch in batches]
        assert all(
            len(batch) in (1200 // width_bucket(w), 1) or w == min(wide) for batch, w in zip(batches, wide, strict=True)
        )
    shapes = [batch.images.shape for _, _, batch in itertools.islice(Stream(made, AugmentSchedule(ramp=1)), 40)]
    assert all(width_bucket(width) == width for *_, width in shapes)
    assert len(set(shapes)) < 15


@pytest.mark.parametrize("cache_bytes", [1 << 30, 0])
def test_every_epoch_is_shuffled_differently_from_the_others_and_from_the_file(lines, cache_bytes):
    """Both in the plan and in the batches; 0: a folder too large for the cache."""
    source = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4), cache_bytes=cache_bytes)
    made = Plan(Mixture.of([source]), seed=3, batch_width_px=1200)
    epochs = [[item.index for item in made.items(epoch, 40)] for epoch in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(40))
    assert epochs[0] != epochs[1] and list(range(40)) not in epochs
    widths = [[max(item.width for item in batch) for batch in made.batches(epoch, 40)] for epoch in (0, 1)]
    assert widths[0] != widths[1] and sorted(widths[0]) not in widths  # nor are the short ones first


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_every_rank_has_the_same_number_of_batches(lines, ranks):
    batches = plan(lines).batches(1, 40, ranks)
    assert len(batches) % ranks == 0
    assert sorted(i.index for b in batches for i in b) == list(range(40))


def test_the_number_of_workers_does_not_change_the_batches(lines):
    def first(workers):
        made = iter(loader(Stream(plan(lines), AugmentSchedule(ramp=1)), workers))
        return [next(made) for _ in range(7)]

    for (c1, n1, a), (c2, n2, b) in zip(first(0), first(2), strict=True):
        assert (c1, n1, a.texts) == (c2, n2, b.texts)
        assert torch.equal(a.images, b.images)


@pytest.mark.timeout(60)
def test_workers_start_after_opencv_ran_in_threads():
    cv2.setNumThreads(2)
    cv2.GaussianBlur(np.random.default_rng(0).random((2000, 2000), dtype=np.float32), (31, 31), 5)
    assert len(list(itertools.islice(loader([1, 2, 3], 1), 3))) == 3


def test_a_stream_can_start_at_any_batch(lines):
    made = plan(lines)
    whole = iter(Stream(made, AugmentSchedule(ramp=1)))
    skipped = [next(whole) for _ in range(9)]
    chunk, number, batch = skipped[-1]
    later = next(iter(Stream(made, AugmentSchedule(ramp=1), chunk=chunk, skip=number - 1)))
    assert torch.equal(later[2].images, batch.images)


def test_a_folder_too_large_for_the_cache_gives_the_same_pictures(lines):
    banked = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4))
    streamed = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4), cache_bytes=0)
    assert sorted(streamed.order(0, 1)) == list(range(len(banked)))
    for i in (0, 7, 39):
        assert np.array_equal(banked.picture(i), streamed.picture(i))


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


def test_training_does_not_change_the_global_random_generators(lines, tmp_path):
    random.seed(5)
    np.random.seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist()
    fabric_of(settings(seed=9))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


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


def test_fine_tuning_extends_the_character_set(lines, tmp_path, caplog):
    train([lines], tmp_path / "a", settings=settings(steps=1, evaluations=1))
    more = folder(tmp_path / "more", extra=[Line("é", encode(picture("cafe")), "café")])
    for other in ({"model": "another"}, {"size": "small"}, {"size": "gigantic"}):
        with pytest.raises(SettingsError, match=next(iter(other.values()))):
            train([more], tmp_path / "x", parent=tmp_path / "a", settings=settings(steps=1, evaluations=1, **other))
    caplog.set_level("INFO")
    grown = train([more], tmp_path / "b", parent=tmp_path / "a", settings=settings(steps=1, evaluations=1))
    said = f"learns 1 character that {tmp_path / 'a'} does not have: 'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)"
    assert [m for m in caplog.messages if "does not have" in m] == [f"the network {said}"]
    caplog.clear()
    train([lines], tmp_path / "c", parent=tmp_path / "a", settings=settings(steps=1, evaluations=1))
    assert "does not have" not in caplog.text
    old, _ = load_net(tmp_path / "a")
    assert (grown.info.network, grown.info.size) == ("convtext", "tiny") and load_net(tmp_path / "b")
    assert grown.info.charset[: len(old.charset)] == old.charset.characters and "é" in grown.info.charset
    assert grown.info.parents


def test_the_language_model_is_kept_unless_characters_are_new_and_a_missing_one_is_reported_first(
    lines, tmp_path, caplog
):
    brief = settings(steps=1, evaluations=1)
    train([lines], tmp_path / "a", settings=brief)
    CharLM.train(["cad"] * 5, order=2).save(tmp_path / "a" / "language.npz")
    write_info(tmp_path / "a", read_info(tmp_path / "a").model_copy(update={"language_model": "language.npz"}))
    kept = train([lines], tmp_path / "b", parent=tmp_path / "a", settings=brief)
    assert kept.info.language_model == "language.npz" and CharLM.load(tmp_path / "b" / "language.npz")
    more = folder(tmp_path / "more", extra=[Line("é", encode(picture("cafe")), "café")])
    caplog.set_level("INFO")
    grown = train([more], tmp_path / "c", parent=tmp_path / "a", settings=brief)
    assert grown.info.language_model is None and not (tmp_path / "c" / "language.npz").exists()
    assert "is not kept: it lacks the new characters" in caplog.text
    (tmp_path / "a" / "language.npz").unlink()
    with pytest.raises(ModelError, match="language.npz that model.json names is missing"):
        train([lines], tmp_path / "d", parent=tmp_path / "a", settings=brief)
    assert not (tmp_path / "d").exists()


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
    assert done.progress.step == 4  # the first is the best, and none of the next three is better


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


DDP = """
import os, sys, torch
torch.set_num_threads(1)
from pathlib import Path
from lightning_fabric import Fabric
from scriven.jobs import train as job
fabric = Fabric(accelerator="cpu", devices=2, num_nodes=1, strategy="ddp", precision="32-true")
job.fabric_of = lambda settings: fabric
settings = job.TrainSettings(steps=3, size="tiny", batch_width_px=600, evaluations=1, ramp=1)
job.train([sys.argv[1]], sys.argv[2], settings=settings)
"""


@pytest.mark.slow
def test_two_processes_train_one_network(lines, tmp_path):
    script = tmp_path / "ddp.py"
    script.write_text(DDP)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    workers = []
    for rank in "01":
        env = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": rank, "LOCAL_RANK": rank,
               "WORLD_SIZE": "2", "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "test",
               "OMP_NUM_THREADS": "1"}  # fmt: skip
        workers.append(subprocess.Popen([sys.executable, script, lines, tmp_path / "m"], env=env))
    assert [w.wait(timeout=240) for w in workers] == [0, 0]
    net, info = load_net(tmp_path / "m")
    assert info.scores["valid"]["n"] == 8
    assert all(torch.isfinite(p).all() for p in net.parameters())


@pytest.mark.slow
def test_the_command_trains_in_two_processes_and_logs_once(lines, tmp_path):
    command = shutil.which("scriven", path=os.path.dirname(sys.executable))
    assert command, "scriven is not installed beside this Python"
    given = [
        "--size",
        "tiny",
        "--steps",
        "2",
        "--set",
        "devices=2",
        "--set",
        "device=cpu",
        "--set",
        "batch_width_px=600",
    ]
    done = subprocess.run(
        [command, "train", lines, "-o", tmp_path / "m", *given, "--json"],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 2
    assert load_net(tmp_path / "m")


def test_span_masking_masks_a_share_of_every_picture(lines):
    plain, other, again = (
        next(iter(Stream(plan(lines), AugmentSchedule(ramp=1, span_mask=h))))[2] for h in (0.0, 0.3, 0.3)
    )
    assert plain.texts == other.texts and plain.images.shape == other.images.shape
    assert other.images.sum() < 0.95 * plain.images.sum() and torch.equal(other.images, again.images)


def test_gradients_of_replicas_sum_to_that_of_the_whole_batch(lines):
    from lightning_fabric import Fabric

    from scriven.recognisers import build
    from scriven.training.replicas import Replicas

    fabric = Fabric(accelerator="cpu", devices=1)
    torch.manual_seed(0)
    net = build("convtext", Charset(tuple(sorted(set("".join(WORDS))))), size="tiny").eval()  # no dropout
    batch = next(iter(Stream(plan(lines), AugmentSchedule(ramp=1))))[2]
    assert len(batch) > 3
    loss = net.loss(batch)
    whole = torch.autograd.grad(loss, list(net.parameters()))
    replicas = Replicas(net, 3, 1, fabric)
    for copied in replicas.nets:
        copied.eval()  # fixed batch statistics, the same for the parts and the whole
    for _ in range(2):  # gradients accumulate, as for a batch computed in parts
        assert replicas.backward(batch, 0.0, 0.5).item() == pytest.approx(loss.item(), rel=1e-5)
    for parameter, gradient in zip(net.parameters(), whole, strict=True):
        assert torch.allclose(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def test_replicas_share_weights_and_average_batch_statistics(lines, tmp_path):
    alone = train([lines], tmp_path / "one", settings=settings(replicas=1))
    together = train([lines], tmp_path / "two", settings=settings(replicas=2))
    assert together.progress.step == alone.progress.step
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    mean = "stem.norm.running_mean"
    assert not torch.equal(two[mean], torch.zeros_like(two[mean]))
    assert torch.allclose(one[mean], two[mean], rtol=0.2, atol=0.02)  # of the same pictures, in two parts


def test_the_parts_of_a_batch_hold_all_its_lines_in_order():
    batch = Batch(torch.arange(5.0)[:, None, None, None], torch.arange(5), tuple("abcde"), tuple("vwxyz"))
    parts = batch.parts(3)
    assert [len(part) for part in parts] == [2, 1, 2]
    assert torch.equal(torch.cat([part.images for part in parts]), batch.images)
    assert "".join(t for part in parts for t in part.texts) == "abcde"
    assert len(batch.parts(9)) == 5


def test_bfloat16_is_used_only_if_it_is_faster(monkeypatch):
    from scriven.training import precision

    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    for speedup, expected in ((0.6, "32-true"), (1.05, "32-true"), (1.6, "bf16-mixed")):
        monkeypatch.setattr(precision, "speedup", lambda speedup=speedup: speedup)
        assert precision.precision_of("cpu") == expected
    monkeypatch.undo()
    before = torch.get_rng_state()
    assert 0 < precision.speedup() < 100
    assert torch.equal(before, torch.get_rng_state())  # training is not changed by the measurement


def test_gradients_of_sub_batches_sum_to_that_of_the_batch(lines):
    from lightning_fabric import Fabric

    from scriven.recognisers import build

    fabric = Fabric(accelerator="cpu", devices=1)
    chosen = settings(replicas=1)
    torch.manual_seed(0)
    net = build("convtext", Charset(tuple(sorted(set("".join(WORDS))))), size="tiny")
    run = fitting.begin(net, chosen, fabric)
    run.net.eval()  # fixed batch statistics, no dropout
    batch = next(iter(Stream(plan(lines), AugmentSchedule(ramp=1))))[2]
    found = []
    for pieces in (1, 4):
        run.optimizer.zero_grad(set_to_none=True)
        loss = fitting.backward(run, batch, chosen, fabric, pieces)
        found.append((loss.item(), [p.grad.clone() for p in net.parameters()]))
    (whole, one), (pieced, four) = found
    assert pieced == pytest.approx(whole, rel=1e-5)
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-5) for a, b in zip(one, four, strict=True))
