"""Bidirectional recurrent layers (Schuster & Paliwal 1997, doi:10.1109/78.650093) whose padding is not read.

Each direction is a layer of its own; the backward one reads the sequence reversed before its padding. So a sequence is
read the same alone as beside longer ones, and exported graphs have plain LSTM and GRU operators.
"""

import torch
from torch import Tensor, nn


class BiLstm(nn.Module):
    """A bidirectional LSTM: (N, T, I), of (N,) `steps` before the padding, to (N, T, 2 * hidden)."""

    def __init__(self, i: int, hidden: int):
        super().__init__()
        self.ahead, self.back = (nn.LSTM(i, hidden, batch_first=True) for _ in range(2))

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:
        return both_ways(self.ahead, self.back, x, steps)


class BiGru(nn.Module):
    """A bidirectional GRU: (N, T, I), of (N,) `steps` before the padding, to (N, T, 2 * hidden)."""

    def __init__(self, i: int, hidden: int):
        super().__init__()
        self.ahead, self.back = (nn.GRU(i, hidden, batch_first=True) for _ in range(2))

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:
        return both_ways(self.ahead, self.back, x, steps)


def both_ways(ahead: nn.Module, back: nn.Module, x: Tensor, steps: Tensor) -> Tensor:
    """What one layer says of a sequence and another of the sequence reversed, side by side."""
    order = reversed_places(steps, x.shape[1])[:, :, None]
    backwards, _ = back(x.gather(1, order.expand(-1, -1, x.shape[2])))
    backwards = backwards.gather(1, order.expand(-1, -1, backwards.shape[2]))
    return torch.cat([ahead(x)[0], backwards], 2)


def reversed_places(steps: Tensor, length: int) -> Tensor:
    """(N, length) places that reverse the first `steps` (N,) of each row; the padding stays behind them."""
    order = steps[:, None] - 1 - torch.arange(length, device=steps.device)[None]
    return torch.where(order < 0, order + length, order)
