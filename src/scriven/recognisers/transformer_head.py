"""A small transformer decoder beside a CTC head, which tells it what is written in each frame, and where in the text.

Decoder layers: Vaswani et al. 2017 (arXiv:1706.03762), with the norms before the layers (Xiong et al. 2020,
arXiv:2002.04745); joint training with CTC: Watanabe et al. 2017 (doi:10.1109/JSTSP.2017.2763455). The place of a frame
is the number of characters that the CTC head has emitted before the one it belongs to. The attention of a character
falls with the distance of its own place to that of a frame, and with the probability of the blank. The network so
begins by copying what CTC reads, in texts of any length, and learns where to differ.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.reader.attention_decoder import FIRST
from scriven.recognisers.attention import padding_bias
from scriven.recognisers.ctc_head import grown_rows
from scriven.text import Charset

SLOPES = (4.0, 2.0, 1.0, 0.5)  # of each attention head at first: what a character of distance costs its score
HEADS = len(SLOPES)
DROPOUT = 0.1
EMISSION_FLOOR = 1e-3  # added to the probability of a character in a frame before its logarithm is taken
FEATURE_SCALE = CODE_SCALE = 0.5  # of features, and of codes of places, beside embeddings of unit variance
BEFORE_SCALE = 0.3  # standard deviation of the embeddings of the character before
SHORTEST, LONGEST = 1.0, 1000.0  # characters: wave lengths of the position code, divided by two pi
JUMPS = 0.005  # in training: rate per frame of errors in the places of frames, as of a character missed or doubled


class TransformerHead(nn.Module):
    """An `AttentionHead` of frames (N, T, C + D): the logits of a CTC head of C classes, then D features.

    `keys` and `values` (N, layers, T, width) are those of the frames, `places` (N, T) the characters before them,
    `past` (N, 2 * layers, K, width) the keys and values of the K characters so far.
    """

    constants: tuple[str, ...] = ("keys", "values", "bias", "places")
    states: tuple[str, ...] = ("past",)
    axes: Mapping[str, Mapping[int, str]] = {
        "keys": {2: "t"}, "values": {2: "t"}, "bias": {1: "t"}, "places": {1: "t"}, "past": {2: "k"},
    }  # fmt: skip

    def __init__(self, classes: int, features: int, width: int, layers: int):
        """`classes`: C, one less than the classes of the texts."""
        super().__init__()
        self.classes, self.width = classes, width
        self.feature_norm, self.enter = nn.LayerNorm(features), nn.Linear(features, width)
        self.key_norm = nn.LayerNorm(width)
        self.keys = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.values = nn.ModuleList(near_identity(width) for _ in range(layers))
        self.layers = nn.ModuleList(DecoderLayer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.before = nn.Embedding(classes - 1 + FIRST, width)  # of the class before
        self.out = nn.Linear(width, classes - 1 + FIRST)  # its rows are also the embeddings of what CTC reads
        self.dropout = nn.Dropout(DROPOUT)
        nn.init.normal_(self.before.weight, std=BEFORE_SCALE)
        nn.init.normal_(self.out.weight, std=width**-0.5)
        nn.init.zeros_(self.out.bias)

    def begin(self, frames: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        """What every step needs, from frames (N, T, C + D) and steps (N,): `constants`, then the empty `states`."""
        logits, features = frames[:, :, : self.classes], frames[:, :, self.classes :]  # (N, T, C), (N, T, D)
        posteriors = logits.softmax(2)  # (N, T, C)
        read = posteriors[:, :, 1:] @ self.out.weight[FIRST:] * self.width**0.5  # (N, T, width)
        x = read + FEATURE_SCALE * self.enter(self.feature_norm(features))  # (N, T, width)
        key, value = self.dropout(self.key_norm(x)), self.dropout(x)
        keys = torch.stack([layer(key) for layer in self.keys], 1)  # (N, layers, T, width)
        values = torch.stack([layer(value) for layer in self.values], 1)
        emission = torch.log(1 - posteriors[:, :, 0] + EMISSION_FLOOR)  # (N, T)
        past = frames.new_zeros(frames.shape[0], 2 * len(self.layers), 0, self.width)
        return keys, values, padding_bias(frames, steps) + emission, self._places(logits), past

    def step(self, previous: Tensor, *begun: Tensor) -> tuple[Tensor, ...]:
        """Logits (N, V) of the next class, attention (N, T) and the new states, from the class before (N,)."""
        logits, attention, past = self._continued(previous[:, None], *begun)
        return logits[:, 0], attention[:, 0], past

    def forced(self, frames: Tensor, steps: Tensor, previous: Tensor) -> Tensor:
        """Logits (N, L, V) of every class of texts, from the classes before each (N, L)."""
        return self._continued(previous, *self.begin(frames, steps))[0]

    def several(self, frames: Tensor, steps: Tensor, previous: Tensor) -> Tensor:
        """As `forced`, of B texts of one picture: frames (1, T, C + D), steps (1,), previous (B, L) to (B, L, V)."""
        begun = self.begin(frames, steps)
        past = begun[-1].expand(previous.shape[0], -1, -1, -1)
        return self._continued(previous, *(*begun[:-1], past))[0]

    def _continued(
        self, previous: Tensor, keys: Tensor, values: Tensor, bias: Tensor, places: Tensor, past: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (N, K, V), attention (N, K, T) of the last layer and the new past, from K more classes (N, K)."""
        own = (torch.arange(previous.shape[1], device=previous.device) + past.shape[2]).to(keys.dtype)  # (K,)
        distance = (places[:, None] - own[None, :, None]).abs()  # (N, K, T)
        y = self.dropout(self.before(previous) + CODE_SCALE * position_code(own, self.width)[None])  # (N, K, width)
        now, attention = [], keys
        for number, layer in enumerate(self.layers):
            before = past[:, 2 * number], past[:, 2 * number + 1]
            y, attention, added = layer(y, before, (keys[:, number], values[:, number]), bias, distance)
            now += added
        return self.out(self.norm(y)), attention, torch.stack(now, 1)

    def _places(self, logits: Tensor) -> Tensor:
        """(N, T): how many characters come before that of each frame, by CTC; with JUMPS in training."""
        places = emitted(logits) - 1
        if not self.training:
            return places
        chance = torch.rand_like(places)
        return places + ((chance < JUMPS / 2).to(places) - (chance > 1 - JUMPS / 2).to(places)).cumsum(1)

    def grown(self, old: Charset, new: Charset, like: Mapping[str, str] | None = None) -> "TransformerHead":
        """A larger head: old classes keep their weights, a new letter starts as `grown_rows` says.

        Raises ValueError when `new` does not begin with the characters of `old`.
        """
        head = TransformerHead(len(new) + 1, self.enter.in_features, self.width, len(self.layers))
        weight, bias = grown_rows(self.out.weight, self.out.bias, old, new, FIRST, like)
        before, _ = grown_rows(self.before.weight, None, old, new, FIRST, like)
        assert bias is not None
        head.load_state_dict({**self.state_dict(), "out.weight": weight, "out.bias": bias, "before.weight": before})
        return head.to(weight)


def near_identity(width: int) -> nn.Linear:
    """A linear layer that begins as the identity plus a tenth of random weights."""
    layer = nn.Linear(width, width)
    with torch.no_grad():
        layer.weight.mul_(0.1).add_(torch.eye(width))
        layer.bias.zero_()
    return layer


class DecoderLayer(nn.Module):
    """Self-attention over the characters before, attention over the frames, a feed-forward layer; each residual."""

    def __init__(self, width: int):
        super().__init__()
        self.own_norm, self.cross_norm, self.last_norm = (nn.LayerNorm(width) for _ in range(3))
        self.own, self.own_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.cross_out = nn.Linear(width, width), near_identity(width)
        self.log_slopes = nn.Parameter(torch.tensor(SLOPES).log())
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(
        self, y: Tensor, past: tuple[Tensor, Tensor], frames: tuple[Tensor, Tensor], bias: Tensor, distance: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """y (N, K, width), keys and values of the past and of the frames, bias (N, T), distance (N, K, T) of places.

        Returns y, the attention (N, K, T) and the keys and values of the characters so far.
        """
        query, key, value = self.own(self.own_norm(y)).chunk(3, 2)
        keys, values = torch.cat([past[0], key], 1), torch.cat([past[1], value], 1)
        found, _ = attend(query, keys, values, causal(y.shape[1], keys.shape[1], y) if y.shape[1] > 1 else None)
        y = y + self.dropout(self.own_out(found))
        near = bias[:, None, None] - distance[:, None] * self.log_slopes.exp()[None, :, None, None]  # (N, HEADS, K, T)
        found, weights = attend(self.query(self.cross_norm(y)), *frames, near)
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
    rates = torch.exp(half * (-math.log(LONGEST / SHORTEST) / max(width // 2 - 1, 1))) / SHORTEST
    angles = places[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)
