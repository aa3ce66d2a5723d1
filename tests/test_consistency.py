"""Consistency of two views of unlabelled lines: what is trained on, its gradient, its views; adapting with it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from scriven.jobs.adapt import adapt
from scriven.lines import LinesFolder
from scriven.lines.records import Character, Reading
from scriven.reader.trainable import InputSpec
from scriven.recognisers import build
from scriven.selftrain import students as students_module
from scriven.tensors import collate
from scriven.text import Charset
from scriven.training.consistency import ConfidentViews, Consistency, Views, ViewStream
from scriven.training.devices import fabric_of
from scriven.training.fit import TrainingRun, begin, fit, training_step
from scriven.training.loader import AugmentSchedule, Mixture, Plan, loader
from scriven.training.settings import FitSettings
from scriven.training.sources import FixedSource, FolderSource
from toy_hand import accepting, cut, parent, same_weights, settings, small_world  # noqa: F401
from toy_hand import folder as unlabelled
from toy_training import folder, picture

WORDS = ("ink", "paper", "quill", "letter")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return FolderSource(LinesFolder(folder(tmp_path_factory.mktemp("data") / "lines")), "train", InputSpec(64, 4))


def reading(text: str, confidence: float = 1.0) -> Reading:
    return Reading("", text, confidence, tuple(Character(c, confidence, 0, 0) for c in text))


def consistency(plan, read=lambda views: [reading("ink")] * len(views), weight=1.0, threshold=0.9):
    return Consistency(plan, InputSpec(64, 4), read, weight, threshold)


def views(*widths: int) -> Views:
    weak, strong = (tuple(np.full((64, width), grey, np.uint8) for width in widths) for grey in (200, 100))
    return Views(weak, strong)


def test_strong_views_of_what_is_read_with_confidence_are_trained_on(source):
    plan, read = Plan(Mixture.of([source]), 0, 900), []

    def reading_weak(weak):
        read.extend(weak)
        return [reading("seal", 0.9), reading("wax", 0.89), reading("quill pen", 0.95), Reading("", "", 1.0)]

    extra = consistency(plan, reading_weak, weight=2.0)
    found = extra.confident(views(80, 90, 64, 40))
    assert all((view == 200).all() for view in read) and len(read) == 4
    assert found.batch.texts == ("seal", "quill pen") and found.batch.widths.tolist() == [80, 64]
    assert torch.allclose(found.batch.images[0, 0, :, :80], torch.tensor(155 / 255))  # the strong view
    assert found.weight == pytest.approx(2.0 * 13 / 16)  # characters that are trained on among those read
    assert extra.row() == {"consistency": 0.0, "confident": 0.5}
    assert extra.row() == {"consistency": 0.0, "confident": 0.0}  # since the row before


def test_a_text_for_which_a_view_is_too_narrow_is_not_trained_on(source):
    extra = consistency(Plan(Mixture.of([source]), 0, 900), lambda weak: [reading("letter")] * 2)
    found = extra.confident(views(24, 28))  # six frames and seven
    assert found.batch.texts == ("letter",) and found.weight == 0.5
    assert extra.confident(views(24, 16)) is None


def toy_run(settings) -> TrainingRun:
    torch.manual_seed(0)
    net = build("convtext", Charset.of(["abcdefghijklmnopqrstuvwxyz "]), size="tiny")
    net.dropout.p = 0.0
    run = begin(net, settings, fabric_of(settings))
    run.net.train()
    return run


def one_step(views: ConfidentViews | None) -> TrainingRun:
    torch.set_num_threads(1)
    chosen = FitSettings(steps=1, lr=1e-3, clip=1e9, device="cpu", precision="32-true")
    run = toy_run(chosen)
    run.consistency = consistency(None)
    training_step(run, collate([picture("seal")], ["seal"]), chosen, fabric_of(chosen), views)
    return run


def gradients(run: TrainingRun) -> dict[str, torch.Tensor]:
    return {name: weight.grad.clone() for name, weight in run.nets[0].named_parameters()}


def test_the_loss_of_the_views_is_added_with_its_weight_and_padding_has_no_part_in_it():
    strong = collate([picture(word) for word in WORDS], WORDS)
    wider = collate([picture(word) for word in WORDS], WORDS, least=strong.images.shape[3] + 64)
    plain, half, full, padded = (
        one_step(views)
        for views in (
            None,
            ConfidentViews(strong, 0.5),
            ConfidentViews(strong, 1.0),
            ConfidentViews(wider, 1.0),
        )
    )
    none, some, all_, more = map(gradients, (plain, half, full, padded))
    largest = max(float((all_[name] - none[name]).abs().max()) for name in none)
    assert largest > 1e-2
    for name in none:
        assert torch.allclose(some[name] - none[name], (all_[name] - none[name]) / 2, atol=1e-4 * largest)
        assert torch.allclose(all_[name], more[name], atol=1e-3 * largest)
    assert not plain.consistency.losses
    losses = [run.consistency.row()["consistency"] for run in (half, full, padded)]
    assert losses == pytest.approx([losses[0]] * 3, abs=2e-4) and losses[0] > 0.1


def test_strong_views_do_not_enter_the_running_statistics():
    run, other = one_step(None), one_step(ConfidentViews(collate([picture("quill")], ["quill"]), 1.0))
    ours, theirs = (dict(one.nets[0].named_buffers()) for one in (run, other))
    statistics = [name for name in ours if name.endswith(("running_mean", "running_var"))]
    assert statistics and all(torch.equal(ours[name], theirs[name]) for name in statistics)
    assert not all(torch.equal(a, b) for a, b in zip(run.nets[0].parameters(), other.nets[0].parameters(), strict=True))
    momenta = {module.momentum for module in other.nets[0].modules() if hasattr(module, "running_mean")}
    assert momenta == {0.1}


def taken(stream, count, workers=0):
    batches = loader(stream, workers)
    return [next(batches) for _ in range(count)]


def same(a: Views, b: Views) -> bool:
    pairs = [*zip(a.weak, b.weak, strict=True), *zip(a.strong, b.strong, strict=True)]
    return all(np.array_equal(one, other) for one, other in pairs)


def test_views_are_the_same_from_any_step_on_and_with_any_number_of_workers(source):
    plan = Plan(Mixture.of([source]), 3, 900)
    count = len(plan.batches(0, plan.chunk_items)) + 3  # into the second chunk
    whole = taken(ViewStream(plan, Consistency.strong), count)
    for skip in (2, count - 2):
        assert all(map(same, whole[skip:], taken(ViewStream(plan, Consistency.strong, 0.0, skip), count - skip)))
    assert all(map(same, whole[1:5], taken(ViewStream(plan, Consistency.strong, 0.0, 1), 4, workers=2)))
    pairs = [pair for batch in whole for pair in zip(batch.weak, batch.strong, strict=True)]
    assert sum(a.shape != b.shape or not np.array_equal(a, b) for a, b in pairs) > 0.8 * len(pairs)
    masked = taken(ViewStream(plan, Consistency.strong, 0.3), 1)[0]
    assert all(np.array_equal(a, b) for a, b in zip(masked.weak, whole[0].weak, strict=True))
    changed = [not np.array_equal(a, b) for a, b in zip(masked.strong, whole[0].strong, strict=True)]
    assert sum(changed) > 0.5 * len(changed)  # a span may show paper only


def test_training_with_views_resumes_exactly(source):
    torch.set_num_threads(1)
    chosen = FitSettings(steps=4, lr=1e-3, evaluations=2, batch_width_px=900, device="cpu", precision="32-true")
    fabric, plan, saved = fabric_of(chosen), Plan(Mixture.of([source]), 3, 900), {}

    def run(steps, restored=None):
        started = toy_run(chosen)
        if restored:
            started.restore(*restored)
        started.consistency = consistency(plan)

        def keep(run, better):
            tensors = {name: tensor.clone() for name, tensor in run.tensors().items()}
            saved[run.progress.step] = tensors, json.loads(json.dumps(vars(run.progress)))

        valid = [FixedSource(source, range(2))]
        fit(started, plan, valid, replace(chosen, steps=steps), AugmentSchedule(ramp=1), fabric, keep)
        return started.tensors()

    whole = run(4)
    assert saved[4][1]["rows"][-1]["confident"] == 1.0
    parts = run(4, saved[2])
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def adapted(parent, lines, out, **changes):
    return adapt([lines], out, parent=parent, settings=settings(**{"rounds": 2, **changes}))


def logged(out, number="02"):
    return json.loads((out / "rounds" / number / "log.jsonl").read_text().splitlines()[-1])


ON = {"consistency": 1.0, "consistency_threshold": 0.3}


def test_adapting_sees_all_training_pictures_in_two_views_and_resumes_exactly(parent, tmp_path, monkeypatch):
    accepting(monkeypatch)
    lines, sources = unlabelled(tmp_path / "lines"), []
    real = students_module.UnlabelledSource
    monkeypatch.setattr(students_module, "UnlabelledSource", lambda *given: sources.append(real(*given)) or sources[-1])
    done = adapted(parent, lines, tmp_path / "on", **ON)
    assert [len(source) for source in sources] == [26, 26]  # all but those held out, though fewer have a label
    assert all(row["pseudo_labels"] < 26 for row in done.rounds[1:])
    for number in ("01", "02"):
        row = logged(tmp_path / "on", number)
        assert row["consistency"] > 0 and 0 < row["confident"] <= 1
    cut(lambda: adapted(parent, lines, tmp_path / "cut", **ON), monkeypatch, "train_student", 2)
    again = adapted(parent, lines, tmp_path / "cut", **ON)
    assert again.rounds == done.rounds and same_weights(tmp_path / "on", tmp_path / "cut")
    adapted(parent, lines, tmp_path / "off", consistency=0.0)
    assert not same_weights(tmp_path / "on", tmp_path / "off") and len(sources) == 4
    assert "consistency" not in logged(tmp_path / "off")


def test_a_set_of_augmentations_is_applied_in_every_round(parent, tmp_path, monkeypatch):
    accepting(monkeypatch)
    lines, made = unlabelled(tmp_path / "lines"), {}
    for name in ("default", "none"):
        done = adapted(parent, lines, tmp_path / name, rounds=1, affine_steps=2, augmentation=name)
        made[name] = [row["lm_bits_per_char"] for row in done.rounds]
    adapted(parent, lines, tmp_path / "usual", rounds=1, affine_steps=2)
    assert same_weights(tmp_path / "usual", tmp_path / "default")
    assert all(a != b for a, b in zip(made["default"][1:], made["none"][1:], strict=True))
