"""Content attention with an LSTM cell: the attention decoder of RARE and TRBA."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from scriven.reader.attention_decoder import FIRST
from scriven.recognisers.attention import padding_bias
from scriven.recognisers.ctc_head import grown_rows
from scriven.recognisers.forcing import forced_logits
from scriven.text import Charset


class ContentAttention(nn.Module):
    """Attends to frames by content (Bahdanau et al. 2015, arXiv:1409.0473); an LSTM cell writes the characters.

    An `AttentionHead`. The score of frame t is v tanh(W h_t + U s + b), s the hidden state of the cell, whose input is
    the mean of the frames under the attention, and the one-hot class before.
    """

    constants: tuple[str, ...] = ("values", "keys", "bias")
    states: tuple[str, ...] = ("hidden", "cell")
    axes: Mapping[str, Mapping[int, str]] = dict.fromkeys(("values", "keys", "bias"), {1: "t"})

    def __init__(self, i: int, hidden: int, classes: int):
        super().__init__()
        self.key = nn.Linear(i, hidden, bias=False)
        self.query = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.lstm = nn.LSTMCell(i + classes, hidden)
        self.out = nn.Linear(hidden, classes)

    def begin(self, frames: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        """Frames (N, T, i), their numbers (N,) to values (N, T, i), keys (N, T, H), bias (N, T), two states (N, H)."""
        still = frames.new_zeros(frames.shape[0], self.out.in_features)
        return frames, self.key(frames), padding_bias(frames, steps), still, still.clone()

    def step(self, previous: Tensor, *begun: Tensor) -> tuple[Tensor, ...]:
        """Classes (N,) and what `begin` returns to logits (N, V), attention (N, T), and the next states (N, H)."""
        values, keys, bias, hidden, cell = begun
        scores = self.score(torch.tanh(keys + self.query(hidden)[:, None]))[:, :, 0] + bias  # (N, T)
        attention = scores.softmax(1)
        context = (attention[:, None] @ values)[:, 0]  # (N, i)
        one_hot = nn.functional.one_hot(previous, self.out.out_features).to(context.dtype)
        hidden, cell = self.lstm(torch.cat([context, one_hot], 1), (hidden, cell))
        return self.out(hidden), attention, hidden, cell

    def forced(self, frames: Tensor, steps: Tensor, previous: Tensor) -> Tensor:
        """(N, L, V), see `forced_logits`."""
        return forced_logits(self, frames, steps, previous)

    def grown(self, old: Charset, new: Charset, like: Mapping[str, str] | None = None) -> "ContentAttention":
        """A larger head: old classes keep their weights, a new character starts as `grown_rows` says.

        Raises ValueError when `new` does not begin with the characters of `old`.
        """
        hidden, before = self.out.in_features, self.out.out_features
        head = ContentAttention(self.key.in_features, hidden, len(new) + FIRST).to(self.out.weight)
        kept = {k: v for k, v in self.state_dict().items() if not k.startswith("out.") and k != "lstm.weight_ih"}
        head.load_state_dict(kept, strict=False)
        given = self.lstm.weight_ih
        with torch.no_grad():
            weight, bias = grown_rows(self.out.weight, self.out.bias, old, new, FIRST, like)
            head.out.weight.copy_(weight)
            assert bias is not None
            head.out.bias.copy_(bias)
            at = given.shape[1] - before
            columns, _ = grown_rows(given[:, at:].T, None, old, new, FIRST, like)
            head.lstm.weight_ih.copy_(torch.cat([given[:, :at], columns.T], 1))
        return head
