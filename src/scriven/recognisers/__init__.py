"""Text line recognisers: one file and one row of `RECOGNISERS` each; see `contract.Recogniser`."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import torch

from scriven.base import SettingsError
from scriven.recognisers.contract import Recogniser
from scriven.recognisers.convtext import ConvText
from scriven.text import Charset

DEFAULT_NETWORK = "convtext"  # the network to train if none is named

RECOGNISERS: dict[str, Callable[..., Recogniser]] = {"convtext": ConvText}  # name -> callable (charset, **sizes)


def build(network: str, charset: Charset, **sizes: Any) -> Recogniser:
    """A new network with random weights.

    `sizes` are the keyword arguments of its row in RECOGNISERS; omitted ones take the network's defaults. Raises
    SettingsError, which lists the valid names, for an unknown network or size.
    """
    if network not in RECOGNISERS:
        raise SettingsError(f"there is no recogniser {network!r}; there are: {', '.join(RECOGNISERS)}")
    known = list(signature(RECOGNISERS[network]).parameters)[1:]
    for key in sizes:
        if key not in known:
            raise SettingsError(f"the recogniser {network} has no size setting {key!r}; it has: {', '.join(known)}")
    return RECOGNISERS[network](charset, **sizes)


def sizes_of(network: str, **sizes: Any) -> dict[str, Any]:
    """All size settings of a network, with its defaults; no weights are allocated. Raises SettingsError as `build`."""
    with torch.device("meta"):
        return build(network, Charset((" ",)), **sizes).sizes
