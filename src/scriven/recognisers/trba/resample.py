"""Pictures of any width resampled to one width, inside the network: what the historical recognisers read."""

import torch
from torch import Tensor

SHARPNESS = -0.5  # of the cubic kernel


def squashed(images: Tensor, widths: Tensor, width: int) -> Tensor:
    """Pictures (N, 1, H, W) of `widths` (N,) px before padding to (N, 1, H, width); the aspect ratio is not kept.

    Cubic convolution (Keys 1981, doi:10.1109/TASSP.1981.1163711), its kernel widened where pictures shrink, so that no
    stroke falls between two samples.
    """
    at = torch.arange(images.shape[3], device=images.device, dtype=torch.float32)
    to = torch.arange(width, device=images.device, dtype=torch.float32)
    scale = (widths / width)[:, None, None]  # px of the picture for one px of the result
    offset = (at[:, None] + 0.5 - (to + 0.5) * scale) / scale.clamp_min(1)  # (N, W, width), in units of the kernel
    inside = at[:, None] < widths[:, None, None]
    weights = _cubic(offset) * inside
    weights = weights / weights.sum(1, keepdim=True)
    return (images @ weights[:, None].to(images.dtype)).clamp(0, 1)


def _cubic(x: Tensor) -> Tensor:
    x = x.abs()
    near = ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1
    far = ((SHARPNESS * x - 5 * SHARPNESS) * x + 8 * SHARPNESS) * x - 4 * SHARPNESS
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
