"""Text line recognisers: one file and one row of `RECOGNISERS` each; see `contract.Recogniser`."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

import torch

from scriven.base import SettingsError
from scriven.base.settings import converted
from scriven.recognisers.contract import Recogniser
from scriven.recognisers.convtext import ConvText
from scriven.recognisers.lafhtr import Lafhtr
from scriven.recognisers.resnet34 import Resnet34
from scriven.recognisers.trba import Trba
from scriven.text import Charset

DEFAULT_NETWORK = "convtext"  # the network to train if none is named

RECOGNISERS: dict[str, Callable[..., Recogniser]] = {  # name -> callable (charset, **sizes)
    "convtext": ConvText,
    "trba": Trba,
    "resnet34": Resnet34,
    "lafhtr": Lafhtr,
}


def build(network: str, charset: Charset, **sizes: Any) -> Recogniser:
    """A new network with random weights.

    `sizes` are the keyword arguments of its row, converted to the types of its annotations (text as on a command
    line); what is left out takes the network's own default.
    """
    if network not in RECOGNISERS:
        raise SettingsError(f"there is no recogniser {network!r}; there are: {', '.join(RECOGNISERS)}")
    return RECOGNISERS[network](charset, **_checked(network, sizes))


def _checked(network: str, sizes: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of a network, each known and of the type that its row states. Raises SettingsError."""
    parameters = list(signature(RECOGNISERS[network], eval_str=True).parameters.values())[1:]
    named = {p.name: Any if p.annotation is p.empty else p.annotation
             for p in parameters if p.kind is not Parameter.VAR_KEYWORD}  # fmt: skip
    for key in sizes:
        if key not in named and len(named) == len(parameters):
            own = ", ".join(f"sizes.{name}" for name in named)
            raise SettingsError(f"the recogniser {network} has no size setting {key!r}; it has: {own}")
    return {key: converted(f"sizes.{key}", value, named.get(key, Any)) for key, value in sizes.items()}


def extends(network: str, sizes: Mapping[str, Any], larger: Mapping[str, Any]) -> bool:
    """Whether a network of the sizes `larger` is one of `sizes`, or has all its weights and more beside them.

    Raises SettingsError as `build`.
    """
    with torch.device("meta"):
        old, new = (build(network, Charset((" ",)), **one) for one in (sizes, larger))
    shapes, larger_shapes = ({k: v.shape for k, v in net.state_dict().items()} for net in (old, new))
    return old.sizes == new.sizes or shapes.items() < larger_shapes.items()


def extended(net: Recogniser, network: str, sizes: Mapping[str, Any]) -> Recogniser:
    """A network of `sizes`, which `extends` those of `net`: with its weights, and random ones where it has none."""
    larger = build(network, net.charset, **sizes)
    larger.load_state_dict({**larger.state_dict(), **net.state_dict()})
    return larger


def sizes_of(network: str, **sizes: Any) -> dict[str, Any]:
    """All size settings of a network, with its defaults; no weights are allocated. Raises SettingsError as `build`."""
    with torch.device("meta"):
        return build(network, Charset((" ",)), **sizes).sizes
