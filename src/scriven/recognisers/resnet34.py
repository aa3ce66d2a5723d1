"""Resnet34: the line recogniser of StackMix: a residual network to its third stage, three BiLSTM layers, CTC.

Shonenkov et al. 2021 (arXiv:2108.11667); the trunk is ResNet-34 (He et al. 2015, arXiv:1512.03385) with a new stem of
stride 1 in front, so that weights of a pretrained one fit (`--init`). Frames are 8 px wide and as many as the picture
has, where the original resampled every line to 256 of them.
"""

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from scriven.recognisers.contract import GraphSpec
from scriven.recognisers.ctc_head import ctc_graphs, ctc_loss, ctc_read, grown_head
from scriven.recognisers.norm import Columns, MaskedBatchNorm
from scriven.recognisers.recurrent import BiLstm
from scriven.tensors import Batch, length_mask, strided_widths
from scriven.text import Charset

BLOCKS = (3, 4, 6)  # residual blocks of the three stages
DROPOUT = 0.1


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside the identity, or beside a strided 1x1 convolution where the channels change."""

    def __init__(self, i: int, o: int):
        super().__init__()
        stride = 1 if i == o else 2
        self.conv1, self.norm1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), MaskedBatchNorm(o, act=True)
        self.conv2, self.norm2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), MaskedBatchNorm(o)
        self.skip = None if i == o else nn.Conv2d(i, o, 1, stride, bias=False)
        self.skip_norm = None if i == o else MaskedBatchNorm(o)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:
        y = self.norm2(self.conv2(self.norm1(self.conv1(x), columns)), columns)
        if self.skip is not None and self.skip_norm is not None:
            x = self.skip_norm(self.skip(x), columns)
        return F.relu(x + y)


class Resnet34(nn.Module):
    """The network; `channels` of the first stage (64) and `hidden` units of an LSTM (256) set its size."""

    height, stride = 128, 8
    frames: int | None = None
    decoders: tuple[str, ...] = ("ctc",)

    def __init__(self, charset: Charset, channels: int = 64, hidden: int = 256):
        super().__init__()
        self.charset = charset
        self.sizes: dict[str, Any] = {"channels": channels, "hidden": hidden}
        self.stem, self.norm = nn.Conv2d(3, channels, 7, 1, 3), MaskedBatchNorm(channels, act=True)
        ladder = (channels, channels, 2 * channels, 4 * channels)
        self.stages = nn.ModuleList(
            nn.ModuleList(BasicBlock(i if n == 0 else o, o) for n in range(count))
            for i, o, count in zip(ladder[:-1], ladder[1:], BLOCKS, strict=True)
        )
        self.sequence = nn.ModuleList(BiLstm(i, hidden) for i in (ladder[-1], 2 * hidden, 2 * hidden))
        self.dropout = nn.Dropout(DROPOUT)
        self.hidden = nn.Linear(2 * hidden, hidden)
        self.head = nn.Linear(hidden, len(charset) + 1)

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, 128, W) ink and (N,) px to (N, T, C) logits and (N,) frames before padding; T = ceil(W / 8).

        As historically paper is 1, ink and padding are 0, in three equal channels.
        """
        paper = (1 - images) * length_mask(widths, images.shape[3])[:, None, None].to(images.dtype)
        x = self.norm(self.stem(paper.expand(-1, 3, -1, -1)), Columns.of(widths, images.shape[3]))
        x, widths = F.max_pool2d(x, 3, 2, 1), strided_widths(widths, 2)
        x = Columns.of(widths, x.shape[3]).blank(x)  # a window of the padding reaches into the picture
        for number, stage in enumerate(self.stages):
            length = x.shape[3] if not number else -(-x.shape[3] // 2)
            widths = widths if not number else strided_widths(widths, 2)
            columns = Columns.of(widths, length)
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x, columns)
        x = x.mean(2).transpose(1, 2)  # (N, T, D)
        for number, layer in enumerate(self.sequence):
            x = layer(self.dropout(x) if number else x, widths)
        return self.head(self.dropout(F.gelu(self.hidden(x)))), widths

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """Mean CTC loss per character. Raises TextError as `ctc_loss` does."""
        logits, steps = self(batch.images, batch.widths)
        return ctc_loss(logits, steps, batch.texts, self.charset, smoothing)

    def read(self, batch: Batch) -> list[str]:
        """Greedy readings of a batch."""
        return ctc_read(self, batch)

    def grown(self, charset: Charset, like: Mapping[str, str] | None = None) -> "Resnet34":
        """A copy that can write `charset` too; see `grown_head`, which raises ValueError."""
        net = copy.deepcopy(self)
        net.head, net.charset = grown_head(self.head, self.charset, charset, like), charset
        return net

    def graphs(self) -> dict[str, GraphSpec]:
        """One graph, `reader`."""
        return ctc_graphs(self)
