"""The blocks of the flow network: a transformer over columns, each of which attends to the columns near it."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS = 4
BAND = 12  # columns to the left and to the right that a column attends to
KERNEL = 5  # columns of the depthwise convolutions


class Attention(nn.Module):
    """Attention of HEADS heads with normalised queries and keys (Dehghani et al. 2023, arXiv:2302.05442)."""

    def __init__(self, width: int):
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.both = nn.Linear(width, 2 * width, bias=False)
        self.result = zero(nn.Linear(width, width, bias=False))
        self.query_norm, self.key_norm = Norm(width // HEADS), Norm(width // HEADS)

    def keys_values(self, x: Tensor) -> Tensor:
        """Keys and values (N, R, 2 d) of x (N, R, d)."""
        return self.both(x)

    def forward(self, x: Tensor, keys_values: Tensor, bias: Tensor | None, places: bool) -> Tensor:
        """(N, T, d) attends to (N, R, 2 d) under a bias (N or 1, 1, T or 1, R); `places`: of both, by rotation."""
        query = self.query_norm(heads(self.query(x)))  # (N, HEADS, T, d / HEADS)
        key, value = (heads(one) for one in keys_values.chunk(2, 2))
        key = self.key_norm(key)
        if places:
            query, key = rotated(query), rotated(key)
        scores = query @ key.transpose(2, 3) * query.shape[3] ** -0.5
        weights = (scores if bias is None else scores + bias).softmax(3)
        return self.result((weights @ value).transpose(1, 2).flatten(2))


class Norm(nn.Module):
    """Division by the root mean square of the last dimension (Zhang & Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, width: int, learnt: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width)) if learnt else None

    def forward(self, x: Tensor) -> Tensor:
        y = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
        return y if self.weight is None else y * self.weight


class CleanBlock(nn.Module):
    """A block without noise: convolution and attention over near columns, then a feed-forward layer."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.last = Norm(width), Norm(width)
        self.near = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.attention = Attention(width)
        self.wide, self.narrow = nn.Linear(width, 3 * width), zero(nn.Linear(3 * width, width))

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """x (N, T, d), and a bias (N, 1, 1, T) that hides columns."""
        y = self.first(x)
        y = y + self.near(y.transpose(1, 2)).transpose(1, 2)
        hidden = band(x) if bias is None else band(x) + bias
        x = x + self.attention(y, self.attention.keys_values(y), hidden, True)
        return x + self.narrow(F.gelu(self.wide(self.last(x))))


class FlowBlock(nn.Module):
    """A `CleanBlock` modulated by time and style, with attention to the reference."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.last = (Norm(width, False) for _ in range(2))
        self.near = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.attention, self.cross, self.cross_norm = Attention(width), Attention(width), Norm(width)
        self.wide, self.narrow = nn.Linear(width, 3 * width), zero(nn.Linear(3 * width, width))
        self.own = nn.Parameter(torch.zeros(6, width))  # of this block, added to the modulation of all

    def forward(self, x: Tensor, modulation: Tensor, near: Tensor, keys: Tensor, bias: Tensor) -> Tensor:
        """x (N, T, d), modulation (N, 6, d), band (1, 1, T, T), keys and values (N, R, 2 d), bias (N, 1, 1, R)."""
        scale, shift, gate, scale_last, shift_last, gate_last = (modulation + self.own)[:, :, None].unbind(1)
        y = self.first(x) * (1 + scale) + shift
        y = y + self.near(y.transpose(1, 2)).transpose(1, 2)
        x = x + (1 + gate) * self.attention(y, self.attention.keys_values(y), near, True)
        x = x + self.cross(self.cross_norm(x), keys, bias, False)
        y = self.last(x) * (1 + scale_last) + shift_last
        return x + (1 + gate_last) * self.narrow(F.gelu(self.wide(y)))


def zero(layer: nn.Linear) -> nn.Linear:
    """The layer with weights and bias of zero."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def heads(x: Tensor) -> Tensor:
    """(N, T, d) to (N, HEADS, T, d / HEADS)."""
    return x.reshape(x.shape[0], -1, HEADS, x.shape[2] // HEADS).transpose(1, 2)


def band(x: Tensor) -> Tensor:
    """(1, 1, T, T): a bias that hides from each column of x (N, T, d) those more than BAND away."""
    place = numbers(x[0, :, 0])
    far = (place[:, None] - place[None]).abs() > BAND
    return (far.to(x.dtype) * -1e4)[None, None]


def numbers(x: Tensor) -> Tensor:
    """0, 1, 2 ... of the length of x (T,), computed from it, so that exported graphs take any length."""
    return torch.ones_like(x).cumsum(0) - 1


def rotated(x: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021, arXiv:2104.09864) of (N, HEADS, T, c)."""
    half = x.shape[3] // 2
    rates = torch.exp(torch.arange(half, device=x.device, dtype=x.dtype) * (-math.log(1000.0) / half))
    angles = numbers(x[0, 0, :, 0])[:, None] * rates[None]  # (T, c / 2)
    sine, cosine = angles.sin(), angles.cos()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], 3)
