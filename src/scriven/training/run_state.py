"""What training loops share: the loop, the moving average of the weights, and the state to resume from."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from scriven.base import SettingsError
from scriven.training.memory import trim
from scriven.training.optimisers import state_keys
from scriven.training.settings import fraction_done

RAMP = 10  # the decay of the moving average is at most (1 + step) / (RAMP + step)
Pairs = list[tuple[Tensor, Tensor]]


class Length(Protocol):
    """What settings say of a loop: its steps or minutes, its evaluations, the decay of the moving average."""

    @property
    def steps(self) -> int | None: ...
    @property
    def minutes(self) -> float | None: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def ema(self) -> float: ...


@dataclass
class RunProgress:
    """Where a run is."""

    step: int = 0
    seconds: float = 0.0
    evaluations: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)  # the log, one row per evaluation

    def fraction(self, settings: Length) -> float:
        """The fraction of the steps or minutes that is used up, 0..1."""
        return fraction_done(self.step, self.seconds, settings.steps, settings.minutes)


class AveragedRun:
    """What the runs of all training loops share; they are dataclasses with these fields, and `net` or `trained`."""

    net: Any
    average: Any  # a copy of what is trained, with the moving average of its weights
    optimizer: Any
    progress: Any  # a RunProgress, or a dataclass of its own

    @property
    def trained(self) -> nn.Module:
        """The module whose weights are trained and averaged."""
        return cast(nn.Module, self.net)

    @cached_property
    def pairs(self) -> Pairs:
        """Pairs of a tensor of the moving average and the corresponding one in training."""
        return list(zip(self.average.state_dict().values(), self.trained.state_dict().values(), strict=True))

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that change while training, by name: network, average, optimiser."""
        found = {f"net.{k}": v for k, v in self.trained.state_dict().items()}
        found |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        return found | {f"optimizer.{name}": value for name, value in optimiser_tensors(self.optimizer)}

    def restore(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
        """Load what `tensors` returned, and the progress. Raises SettingsError for another optimiser's state."""
        self.trained.load_state_dict(under("net", tensors))
        self.average.load_state_dict(under("average", tensors))
        load_optimiser(self.optimizer, under("optimizer", tensors))
        self.progress = type(self.progress)(**progress)


def averaged_loop(
    run: AveragedRun,
    settings: Length,
    step: Callable[[], Tensor],
    row: Callable[[], dict[str, Any]],
    evaluate: Callable[[dict[str, Any]], None],
    tell: Callable[[float], None] = lambda fraction: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train for the steps or minutes of `settings`, whose clock is `clock`, with a RunProgress.

    `step()` updates the weights and returns the loss. At each evaluation `row()` adds to a row of the log, which has
    step, minutes and the mean loss since the last, and `evaluate(row)` follows. `tell(fraction)`: the fraction that is
    done, after every step.
    """
    progress, losses = run.progress, list[Tensor]()
    started = clock() - progress.seconds
    while progress.fraction(settings) < 1:
        losses.append(step())
        progress.step += 1
        update_average(run.pairs, settings.ema, progress.step)
        progress.seconds = clock() - started
        trim(progress.step)
        done = progress.fraction(settings)
        if done * settings.evaluations >= progress.evaluations + 1 or done >= 1:
            progress.evaluations = int(done * settings.evaluations)
            minutes, loss = round(progress.seconds / 60, 2), float(torch.stack(losses).mean())
            losses.clear()
            progress.rows.append({"step": progress.step, "minutes": minutes, "loss": loss, **row()})
            evaluate(progress.rows[-1])
        tell(done)


def require_finite(loss: Tensor, step: int) -> None:
    """Raises SettingsError for the loss of a step that is not finite."""
    if not bool(torch.isfinite(loss)):
        raise SettingsError(
            f"the loss of step {step} is not finite; train again with a smaller lr or with precision=32-true"
        )


@torch.no_grad()
def update_average(pairs: Pairs, decay: float, step: int) -> None:
    """Move the averages towards the weights after a step; whole numbers are copied."""
    decay = min(decay, (1 + step) / (RAMP + step))
    numbers = [pair for pair in pairs if pair[0].is_floating_point()]
    torch._foreach_lerp_([mine for mine, _ in numbers], [theirs for _, theirs in numbers], 1 - decay)
    for count, counted in pairs:
        if not count.is_floating_point():
            count.copy_(counted)


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix.`, without it."""
    return {name[len(prefix) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{prefix}.")}


def optimiser_tensors(optimizer: torch.optim.Optimizer) -> Iterable[tuple[str, Tensor]]:
    """The state of an optimiser: `NUMBER.NAME` of each tensor."""
    for index, state in optimizer.state_dict()["state"].items():
        yield from ((f"{index}.{name}", torch.as_tensor(value)) for name, value in state.items())


def load_optimiser(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Load what `optimiser_tensors` returned. Raises SettingsError for the state of another optimiser."""
    states: dict[int, dict[str, Tensor]] = {}
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        like = parameters[int(index)]
        if value.shape == like.shape:  # the fused kernel needs the memory layout of the weights
            value = torch.empty_like(like, requires_grad=False).copy_(value)
        states.setdefault(int(index), {})[name] = value.cpu() if name == "step" else value  # as PyTorch keeps it
    groups: Any = optimizer.state_dict()["param_groups"]
    if any(states.values()) and not {n for s in states.values() for n in s} <= state_keys(optimizer):
        raise SettingsError("this run was begun by an earlier version with another optimiser; start it again")
    optimizer.load_state_dict({"state": states, "param_groups": groups})
