"""Batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167) that excludes the padding from its statistics.

The statistics of a batch are taken over the columns before each line's width, so that a loss does not depend on how
far its lines are padded.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.tensors import length_mask

aten = torch.ops.aten


@dataclass(frozen=True)
class Columns:
    """The valid columns of a feature map: those before each line's width. The rest is padding."""

    keep: Tensor  # (N, 1, 1, W), 1 before each line's width and 0 after
    start: int  # no line has padding before this column; 0 if unknown

    @classmethod
    def of(cls, widths: Tensor, length: int, *, known: bool = False) -> "Columns":
        """The mask of `length` columns for lines of `widths` (N,).

        `known` sets `start` by reading the widths, which blocks on a GPU.
        """
        keep = length_mask(widths, length)[:, None, None, :].float()
        return cls(keep, int(widths.min()) if known else 0)

    def blank(self, x: Tensor) -> Tensor:
        """`x` with the padding set to zero, in the dtype of `x`."""
        return x * self.keep.to(x.dtype)

    def blank_(self, x: Tensor) -> Tensor:
        """`blank` in place, only from `start` on."""
        x[..., self.start :].mul_(self.keep[..., self.start :].to(x.dtype))
        return x


class MaskedBatchNorm(nn.BatchNorm2d):
    """Batch norm of (N, C, H, W), then ReLU if `act`; zero in the padding.

    In training mode the padding of the input is set to zero in place.
    """

    def __init__(self, channels: int, act: bool = False):
        super().__init__(channels)
        self.act = act

    def forward(self, x: Tensor, columns: Columns | None = None) -> Tensor:
        """(N, C, H, W) to the same shape. `x` is changed in place: its producer must not need it for its gradient."""
        assert columns is not None and self.running_mean is not None and self.running_var is not None
        if not self.training:
            return finish(super().forward(x), columns, self.act)
        assert self.num_batches_tracked is not None and self.momentum is not None
        count = columns.keep.sum() * x.shape[2]
        y, mean, var = _Normalise.apply(x, columns, count, self.weight, self.bias, self.eps, self.act)
        self.num_batches_tracked.add_(1)
        for kept, seen in ((self.running_mean, mean), (self.running_var, var * count / (count - 1).clamp_min(1))):
            # non-finite statistics of a batch must not enter the running statistics
            kept.lerp_(torch.where(seen.isfinite(), seen, kept), self.momentum)
        return y


class Folded(nn.Module):
    """Replaces a MaskedBatchNorm that was folded into the convolution before it: ReLU and masking remain."""

    def __init__(self, act: bool):
        super().__init__()
        self.act = act

    def forward(self, x: Tensor, columns: Columns) -> Tensor:
        return finish(x, columns, self.act)


def finish(x: Tensor, columns: Columns, act: bool) -> Tensor:
    """ReLU if `act`, then the padding set to zero."""
    return columns.blank(F.relu(x) if act else x)


class _Normalise(torch.autograd.Function):
    """PyTorch's kernels, corrected for the number of valid columns: blanked padding adds zero to their sums."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, columns: Columns, count: Tensor, weight: Tensor, bias: Tensor, eps: float, act: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        columns.blank_(x)
        mean, var = aten.batch_norm_update_stats(x, torch.zeros_like(weight), torch.zeros_like(weight), 0.0)  # (C,)
        more = x.numel() / x.shape[1] / count  # ratio of all columns to the valid ones
        square = (var + mean * mean) * more
        mean = mean * more
        var = (square - mean * mean).clamp_min(0)
        y = columns.blank_(F.batch_norm(x, mean, var, weight, bias, False, 0.0, eps))
        if act:
            y.relu_()
        ctx.save_for_backward(x, count, weight, mean, (var + eps).rsqrt(), y if act else None)
        ctx.columns, ctx.eps = columns, eps
        ctx.mark_non_differentiable(mean, var)
        return y, mean, var

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, count, weight, mean, scale, y = ctx.saved_tensors
        dy = ctx.columns.blank_(grads[0].clone()) if y is None else aten.threshold_backward(grads[0], y, 0)
        dx, dweight, dbias = aten.native_batch_norm_backward(
            dy, x, weight, None, None, mean, scale, True, ctx.eps, [True, True, True]
        )
        wrong = x.shape[1] / x.numel() - 1 / count  # the kernel divides its sums by all columns
        slope = weight * scale * scale * dweight * wrong
        shift = weight * scale * dbias * wrong - slope * mean
        # mean 0 and variance 1 - eps: this normalisation applies slope and shift only
        identity = torch.zeros_like(weight), torch.full_like(weight, 1 - ctx.eps)
        dx += F.batch_norm(x, *identity, slope, shift, False, 0.0, ctx.eps)
        return ctx.columns.blank_(dx), None, None, dweight, dbias, None, None
