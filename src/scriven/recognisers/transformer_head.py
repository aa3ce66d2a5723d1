"""A small transformer decoder beside a CTC head, which is told by the CTC head where in the text each frame stands.

Decoder layers: Vaswani et al. 2017 (arXiv:1706.03762), with the norms before the layers (Xiong et al. 2020,
arXiv:2002.04745); joint training with CTC: Watanabe et al. 2017 (doi:10.1109/JSTSP.2017.2763455). The position of a
frame is the number of characters that the CTC head has emitted up to it, not the number of frames: a character then
attends to frames of about its own position in texts of any length.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.recognisers.attention import FIRST, padding_bias
from scriven.recognisers.ctc_head import grown_rows
from scriven.text import Charset

HEADS = 4
DROPOUT = 0.1
SHORTEST, LONGEST = 1.0, 1000.0  # characters: wave lengths of the position code, divided by two pi
JUMPS = 0.005  # in training: rate per frame of errors in the positions of frames, as of a character missed or doubled


class TransformerHead(nn.Module):
    """An `AttentionHead` of frames (N, T, C + D): the logits of a CTC head of C classes, then D features.

    `keys` and `values` (N, layers, T, width) are those of the frames, `past` (N, 2 * layers, K, width) those of the K
    characters so far.
    """

    constants: tuple[str, ...] = ("keys", "values", "bias")
    states: tuple[str, ...] = ("past",)
    axes: Mapping[str, Mapping[int, str]] = {"keys": {2: "t"}, "values": {2: "t"}, "bias": {1: "t"}, "past": {2: "k"}}

    def __init__(self, classes: int, features: int, width: int, layers: int):
        """`classes`: C, one less than the classes of the texts."""
        super().__init__()
        self.classes, self.width = classes, width
        self.enter = nn.Linear(features, width)
        self.enter_norm = nn.LayerNorm(width)
        self.keys = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.values = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.layers = nn.ModuleList(DecoderLayer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.embedding = nn.Embedding(classes - 1 + FIRST, width)  # of the characters, and transposed the output layer
        self.bias = nn.Parameter(torch.zeros(classes - 1 + FIRST))
        self.dropout = nn.Dropout(DROPOUT)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def begin(self, frames: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        x = self.enter(frames[:, :, self.classes :]) + position_code(self._places(frames), self.width)
        x = self.dropout(self.enter_norm(x))  # (N, T, width)
        keys, values = (torch.stack([layer(x) for layer in every], 1) for every in (self.keys, self.values))
        past = frames.new_zeros(frames.shape[0], 2 * len(self.layers), 0, self.width)
        return keys, values, padding_bias(frames, steps), past

    def step(self, previous: Tensor, *begun: Tensor) -> tuple[Tensor, ...]:
        logits, attention, past = self._continued(previous[:, None], *begun)
        return logits[:, 0], attention[:, 0], past

    def forced(self, frames: Tensor, steps: Tensor, previous: Tensor) -> Tensor:
        return self._continued(previous, *self.begin(frames, steps))[0]

    def _continued(
        self, previous: Tensor, keys: Tensor, values: Tensor, bias: Tensor, past: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (N, K, V), attention (N, K, T) of the last layer and the new past, from K more classes (N, K)."""
        before, count = past.shape[2], previous.shape[1]
        places = torch.arange(count, device=previous.device) + before
        y = self.embedding(previous) * self.width**0.5 + position_code(places.to(keys.dtype), self.width)[None]
        y = self.dropout(y)  # (N, K, width)
        now, attention = [], keys
        for number, layer in enumerate(self.layers):
            own = past[:, 2 * number], past[:, 2 * number + 1]
            y, attention, added = layer(y, own, (keys[:, number], values[:, number]), bias)
            now += added
        logits = self.norm(y) @ self.embedding.weight.T + self.bias
        return logits, attention, torch.stack(now, 1)

    def _places(self, frames: Tensor) -> Tensor:
        """(N, T): how many characters the CTC head has emitted up to each frame, with JUMPS in training."""
        counts = emitted(frames[:, :, : self.classes])
        if not self.training:
            return counts
        chance = torch.rand_like(counts)
        return counts + ((chance < JUMPS / 2).to(counts) - (chance > 1 - JUMPS / 2).to(counts)).cumsum(1)

    def grown(self, old: Charset, new: Charset, like: Mapping[str, str] | None = None) -> "TransformerHead":
        """A larger head: old classes keep their weights, a new letter starts as `grown_rows` says.

        Raises ValueError when `new` does not begin with the characters of `old`.
        """
        weight, bias = grown_rows(self.embedding.weight, self.bias, old, new, FIRST, like)
        assert bias is not None
        head = TransformerHead(len(new) + 1, self.enter.in_features, self.width, len(self.layers)).to(weight)
        head.load_state_dict({**self.state_dict(), "embedding.weight": weight, "bias": bias})
        return head


class DecoderLayer(nn.Module):
    """Self-attention over the characters before, attention over the frames, a feed-forward layer; each residual."""

    def __init__(self, width: int):
        super().__init__()
        self.own_norm, self.cross_norm, self.last_norm = (nn.LayerNorm(width) for _ in range(3))
        self.own, self.own_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.cross_out = nn.Linear(width, width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(
        self, y: Tensor, past: tuple[Tensor, Tensor], frames: tuple[Tensor, Tensor], bias: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """y (N, K, width), keys and values of the past and of the frames, bias (N, T) of the frames.

        Returns y, the attention (N, K, T) and the keys and values of the characters so far.
        """
        query, key, value = self.own(self.own_norm(y)).chunk(3, 2)
        keys, values = torch.cat([past[0], key], 1), torch.cat([past[1], value], 1)
        found, _ = attend(query, keys, values, causal(y.shape[1], keys.shape[1], y) if y.shape[1] > 1 else None)
        y = y + self.dropout(self.own_out(found))
        found, weights = attend(self.query(self.cross_norm(y)), *frames, bias[:, None, None])
        y = y + self.dropout(self.cross_out(found))
        y = y + self.dropout(self.narrow(F.gelu(self.wide(self.last_norm(y)))))
        return y, weights, [keys, values]


def attend(query: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    """(N, K, width) queries to values under HEADS softmaxes, and the mean weights (N, K, T) of the heads."""
    q, k, v = (x.unflatten(2, (HEADS, -1)).transpose(1, 2) for x in (query, keys, values))  # (N, HEADS, K, width / H)
    scores = q @ k.transpose(2, 3) * (query.shape[2] // HEADS) ** -0.5
    weights = (scores if bias is None else scores + bias).softmax(3)
    return (weights @ v).transpose(1, 2).flatten(2), weights.mean(1)


def causal(count: int, length: int, like: Tensor) -> Tensor:
    """(count, length): a bias that hides from each of the last `count` of `length` characters the ones after it."""
    return torch.full((count, length), -torch.inf, device=like.device, dtype=like.dtype).triu(length - count + 1)


def emitted(logits: Tensor) -> Tensor:
    """(N, T): the number of characters on the best CTC path of logits (N, T, C) up to each frame."""
    best = logits.argmax(2)
    before = F.pad(best, (1, 0))[:, :-1]
    return ((best != 0) & (best != before)).to(logits.dtype).cumsum(1)


def position_code(places: Tensor, width: int) -> Tensor:
    """Sines and cosines (..., width) of places (...), of wave lengths between SHORTEST and LONGEST."""
    half = torch.arange(width // 2, device=places.device, dtype=places.dtype)
    rates = torch.exp(half * (-torch.log(torch.tensor(LONGEST / SHORTEST)) / max(width // 2 - 1, 1))) / SHORTEST
    angles = places[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)
