"""Muon: steps whose every direction is as long as any other, for the weights of convolutions; AdamW for the rest.

The averaged gradient of a weight, as a matrix, is replaced by the nearest orthogonal one (Jordan et al. 2024, "Muon:
an optimizer for hidden layers in neural networks"), so rare directions are learnt as fast as frequent ones. Scaled as
in Liu et al. 2025 (arXiv:2502.16982), a step has the size of one of AdamW (Loshchilov & Hutter 2017, arXiv:1711.05101),
and the two share learning rate and weight decay.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

QUINTIC = (3.4445, -4.7750, 2.0315)  # takes singular values in 0..1 to near 1; Jordan's
ITERATIONS = 5
RMS = 0.2  # of a step of AdamW, in units of the learning rate; Liu et al. measured 0.2 to 0.4
MOMENTUM = 0.95
BETAS = (0.9, 0.98)
EPSILON = 1e-8


class Muon(torch.optim.Optimizer):
    """Optimises a network: convolutions with several inputs by Muon, all other weights by AdamW.

    Weights with one dimension, norms and biases, do not decay. `dtype`: of the products that make a step orthogonal.
    """

    REMEMBERED = frozenset(("mean", "square", "taken"))  # of a weight, from step to step

    def __init__(self, weights: Iterable[nn.Parameter], lr: float, weight_decay: float, dtype: torch.dtype):
        learnt = [weight for weight in weights if weight.requires_grad]
        groups = [
            {"params": [w for w in learnt if _whole(w)], "whole": True},
            {"params": [w for w in learnt if not _whole(w) and w.ndim > 1], "whole": False},
            {"params": [w for w in learnt if w.ndim <= 1], "whole": False, "weight_decay": 0.0},
        ]
        super().__init__([g for g in groups if g["params"]], {"lr": lr, "weight_decay": weight_decay})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update from the gradients; weights without one stay as they are."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if not weights:
                continue
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            (self._orthogonal if group["whole"] else self._adaptive)(weights, group["lr"])
        return loss

    def _orthogonal(self, weights: list[Tensor], lr: float) -> None:
        means, gradients = self._kept(weights, "mean"), _gradients(weights)
        torch._foreach_lerp_(means, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, means, MOMENTUM)  # Nesterov's: the mean after one more such gradient
        kernels = [direction.permute(0, 2, 3, 1) for direction in ahead]  # (O, h, w, I), as channels-last weights lie
        for same in same_shapes(kernels):
            shape = kernels[same[0]].shape
            stack = torch.stack([kernels[i].flatten(1) for i in same])  # (k, O, h * w * I)
            size = RMS * max(stack.shape[1:]) ** 0.5  # an orthogonal (m, n) has a root mean square of max(m, n) ** -0.5
            for i, step in zip(same, orthogonal(stack, self.dtype), strict=True):
                weights[i].add_(step.view(shape).permute(0, 3, 1, 2), alpha=-lr * size)

    def _adaptive(self, weights: list[Tensor], lr: float) -> None:
        means, squares, taken = (self._kept(weights, name) for name in ("mean", "square", "taken"))
        adamw(
            weights, _gradients(weights), means, squares, [], taken, fused=True, amsgrad=False, maximize=False,
            beta1=BETAS[0], beta2=BETAS[1], lr=lr, weight_decay=0.0, eps=EPSILON,
        )  # fmt: skip

    def _kept(self, weights: list[Tensor], name: str) -> list[Tensor]:
        """What is remembered of every weight under this name; `taken` is the number of its steps."""
        for weight in weights:
            if name not in self.state[weight]:
                self.state[weight][name] = weight.new_zeros(()) if name == "taken" else torch.zeros_like(weight)
        return [self.state[weight][name] for weight in weights]


def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(k, m, n) to about U V' of their singular value decompositions U S V', float32: Newton-Schulz in `dtype`.

    Singular values come out between 0.7 and 1.2, those below about 0.001 of the norm smaller; zeros stay zeros.
    """
    a, b, c = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).to(dtype)
    x = x / (torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).float()


def same_shapes(kernels: Sequence[Tensor]) -> list[list[int]]:
    """Which of them are computed at once: on a CPU each by itself; on a GPU, where starting costs most, all alike."""
    together: dict[tuple[Any, ...], list[int]] = {}
    for i, kernel in enumerate(kernels):
        together.setdefault((kernel.shape, None if kernel.is_cuda else i), []).append(i)
    return list(together.values())


def _gradients(weights: list[Tensor]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]


def _whole(weight: Tensor) -> bool:
    """Whether Muon is for this weight: of a convolution that mixes channels, so not of the first and the last layer."""
    return weight.ndim == 4 and weight.shape[1] > 1
