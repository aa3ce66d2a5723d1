"""A network of another height and stride than the bundled ones: 32 px, a frame every 8 px. For the contract tests."""

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from scriven.base import SettingsError
from scriven.recognisers.contract import GraphSpec
from scriven.recognisers.ctc_head import ctc_graphs, ctc_loss, ctc_read, grown_head
from scriven.recognisers.norm import Columns, MaskedBatchNorm
from scriven.tensors import Batch, strided_widths
from scriven.text import Charset

CHANNELS = {"tiny": 32, "small": 48}


class ToyNetwork(nn.Module):
    """Three strided convolutions, one down the columns, one along the line, a linear layer."""

    height, stride = 32, 8
    frames: int | None = None
    decoders: tuple[str, ...] = ("ctc",)

    def __init__(self, charset: Charset, size: str = "tiny"):
        if size not in CHANNELS:
            raise SettingsError(f"the recogniser toy has no size {size!r}; there are: {', '.join(CHANNELS)}")
        super().__init__()
        self.charset, self.sizes = charset, dict[str, Any](size=size)
        c = CHANNELS[size]
        self.convs = nn.ModuleList(nn.Conv2d(i, c, 3, 2, 1, bias=False) for i in (1, c, c))
        self.norms = nn.ModuleList(MaskedBatchNorm(c, act=True) for _ in range(3))
        self.column = nn.Conv2d(c, 2 * c, (4, 3), padding=(0, 1))
        self.context = nn.Conv2d(2 * c, 2 * c, (1, 9), padding=(0, 4))
        self.head = nn.Linear(2 * c, len(charset) + 1)

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, 32, W) and (N,) px to (N, W / 8, C) logits and (N,) frames."""
        x = images
        for level, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True), 1):
            x = conv(x)
            columns = Columns.of(strided_widths(widths, 2**level), x.shape[3])
            x = norm(x, columns)  # (N, c, 32 / 2^level, W / 2^level)
        x = columns.blank(nn.functional.leaky_relu(self.column(x)))  # (N, D, 1, T)
        x = (x + columns.blank(nn.functional.leaky_relu(self.context(x)))).squeeze(2).transpose(1, 2)  # (N, T, D)
        return self.head(x), strided_widths(widths, self.stride)

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        logits, steps = self(batch.images, batch.widths)
        return ctc_loss(logits, steps, batch.texts, self.charset, smoothing)

    def read(self, batch: Batch) -> list[str]:
        return ctc_read(self, batch)

    def grown(self, charset: Charset, like: Mapping[str, str] | None = None) -> "ToyNetwork":
        net = copy.deepcopy(self)
        net.head, net.charset = grown_head(self.head, self.charset, charset, like), charset
        return net

    def graphs(self) -> dict[str, GraphSpec]:
        return ctc_graphs(self)
