"""The training loop step by step, on a network so small that every number is known in advance."""

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from scriven.augment import AugmentSettings
from scriven.reader.trainable import InputSpec
from scriven.tensors import Batch
from scriven.text import Charset
from scriven.training import fit as fitting
from scriven.training.devices import fabric_of
from scriven.training.fit import Progress, TrainingRun, begin, fit
from scriven.training.loader import AugmentSchedule, Mixture, Plan, Stream
from scriven.training.progress_log import format_log_row
from scriven.training.settings import FitSettings, learning_rate
from scriven.training.sources import FolderSource


class ToyNetwork(nn.Module):
    """A matrix and a bias whose loss has the gradient `slope` everywhere; returns given readings in turn."""

    charset, height, stride, decoders = Charset.of(["abcd"]), 64, 4, ("ctc",)

    def __init__(self, slope: float = 1.0, readings: tuple[str, ...] = ("abcd",), broken: int = 0):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.slope, self.readings, self.broken = slope, list(readings), broken
        self.losses, self.reads = 0, list[tuple[bool, float]]()

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        self.losses += 1
        self.count += 1
        assert self.training
        slope = math.nan if self.losses == self.broken else self.slope
        return slope * (self.weight.sum() + self.bias.sum())

    def read(self, batch: Batch) -> list[str]:
        self.reads.append((self.training, float(self.bias[0])))
        text = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        return [text] * len(batch)


class ToySource:
    """Pictures with stripes; records the strengths and indices that are requested."""

    def __init__(self, count: int = 8, text: str = "abcd"):
        self.count, self.text, self.asked = count, text, list[tuple[int, float]]()
        self.spec = InputSpec(64, 4)

    def __len__(self) -> int:
        return self.count

    def order(self, epoch: int, seed: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).permutation(self.count)

    def width(self, index: int) -> int:
        return 160

    def make(self, index: int, strength: float) -> tuple[np.ndarray, str, str]:
        self.asked.append((index, strength))
        picture = np.full((64, 160), 255, np.uint8)
        picture[20:44, 8::16] = 5 * index
        return picture, self.text, ""


class LabelledToySource(ToySource, FolderSource):
    """The same as a FolderSource, whose pictures are augmented."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def settings(**changes: object) -> FitSettings:
    chosen = {"steps": 8, "evaluations": 1, "batch_width_px": 320, "ramp": 1, "replicas": 1, "device": "cpu"}
    return FitSettings(**{**chosen, "precision": "32-true", "warmup": 0.0, **changes})  # type: ignore[arg-type]


def trained(
    net: ToyNetwork, chosen: FitSettings, each: Callable[[TrainingRun], None] = lambda run: None
) -> tuple[TrainingRun, list[bool], Progress]:
    """Fit a toy; `each` is called after every step. Returns the run, the arguments of `keep`, and the progress."""
    fabric, kept = fabric_of(chosen), list[bool]()
    run = begin(net, chosen, fabric)  # type: ignore[arg-type]
    plan = Plan(Mixture.of([ToySource()]), 0, chosen.batch_width_px)
    keep = lambda run, better: kept.append(better)  # noqa: E731
    progress = fit(run, plan, [ToySource(2)], chosen, AugmentSchedule(ramp=1), fabric, keep, lambda _: each(run))
    return run, kept, progress


def whole_and_resumed(
    make: Callable[[], ToyNetwork], chosen: FitSettings, after: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors at the end of a run, and of one that was interrupted after some steps and restored in a new one."""

    def made() -> ToyNetwork:
        torch.manual_seed(0)
        return make()

    whole, saved = trained(made(), chosen)[0].tensors(), list[tuple[dict[str, Tensor], dict[str, Any]]]()

    def each(run: TrainingRun) -> None:
        if run.progress.step == after:
            saved.append(({k: v.clone() for k, v in run.tensors().items()}, asdict(run.progress)))

    trained(made(), chosen, each)
    fabric = fabric_of(chosen)
    run = begin(made(), chosen, fabric)  # type: ignore[arg-type]
    run.restore(*saved[0])
    plan = Plan(Mixture.of([ToySource()]), 0, chosen.batch_width_px)
    fit(run, plan, [ToySource(2)], chosen, AugmentSchedule(ramp=1), fabric, lambda run, better: None)
    return whole, run.tensors()


def gradient(run: TrainingRun) -> float:
    return float(torch.stack([p.grad.norm() for p in run.net.parameters() if p.grad is not None]).norm())


# --- the average ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ema", [0.999, 0.2])
def test_the_moving_average_follows_the_weights_with_its_decay(ema: float) -> None:
    """d = min(ema, (1 + step) / (10 + step)), so that the first weights are soon forgotten."""
    net = ToyNetwork()
    expected, seen = net.bias.detach().clone(), []

    def each(run: TrainingRun) -> None:
        nonlocal expected
        step = run.progress.step
        decay = min(ema, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * net.bias.detach()
        seen.append((run.average.bias.clone(), expected))

    run, *_ = trained(net, settings(ema=ema, lr=0.1), each)
    for average, told in seen:
        torch.testing.assert_close(average, told)
    assert not torch.allclose(run.average.bias, net.bias) and not torch.allclose(run.average.bias, torch.ones(2))
    assert int(run.average.count) == int(net.count) == 8  # integer buffers are copied


def test_the_moving_average_is_evaluated_in_evaluation_mode() -> None:
    net = ToyNetwork()
    run, *_ = trained(net, settings(lr=0.1))
    assert run.average.reads and not net.reads
    assert run.average.reads == [(False, float(run.average.bias[0]))]


# --- the optimiser --------------------------------------------------------------------------------------------------


def test_the_learning_rate_warms_up_falls_as_a_cosine_and_is_applied() -> None:
    chosen = settings(steps=20, warmup=0.2, lr=0.01)
    rates = [learning_rate(chosen, fraction) / 0.01 for fraction in (0.0, 0.1, 0.2, 0.6, 1.0)]
    assert rates == pytest.approx([0.01, 0.5, 1.0, 0.5, 0.01])
    used = list[float]()
    trained(ToyNetwork(), chosen, lambda run: used.append(run.optimizer.param_groups[0]["lr"]))
    assert used == pytest.approx([learning_rate(chosen, step / 20) for step in range(20)])


@pytest.mark.parametrize(("clip", "expected"), [(0.5, 0.5), (100.0, 6**0.5)])
def test_gradients_are_clipped_by_norm_and_zeroed_before_each_step(clip: float, expected: float) -> None:
    norms = list[float]()
    trained(ToyNetwork(), settings(clip=clip), lambda run: norms.append(gradient(run)))
    assert norms == pytest.approx([expected] * 8, rel=1e-3)


def test_weight_decay_applies_to_matrices_and_not_to_biases() -> None:
    net, chosen = ToyNetwork(slope=0.0), settings(weight_decay=0.5, lr=0.1)
    trained(net, chosen)
    left = math.prod(1 - 0.5 * learning_rate(chosen, step / 8) for step in range(8))
    assert left < 0.9
    torch.testing.assert_close(net.weight.detach(), torch.full((2, 2), left))
    torch.testing.assert_close(net.bias.detach(), torch.ones(2))


def test_an_update_with_a_non_finite_gradient_is_skipped() -> None:
    net, seen = ToyNetwork(broken=3), list[float]()
    trained(net, settings(), lambda run: seen.append(float(net.bias.detach()[0])))
    assert seen[2] == seen[1] and len(set(seen)) == 7 and not math.isnan(seen[-1])


def test_an_unfinished_run_of_version_0_1_is_restored() -> None:
    """Its state has `unsound` for `nonfinite`."""
    run, _, progress = trained(ToyNetwork(), settings(steps=2))
    stored = asdict(progress)
    stored["unsound"] = stored.pop("nonfinite") + 3
    run.restore(run.tensors(), stored)
    assert run.progress.nonfinite == 3 and run.progress.step == 2


# --- evaluation -----------------------------------------------------------------------------------------------------


def test_only_a_lower_cer_is_saved_as_the_best() -> None:
    net = ToyNetwork(readings=("abxx", "abcx", "abcx", "axxx", "abcd"))
    _, kept, progress = trained(net, settings(steps=5, evaluations=5))
    assert [row["cer"] for row in progress.rows] == pytest.approx([0.5, 0.25, 0.25, 0.75, 0.0])
    assert kept == [True, True, False, False, True] == [row["best"] for row in progress.rows]
    assert progress.best == 0.0 and progress.waited == 0


def test_two_heads_are_selected_by_the_mean_of_both_and_reported_by_ctc(monkeypatch: pytest.MonkeyPatch) -> None:
    net, by_ctc = ToyNetwork(readings=("xxxx", "axxx", "abxx", "abcd")), ["abcx", "abcd", "abxx", "abcd"]
    net.decoders = ("ctc", "attention", "both")
    monkeypatch.setattr(fitting, "ctc_read", lambda net, batch: [by_ctc.pop(0)] * len(batch))
    _, kept, progress = trained(net, settings(steps=4, evaluations=4))
    assert [row["cer"] for row in progress.rows] == pytest.approx([0.25, 0.0, 0.5, 0.0])
    assert [row["attention_cer"] for row in progress.rows] == pytest.approx([1.0, 0.75, 0.5, 0.0])
    assert kept == [True, True, False, True] and progress.best_row is progress.rows[3]
    assert "CER 0.00 % (75.00 % by attention) on lines (best so far)" in format_log_row(progress.rows[1], "lines")


def test_patience_counts_evaluations_without_improvement() -> None:
    net = ToyNetwork(readings=("abxx", "abxx", "abcx", "abcx", "abcx", "abcd"))
    _, kept, progress = trained(net, settings(steps=8, evaluations=8, patience=2))
    assert kept == [True, False, True, False, False] and progress.step == 5


# --- the stream -----------------------------------------------------------------------------------------------------


def plan_of(*sources: ToySource, augmented: bool = False, weights: tuple[float, ...] = (1.0,)) -> Plan:
    if augmented:
        for source in sources:
            source.__class__ = LabelledToySource
    return Plan(Mixture(sources, weights), 0, 320)


def first(stream: Stream, count: int) -> list[tuple[int, int, Batch]]:
    batches = iter(stream)
    return [next(batches) for _ in range(count)]


def test_augmentation_strength_increases_over_the_ramp() -> None:
    source = ToySource()
    plan = plan_of(source)
    batches = len(plan.batches(0, plan.chunk_items))
    seen = []
    for chunk in (0, 1, 3, 5):
        source.asked.clear()
        first(Stream(plan, AugmentSchedule(ramp=4), chunk=chunk), batches)
        seen.append({strength for _, strength in source.asked})
    assert seen == [{0.25}, {0.5}, {1.0}, {1.0}]


def test_spans_cover_their_share_of_the_width() -> None:
    def hidden(share: float, ramp: int) -> float:
        (_, _, batch), *_ = first(Stream(plan_of(ToySource()), AugmentSchedule(ramp=ramp, span_mask=share)), 1)
        stripes = batch.images[:, 0, 30, 8::16]
        return float((stripes == 0).float().mean())

    assert hidden(0.0, 1) == 0
    assert hidden(0.8, 1) > hidden(0.8, 4) > 0  # it grows with the ramp too


def test_labelled_pictures_are_augmented_and_synthetic_ones_are_not() -> None:
    look = AugmentSchedule(AugmentSettings(), ramp=1)
    plain, again, changed = (
        first(Stream(plan_of(ToySource(), augmented=augmented), look), 1)[0][2].images
        for augmented in (False, False, True)
    )
    assert torch.equal(plain, again) and not torch.equal(plain, changed[..., : plain.shape[-1]])


def test_augmented_pictures_keep_their_texts_and_are_the_same_for_any_batch() -> None:
    chosen = AugmentSchedule.of(settings(augmentation="blots", augment={"strike": 1, "stain": 1}))
    for source in (LabelledToySource(), ToySource()):
        plan = Plan(Mixture.of([source]), 0, 320)
        batches = [next(iter(Stream(plan, how)))[2] for how in (chosen, chosen, AugmentSchedule(ramp=1))]
        assert batches[0].texts == batches[1].texts == batches[2].texts == ("abcd",) * len(batches[0])
        assert torch.equal(batches[0].images, batches[1].images)
        assert torch.equal(batches[0].images, batches[2].images) == (type(source) is ToySource)


def test_a_stream_continues_after_the_last_batch() -> None:
    look = AugmentSchedule(ramp=1)
    whole = first(Stream(plan_of(ToySource(40)), look), 8)
    chunk, batch, _ = whole[4]
    later = first(Stream(plan_of(ToySource(40)), look, chunk=chunk, skip=batch), 3)
    for got, wanted in zip(later, whole[5:], strict=True):
        assert got[:2] == wanted[:2] and torch.equal(got[2].images, wanted[2].images)


def test_every_epoch_has_every_item_once_in_a_different_order() -> None:
    plan = plan_of(ToySource(8))
    epochs = [[item.index for item in plan.items(chunk, 8)] for chunk in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(8)) and epochs[0] != epochs[1]


def test_sources_are_sampled_in_proportion_to_their_weights() -> None:
    plan = plan_of(ToySource(), ToySource(), weights=(0.75, 0.25))
    assert [sum(item.source == n for item in plan.items(3, 40)) for n in (0, 1)] == [30, 10]
