"""Bidirectional LSTM layers (Hochreiter & Schmidhuber 1997) over padded sequences."""

import torch
from torch import Tensor, nn


class BiLstm(nn.Module):
    """A bidirectional LSTM, then a linear layer: (N, T, I) to (N, T, O). The padding of a sequence is not read.

    Each direction is an LSTM of its own; the backward one reads the sequence reversed before its padding, so a
    sequence is read the same alone as beside longer ones, and the exported graph has plain LSTM operators.
    """

    def __init__(self, i: int, hidden: int, o: int):
        super().__init__()
        self.forward_lstm = nn.LSTM(i, hidden, batch_first=True)
        self.backward_lstm = nn.LSTM(i, hidden, batch_first=True)
        self.out = nn.Linear(2 * hidden, o)

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:
        order = _reversed(steps, x.shape[1])[:, :, None]
        ahead, _ = self.forward_lstm(x)
        back, _ = self.backward_lstm(x.gather(1, order.expand(-1, -1, x.shape[2])))
        back = back.gather(1, order.expand(-1, -1, back.shape[2]))
        return self.out(torch.cat([ahead, back], 2))


def _reversed(steps: Tensor, length: int) -> Tensor:
    """(N, length) places that reverse the first `steps` (N,) of each row; the padding stays behind them."""
    order = steps[:, None] - 1 - torch.arange(length, device=steps.device)[None]
    return torch.where(order < 0, order + length, order)
