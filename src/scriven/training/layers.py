"""The parts and layers of a network: which of them are frozen, and how the learning rate falls with their depth."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from scriven.base import SettingsError


def parts(net: nn.Module) -> list[str]:
    """The names of the top-level modules that have weights."""
    return [name for name, module in net.named_children() if any(True for _ in module.parameters())]


def check_parts(net: Any, names: Sequence[str]) -> None:
    """Raise SettingsError for a name that is no module with weights, or if no weight is left to train."""
    weights = [name for name, _ in net.named_parameters()]
    for part in names:
        if not any(inside(name, [part]) for name in weights):
            raise SettingsError(
                f"the setting 'freeze' names {part!r}, which is no part of this network; its parts: "
                f"{', '.join(parts(net))}"
            )
    if names and all(inside(name, names) for name in weights):
        raise SettingsError("the setting 'freeze' names all parts of the network; leave out those to train")


def inside(name: str, modules: Iterable[str]) -> bool:
    """Whether the weight or module `name` is one of these modules or is in one of them."""
    return any(f"{name}.".startswith(f"{module}.") for module in modules)


def weights_of(net: nn.Module, modules: Sequence[str]) -> list[nn.Parameter]:
    """The weights of these modules."""
    return [weight for name, weight in net.named_parameters() if inside(name, modules)]


def set_norms(net: nn.Module, frozen: Sequence[str]) -> None:
    """Keep the running statistics of normalisation layers in `frozen` modules of a network in training mode.

    These layers normalise with their running statistics; all others with those of the batch.
    """
    for name, module in net.named_modules():
        if isinstance(module, _NormBase):
            module.train(net.training and not inside(name, frozen))


@contextmanager
def running_statistics_kept(nets: Iterable[nn.Module]) -> Iterator[None]:
    """Normalisation layers normalise with the statistics of the batch, which do not enter the running statistics."""
    norms = [module for net in nets for module in net.modules() if isinstance(module, _NormBase)]
    momenta = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def layers(net: nn.Module) -> list[str]:
    """The names of the layers: the largest modules with weights that contain no list of such modules."""
    return [name for child, module in net.named_children() for name in _layers(child, module)]


def _layers(name: str, module: nn.Module) -> list[str]:
    lists = [m for m in module.modules() if isinstance(m, nn.ModuleList | nn.Sequential)]
    if any(weight.ndim > 1 for one in lists for weight in one.parameters()):
        return [found for child, inner in module.named_children() for found in _layers(f"{name}.{child}", inner)]
    return [name] if any(True for _ in module.parameters()) else []


def by_depth(net: nn.Module) -> list[str]:
    """The layers that take part in `forward` in the order in which they compute, those that read the picture first.

    An attention decoder, which follows `forward`, is not among them.
    """
    names, order = layers(net), list[str]()
    hooks = [
        module.register_forward_pre_hook(lambda *_, name=name: order.append(name))
        for name in names
        for module in net.get_submodule(name).modules()
    ]
    training, height = net.training, int(net.height)  # type: ignore[arg-type]
    device = next(net.parameters()).device
    try:
        with torch.no_grad():
            net.eval()(torch.zeros(1, 1, height, 4 * height, device=device), torch.tensor([4 * height], device=device))
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()
    return list(dict.fromkeys(order))


def rate_factors(net: nn.Module, decay: float) -> dict[Tensor, float]:
    """The factor of the learning rate of each weight: `decay` to the power of the number of layers above its own.

    Layers without matrices, such as norms, count as part of the layer before. The weights of a decoder, and others that
    are in no layer of `forward`, have the factor 1, as the last layer: two heads side by side learn equally fast.
    """
    if decay == 1:
        return dict.fromkeys(net.parameters(), 1.0)
    depths, depth = dict[str, int](), -1
    for name in by_depth(net):
        depth += any(weight.ndim > 1 for weight in net.get_submodule(name).parameters())
        depths[name] = max(depth, 0)
    return {
        weight: decay ** (depth - next((own for layer, own in depths.items() if inside(name, [layer])), depth))
        for name, weight in net.named_parameters()
    }
