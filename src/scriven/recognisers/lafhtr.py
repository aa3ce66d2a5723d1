"""Lafhtr: the word recogniser of the label-free learner: VGG-19, two BiGRU layers, a location-aware attention decoder.

Wolf & Fink 2022 (arXiv:2206.03149) after Kang et al. 2018; VGG-19 with batch norm (Simonyan & Zisserman 2015,
arXiv:1409.1556), attention as in Chorowski et al. 2015 (arXiv:1506.07503).
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.reader.attention_decoder import END, FIRST
from scriven.recognisers.attention import attention_graphs, attention_loss, attention_read, padding_bias
from scriven.recognisers.contract import GraphSpec
from scriven.recognisers.conv import ConvNorm
from scriven.recognisers.ctc_head import grown_rows
from scriven.recognisers.forcing import forced_logits
from scriven.recognisers.norm import Columns
from scriven.recognisers.recurrent import BiGru
from scriven.tensors import Batch, length_mask, strided_widths
from scriven.text import Charset

LADDER = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # channels and convolutions between two poolings
SPECIAL = 3  # own classes before the characters: start, end, unknown
DROPOUT = 0.5


class LocationAttention(nn.Module):
    """Attends by content and by where it attended before; a GRU writes the characters. An `AttentionHead`.

    The weights are sigmoids normalised by their sum, not a softmax. The class of the unknown character, which the
    historical weights have, is never written and not trained.
    """

    constants: tuple[str, ...] = ("values", "bias")
    states: tuple[str, ...] = ("hidden", "before")
    axes: Mapping[str, Mapping[int, str]] = dict.fromkeys(("values", "bias", "before"), {1: "t"})

    def __init__(self, i: int, hidden: int, characters: int, filters: int = 10, kernel: int = 5):
        super().__init__()
        classes = characters + SPECIAL
        self.location = nn.Conv1d(1, filters, kernel, padding=kernel // 2)
        self.mixed = nn.Linear(i + hidden + filters, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.gru = nn.GRUCell(classes + i, hidden)
        self.out = nn.Linear(hidden, classes)

    def begin(self, frames: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        """Frames (N, T, i), their numbers (N,) to values (N, T, i), bias (N, T), hidden (N, H), attention (N, T).

        The attention before the first character falls from the first frame to the last: the sigmoid, normalised, of a
        ramp. That its values are (T - t) / T for frame t of T is assumed, as the description of the published network
        gives none; with other values the first attention of imported weights differs.
        """
        bias = padding_bias(frames, steps)
        at = torch.arange(frames.shape[1], device=frames.device, dtype=frames.dtype)[None]
        ramp = (steps[:, None] - at) / steps[:, None]  # (N, T), from 1 to 1 / T
        return frames, bias, frames.new_zeros(frames.shape[0], self.out.in_features), _normalised(ramp, bias)

    def step(self, previous: Tensor, *begun: Tensor) -> tuple[Tensor, ...]:
        """Classes (N,) and what `begin` returns to logits (N, V), attention (N, T), then hidden (N, H) and attention.

        V has no class for the unknown character.
        """
        values, bias, hidden, before = begun
        located = self.location(before[:, None]).transpose(1, 2)  # (N, T, filters)
        asked = hidden[:, None].expand(-1, values.shape[1], -1)
        scores = self.score(torch.tanh(self.mixed(torch.cat([values, asked, located], 2))))[:, :, 0]  # (N, T)
        attention = _normalised(scores, bias)
        context = (attention[:, None] @ values)[:, 0]  # (N, i)
        own = torch.where(previous > END, previous + SPECIAL - FIRST, previous)
        one_hot = F.one_hot(own, self.out.out_features).to(context.dtype)
        hidden = self.gru(torch.cat([one_hot, context], 1), hidden)
        logits = self.out(hidden)
        return torch.cat([logits[:, :FIRST], logits[:, SPECIAL:]], 1), attention, hidden, attention

    def forced(self, frames: Tensor, steps: Tensor, previous: Tensor) -> Tensor:
        """(N, L, V), see `forced_logits`."""
        return forced_logits(self, frames, steps, previous)

    def grown(self, old: Charset, new: Charset, like: Mapping[str, str] | None = None) -> "LocationAttention":
        """A larger head; see `grown_rows`, which raises ValueError."""
        hidden, width = self.out.in_features, self.gru.input_size - self.out.out_features
        filters, kernel = self.location.out_channels, self.location.kernel_size[0]
        head = LocationAttention(width, hidden, len(new), filters, kernel).to(self.out.weight)
        kept = {k: v for k, v in self.state_dict().items() if not k.startswith("out.") and k != "gru.weight_ih"}
        head.load_state_dict(kept, strict=False)
        given, at = self.gru.weight_ih, self.out.out_features
        with torch.no_grad():
            weight, bias = grown_rows(self.out.weight, self.out.bias, old, new, SPECIAL, like)
            assert bias is not None
            head.out.weight.copy_(weight)
            head.out.bias.copy_(bias)
            columns, _ = grown_rows(given[:, :at].T, None, old, new, SPECIAL, like)
            head.gru.weight_ih.copy_(torch.cat([columns.T, given[:, at:]], 1))
        return head


def _normalised(scores: Tensor, bias: Tensor) -> Tensor:
    """Sigmoids of scores (N, T) divided by their sum; none on the padding."""
    weights = torch.sigmoid(scores) * (bias == 0)
    return weights / weights.sum(1, keepdim=True)


class Lafhtr(nn.Module):
    """The network; `channels` of the first convolutions (64) and `hidden` units of a GRU (128) set its size."""

    height, stride = 64, 32
    frames: int | None = None
    decoders: tuple[str, ...] = ("attention",)

    def __init__(self, charset: Charset, channels: int = 64, hidden: int = 128):
        super().__init__()
        self.charset = charset
        self.sizes: dict[str, Any] = {"channels": channels, "hidden": hidden}
        self.blocks = nn.ModuleList()
        i = 3
        for width, count in LADDER:
            o = width * channels // LADDER[0][0]
            self.blocks.append(nn.ModuleList(ConvNorm(i if n == 0 else o, o, bias=True) for n in range(count)))
            i = o
        self.first, self.second = BiGru(i * self.height // 32, hidden), BiGru(2 * hidden, hidden)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = LocationAttention(2 * hidden, hidden, len(charset))

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, 64, W) ink and (N,) px to (N, T, D) frames and (N,) frames before padding; T = ceil(W / 32).

        As historically paper is 1 and ink 0, in three equal channels; padding is 0, as beyond the edges of a batch.
        """
        paper = (1 - images) * length_mask(widths, images.shape[3])[:, None, None].to(images.dtype)
        x = paper.expand(-1, 3, -1, -1)
        for block in self.blocks:
            columns = Columns.of(widths, x.shape[3])
            assert isinstance(block, nn.ModuleList)
            for conv in block:
                x = conv(x, columns)
            x, widths = F.max_pool2d(x, 2), strided_widths(widths, 2)
        x = x.permute(0, 3, 2, 1).flatten(2)  # (N, T, rows * channels)
        x = self.second(self.dropout(self.first(x, widths)), widths)
        return x * length_mask(widths, x.shape[1])[:, :, None].to(x.dtype), widths

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """Mean loss per character. Raises TextError as `attention_loss` does."""
        frames, steps = self(batch.images, batch.widths)
        return attention_loss(self.head, frames, steps, batch.texts, self.charset, smoothing)

    def read(self, batch: Batch) -> list[str]:
        """Greedy readings of a batch."""
        frames, steps = self(batch.images, batch.widths)
        return attention_read(self, self.head, frames, steps)

    def grown(self, charset: Charset, like: Mapping[str, str] | None = None) -> "Lafhtr":
        """A copy that can write `charset` too; see `grown_rows`, which raises ValueError."""
        net = copy.deepcopy(self)
        net.head, net.charset = self.head.grown(self.charset, charset, like), charset
        return net

    def graphs(self) -> dict[str, GraphSpec]:
        """Three graphs; see `attention_graphs`."""
        return attention_graphs(self, self.head, self.height, 256)
