"""From a network to its reading graph: ONNX with free batch size and width, batch norms folded into convolutions."""

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from scriven.base import atomic
from scriven.recognisers.norm import Folded, MaskedBatchNorm


class _Graph(nn.Module):
    """The inputs and outputs that `reader` expects."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(images, widths)


def folded(net: nn.Module) -> nn.Module:
    """A copy for inference in which every `conv` followed by its `norm` is one convolution."""
    net = copy.deepcopy(net).eval()
    for module in net.modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "norm", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, MaskedBatchNorm):
            module.conv, module.norm = fuse_conv_bn_eval(conv, norm), Folded(norm.act)
    return net


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Only errors of this logger inside; as before afterwards."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def export(net: nn.Module, path: Path) -> None:
    """Write `reader.onnx`: images (N, 1, H, W) float32 and widths (N,) int64 to logits (N, T, C) and steps (N,)."""
    images, widths = torch.rand(2, 1, 64, 256), torch.tensor([256, 200])
    n, w = torch.export.Dim("n", min=1), torch.export.Dim("w", min=1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), _quiet("torch.onnx"), torch.no_grad():
        warnings.simplefilter("ignore")
        plain = Path(folder) / "reader.onnx"
        torch.onnx.export(
            _Graph(folded(net).cpu().to(memory_format=torch.contiguous_format)),  # type: ignore[call-overload]
            (images, widths),
            str(plain),
            input_names=["images", "widths"],
            output_names=["logits", "steps"],
            dynamic_shapes={"images": {0: n, 3: 32 * w}, "widths": {0: n}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        model = onnx.load(plain)
    with atomic(path) as file:
        file.write(model.SerializeToString())
