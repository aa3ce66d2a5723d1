"""The optimisers of the training loop: Muon, and Adam, AdamW and Adadelta of PyTorch, by the setting `optimiser`."""

from typing import Any

import torch
from torch import nn

from scriven.training.layers import rate_factors
from scriven.training.muon import Muon
from scriven.training.settings import FitSettings

# Keys of the optimiser state of a weight: what a resumed run must have saved.
STATE_KEYS: dict[type[torch.optim.Optimizer], frozenset[str]] = {
    Muon: Muon.STATE_KEYS,
    torch.optim.Adam: frozenset(("step", "exp_avg", "exp_avg_sq")),  # AdamW is a subclass
    torch.optim.Adadelta: frozenset(("step", "square_avg", "acc_delta")),
}


def optimiser_of(net: nn.Module, settings: FitSettings, half: bool = False) -> torch.optim.Optimizer:
    """The optimiser of `settings` for the weights of `net` that require a gradient; vectors have no weight decay.

    Each of its groups has a `factor`, by which the learning rate is multiplied (see `rate_factors`). `half`: Muon
    computes its matrix products in bfloat16.
    """
    own = settings.resolved()
    assert own.lr is not None and own.weight_decay is not None
    groups = _groups(net, own.layer_decay)
    if own.optimiser == "muon":
        return Muon(groups, own.lr, own.weight_decay, torch.bfloat16 if half else torch.float32)
    split: list[dict[str, Any]] = []
    for group in groups:
        matrices = [w for w in group["params"] if w.ndim > 1]
        vectors = [w for w in group["params"] if w.ndim <= 1]
        split += [{**group, "params": matrices}, {**group, "params": vectors, "weight_decay": 0.0}]
    split = [group for group in split if group["params"]]
    assert own.eps is not None
    if own.optimiser == "adadelta":
        assert own.rho is not None
        return torch.optim.Adadelta(split, own.lr, own.rho, own.eps, own.weight_decay)
    assert own.betas is not None
    kind = torch.optim.AdamW if own.optimiser == "adamw" else torch.optim.Adam
    return kind(split, own.lr, own.betas, own.eps, own.weight_decay)


def state_keys(optimizer: torch.optim.Optimizer) -> frozenset[str]:
    """The keys of the optimiser state of a weight."""
    return next(keys for kind, keys in STATE_KEYS.items() if isinstance(optimizer, kind))


def _groups(net: nn.Module, layer_decay: float) -> list[dict[str, Any]]:
    """The weights by the factor of their learning rate, in the order of their first weights."""
    groups: dict[float, list[nn.Parameter]] = {}
    factors = rate_factors(net, layer_decay)
    for weight in net.parameters():
        if weight.requires_grad:
            groups.setdefault(factors[weight], []).append(weight)
    return [{"params": weights, "factor": factor} for factor, weights in groups.items()]
