"""Rectification of a picture by a thin-plate spline whose control points a small network predicts.

The spatial transformer of RARE (Shi et al. 2016, arXiv:1603.03915; Jaderberg et al. 2015, arXiv:1506.02025; Bookstein
1989, doi:10.1109/34.24792): F control points, half of them along the upper and half along the lower edge.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.recognisers.norm import Columns, MaskedBatchNorm
from scriven.tensors import length_mask, strided_widths

EPSILON = 1e-6  # added to distances before their logarithm is taken


class Localiser(nn.Module):
    """The control points (N, F, 2) of pictures, x and y from -1 to 1 over the picture's own width and height."""

    def __init__(self, points: int, channels: int):
        super().__init__()
        self.points = points
        ladder = (1, channels // 8, channels // 4, channels // 2, channels)
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(ladder[:-1], ladder[1:], strict=True)
        )
        self.norms = nn.ModuleList(MaskedBatchNorm(c, act=True) for c in ladder[1:])
        self.hidden = nn.Linear(channels, channels // 2)
        self.out = nn.Linear(channels // 2, 2 * points)

    def reset(self) -> None:
        """Start near the identity: predicted points do not depend on the picture and slant slightly inwards."""
        half = self.points // 2
        x, y = np.linspace(-1, 1, half), np.linspace(0, -1, half)
        start = np.concatenate([np.stack([x, y], 1), np.stack([x, y + 1], 1)])
        with torch.no_grad():
            self.out.weight.zero_()
            self.out.bias.copy_(torch.from_numpy(start.reshape(-1)))

    def forward(self, images: Tensor, widths: Tensor) -> Tensor:
        """(N, 1, H, W) pictures of `widths` (N,) px to (N, F, 2) points."""
        x = images
        columns = Columns.of(widths, x.shape[3])
        for level, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            if level:
                x = F.max_pool2d(x, 2)
                columns = Columns.of(strided_widths(widths, 2**level), x.shape[3])
            x = norm(conv(x), columns)  # (N, C, H / 2^level, W / 2^level)
        mean = x.mean(2).sum(2) / columns.keep.sum(3)[:, :, 0]  # (N, C), over the columns of each picture
        points: Tensor = self.out(F.relu(self.hidden(mean)))
        return points.view(-1, self.points, 2)


class ThinPlateSpline(nn.Module):
    """Samples pictures (N, 1, H, W) where the spline maps each pixel; the size does not change.

    The map takes base points on the upper and lower edge to the points that `Localiser` predicts. The inverse of its
    system of equations depends on the number of points alone and is computed once. Its terms are large and cancel, so
    the map is computed in float64: in float32 two libraries differ by a hundredth of the contrast.
    """

    def __init__(self, points: int, channels: int):
        super().__init__()
        self.localiser = Localiser(points, channels)
        self.base = base_points(points)
        self.inverse = inverse_system(self.base)

    def forward(self, images: Tensor, widths: Tensor) -> Tensor:
        """(N, 1, H, W) pictures of `widths` (N,) px to rectified pictures of the same size."""
        predicted = self.localiser(images, widths)  # (N, F, 2)
        n, _, height, width = images.shape
        shares = self.shares(widths, height, width)  # (N, H * W, F)
        grid = (shares @ predicted.to(shares)).view(n, height, width, 2).to(images)
        own = widths[:, None, None].to(images.dtype)  # (N, 1, 1)
        across = (grid[..., 0].clamp(-1, 1) + 1) * (own - 1) / max(width - 1, 1) - 1  # (N, H, W), of the padded width
        sampled = F.grid_sample(
            images, torch.stack([across, grid[..., 1]], -1), padding_mode="border", align_corners=True
        )
        return sampled * length_mask(widths, width)[:, None, None].to(images.dtype)

    def shares(self, widths: Tensor, height: int, width: int) -> Tensor:
        """The share of each control point in the place that each pixel is sampled from, (N, H * W, F); they sum to 1.

        `widths` (N,) px: x runs from -1 to 1 over a picture's own width, and stays at 1 in its padding.
        """
        place = "cpu" if widths.device.type == "mps" else widths.device  # mps has no float64
        base, inverse = (torch.from_numpy(array).to(place) for array in (self.base, self.inverse))
        own = widths[:, None].to(base)
        x = (2 * torch.arange(width, device=base.device)[None] + 1 - own) / own  # (N, W)
        x = x.clamp(max=1)
        y = (2 * torch.arange(height, device=base.device, dtype=base.dtype) + 1 - height) / height  # (H,)
        dx = x[:, None, :, None] - base[:, 0]  # (N, 1, W, F)
        dy = y[None, :, None, None] - base[:, 1]  # (1, H, 1, F)
        squared = dx * dx + dy * dy
        radial = squared * torch.log(squared.sqrt() + EPSILON)  # (N, H, W, F)
        bias, across, down = inverse[:3, : len(base)]  # each (F,)
        plane = bias + x[:, None, :, None] * across + y[None, :, None, None] * down
        return (plane + radial @ inverse[3:, : len(base)]).flatten(1, 2)


def base_points(points: int) -> np.ndarray:
    """The points (F, 2) on the upper (y = -1) and lower (y = 1) edge between which the spline is anchored."""
    x = np.linspace(-1, 1, points // 2)
    return np.concatenate([np.stack([x, -np.ones_like(x)], 1), np.stack([x, np.ones_like(x)], 1)])


def inverse_system(base: np.ndarray) -> np.ndarray:
    """The inverse (F + 3, F + 3) of the equations of a thin-plate spline anchored at `base` (F, 2)."""
    count = len(base)
    distance = np.linalg.norm(base[:, None] - base[None], axis=2)
    np.fill_diagonal(distance, 1)  # so that r^2 ln r is 0 there
    system = np.zeros((count + 3, count + 3))
    system[:count, 0], system[:count, 1:3], system[:count, 3:] = 1, base, distance**2 * np.log(distance)
    system[count : count + 2, 3:], system[count + 2, 3:] = base.T, 1
    return np.linalg.inv(system)
