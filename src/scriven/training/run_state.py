"""What training loops share: the moving average of the weights, and the state of an optimiser to resume from."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn

from scriven.base import SettingsError
from scriven.training.optimisers import state_keys

RAMP = 10  # the decay of the moving average is at most (1 + step) / (RAMP + step)
Pairs = list[tuple[Tensor, Tensor]]


class AveragedRun:
    """What the runs of all training loops share; they are dataclasses with these fields, and `net` or `trained`."""

    net: Any
    average: Any  # a copy of what is trained, with the moving average of its weights
    optimizer: Any
    progress: Any  # a dataclass

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
