"""Weights of four published research codes under the names that the networks here give them.

Deep-text-recognition-benchmark (Baek et al. 2019) and AttentionHTR (Kass & Vats 2022) share their files; StackMix
(Shonenkov et al. 2021); the label-free learner (Wolf & Fink 2022). Nothing is read from disk here: see
`scriven.training.weight_files`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from scriven.base import InputError
from scriven.recognisers.resnet34 import BLOCKS
from scriven.recognisers.trba.features import GATED_NORMS, ITERATIONS

Tensors = Mapping[str, Tensor]
WRAPPERS = ("module.", "model.")  # before all names of a file, added by what wrapped the network
SCRIBES_TOO = ("WordStylist or DiffusionHTR",)  # imported too; see scriven.scribes.wordstylist.published
COMPUTED = re.compile(r"(inv_delta_C|P_hat)$")  # tables that are the same in every file
FIRST_CONVOLUTIONS = tuple(f"module.FeatureExtraction.ConvNet.{name}.weight" for name in ("conv0_1", "0"))


@dataclass(frozen=True)
class Published:
    """A published network: how a file of it is told, what network it is here, and what its tensors are called here."""

    name: str
    network: str  # a row of RECOGNISERS
    mark: str  # the start of a tensor name that files of it have, and no others
    sizes: Callable[[Tensors], dict[str, Any]]
    characters: Callable[[Tensors], int]  # how many characters it writes
    names: Callable[[Tensors], dict[str, str]]  # here: there


@dataclass(frozen=True)
class Converted:
    """The weights of a published file, as the network here takes them."""

    published: Published
    sizes: dict[str, Any]  # arguments of the network
    characters: int  # how many it writes
    names: dict[str, str]  # here: there
    tensors: dict[str, Tensor]  # by their names here


def converted(tensors: Tensors, file: str | Path) -> Converted:
    """The tensors of `file` under the names that they have here.

    Raises InputError, which names the file, a tensor and what to give instead, for tensors of no published network, for
    a tensor too many, too few or without an axis that tells a size, and for weights that read colours.
    """
    tensors = as_published(tensors)
    one = recognised(tensors, file)
    refused = f"{file} is not of {one.name} as it was published"
    try:
        sizes, characters, names = one.sizes(tensors), one.characters(tensors), one.names(tensors)
    except KeyError as error:
        what = "has another shape of" if error.args[0] in tensors else "lacks"
        raise InputError(f"{refused}: it {what} {error.args[0]}; give a complete file") from error
    if characters < 1:
        raise InputError(f"{refused}: it writes no characters; give a complete file")
    for name in FIRST_CONVOLUTIONS:
        if name in tensors and tensors[name].shape[1:2] == (3,):
            raise InputError(
                f"{refused}: {name} has 3 input channels (--rgb), which are not supported; give one for grey"
            )
    missing = sorted(set(names.values()) - set(tensors))
    unknown = sorted(name for name in set(tensors) - set(names.values()) if not COMPUTED.search(name))
    if missing or unknown:
        what = f"it lacks {missing[0]}" if missing else f"it has {unknown[0]}, which they have not"
        raise InputError(f"{refused}: {what}; give a complete file")
    return Converted(one, sizes, characters, names, {here: tensors[there] for here, there in names.items()})


def recognised(tensors: Tensors, file: str | Path) -> Published:
    """Which published network the tensors of `file` are of. Raises InputError where they are of none."""
    if (one := _marked(tensors)) is None:
        known = "; ".join([*(one.name for one in PUBLISHED), *SCRIBES_TOO])
        raise InputError(
            f"the tensors of {file} ({', '.join(list(tensors)[:3])}, ...) are of none of the networks that can be "
            f"imported ({known}); give a file of one of them, or start a new network with `scriven train --init`"
        )
    return one


def as_published(tensors: Tensors) -> Tensors:
    """The tensors without what a wrapper put before all names, or with the `module.` that published files have."""
    while tensors and not _marked(tensors):
        prefix = next((one for one in WRAPPERS if all(name.startswith(one) for name in tensors)), None)
        if prefix is None:
            break
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    wrapped = {f"module.{name}": value for name, value in tensors.items()}
    return wrapped if not _marked(tensors) and _marked(wrapped) else tensors


def _marked(tensors: Tensors) -> Published | None:
    return next((one for one in PUBLISHED if any(name.startswith(one.mark) for name in tensors)), None)


def _size(tensors: Tensors, name: str, axis: int = 0) -> int:
    """The length of an axis of a tensor. Raises KeyError with its name if there is no such tensor or axis, or of 0."""
    if name not in tensors or not any(tensors[name].shape[axis : axis + 1]):
        raise KeyError(name)
    return tensors[name].shape[axis]


# --- deep-text-recognition-benchmark and AttentionHTR -----------------------------------------------------------------


def _benchmark_sizes(tensors: Tensors) -> dict[str, Any]:
    trunk = "module.FeatureExtraction.ConvNet."
    features = (
        "resnet" if trunk + "conv0_1.weight" in tensors else "rcnn" if trunk + "3.wgf_u.weight" in tensors else "vgg"
    )
    sequence = any(name.startswith("module.SequenceModeling.") for name in tensors)
    attention = "module.Prediction.generator.weight" in tensors
    last = {"resnet": "conv4_2", "rcnn": "9", "vgg": "18"}[features]
    hidden = (
        _size(tensors, "module.Prediction.generator.weight", 1)
        if attention
        else _size(tensors, "module.SequenceModeling.0.rnn.weight_hh_l0", 1)
        if sequence
        else 256
    )
    return {
        "transformation": "tps" if any(n.startswith("module.Transformation.") for n in tensors) else "none",
        "features": features,
        "sequence": "bilstm" if sequence else "none",
        "prediction": "attention" if attention else "ctc",
        "width": "fixed",
        "channels": _size(tensors, f"{trunk}{last}.weight"),
        "hidden": hidden,
    }


def _benchmark_characters(tensors: Tensors) -> int:
    if "module.Prediction.generator.weight" in tensors:
        return _size(tensors, "module.Prediction.generator.bias") - 2
    return _size(tensors, "module.Prediction.bias") - 1


def _benchmark_names(tensors: Tensors) -> dict[str, str]:
    sizes = _benchmark_sizes(tensors)
    trunk = {"resnet": _resnet, "rcnn": _rcnn, "vgg": _vgg}[sizes["features"]]
    pairs = [(f"features.{here}", f"module.FeatureExtraction.ConvNet.{there}") for here, there in trunk()]
    if sizes["transformation"] == "tps":
        pairs += [
            (f"transformation.localiser.{h}", f"module.Transformation.LocalizationNetwork.{t}") for h, t in _localiser()
        ]
    for layer in range(2 if sizes["sequence"] == "bilstm" else 0):
        there = f"module.SequenceModeling.{layer}"
        pairs += _two_ways(f"sequence.{layer}.lstm", f"{there}.rnn", "l0")
        pairs += _affine(f"sequence.{layer}.out", f"{there}.linear")
    if sizes["prediction"] == "ctc":
        pairs += _affine("head", "module.Prediction")
    else:
        cell = "module.Prediction.attention_cell."
        pairs += [("head.key.weight", cell + "i2h.weight"), ("head.score.weight", cell + "score.weight")]
        pairs += _affine("head.query", cell + "h2h") + _affine("head.out", "module.Prediction.generator")
        pairs += [(f"head.lstm.{name}", f"{cell}rnn.{name}") for name in RECURRENT]
    return dict(pairs)


Pairs = list[tuple[str, str]]
RECURRENT = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _affine(here: str, there: str) -> Pairs:
    return [(f"{here}.{name}", f"{there}.{name}") for name in ("weight", "bias")]


def _norm(here: str, there: str) -> Pairs:
    return [(f"{here}.{name}", f"{there}.{name}") for name in NORM]


def _two_ways(here: str, there: str, layer: str) -> Pairs:
    """A bidirectional layer, which is two layers here."""
    return [
        (f"{here}.{way}.{name}_l0", f"{there}.{name}_{layer}{suffix}")
        for way, suffix in (("ahead", ""), ("back", "_reverse"))
        for name in RECURRENT
    ]


def _localiser() -> Pairs:
    pairs: Pairs = []
    for number in range(4):
        pairs += [(f"convs.{number}.weight", f"conv.{4 * number}.weight")]
        pairs += _norm(f"norms.{number}", f"conv.{4 * number + 1}")
    return pairs + _affine("hidden", "localization_fc1.0") + _affine("out", "localization_fc2")


def _conv_norm(here: str, conv: str, norm: str) -> Pairs:
    return [(f"{here}.conv.weight", f"{conv}.weight"), *_norm(f"{here}.norm", norm)]


def _resnet() -> Pairs:
    pairs: Pairs = []
    for number in range(2):
        pairs += _conv_norm(f"stem.{number}", f"conv0_{number + 1}", f"bn0_{number + 1}")
    for stage, count in enumerate((1, 2, 5, 3)):
        for block in range(count):
            here, there = f"blocks.{stage}.{block}", f"layer{stage + 1}.{block}"
            pairs += _conv_norm(f"{here}.a", f"{there}.conv1", f"{there}.bn1")
            pairs += _conv_norm(f"{here}.b", f"{there}.conv2", f"{there}.bn2")
            if block == 0 and stage < 3:
                pairs += _conv_norm(f"{here}.skip", f"{there}.downsample.0", f"{there}.downsample.1")
    for stage in range(3):
        pairs += _conv_norm(f"after.{stage}", f"conv{stage + 1}", f"bn{stage + 1}")
    return pairs + _conv_norm("down", "conv4_1", "bn4_1") + _conv_norm("last", "conv4_2", "bn4_2")


def _vgg() -> Pairs:
    pairs = [pair for number, at in enumerate((0, 3, 6, 8)) for pair in _affine(f"plain.{number}", str(at))]
    for number, at in enumerate((11, 14)):
        pairs += _conv_norm(f"normed.{number}", str(at), str(at + 1))
    return pairs + _affine("last", "18")


def _rcnn() -> Pairs:
    theirs = dict(zip(GATED_NORMS, ("BN_gfu", "BN_grx", "BN_fu", "BN_rx", "BN_Gx"), strict=True))
    convs = {"gate_input": "wgf_u", "gate_state": "wgr_x", "input": "wf_u", "state": "wr_x"}
    pairs = _affine("stem", "0")
    for number, at in enumerate((3, 5, 7)):
        here = f"recurrent.{number}"
        pairs += [(f"{here}.{mine}.weight", f"{at}.{their}.weight") for mine, their in convs.items()]
        pairs += _norm(f"{here}.first", f"{at}.BN_x_init")
        for time in range(ITERATIONS):
            for mine, their in theirs.items():
                pairs += _norm(f"{here}.norms.{time}.{mine}", f"{at}.GRCL.{time}.{their}")
    return pairs + _conv_norm("last", "9", "10")


# --- StackMix ---------------------------------------------------------------------------------------------------------


def _stackmix_sizes(tensors: Tensors) -> dict[str, Any]:
    return {
        "channels": _size(tensors, "feature_extractor.0.weight"),
        "hidden": _size(tensors, "classifier.0.weight"),
    }


def _residual_stages(there: str, first: int) -> list[tuple[str, str]]:
    """The stages of ResNet-34, whose numbers, from `first` on, stand in the name `there`."""
    pairs = []
    for stage, count in enumerate(BLOCKS):
        for block in range(count):
            mine, theirs = f"stages.{stage}.{block}", f"{there.format(stage + first)}.{block}"
            for number in (1, 2):
                pairs += [(f"{mine}.conv{number}.weight", f"{theirs}.conv{number}.weight")]
                pairs += _norm(f"{mine}.norm{number}", f"{theirs}.bn{number}")
            if stage and not block:
                pairs += [(f"{mine}.skip.weight", f"{theirs}.downsample.0.weight")]
                pairs += _norm(f"{mine}.skip_norm", f"{theirs}.downsample.1")
    return pairs


def _stackmix_names(tensors: Tensors) -> dict[str, str]:
    pairs = _affine("stem", "feature_extractor.0") + _norm("norm", "feature_extractor.1")
    pairs += _residual_stages("feature_extractor.{}", 4)
    for layer in range(3):
        pairs += _two_ways(f"sequence.{layer}", "bilstm.lstm", f"l{layer}")
    return dict(pairs + _affine("hidden", "classifier.0") + _affine("head", "classifier.3"))


# --- the label-free learner -------------------------------------------------------------------------------------------


def _lafhtr_sizes(tensors: Tensors) -> dict[str, Any]:
    return {
        "channels": _size(tensors, "encoder.vgg.truncated_vgg.0.0.weight"),
        "hidden": _size(tensors, "encoder.gru2.weight_hh_l0", 1),
    }


def _vgg19(there: str) -> Pairs:
    pairs: Pairs = []
    at = 0
    for block, count in enumerate((2, 2, 4, 4, 4)):
        for conv in range(count):
            pairs += _affine(f"blocks.{block}.{conv}.conv", f"{there}{at}")
            pairs += _norm(f"blocks.{block}.{conv}.norm", f"{there}{at + 1}")
            at += 3
        at += 1  # the pooling
    return pairs


def _lafhtr_names(tensors: Tensors) -> dict[str, str]:
    pairs = _vgg19("encoder.vgg.truncated_vgg.0.")
    pairs += _two_ways("first", "encoder.gru1", "l0") + _two_ways("second", "encoder.gru2", "l0")
    pairs += _affine("head.location", "decoder.attention.conv1d") + _affine("head.mixed", "decoder.attention.linear1")
    pairs += [("head.score.weight", "decoder.attention.linear2.weight")]
    pairs += [(f"head.gru.{name}", f"decoder.decoder_gru.{name}_l0") for name in RECURRENT]
    return dict(pairs + _affine("head.out", "decoder.linear"))


PUBLISHED = (
    Published(
        "deep-text-recognition-benchmark or AttentionHTR", "trba", "module.FeatureExtraction.",
        _benchmark_sizes, _benchmark_characters, _benchmark_names,
    ),
    Published(
        "StackMix-OCR", "resnet34", "feature_extractor.",
        _stackmix_sizes, lambda tensors: _size(tensors, "classifier.3.bias") - 1, _stackmix_names,
    ),
    Published(
        "the label-free HTR learner", "lafhtr", "encoder.vgg.",
        _lafhtr_sizes, lambda tensors: _size(tensors, "decoder.linear.bias") - 3, _lafhtr_names,
    ),
)  # fmt: skip


# --- trunks pretrained on photographs ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trunk:
    """The convolutions of a classifier of photographs that are part of a network here."""

    name: str
    network: str  # a row of RECOGNISERS
    names: Callable[[], dict[str, str]]  # here: there


def _resnet34_names() -> dict[str, str]:
    """To its third stage. The stem has stride 1 here, 2 there, and a bias that the file has not."""
    pairs = [("stem.weight", "conv1.weight"), *_norm("norm", "bn1")]
    pairs += _residual_stages("layer{}", 1)
    return dict(pairs)


def _vgg19_names() -> dict[str, str]:
    return dict(_vgg19("features."))


TRUNKS = (
    Trunk("ResNet-34 in torchvision", "resnet34", _resnet34_names),
    Trunk("VGG-19 with batch norm in torchvision", "lafhtr", _vgg19_names),
)
