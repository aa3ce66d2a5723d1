"""What networks with an attention decoder share: the loss, greedy reading, and the three graphs that are exported.

An attention head writes a text one character after another, each from the frames it attends to and from the characters
before it (Bahdanau et al. 2015, arXiv:1409.0473). Class 0 starts a text and pads it, class 1 ends it, class i + 2 is
the character i of the network.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.reader.attention_decoder import END, RENEWED, START
from scriven.reader.attention_extent import most_characters
from scriven.recognisers.contract import GraphSpec, Method, Recogniser
from scriven.recognisers.ctc_head import WIDTH_MULTIPLE, refuse_empty
from scriven.tensors import length_mask
from scriven.text import Charset, logical, visual

MASKED = -1e4  # added to the attention score of a frame of the padding


class AttentionHead(Protocol):
    """Writes texts from frames. It is a torch.nn.Module. `constants` and `states` name what `begin` returns."""

    constants: tuple[str, ...]  # the same at every step, such as keys and values
    states: tuple[str, ...]  # renewed at every step
    axes: Mapping[str, Mapping[int, str]]  # names of those of their axes whose length varies, but for the batch

    def begin(self, frames: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        """Constants, then states before the first character, from frames (N, T, D) and their numbers (N,)."""

    def step(self, previous: Tensor, *begun: Tensor) -> tuple[Tensor, ...]:
        """Logits (N, V) of the next class, attention (N, T), then the new states, from the classes before (N,)."""

    def forced(self, frames: Tensor, steps: Tensor, previous: Tensor) -> Tensor:
        """Logits (N, L, V) where every step is given the true class before it, `previous` (N, L)."""


def padding_bias(frames: Tensor, steps: Tensor) -> Tensor:
    """(N, T): 0 for frames before the padding, MASKED for the others."""
    return (~length_mask(steps, frames.shape[1])).to(frames.dtype) * MASKED


def attention_loss(
    head: AttentionHead,
    frames: Tensor,
    steps: Tensor,
    texts: Sequence[str],
    charset: Charset,
    smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy with teacher forcing, summed over characters and ends of texts, per character; in float32.

    frames (N, T, D), steps (N,) frames before padding; `smoothing` is label smoothing. Raises TextError for a text that
    is empty or has characters outside `charset`.
    """
    refuse_empty(texts)
    rows = [torch.tensor(charset.encode(visual(text))) + 1 for text in texts]
    longest = max(map(len, rows)) + 1
    previous = torch.stack([F.pad(row, (1, longest - len(row) - 1), value=START) for row in rows])
    targets = torch.stack(
        [F.pad(F.pad(row, (0, 1), value=END), (0, longest - len(row) - 1), value=START) for row in rows]
    )
    logits = head.forced(frames, steps, previous.to(frames.device)).float()
    loss = F.cross_entropy(
        logits.flatten(0, 1),
        targets.to(frames.device).flatten(),
        ignore_index=START,
        reduction="sum",
        label_smoothing=smoothing,
    )
    return loss / sum(map(len, rows))


@torch.inference_mode()
def attention_read(
    net: Recogniser, head: AttentionHead, frames: Tensor, steps: Tensor, limits: Tensor | None = None
) -> list[str]:
    """Greedy readings; a text ends at the end class or after `limits` (N,) characters: None for `most_characters`."""
    if limits is None:
        limits = steps * most_characters(1, net.stride, net.frames is not None)
    begun = head.begin(frames, steps)
    constants, states = begun[: len(head.constants)], begun[len(head.constants) :]
    previous = torch.full_like(steps, START)
    ended = torch.zeros_like(steps, dtype=torch.bool)
    found: list[Tensor] = []
    for count in range(int(limits.max())):
        logits, _, *rest = head.step(previous, *constants, *states)
        states = tuple(rest)
        logits[:, START] = -torch.inf
        previous = logits.argmax(1)
        ended = ended | (previous == END) | (count >= limits)
        if bool(ended.all()):
            break
        found.append(torch.where(ended, END, previous))
    rows = torch.stack(found, 1).tolist() if found else [[] for _ in range(len(steps))]
    return [logical(net.charset.decode([c - 1 for c in row if c != END])) for row in rows]


def attention_graphs(encoder: nn.Module, head: AttentionHead, height: int, width: int) -> dict[str, GraphSpec]:
    """The roles `encoder` (pictures to frames), `start` and `step`, see `head_graphs`; the example has `width` px."""
    pictures = {"images": torch.zeros(2, 1, height, width), "widths": torch.tensor([width, width - WIDTH_MULTIPLE])}
    with torch.no_grad():
        frames, steps = encoder.eval()(*pictures.values())
    dynamic = {"images": {0: "n", 3: "w"}, "widths": {0: "n"}}
    return {
        "encoder": GraphSpec(encoder, pictures, ("frames", "steps"), dynamic),
        **head_graphs(head, frames, steps),
    }


def head_graphs(head: AttentionHead, frames: Tensor, steps: Tensor) -> dict[str, GraphSpec]:
    """The roles `start` (frames to constants and states) and `step` (a class to the next one), with these examples."""
    assert isinstance(head, nn.Module)
    names = (*head.constants, *head.states)
    first = torch.full_like(steps, START)
    with torch.no_grad():
        begun = head.begin(frames, steps)
        for _ in range(2):  # so that no axis of an example is empty
            begun = (*begun[: len(head.constants)], *head.step(first, *begun)[2:])
    given = {"previous": first, **dict(zip(names, begun, strict=True))}
    outputs = ("logits", "attention", *(RENEWED + name for name in head.states))
    free = {name: {0: "n", **head.axes.get(name, {})} for name in names}
    start = {"frames": frames, "steps": steps}
    return {
        "start": GraphSpec(Method(head, "begin"), start, names, {"frames": {0: "n", 1: "t"}, "steps": {0: "n"}}),
        "step": GraphSpec(Method(head, "step"), given, outputs, {"previous": {0: "n"}, **free}),
    }
