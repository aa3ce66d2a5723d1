"""The autoencoder of Stable Diffusion, read from a folder on this machine: pictures to latents and back.

A variational autoencoder with a small weight of the divergence (Rombach et al. 2022, arXiv:2112.10752). The names of
its tensors are those of Hugging Face diffusers: `config.json` and `diffusion_pytorch_model.safetensors`. Its weights
are not part of Scriven and have a licence of their own.
"""

import json
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.base import ModelError

CONFIG, FILE = "config.json", "diffusion_pytorch_model.safetensors"
SCALING = 0.18215  # of the latents, where the configuration does not say
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}  # of its attention
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in a grey value (ITU-R BT.601)


def swish(norm: nn.GroupNorm, x: Tensor) -> Tensor:
    return F.silu(norm(x))


class Resnet(nn.Module):
    """Two convolutions after group norms, residual."""

    def __init__(self, i: int, o: int, groups: int):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, i, eps=1e-6), nn.Conv2d(i, o, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(groups, o, eps=1e-6), nn.Conv2d(o, o, 3, padding=1)
        if i != o:
            self.conv_shortcut = nn.Conv2d(i, o, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, i, H, W) to (N, o, H, W)."""
        y = self.conv2(swish(self.norm2, self.conv1(swish(self.norm1, x))))
        return y + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class PlaneAttention(nn.Module):
    """Attention of one head over all places, residual."""

    def __init__(self, width: int, groups: int):
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        y = self.group_norm(x).flatten(2).transpose(1, 2)  # (N, H * W, C)
        y = self.to_out[0](F.scaled_dot_product_attention(self.to_q(y), self.to_k(y), self.to_v(y)))
        return x + y.transpose(1, 2).unflatten(2, x.shape[2:])


class Middle(nn.Module):
    """Two residual blocks with attention between them."""

    def __init__(self, width: int, groups: int):
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(width, width, groups) for _ in range(2))
        self.attentions = nn.ModuleList([PlaneAttention(width, groups)])

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Scaled(nn.Module):
    """The convolution that halves the size, padded right and below, or follows its doubling."""

    def __init__(self, width: int, up: bool):
        super().__init__()
        self.up = up
        self.conv = nn.Conv2d(width, width, 3, padding=1) if up else nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to half or twice the height and width."""
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest") if self.up else F.pad(x, (0, 1, 0, 1)))


class Level(nn.Module):
    """Residual blocks at one size, and the way to the next."""

    def __init__(self, i: int, o: int, layers: int, groups: int, last: bool, up: bool):
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(i if n == 0 else o, o, groups) for n in range(layers))
        if not last:
            self.add_module("upsamplers" if up else "downsamplers", nn.ModuleList([Scaled(o, up)]))

    def forward(self, x: Tensor) -> Tensor:
        """(N, i, H, W) to (N, o, H', W')."""
        for block in self.children():
            assert isinstance(block, nn.ModuleList)
            for layer in block:
                x = layer(x)
        return x


class Half(nn.Module):
    """The encoder or the decoder; `widths` from the size of the picture down to that of the latents."""

    def __init__(self, i: int, o: int, widths: list[int], layers: int, groups: int, up: bool):
        super().__init__()
        order = widths[::-1] if up else widths
        levels = [
            Level(order[max(n - 1, 0)], width, layers + up, groups, n == len(order) - 1, up)
            for n, width in enumerate(order)
        ]
        self.up = up
        self.conv_in = nn.Conv2d(i, order[0], 3, padding=1)
        self.add_module("up_blocks" if up else "down_blocks", nn.ModuleList(levels))
        self.mid_block = Middle(widths[-1], groups)
        self.conv_norm_out = nn.GroupNorm(groups, order[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(order[-1], o, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, i, H, W) to (N, o, H', W')."""
        x = self.conv_in(x)
        if self.up:
            x = self.mid_block(x)
        levels = self.get_submodule("up_blocks" if self.up else "down_blocks")
        assert isinstance(levels, nn.ModuleList)
        for level in levels:
            x = level(x)
        if not self.up:
            x = self.mid_block(x)
        return self.conv_out(swish(self.conv_norm_out, x))


class ImageAutoencoder(nn.Module):
    """Ink (N, 1, H, W), 0 paper to 1 ink, to latents (N, channels, H / 8, W / 8) of about unit variance, and back."""

    def __init__(
        self, widths: tuple[int, ...] = (128, 256, 512, 512), layers: int = 2, channels: int = 4, groups: int = 32,
        scaling: float = SCALING,
    ):  # fmt: skip
        super().__init__()
        self.channels, self.reduction, self.scaling = channels, 2 ** (len(widths) - 1), scaling
        self.encoder = Half(3, 2 * channels, list(widths), layers, groups, up=False)
        self.decoder = Half(channels, 3, list(widths), layers, groups, up=True)
        self.quant_conv, self.post_quant_conv = (nn.Conv2d(n, n, 1) for n in (2 * channels, channels))

    def encode(self, ink: Tensor) -> Tensor:
        """The means of the latents (N, channels, H / 8, W / 8) of ink (N, 1, H, W)."""
        colours = (1 - 2 * ink).expand(-1, 3, -1, -1)
        return self.scaling * self.quant_conv(self.encoder(colours)).chunk(2, 1)[0]

    def decode(self, latents: Tensor) -> Tensor:
        """Ink (N, 1, H, W), not clipped, of latents."""
        colours = self.decoder(self.post_quant_conv(latents / self.scaling))  # (N, 3, H, W), -1 black to 1 white
        grey = torch.einsum("nchw,c->nhw", colours, torch.tensor(LUMA).to(colours))
        return (1 - grey[:, None]) / 2


def load_image_autoencoder(folder: str | Path) -> ImageAutoencoder:
    """The autoencoder in a folder of diffusers, or in its folder `vae`; frozen, in 32 bits.

    Raises ModelError, naming what is missing or of another shape.
    """
    place = Path(folder)
    place = place if (place / CONFIG).is_file() or not (place / "vae").is_dir() else place / "vae"
    try:
        config = json.loads((place / CONFIG).read_text("utf-8"))
        net = _described(config)
        tensors = {_present(name): value.float() for name, value in load_file(place / FILE).items()}
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} is no folder of an autoencoder: {error.filename or FILE} is missing; give the folder `vae` of a "
            f"Stable Diffusion model, with {CONFIG} and {FILE}"
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, safetensors.SafetensorError) as error:
        raise ModelError(f"the autoencoder in {place} is damaged or of another kind ({error}); give another") from error
    own = net.state_dict()
    tensors = {
        k: v.reshape(own[k].shape) if k in own and v.numel() == own[k].numel() else v for k, v in tensors.items()
    }
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise ModelError(f"the weights in {place} do not fit its {CONFIG} ({detail}); copy the folder again") from error
    return net.eval().requires_grad_(False)


def _described(config: dict[str, Any]) -> ImageAutoencoder:
    """The network of a configuration, which may leave out what Stable Diffusion has."""
    return ImageAutoencoder(
        tuple(config.get("block_out_channels", (128, 256, 512, 512))), int(config.get("layers_per_block", 2)),
        int(config.get("latent_channels", 4)), int(config.get("norm_num_groups", 32)),
        float(config.get("scaling_factor", SCALING)),
    )  # fmt: skip


def _present(name: str) -> str:
    """The present name of a tensor; attention had other names in earlier files."""
    before, dot, part = name.rpartition(".")
    head, _, last = before.rpartition(".")
    return f"{head}.{OLD_NAMES[last]}{dot}{part}" if ".attentions." in name and last in OLD_NAMES else name
