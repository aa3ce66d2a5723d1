"""The three feature extractors: VGG of CRNN, gated recurrent convolutions, and the 29-layer ResNet.

Each maps pictures (N, 1, 32, W) to features (N, C, 1, T). At the historical width of 100 px T is 24 for VGG and 26 for
the others; with a variable width T = ceil(W / 4), and frames before the padding do not depend on the padding.
Sources: CRNN (Shi et al. 2015, arXiv:1507.05717), GRCNN (Wang & Hu 2017, NeurIPS), FAN (Cheng et al. 2017,
arXiv:1709.02054), as combined by Baek et al. 2019 (arXiv:1904.01906).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.recognisers.conv import ConvNorm
from scriven.recognisers.norm import Columns, MaskedBatchNorm
from scriven.tensors import strided_widths

HEIGHT = 32  # px that the poolings and unpadded convolutions reduce to 1
GATED_NORMS = ("gate_input", "gate_state", "input", "state", "gated")
ITERATIONS = 5  # of a gated recurrent convolution


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity, or beside a 1x1 convolution where the channels change."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.a, self.b = ConvNorm(i, o), ConvNorm(o, o, act=False)
        self.skip = None if i == o else ConvNorm(i, o, 1, padding=(0, 0), act=False)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:
        """(N, i, H, W) to (N, o, H, W)."""
        beside = x if self.skip is None else self.skip(x, columns)
        return F.relu(beside + self.b(self.a(x, columns), columns))


class ResNet(nn.Module):
    """29 layers: stages of 1, 2, 5 and 3 residual blocks, the last poolings along the height alone."""

    def __init__(self, channels: int, variable: bool = False):
        super().__init__()
        self.variable = variable
        c1, c2, c3, c4 = channels // 4, channels // 2, channels, channels
        self.stem = nn.ModuleList([ConvNorm(1, channels // 16), ConvNorm(channels // 16, channels // 8)])
        self.blocks = nn.ModuleList(
            nn.ModuleList(Residual(i if n == 0 else o, o) for n in range(count))
            for i, o, count in ((channels // 8, c1, 1), (c1, c2, 2), (c2, c3, 5), (c3, c4, 3))
        )
        self.after = nn.ModuleList([ConvNorm(c1, c1), ConvNorm(c2, c2), ConvNorm(c3, c3)])
        self.down = ConvNorm(c4, c4, 2, (2, 1), (0, 1))
        self.last = ConvNorm(c4, c4, 2, padding=(0, 0))

    def forward(self, x: Tensor, widths: Tensor) -> Tensor:
        """(N, 1, 32, W) and (N,) px before the padding to (N, C, 1, T), T = W // 4 + 1, or W // 4 if `variable`."""
        columns = Columns.of(widths, x.shape[3])
        for conv in self.stem:
            x = conv(x, columns)  # (N, C / 8, 32, W)
        for stage, blocks in enumerate(self.blocks):
            if stage < 2:
                x = F.max_pool2d(x, 2)
                widths = strided_widths(widths, 2)
            elif stage == 2:
                x = F.max_pool2d(x, 2, (2, 1), (0, 1))
                widths = widths + 1
            columns = Columns.of(widths, x.shape[3])
            assert isinstance(blocks, nn.ModuleList)
            for block in blocks:
                x = block(x, columns)
            if stage < len(self.after):
                x = self.after[stage](x, columns)  # (N, C / 4, 16, W / 2), (N, C / 2, 8, W / 4), (N, C, 4, W / 4 + 1)
        x = self.down(x, Columns.of(widths + 1, x.shape[3] + 1))  # (N, C, 2, W / 4 + 2)
        x = self.last(x, Columns.of(widths, x.shape[3] - 1))  # (N, C, 1, W / 4 + 1)
        return x[..., :-1] if self.variable else x


class Vgg(nn.Module):
    """Seven convolutions, the fifth and sixth with batch norm; the last one leaves a single row."""

    def __init__(self, channels: int, variable: bool = False):
        super().__init__()
        self.variable = variable
        c0, c1, c2, c3 = channels // 8, channels // 4, channels // 2, channels
        self.plain = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in ((1, c0), (c0, c1), (c1, c2), (c2, c2)))
        self.normed = nn.ModuleList([ConvNorm(c2, c3), ConvNorm(c3, c3)])
        self.last = nn.Conv2d(c3, c3, 2)

    def forward(self, x: Tensor, widths: Tensor) -> Tensor:
        """(N, 1, 32, W) and (N,) px before the padding to (N, C, 1, T), T = W // 4 - 1, or W // 4 if `variable`."""
        columns = Columns.of(widths, x.shape[3])
        for number, conv in enumerate(self.plain):
            x = columns.blank(F.relu(conv(x)))
            if number < 2:
                x, widths = F.max_pool2d(x, 2), strided_widths(widths, 2)
                columns = Columns.of(widths, x.shape[3])
        x = F.max_pool2d(x, (2, 1))  # (N, C / 2, 4, W / 4)
        for conv in self.normed:
            x = conv(x, columns)
        x = F.max_pool2d(x, (2, 1))  # (N, C, 2, W / 4)
        x = F.relu(self.last(F.pad(x, (0, 1)) if self.variable else x))
        return Columns.of(widths, x.shape[3]).blank(x)


class GatedRecurrentConv(nn.Module):
    """A convolution whose output is refined ITERATIONS times by a gated recurrent one."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.gate_input, self.gate_state = nn.Conv2d(i, o, 1, bias=False), nn.Conv2d(o, o, 1, bias=False)
        self.input = nn.Conv2d(i, o, 3, padding=1, bias=False)
        self.state = nn.Conv2d(o, o, 3, padding=1, bias=False)
        self.first = MaskedBatchNorm(o, act=True)
        self.norms = nn.ModuleList(
            nn.ModuleDict({name: MaskedBatchNorm(o) for name in GATED_NORMS}) for _ in range(ITERATIONS)
        )

    def forward(self, u: Tensor, columns: Columns) -> Tensor:
        """(N, i, H, W) to (N, o, H, W)."""
        gate, given = self.gate_input(u), self.input(u)
        x: Tensor = self.first(given.clone(), columns)  # norms change their input in place, and it is used again
        for norms in self.norms:
            assert isinstance(norms, nn.ModuleDict)
            opened = norms["gate_input"](gate.clone(), columns) + norms["gate_state"](self.gate_state(x), columns)
            gated = norms["state"](self.state(x), columns) * torch.sigmoid(opened)
            x = F.relu(norms["input"](given.clone(), columns) + norms["gated"](gated, columns))
        return x


class Rcnn(nn.Module):
    """Three gated recurrent convolutions between poolings."""

    def __init__(self, channels: int, variable: bool = False):
        super().__init__()
        self.variable = variable
        c0, c1, c2, c3 = channels // 8, channels // 4, channels // 2, channels
        self.stem = nn.Conv2d(1, c0, 3, padding=1)
        self.recurrent = nn.ModuleList(GatedRecurrentConv(i, o) for i, o in ((c0, c0), (c0, c1), (c1, c2)))
        self.last = ConvNorm(c2, c3, 2, padding=(0, 0))

    def forward(self, x: Tensor, widths: Tensor) -> Tensor:
        """(N, 1, 32, W) and (N,) px before the padding to (N, C, 1, T), T = W // 4 + 1, or W // 4 if `variable`."""
        x = Columns.of(widths, x.shape[3]).blank(F.relu(self.stem(x)))
        for number, block in enumerate(self.recurrent):
            if number < 2:
                x, widths = F.max_pool2d(x, 2), strided_widths(widths, 2)
            else:
                x, widths = F.max_pool2d(x, 2, (2, 1), (0, 1)), widths + 1
            x = block(x, Columns.of(widths, x.shape[3]))  # (N, C / 8, 16, W / 2), (N, C / 4, 8, W / 4)
        # (N, C / 2, 4, W / 4 + 1) of the third
        x = F.max_pool2d(x, 2, (2, 1), (0, 1))  # (N, C / 2, 2, W / 4 + 2)
        x = self.last(x, Columns.of(widths, x.shape[3] - 1))
        return x[..., :-1] if self.variable else x


FEATURES: dict[str, Callable[[int, bool], nn.Module]] = {"vgg": Vgg, "rcnn": Rcnn, "resnet": ResNet}
HISTORICAL_FRAMES = {"vgg": 24, "rcnn": 26, "resnet": 26}  # of a picture of 32 x 100 px
