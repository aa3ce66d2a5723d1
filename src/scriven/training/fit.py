"""The training loop: batches in, the exponential moving average of the network out. A run can be resumed exactly.

Devices, bf16 and data-parallel training come from Lightning Fabric; everything else is in this file. The exponential
moving average of the weights (Polyak & Juditsky 1992) is evaluated on validation lines, and the best one is kept.
"""

import copy
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from scriven.base import SettingsError
from scriven.recognisers.contract import Recogniser
from scriven.recognisers.ctc_head import ctc_read
from scriven.tensors import Batch
from scriven.training.consistency import ConfidentViews, Consistency
from scriven.training.layers import running_statistics_kept, set_norms, weights_of
from scriven.training.loader import AugmentSchedule, Plan, Stream, WaitingTime, loader, workers
from scriven.training.memory import trim
from scriven.training.optimisers import optimiser_of
from scriven.training.replicas import Replicas
from scriven.training.run_state import AveragedRun, update_average
from scriven.training.settings import FitSettings, fraction_done, learning_rate
from scriven.training.sources import Source
from scriven.training.validation import ATTENTION_CER, two_headed, validate

log = logging.getLogger("scriven.fit")

MAX_REPLICAS = 4  # smaller parts of a batch no longer keep a core busy
MAX_NONFINITE = 20  # consecutive batches with a non-finite gradient after which training stops
RENAMED_PROGRESS = {"unsound": "nonfinite"}  # fields of Progress in unfinished runs of earlier versions


@dataclass
class Progress:
    """The state of a run that, with the tensors of `TrainingRun.tensors`, is needed to resume it exactly."""

    step: int = 0
    chunk: int = 0
    batch: int = 0
    seconds: float = 0.0
    pictures: int = 0  # trained on, each as often as it was drawn
    evaluations: int = 0
    best: float = math.inf  # lowest validation CER so far; of networks with two heads the lowest mean of both
    waited: int = 0  # evaluations since then
    parts: int = 1  # sub-batches a batch is computed in; doubled when memory runs out
    nonfinite: int = 0  # consecutive batches with a non-finite gradient
    rows: list[dict[str, Any]] = field(default_factory=list)  # the log, one row per evaluation

    def fraction(self, settings: FitSettings) -> float:
        """The fraction of the steps or minutes that is used up, 0..1."""
        return fraction_done(self.step, self.seconds, settings.steps, settings.minutes)

    @property
    def best_row(self) -> dict[str, Any]:
        """The row of the log of the weights that are kept."""
        return next(row for row in reversed(self.rows) if row["best"])

    def finished(self, settings: FitSettings) -> bool:
        """Whether the steps or minutes are used up, or the patience is."""
        return self.fraction(settings) >= 1 or (settings.patience is not None and self.waited >= settings.patience)


@dataclass
class TrainingRun(AveragedRun):
    """A network in training, with its moving average, optimiser and progress."""

    net: Any  # the network as Fabric wrapped it
    average: Recogniser  # the exponential moving average of the weights, which is evaluated and saved
    optimizer: torch.optim.Optimizer
    progress: Progress
    replicas: Replicas | None = None  # computes batches in several threads of a CPU
    frozen: list[nn.Parameter] = field(default_factory=list)  # weights that do not change at present
    consistency: Consistency | None = None  # unlabelled lines, two views of which should be read alike

    @property
    def nets(self) -> list[Any]:
        """The network and its replicas, without wrappers."""
        return self.replicas.nets if self.replicas else [unwrapped(self.net)]

    def freeze(self, parts: Sequence[str], alone: bool) -> None:
        """Freeze the weights of these modules, and train those of all others; see `layers.set_norms`.

        `alone`: whether this is the only process. The gradients that several processes exchange are the same in all, so
        there the gradients of frozen weights are computed, and dropped.
        """
        for weight in self.frozen:
            weight.requires_grad_(True)
        self.frozen = [weight for weight in weights_of(self.nets[0], parts) if weight.requires_grad]
        for weight in self.frozen:
            weight.requires_grad_(not alone)
        for net in self.nets:
            set_norms(net, parts)
        if self.replicas:
            self.replicas.refresh()

    @property
    def trained(self) -> nn.Module:
        """The network without wrappers."""
        return cast(nn.Module, unwrapped(self.net))

    def tensors(self) -> dict[str, Tensor]:
        """As of every run, and the state of the random generator."""
        return {**super().tensors(), "rng": torch.get_rng_state()}

    def restore(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        """Load what `tensors` returned, and the fields of Progress. Raises SettingsError for another optimiser's."""
        super().restore(tensors, {RENAMED_PROGRESS.get(key, key): value for key, value in progress.items()})
        torch.set_rng_state(tensors["rng"].cpu())


SaveCallback = Callable[[TrainingRun, bool], None]  # the run, and whether this evaluation is the best so far
ProgressCallback = Callable[[float], None]  # the fraction of the run that is done, 0..1


def unwrapped(net: Any) -> Recogniser:
    """The network without the wrappers of Fabric and of data-parallel training."""
    return getattr(net, "_original_module", None) or getattr(net, "module", net)


def begin(net: Recogniser, settings: FitSettings, fabric: Fabric) -> TrainingRun:
    """A new run of `net` on the devices of `fabric`; the network is changed in place to channels-last layout."""
    net.to(memory_format=torch.channels_last)
    assert isinstance(net, nn.Module)
    average = copy.deepcopy(net).requires_grad_(False).eval().to(fabric.device)
    half = fabric.strategy.precision.precision == "bf16-mixed"
    optimizer = optimiser_of(net, settings, half)
    wrapped, optimizer = fabric.setup(net, optimizer)
    wrapped.mark_forward_method("loss")
    return TrainingRun(wrapped, average, optimizer, Progress(), _replicas(unwrapped(wrapped), settings, fabric))


def _replicas(net: Recogniser, settings: FitSettings, fabric: Fabric) -> Replicas | None:
    threads = torch.get_num_threads()
    count = settings.replicas or min(threads, MAX_REPLICAS)
    if count < 2 or fabric.world_size > 1 or fabric.device.type != "cpu":
        return None
    return Replicas(net, count, threads, fabric)


def fit(
    run: TrainingRun,
    plan: Plan,
    valid: Sequence[Source],
    settings: FitSettings,
    augmentation: AugmentSchedule,
    fabric: Fabric,
    keep: SaveCallback,
    tell: ProgressCallback = lambda fraction: None,
) -> Progress:
    """Train for the steps or minutes of `settings`; `valid` are the validation pictures.

    On rank 0, `keep(run, is_best)` is called after every evaluation and `tell(fraction)` after every step, with the
    fraction of the run that is done: 1 at the end. Raises SettingsError after MAX_NONFINITE consecutive batches
    without a finite gradient.
    """
    progress = run.progress
    stream = Stream(
        plan, augmentation, chunk=progress.chunk, skip=progress.batch, rank=fabric.global_rank, ranks=fabric.world_size
    )
    run.net.train()
    begun = time.monotonic() - progress.seconds
    losses: list[Tensor] = []
    batches = loader(stream, count := workers(settings.workers, fabric))
    views = run.consistency.batches(progress.step, count) if run.consistency else repeat(None)
    waiting = WaitingTime()
    frozen: tuple[str, ...] | None = None
    while not progress.finished(settings):
        if frozen != (now := settings.frozen(progress.fraction(settings))):
            run.freeze(now, fabric.world_size == 1)
            frozen = now
        with waiting:
            progress.chunk, progress.batch, batch = next(batches)
        rate = learning_rate(settings, progress.fraction(settings))
        for group in run.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        losses.append(training_step(run, batch, settings, fabric, next(views)))
        progress.step += 1
        progress.pictures += len(batch) * fabric.world_size
        trim(progress.step)
        update_average(run.pairs, settings.ema, progress.step)
        progress.seconds = fabric.broadcast(time.monotonic() - begun)
        due = progress.fraction(settings) * settings.evaluations
        if due >= progress.evaluations + 1 or progress.finished(settings):
            progress.evaluations = int(due)
            loss = float(torch.stack(losses).mean())
            losses.clear()
            if fabric.is_global_zero:
                _evaluate(run, valid, settings, fabric, {"loss": loss, "lr": rate, "waiting": waiting.share()}, keep)
            progress.best, progress.waited = fabric.broadcast((progress.best, progress.waited))
        if fabric.is_global_zero:
            tell(1.0 if progress.finished(settings) else progress.fraction(settings))
    return progress


def training_step(
    run: TrainingRun, batch: Batch, settings: FitSettings, fabric: Fabric, views: ConfidentViews | None = None
) -> Tensor:
    """One update; returns the loss of the batch, without that of the `views`, which adds to the gradient.

    When memory runs out, this and later batches are computed in twice as many parts.

    Raises SettingsError after MAX_NONFINITE consecutive non-finite gradients.
    """
    while True:
        try:
            run.optimizer.zero_grad(set_to_none=True)
            loss = backward(run, batch, settings, fabric, run.progress.parts)
            unlabelled = _backward_views(run, views, settings, fabric) if views else None
            break
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _out_of_memory(error) or run.progress.parts >= len(batch):
                raise
            run.progress.parts *= 2
            log.warning("out of memory: batches are computed in %d parts from now on", run.progress.parts)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    if run.consistency and unlabelled is not None:
        run.consistency.losses.append(unlabelled)
    for weight in run.frozen:
        weight.grad = None
    norm = fabric.clip_gradients(run.net, run.optimizer, max_norm=settings.clip, error_if_nonfinite=False)
    scaler = getattr(fabric.strategy.precision, "scaler", None)  # of 16-mixed: it skips such a step itself
    if _finite(norm, run.progress) or scaler is not None:
        run.optimizer.step()
    return loss


def _finite(norm: Tensor | None, progress: Progress) -> bool:
    """Whether the norm of a gradient is finite; a non-finite update would make every weight NaN.

    Raises SettingsError after MAX_NONFINITE consecutive ones that are not.
    """
    if norm is None or bool(torch.isfinite(norm)):
        progress.nonfinite = 0
        return True
    progress.nonfinite += 1
    log.warning("step %d: non-finite gradient; update skipped", progress.step + 1)
    if progress.nonfinite >= MAX_NONFINITE:
        raise SettingsError(
            f"the gradients of {MAX_NONFINITE} consecutive batches were not finite; train again with a smaller lr "
            "or with precision=32-true"
        )
    return False


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def backward(
    run: TrainingRun, batch: Batch, settings: FitSettings, fabric: Fabric, pieces: int, scale: float = 1.0
) -> Tensor:
    """Accumulate the gradients of `scale` times the loss of a batch, in `pieces` sub-batches; returns the loss."""
    if pieces > 1 and len(batch) > 1:
        a, b = batch.parts(2)
        share = sum(map(len, a.texts)) / max(sum(map(len, batch.texts)), 1)  # the loss is a mean over characters
        with fabric.no_backward_sync(run.net):
            first = backward(run, a, settings, fabric, pieces // 2, scale * share)
        second = backward(run, b, settings, fabric, pieces // 2, scale * (1 - share))
        return share * first + (1 - share) * second
    batch = batch.to(fabric.device)
    if run.replicas is not None:
        return run.replicas.backward(batch, settings.smoothing, scale)
    with fabric.autocast():  # on one device Fabric wraps only `forward`
        loss = run.net.loss(batch, settings.smoothing)
    fabric.backward(loss * scale)
    return loss.detach()


def _backward_views(run: TrainingRun, views: ConfidentViews, settings: FitSettings, fabric: Fabric) -> Tensor:
    """Accumulate the gradients of the weighted loss of strong views, which do not enter the running statistics."""
    with running_statistics_kept(run.nets):
        return backward(run, views.batch, settings, fabric, run.progress.parts, views.weight)


def _evaluate(
    run: TrainingRun,
    valid: Sequence[Source],
    settings: FitSettings,
    fabric: Fabric,
    now: dict[str, float],
    keep: SaveCallback,
) -> None:
    progress = run.progress
    with fabric.autocast():
        own = validate(run.average, valid, settings.batch_width_px)
        by_ctc = validate(run.average, valid, settings.batch_width_px, ctc_read) if two_headed(run.average) else None
    result, rate = (by_ctc, (by_ctc.cer + own.cer) / 2) if by_ctc else (own, own.cer)
    better = rate < progress.best
    progress.best = min(progress.best, rate)
    progress.waited = 0 if better else progress.waited + 1
    row = {
        "step": progress.step,
        "minutes": round(progress.seconds / 60, 2),
        "pictures": progress.pictures,
        "loss": round(now["loss"], 4),
        **(run.consistency.row() if run.consistency else {}),
        "lr": now["lr"],
        "waiting": round(now["waiting"], 3),
        "cer": result.cer,
        "wer": result.wer,
        **({ATTENTION_CER: own.cer} if by_ctc else {}),
        "best": better,
    }
    progress.rows.append(row)
    keep(run, better)
