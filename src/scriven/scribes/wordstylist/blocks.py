"""The blocks of WordStylist's network, with the names of tensors that its published files have.

A U-Net of residual blocks and of transformers that attend to the word, as in latent diffusion (Rombach et al. 2022,
arXiv:2112.10752).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 32  # of the group norms; the width of a network is a multiple of it


class ResBlock(nn.Module):
    """Two convolutions after group norms, residual; the code of time and hand is added between them."""

    def __init__(self, i: int, o: int, code: int):
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(GROUPS, i), nn.SiLU(), nn.Conv2d(i, o, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(code, o))
        last = zeroed(nn.Conv2d(o, o, 3, padding=1))
        self.out_layers = nn.Sequential(nn.GroupNorm(GROUPS, o), nn.SiLU(), nn.Identity(), last)
        self.skip_connection = nn.Identity() if i == o else nn.Conv2d(i, o, 1)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """(N, i, H, W) with codes (N, code) to (N, o, H, W)."""
        y = self.in_layers(x) + self.emb_layers(code)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(y)


class Attention(nn.Module):
    """Attention of several heads. `to_kv` is in the published files and is not used."""

    def __init__(self, width: int, heads: int, context: int):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_kv = nn.Linear(context, 2 * width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width), nn.Identity())

    def forward(self, x: Tensor, context: Tensor, seen: Tensor | None = None) -> Tensor:
        """(N, T, width) attends to (N, L, context); `seen` (N, L) bool: what of it is not padding."""
        query, key, value = (
            one.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (N, heads, T or L, width / heads)
            for one in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        mask = None if seen is None else seen[:, None, None]
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.to_out(found.transpose(1, 2).flatten(2))


class GatedGelu(nn.Module):
    """A linear layer whose result is multiplied by the GELU of another (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.proj = nn.Linear(i, 2 * o)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, i) to (N, T, o)."""
        y, gate = self.proj(x).chunk(2, dim=2)
        return y * F.gelu(gate)


class FeedForward(nn.Module):
    """A gated layer four times as wide, and back."""

    def __init__(self, width: int):
        super().__init__()
        self.net = nn.Sequential(GatedGelu(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, width) to the same shape."""
        return self.net(x)


class TransformerBlock(nn.Module):
    """Attention to the picture and to the word, and a feed-forward layer. `attnc` is stored and not used."""

    def __init__(self, width: int, heads: int, context: int):
        super().__init__()
        self.attn1 = Attention(width, heads, width)
        self.attnc = Attention(width, heads, width)
        self.ff = FeedForward(width)
        self.attn2 = Attention(width, heads, context)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: Tensor, context: Tensor, seen: Tensor) -> Tensor:
        """(N, T, width) with a word (N, L, context), of which `seen` (N, L) is not padding, to the same shape."""
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), context, seen)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer block over all places of a picture, residual; begins as the identity."""

    def __init__(self, width: int, heads: int, context: int):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, heads, context)])
        self.proj_out = zeroed(nn.Conv2d(width, width, 1))

    def forward(self, x: Tensor, context: Tensor, seen: Tensor) -> Tensor:
        """(N, width, H, W) with a word (N, L, context) to the same shape."""
        y = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)  # (N, H * W, width)
        for block in self.transformer_blocks:
            y = block(y, context, seen)
        return x + self.proj_out(y.transpose(1, 2).unflatten(2, x.shape[2:]))


class Halved(nn.Module):
    """A convolution that halves height and width."""

    def __init__(self, width: int):
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to (N, width, H / 2, W / 2)."""
        return self.op(x)


class Doubled(nn.Module):
    """Nearest neighbours at twice the height and width, and a convolution."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to (N, width, 2 H, 2 W)."""
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class WordAttention(nn.Module):
    """Attention of a word's characters to one another, of one head, without a scale and without a residual."""

    def __init__(self, width: int):
        super().__init__()
        self.linear_query, self.linear_key, self.linear_value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """(N, L, width) to the same shape; `seen` (N, L) bool: what is not padding."""
        scores = self.linear_query(x) @ self.linear_key(x).transpose(1, 2)  # (N, L, L)
        return scores.masked_fill(~seen[:, None], -torch.inf).softmax(2) @ self.linear_value(x)


class CharacterEncoder(nn.Module):
    """Characters with their places in a word, after they have attended to one another."""

    def __init__(self, rows: int, width: int):
        super().__init__()
        self.embedding = nn.Embedding(rows, width)
        self.attention = WordAttention(width)

    def forward(self, classes: Tensor, seen: Tensor) -> Tensor:
        """Classes (N, L), of which `seen` (N, L) is not padding, to (N, L, width)."""
        x = self.embedding(classes)
        return self.attention(x + word_places(x.shape[1], x.shape[2]).to(x), seen)


def word_places(length: int, width: int) -> Tensor:
    """Codes (length, width) of the places in a word: sines and cosines in turn.

    The rate of a cosine is that of its own column, not that of the sine before it, as in the published network.
    """
    column = torch.arange(width, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / 10000 ** (column / width)
    return torch.where(column % 2 == 0, angles.sin(), angles.cos()).float()


def time_waves(time: Tensor, width: int) -> Tensor:
    """Cosines, then sines (N, width) of noise steps (N,)."""
    rates = torch.exp(torch.arange(width // 2, device=time.device) * (-torch.log(torch.tensor(1e4)) / (width // 2)))
    angles = time[:, None].float() * rates[None]
    return torch.cat([angles.cos(), angles.sin()], 1)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with weights and biases of zero."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
