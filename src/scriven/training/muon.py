"""Muon: orthogonalised momentum for the weights of convolutions; AdamW for all other weights.

The averaged gradient of a weight, as a matrix, is replaced by the nearest orthogonal matrix (Jordan et al. 2024, "Muon:
an optimizer for hidden layers in neural networks"), so that rare directions are learnt as fast as frequent ones. Scaled
as in Liu et al. 2025 (arXiv:2502.16982), a step is as large as one of AdamW (Loshchilov & Hutter 2017,
arXiv:1711.05101), so the two share learning rate and weight decay.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

QUINTIC = (3.4445, -4.7750, 2.0315)  # coefficients of Jordan et al.; maps singular values in 0..1 to near 1
ITERATIONS = 5
RMS = 0.2  # root mean square of a step of AdamW over the learning rate; Liu et al. measured 0.2 to 0.4
MOMENTUM = 0.95
BETAS = (0.9, 0.98)
EPSILON = 1e-8


class Muon(torch.optim.Optimizer):
    """Muon for convolutions with several input channels, AdamW for all other weights.

    Of a group with the key `matrices` set, the weights with two dimensions are updated by Muon too.

    Weights with one dimension (norms and biases) have no weight decay. `weights` may be groups, as of every optimiser
    of PyTorch. `dtype`: that of the matrix products of the orthogonalisation.
    """

    STATE_KEYS = frozenset(("mean", "square", "taken"))  # optimiser state of a weight: two moments, number of steps

    def __init__(
        self, weights: Iterable[nn.Parameter | dict[str, Any]], lr: float, weight_decay: float, dtype: torch.dtype
    ):
        given = list(weights)
        single = [weight for weight in given if not isinstance(weight, dict)]
        groups = [group for group in given if isinstance(group, dict)] or [{"params": single}]
        split = [kind for group in groups for kind in _kinds(group)]
        super().__init__([g for g in split if g["params"]], {"lr": lr, "weight_decay": weight_decay})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update from the gradients; weights without a gradient are not changed."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if not weights:
                continue
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            (self._orthogonal if group["whole"] else self._adaptive)(weights, group["lr"])
        return loss

    def _orthogonal(self, weights: list[Tensor], lr: float) -> None:
        means, gradients = self._state_of(weights, "mean"), _gradients(weights)
        torch._foreach_lerp_(means, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, means, MOMENTUM)  # Nesterov momentum
        kernels = [_channels_last(direction) for direction in ahead]  # (O, h, w, I), or (O, I)
        for same in group_by_shape(kernels):
            shape = kernels[same[0]].shape
            stack = torch.stack([kernels[i].flatten(1) for i in same])  # (k, O, h * w * I)
            size = RMS * max(stack.shape[1:]) ** 0.5  # an orthogonal (m, n) has a root mean square of max(m, n) ** -0.5
            for i, step in zip(same, orthogonal(stack, self.dtype), strict=True):
                weights[i].add_(_channels_first(step.view(shape)), alpha=-lr * size)

    def _adaptive(self, weights: list[Tensor], lr: float) -> None:
        means, squares, taken = (self._state_of(weights, name) for name in ("mean", "square", "taken"))
        adamw(
            weights, _gradients(weights), means, squares, [], taken, fused=True, amsgrad=False, maximize=False,
            beta1=BETAS[0], beta2=BETAS[1], lr=lr, weight_decay=0.0, eps=EPSILON,
        )  # fmt: skip

    def _state_of(self, weights: list[Tensor], name: str) -> list[Tensor]:
        """The optimiser state of every weight under this name; `taken` is the number of steps."""
        for weight in weights:
            if name not in self.state[weight]:
                self.state[weight][name] = weight.new_zeros(()) if name == "taken" else torch.zeros_like(weight)
        return [self.state[weight][name] for weight in weights]


def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Approximately U V' of the singular value decompositions U S V' of (k, m, n), by Newton-Schulz steps in `dtype`.

    Returns float32 (k, m, n). The singular values are then between 0.7 and 1.2, or smaller where they were below about
    0.001 of the norm; zeros stay zeros.
    """
    a, b, c = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).to(dtype)
    x = x / (torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).float()


def group_by_shape(kernels: Sequence[Tensor]) -> list[list[int]]:
    """Indices of kernels that are computed together.

    On a CPU each is computed alone; on a GPU, where launching operations costs most, all of the same shape together.
    """
    together: dict[tuple[Any, ...], list[int]] = {}
    for i, kernel in enumerate(kernels):
        together.setdefault((kernel.shape, None if kernel.is_cuda else i), []).append(i)
    return list(together.values())


def _kinds(group: dict[str, Any]) -> list[dict[str, Any]]:
    """The weights of a group that require a gradient, by how they are updated."""
    learnt = [weight for weight in group["params"] if weight.requires_grad]
    whole = {id(w) for w in learnt if _mixes_channels(w) or (group.get("matrices") and w.ndim == 2)}
    return [
        {**group, "params": [w for w in learnt if id(w) in whole], "whole": True},
        {**group, "params": [w for w in learnt if id(w) not in whole and w.ndim > 1], "whole": False},
        {**group, "params": [w for w in learnt if w.ndim <= 1], "whole": False, "weight_decay": 0.0},
    ]


def _gradients(weights: list[Tensor]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]


def _channels_last(kernel: Tensor) -> Tensor:
    """(O, I, h, w) as (O, h, w, I), the layout of channels-last weights; a matrix as it is."""
    return kernel.permute(0, 2, 3, 1) if kernel.ndim == 4 else kernel


def _channels_first(kernel: Tensor) -> Tensor:
    """(O, h, w, I) as (O, I, h, w); a matrix as it is."""
    return kernel.permute(0, 3, 1, 2) if kernel.ndim == 4 else kernel


def _mixes_channels(weight: Tensor) -> bool:
    """Whether this is the weight of a convolution with several input channels, which Muon updates."""
    return weight.ndim == 4 and weight.shape[1] > 1
