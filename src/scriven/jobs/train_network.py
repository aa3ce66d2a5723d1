"""The network that a training run starts from: new, of a parent, or with weights of a file."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from scriven.base import SettingsError, counted
from scriven.jobs.train_settings import TrainSettings
from scriven.reader.charsets import TextMapping, charset_of
from scriven.reader.model import find_model, read_info
from scriven.recognisers import DEFAULT_NETWORK, build, extended, extends, sizes_of
from scriven.recognisers.contract import Recogniser
from scriven.text import Charset
from scriven.training.checkpoint import load_net
from scriven.training.data import characters
from scriven.training.growing import described, grown
from scriven.training.initial_weights import initialised

log = logging.getLogger("scriven.train")


def mapping_of(settings: TrainSettings) -> TextMapping | None:
    """The rule that maps texts to the setting `charset`; None where the characters are those of the texts."""
    return TextMapping(charset_of(settings.charset), settings.outside == "drop") if settings.charset else None


def charset_and_start(
    inputs: Sequence[str | Path], parent: str | Path | None, settings: TrainSettings, mapping: TextMapping | None
) -> tuple[Charset, Recogniser | None]:
    """The characters of the network, and the network of the parent with them."""
    needed = mapping.charset if mapping else Charset(tuple(sorted(characters(inputs, settings.level))))
    if parent is None:
        return needed, None
    net, info = load_net(find_model(parent))
    charset = info.characters.grow(needed.characters)
    if added := charset.characters[len(info.charset) :]:
        net, like = grown(net, charset)
        log.info(
            "the network learns %s that %s does not have: %s",
            counted(len(added), "character"), parent, described(added, like),
        )  # fmt: skip
    assert settings.model is not None  # resolved by `train`
    if net.sizes != (sizes := _sizes(settings)):
        torch.manual_seed(settings.seed)
        net = extended(net, settings.model, sizes)
    return charset, net


def network_of(settings: TrainSettings, parent: str | Path | None) -> tuple[str, dict[str, Any]]:
    """The name of the network to train and its sizes: those of the parent if there is one.

    Raises SettingsError for an unknown network or size, and for one with which the parent's weights cannot be used. A
    size that only adds weights, such as those of an attention head, can be given.
    """
    given = dict(settings.sizes)
    if settings.size is not None and given.setdefault("size", settings.size) != settings.size:
        raise SettingsError(
            f"the settings 'size' and 'sizes.size' are {settings.size} and {given['size']}; leave out one"
        )
    if parent is None:
        network = settings.model or DEFAULT_NETWORK
        return network, sizes_of(network, **given)
    info = read_info(find_model(parent))
    has = f"but the weights of {parent} are of {info.network}, {info.size}"
    if settings.model not in (None, info.network):
        sizes_of(str(settings.model), **given)  # raises for an unknown one
        raise SettingsError(f"the setting 'model' is {settings.model}, {has}; leave model out")
    asked = sizes_of(info.network, **{**info.sizes, **given})
    if not extends(info.network, info.sizes, asked):
        own = sizes_of(info.network, **info.sizes)
        key = next((key for key in given if asked.get(key) != own.get(key)), "size")
        shown = key if key == "size" else f"sizes.{key}"
        raise SettingsError(f"the setting {shown!r} is {given[key]}, {has}; leave {shown} out")
    return info.network, asked


def started(
    settings: TrainSettings, charset: Charset, start: Recogniser | None
) -> tuple[Recogniser, dict[str, list[str]]]:
    """The network to train: `start`, or a new one, with the weights of `init`; and a note of them for model.json."""
    if start is not None:
        return start, {}
    assert settings.model is not None  # resolved by `train`
    torch.manual_seed(settings.seed)
    net = build(settings.model, charset, **_sizes(settings))
    if settings.init is None:
        return net, {}
    said = initialised(net, settings.model, settings.init).sentence()
    log.info("%s", said)
    return net, {"notes": [said]}


def _sizes(settings: TrainSettings) -> dict[str, Any]:
    return settings.sizes if settings.size is None else {"size": settings.size, **settings.sizes}
