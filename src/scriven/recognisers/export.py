"""Export of networks to ONNX, with dynamic axes, and with batch norms folded into the convolutions."""

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from scriven.base import atomic
from scriven.recognisers.contract import GraphSpec, Recogniser
from scriven.recognisers.norm import Folded, MaskedBatchNorm

OPSET = 18


def folded(net: Recogniser) -> Recogniser:
    """A copy for inference in which the `norm` of every module is folded into its `conv`."""
    net = copy.deepcopy(net).eval()
    for module in net.modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "norm", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, MaskedBatchNorm):
            module.conv, module.norm = fuse_conv_bn_eval(conv, norm), Folded(norm.act)
    return net


def inference_graphs(net: Recogniser) -> dict[str, GraphSpec]:
    """The graphs of a network by role, folded and on the CPU, ready for `export`."""
    return folded(net).cpu().to(memory_format=torch.contiguous_format).graphs()


@contextmanager
def _errors_only(name: str) -> Iterator[None]:
    """Only errors of this logger are logged inside; its level is restored afterwards."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def export(graph: GraphSpec, path: Path, fold: bool = True) -> None:
    """Write one graph as an ONNX file, by the TorchScript exporter.

    Without `fold`, parameters keep their names and layouts, as `share_weights` needs them.

    The exporter that goes through torch.export writes graphs of the same outputs and speed, takes twenty times as long
    (11 seconds for a small network), and traces recurrent layers frame by frame.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        _errors_only("torch.onnx"),
        torch.no_grad(),
    ):
        warnings.simplefilter("ignore")
        plain = Path(folder) / "graph.onnx"
        torch.onnx.export(
            graph.module,
            tuple(graph.inputs.values()),
            str(plain),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes={name: dict(axes) for name, axes in graph.dynamic.items()},
            opset_version=OPSET,
            do_constant_folding=fold,
            dynamo=False,
        )
        model = onnx.load(plain)
    with atomic(path) as file:
        file.write(model.SerializeToString())
