"""The training loop of a generator: the autoencoder of columns if it has one, then the flow and the widths.

A batch and its random numbers depend on the seed and the number of the step alone, so that a run is resumed exactly.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from scriven.scribes.flow.autoencoder import ColumnAutoencoder
from scriven.scribes.flow.columns import COLUMN
from scriven.scribes.flow.network import Draws, FlowNetwork, hidden_matrices
from scriven.training.flow_batches import FlowBatches
from scriven.training.flow_settings import FlowTrainSettings
from scriven.training.legibility import CLEAR, Critic
from scriven.training.muon import Muon
from scriven.training.run_state import AveragedRun, RunProgress, averaged_loop, require_finite
from scriven.training.settings import learning_rate

WIDTHS_SHARE = 0.1  # weight of the loss of the widths
WHITENED_ON = 8  # batches that mean and deviation of the latents are measured on
VALIDATION_SEED = 1_000_003  # added to that of the batches


@dataclass
class FlowProgress(RunProgress):
    """Where a run is."""

    begun: int | None = None  # the step at which the autoencoder was finished; None before


@dataclass
class FlowRun(AveragedRun):
    """A generator in training, with the moving average of its weights and the optimiser."""

    net: FlowNetwork
    average: FlowNetwork
    optimizer: Muon
    progress: FlowProgress
    device: torch.device
    critic: Critic | None = None

    @classmethod
    def begin(cls, net: FlowNetwork, settings: FlowTrainSettings, fabric: Fabric) -> "FlowRun":
        """A new run on the device of `fabric`. Raises ModelError, SettingsError for a critic that cannot be used."""
        critic = Critic.load(settings.critic, net.charset, fabric.device) if settings.legibility else None
        net = net.to(fabric.device)
        average = copy.deepcopy(net).requires_grad_(False).eval()
        matrices = {id(weight) for weight in hidden_matrices(net)}
        groups: list[nn.Parameter | dict[str, Any]] = [
            {"params": [w for w in net.parameters() if id(w) in matrices], "matrices": True},
            {"params": [w for w in net.parameters() if id(w) not in matrices]},
        ]
        half = fabric.strategy.precision.precision == "bf16-mixed"
        dtype = torch.bfloat16 if half else torch.float32
        optimizer = Muon(groups, settings.lr, settings.weight_decay, dtype)
        return cls(net, average, optimizer, FlowProgress(), fabric.device, critic)


Evaluate = Callable[[FlowRun, dict[str, Any]], None]  # the run, and the row of the log, which it may extend
Tell = Callable[[float], None]


def fit_flow(
    run: FlowRun,
    batches: FlowBatches,
    valid: FlowBatches | None,
    settings: FlowTrainSettings,
    fabric: Fabric,
    evaluate: Evaluate,
    tell: Tell = lambda fraction: None,
) -> FlowProgress:
    """Train for the steps or minutes of `settings`. `evaluate(run, row)` is called after every evaluation.

    `tell(fraction)`: the fraction of the run that is done, after every step. Raises SettingsError for a loss that is
    not finite.
    """
    progress, schedule = run.progress, settings.schedule.resolved()
    now: dict[str, Any] = {}  # phase and learning rate of the last step

    def step() -> Tensor:
        done = progress.fraction(settings)
        now.update(phase=_phase(run, batches, settings, done))
        now.update(lr=learning_rate(schedule, _within(settings, run.net, done)))
        for group in run.optimizer.param_groups:
            group["lr"] = now["lr"]
        run.net.train()
        return _step(run, batches, settings, fabric, now["phase"])

    def row() -> dict[str, Any]:
        return {**now, "valid": validation_loss(run, valid, settings, now["phase"])}

    averaged_loop(run, settings, step, row, partial(evaluate, run), tell)
    return progress


def _within(settings: FlowTrainSettings, net: FlowNetwork, done: float) -> float:
    """The fraction of the phase that is done, from the fraction of the run."""
    first = _first_share(settings, net)
    return done / first if done < first else (done - first) / (1 - first)


def _first_share(settings: FlowTrainSettings, net: FlowNetwork) -> float:
    """The share of the run in which the autoencoder is trained; 0 where there is none or it is that of a parent."""
    return settings.autoencoder_share if isinstance(net.codec, ColumnAutoencoder) and not net.codec.finished else 0.0


def _phase(run: FlowRun, batches: FlowBatches, settings: FlowTrainSettings, done: float) -> str:
    """What is trained now. At the end of the first phase the latents are whitened, and the codec is frozen."""
    codec = run.net.codec
    if not isinstance(codec, ColumnAutoencoder):
        return "flow"
    if run.progress.begun is None and done < _first_share(settings, run.net):
        return "autoencoder"
    if run.progress.begun is None:
        run.progress.begun = run.progress.step
        if done:
            codec.load_state_dict(run.average.codec.state_dict())
            sample = [batches.batch(number, settings.batch).ink for number in range(WHITENED_ON)]
            codec.whiten(torch.cat(sample).to(run.device))
            run.average.codec.load_state_dict(codec.state_dict())
    codec.requires_grad_(False)
    return "flow"


def _step(run: FlowRun, batches: FlowBatches, settings: FlowTrainSettings, fabric: Fabric, phase: str) -> Tensor:
    """One update; returns the loss. Raises SettingsError for a loss that is not finite."""
    run.optimizer.zero_grad(set_to_none=True)
    with fabric.autocast():
        loss, rest = _losses(run.net, run, batches, settings, phase, run.progress.step)
    (loss + rest).backward()
    require_finite(loss, run.progress.step + 1)
    nn.utils.clip_grad_norm_(run.net.parameters(), settings.clip)
    run.optimizer.step()
    return loss.detach()


def _losses(
    net: FlowNetwork, run: FlowRun, batches: FlowBatches, settings: FlowTrainSettings, phase: str, number: int
) -> tuple[Tensor, Tensor]:
    """The loss of the autoencoder or of the flow for batch `number`, and those of widths and legibility, weighted."""
    batch = batches.batch(number, settings.batch).to(run.device)
    random = torch.Generator().manual_seed(batches.seed * 1_000_003 + number)
    columns = batch.ink.shape[3] // COLUMN
    if phase == "autoencoder":
        assert isinstance(net.codec, ColumnAutoencoder)
        noise = torch.randn(len(batch.ink), net.codec.latent, columns, generator=random).to(run.device)
        return net.codec.loss(batch.ink, noise), batch.ink.new_zeros(())
    drawn = Draws.of(len(batch.ink), columns, net.code, random).to(run.device)
    found = net.predict(batch.ink, batch.layout, batch.references, drawn)
    rest = WIDTHS_SHARE * net.widths_loss(batch.classes, batch.log_widths, batch.known, found.hands)
    if run.critic and net.training:
        clear = found.time * (found.time >= CLEAR) * found.with_text  # (N,)
        rest = rest + settings.legibility * run.critic.loss(net.decode(found.clean), clear, batch.classes, batch.edges)
    return found.loss, rest


@torch.no_grad()
def validation_loss(run: FlowRun, valid: FlowBatches | None, settings: FlowTrainSettings, phase: str) -> float | None:
    """The loss of the averaged weights on the held-out lines, with the same random numbers at every evaluation."""
    if valid is None:
        return None
    count = max(1, -(-len(valid.indices) // settings.batch))
    losses = [_losses(run.average, run, valid, settings, phase, number)[0] for number in range(count)]
    return float(torch.stack(losses).mean())
