"""A small convolutional network that tells hands and typefaces apart; its embedding serves to judge handwriting.

Residual network after He et al. 2015 (arXiv:1512.03385); mean and deviation over the picture are pooled, as in the
statistics pooling of speaker recognition (Snyder et al. 2017), and classes are told apart by the cosine (Wang et al.
2018, arXiv:1801.05599).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.recognisers.contract import GraphSpec
from scriven.recognisers.norm import Columns, MaskedBatchNorm
from scriven.tensors import strided_widths

CHANNELS = (24, 48, 96, 192)  # of the stages, each of half the height and width of the one before
EMBEDDING = 128
SCALE = 16.0  # of the cosines, as logits


class Layer(nn.Module):
    """A convolution, batch norm and ReLU."""

    def __init__(self, inside: int, outside: int, size: int, stride: int):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, size, stride, size // 2, bias=False)
        self.norm = MaskedBatchNorm(outside, act=True)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:
        """(N, C, H, W) to (N, D, H / stride, W / stride); `columns` are those of the result."""
        found: Tensor = self.norm(self.conv(x), columns)
        return found


class HandNetwork(nn.Module):
    """Pictures of writing to embeddings of unit length, and to logits of the hands it was trained on."""

    def __init__(self, hands: int, channels: tuple[int, ...] = CHANNELS, embedding: int = EMBEDDING):
        super().__init__()
        pairs = zip((1, *channels), channels, strict=False)
        self.down = nn.ModuleList(Layer(a, b, 5 if a == 1 else 3, 2) for a, b in pairs)
        self.same = nn.ModuleList(Layer(c, c, 3, 1) for c in channels[1:])
        self.embed = nn.Linear(2 * channels[-1], embedding)
        self.hands = nn.Parameter(torch.randn(hands, embedding) / embedding**0.5)

    def forward(self, images: Tensor, widths: Tensor) -> Tensor:
        """Ink (N, 1, 64, W), 1 ink, of `widths` (N,) px before padding, to embeddings (N, E) of unit length."""
        x = Columns.of(widths, images.shape[3]).blank(images)  # (N, 1, 64, W)
        for stage, down in enumerate(self.down):
            columns = Columns.of(strided_widths(widths, 2 ** (stage + 1)), -(-images.shape[3] // 2 ** (stage + 1)))
            x = down(x, columns)  # (N, C, 64 / s, W / s)
            if stage:
                x = x + self.same[stage - 1](x, columns)
        keep = columns.keep  # (N, 1, 1, W / 16)
        count = keep.sum((1, 2, 3))[:, None] * x.shape[2]  # (N, 1)
        mean = x.sum((2, 3)) / count  # (N, C)
        apart = (x - mean[:, :, None, None]) * keep
        deviation = torch.sqrt(apart.square().sum((2, 3)) / count + 1e-4)  # (N, C)
        return F.normalize(self.embed(torch.cat([mean, deviation], 1)), dim=1)  # (N, E)

    def logits(self, embeddings: Tensor) -> Tensor:
        """(N, E) to (N, hands)."""
        return SCALE * embeddings @ F.normalize(self.hands, dim=1).T


def feature_graph(net: nn.Module) -> GraphSpec:
    """The graph that makes embeddings, for `recognisers.export.export`."""
    inputs = {"images": torch.zeros(2, 1, 64, 96), "widths": torch.tensor([96, 64])}
    dynamic = {"images": {0: "n", 3: "w"}, "widths": {0: "n"}}
    return GraphSpec(net, inputs, ("embeddings",), dynamic)
