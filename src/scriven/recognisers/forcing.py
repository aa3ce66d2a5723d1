"""Teacher forcing of attention heads that are recurrent: every step is computed after the one before."""

import torch
from torch import Tensor

from scriven.recognisers.attention import AttentionHead


def forced_logits(head: AttentionHead, frames: Tensor, steps: Tensor, previous: Tensor) -> Tensor:
    """Logits (N, L, V) of frames (N, T, D), their numbers (N,), and the true class before each step (N, L)."""
    begun = head.begin(frames, steps)
    constants, states = begun[: len(head.constants)], begun[len(head.constants) :]
    found = []
    for classes in previous.unbind(1):
        logits, _, *rest = head.step(classes, *constants, *states)
        states = tuple(rest)
        found.append(logits)
    return torch.stack(found, 1)
