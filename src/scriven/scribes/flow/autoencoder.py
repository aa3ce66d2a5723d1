"""The autoencoder of columns: a vector of `latent` numbers for each 8 px of a picture, and back.

A variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114) with a small weight of the divergence, as in latent
diffusion (Rombach et al. 2022, arXiv:2112.10752); its code has one dimension, the column, as writing has.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.scribes.flow.columns import COLUMN, HEIGHT

WIDTHS = (24, 48, 96)  # channels at half, a quarter and an eighth of the size
ROWS = HEIGHT // 8
DIVERGENCE, EDGES = 1e-4, 0.5  # weights in the loss


class ResidualConv(nn.Module):
    """GroupNorm, two convolutions, residual; begins as the identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return x + self.second(F.silu(self.first(F.silu(column_norm(self.norm, x)))))


def column_norm(norm: nn.GroupNorm, x: Tensor) -> Tensor:
    """GroupNorm of (N, C, H, W) in every column alone, so that a line is coded the same in any company."""
    n, c, h, w = x.shape
    grouped = x.reshape(n, norm.num_groups, -1, w)  # (N, G, C / G * H, W)
    centred = grouped - grouped.mean(2, keepdim=True)
    found = (centred * torch.rsqrt(centred.square().mean(2, keepdim=True) + norm.eps)).reshape(n, c, h, w)
    return found * norm.weight[:, None, None] + norm.bias[:, None, None]


class ColumnPixels(nn.Module):
    """The pixels of columns themselves, -1 paper to 1 ink, in place of latents."""

    def encode(self, ink: Tensor) -> Tensor:
        """(N, T, COLUMN * HEIGHT) of ink (N, 1, HEIGHT, COLUMN * T)."""
        return 2 * ink[:, 0].transpose(1, 2).reshape(ink.shape[0], -1, COLUMN * HEIGHT) - 1

    def decode(self, latents: Tensor) -> Tensor:
        """Ink (N, 1, HEIGHT, COLUMN * T), not clipped, of columns (N, T, COLUMN * HEIGHT)."""
        return (latents.reshape(latents.shape[0], -1, HEIGHT).transpose(1, 2)[:, None] + 1) / 2


class ColumnAutoencoder(nn.Module):
    """Ink (N, 1, HEIGHT, 8 T), 0..1, to latents (N, T, latent) of about unit variance, and back."""

    mean: Tensor  # (latent,) of the codes, over a sample of writing
    deviation: Tensor

    def __init__(self, latent: int):
        super().__init__()
        a, b, c = WIDTHS
        self.latent = latent
        self.encoder = nn.Sequential(
            nn.Conv2d(1, a, 4, 2, 1), nn.SiLU(), nn.Conv2d(a, b, 4, 2, 1), ResidualConv(b), nn.Conv2d(b, c, 4, 2, 1),
            ResidualConv(c),
        )  # fmt: skip
        self.code = nn.Conv1d(c * ROWS, 2 * latent, 3, padding=1)
        self.decode_code = nn.Conv1d(latent, c * ROWS, 3, padding=1)
        self.decoder = nn.Sequential(
            ResidualConv(c), nn.Conv2d(c, 4 * b, 3, padding=1), nn.PixelShuffle(2), ResidualConv(b),
            nn.Conv2d(b, 4 * a, 3, padding=1), nn.PixelShuffle(2), nn.SiLU(), nn.Conv2d(a, a, 3, padding=1), nn.SiLU(),
            nn.Conv2d(a, 4, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("deviation", torch.ones(latent))
        self.finished = False  # whether its weights are those of a parent, to be kept

    def posterior(self, ink: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance (N, latent, T) of the codes of ink (N, 1, HEIGHT, 8 T)."""
        x = self.encoder(2 * ink - 1)  # (N, C, ROWS, T)
        mean, log_variance = self.code(x.flatten(1, 2)).chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)

    def drawn(self, codes: Tensor) -> Tensor:
        """Ink (N, 1, HEIGHT, 8 T), not clipped, of codes (N, latent, T)."""
        x = self.decode_code(codes).reshape(codes.shape[0], WIDTHS[2], ROWS, -1)  # (N, C, ROWS, T)
        return (self.decoder(x) + 1) / 2

    def encode(self, ink: Tensor) -> Tensor:
        """Latents (N, T, latent) of ink (N, 1, HEIGHT, 8 T)."""
        return (self.posterior(ink)[0].transpose(1, 2) - self.mean) / self.deviation

    def decode(self, latents: Tensor) -> Tensor:
        """Ink (N, 1, HEIGHT, 8 T) of latents (N, T, latent)."""
        return self.drawn((latents * self.deviation + self.mean).transpose(1, 2))

    def loss(self, ink: Tensor, noise: Tensor) -> Tensor:
        """Absolute and squared error of the pixels and of their differences, and the divergence of the codes.

        `noise` (N, latent, T): standard normal.
        """
        mean, log_variance = self.posterior(ink)
        found = self.drawn(mean + noise * (log_variance / 2).exp())
        across = F.l1_loss(found.diff(dim=3), ink.diff(dim=3)) + F.l1_loss(found.diff(dim=2), ink.diff(dim=2))
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2
        return F.l1_loss(found, ink) + 2 * F.mse_loss(found, ink) + EDGES * across + DIVERGENCE * divergence

    @torch.no_grad()
    def whiten(self, ink: Tensor) -> None:
        """Set mean and deviation of the latents from those of a sample (N, 1, HEIGHT, 8 T)."""
        codes = self.posterior(ink)[0]
        self.mean.copy_(codes.mean((0, 2)))
        self.deviation.copy_(codes.std((0, 2)) + 1e-3)
