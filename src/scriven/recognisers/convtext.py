"""ConvText: dense convolutions look at the line, dilated ones read along it, CTC aligns.

The trunk is a small residual network (He et al. 2015, arXiv:1512.03385) that ends in one vector per 4-px column. The
blocks that read along the line are residual pairs of dilated one-dimensional convolutions (Yu & Koltun 2015,
arXiv:1511.07122): the context of a recurrent layer from the one operation that CPUs do best.
"""

import copy
import unicodedata
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.reader.ctc import collapse
from scriven.recognisers.contract import Recogniser
from scriven.recognisers.ctc import ctc_loss
from scriven.recognisers.norm import Columns, MaskedBatchNorm
from scriven.tensors import Batch, shrink
from scriven.text import Charset

DILATIONS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Size:
    """Channels of the four stages, residual blocks in the last three, width and number of the blocks along the line."""

    channels: tuple[int, int, int, int]
    blocks: tuple[int, int, int]
    width: int
    depth: int


class Conv(nn.Module):
    """3x3 convolution, batch norm, ReLU if `act`; nothing is left of the padding."""

    def __init__(self, i: int, o: int, stride: tuple[int, int] = (1, 1), act: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.norm = MaskedBatchNorm(o, act)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:  # (N, C, H, W)
        return self.norm(self.conv(x), columns)


class Residual(nn.Module):
    def __init__(self, c: int):
        super().__init__()
        self.a, self.b = Conv(c, c), Conv(c, c, act=False)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:
        return F.relu(x + self.b(self.a(x, columns), columns))


class ContextBlock(nn.Module):
    """A residual pair of dilated convolutions along the line; it starts as the identity."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.a, self.b = DilatedConv(width, dilation), DilatedConv(width, dilation, act=False)
        nn.init.zeros_(self.b.norm.weight)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:  # (N, D, 1, T)
        return F.relu(x + self.b(self.a(x, columns), columns))


class DilatedConv(nn.Module):
    """One 1x3 dilated convolution, batch norm, ReLU if `act`."""

    def __init__(self, width: int, dilation: int, act: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(width, width, (1, 3), padding=(0, dilation), dilation=(1, dilation), bias=False)
        self.norm = MaskedBatchNorm(width, act)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:  # (N, D, 1, T)
        return self.norm(self.conv(x), columns)


class ConvText(Recogniser):
    """Reads pictures 64 px high; `stride` px across make one frame."""

    height, stride = 64, 4

    def __init__(self, charset: Charset, size: Size, dropout: float = 0.1):
        super().__init__()
        self.charset = charset
        c0, c1, c2, c3 = size.channels
        self.stem = Conv(1, c0, (2, 2))
        self.enter = nn.ModuleList([Conv(c0, c1, (2, 2)), Conv(c1, c2, (2, 1)), Conv(c2, c3, (2, 1))])
        self.stages = nn.ModuleList(
            nn.ModuleList(Residual(c) for _ in range(blocks))
            for c, blocks in zip((c1, c2, c3), size.blocks, strict=True)
        )
        self.column = nn.Conv2d(c3, size.width, (self.height // 16, 1))
        self.context = nn.ModuleList(ContextBlock(size.width, DILATIONS[i % len(DILATIONS)]) for i in range(size.depth))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(size.width, len(charset) + 1)  # class 0 is the blank

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, 64, W) ink and (N,) px to (N, T, C) logits and (N,) frames that count; T = ceil(W / 4)."""
        w, t = -(-images.shape[3] // 2), -(-images.shape[3] // 4)
        steps = shrink(widths, self.stride)
        known = self.training and not images.is_cuda
        half = Columns.of(shrink(widths, 2), w, known=known)
        columns = Columns.of(steps, t, known=known)
        x = self.stem(images, half)  # (N, c0, 32, W / 2)
        for enter, stage in zip(self.enter, self.stages, strict=True):
            x = enter(x, columns)  # (N, c1, 16, T), (N, c2, 8, T), (N, c3, 4, T)
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x, columns)
        x = columns.blank(self.column(x))  # (N, D, 1, T)
        for block in self.context:
            x = block(x, columns)
        x = x.squeeze(2).transpose(1, 2)  # (N, T, D)
        return self.head(self.dropout(x)), steps

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """Mean CTC loss per character. Raises TextError for texts that cannot be written in their frames."""
        logits, steps = self(batch.images, batch.widths)
        return ctc_loss(logits, steps, batch.texts, self.charset, smoothing)

    @torch.inference_mode()
    def read(self, batch: Batch) -> list[str]:
        """The greedy texts of a batch."""
        logits, steps = self(batch.images, batch.widths)
        paths = logits.argmax(-1).cpu().numpy()
        return [self.charset.decode(collapse(p[:t])) for p, t in zip(paths, steps.tolist(), strict=True)]

    def grown(self, charset: Charset) -> "ConvText":
        """A copy that writes `charset` too: old characters keep their weights, é starts as e, others as a faint mean.

        Raises ValueError when `charset` does not begin with this network's characters.
        """
        old = len(self.charset) + 1
        if charset.characters[: old - 1] != self.charset.characters:
            raise ValueError("a grown character set begins with the old one")
        net = copy.deepcopy(self)
        net.charset = charset
        net.head = nn.Linear(self.head.in_features, len(charset) + 1).to(self.head.weight)
        with torch.no_grad():
            net.head.weight[:old], net.head.bias[:old] = self.head.weight, self.head.bias
            net.head.weight[old:] = self.head.weight[1:].mean(0)
            net.head.bias[old:] = self.head.bias[1:].min()
            for c in charset.characters[old - 1 :]:
                like = unicodedata.normalize("NFKD", c)[0]
                if like != " " and like in self.charset:  # a lone accent (´) is a space and the accent
                    (new,), (known,) = charset.encode(c), self.charset.encode(like)
                    net.head.weight[new] = self.head.weight[known]
                    net.head.bias[new] = self.head.bias[known] - 2.0  # the plain letter is read first
        return net


SIZES = {
    "tiny": Size((24, 48, 96, 128), (1, 1, 0), 192, 6),
    "small": Size((24, 48, 96, 160), (1, 1, 0), 288, 8),
    "base": Size((32, 64, 128, 224), (2, 2, 1), 352, 11),
}
