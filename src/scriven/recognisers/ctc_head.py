"""Shared parts of networks with a CTC head: loss, greedy reading, extension of the head, the exported graph.

Connectionist temporal classification: Graves et al. 2006, doi:10.1145/1143844.1143891. Class 0 is the blank.
"""

import unicodedata
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.base import TextError
from scriven.reader.align import frames_needed
from scriven.reader.ctc_paths import collapse
from scriven.recognisers.contract import GraphSpec, Recogniser
from scriven.tensors import Batch, length_mask
from scriven.text import Charset, logical, visual

WIDTH_MULTIPLE = 32  # px; the exported graph takes batches whose width is a multiple of it
NEW_PENALTY = 2.0  # logits by which a new character starts less likely than the one it takes its weights from


def ctc_loss(logits: Tensor, steps: Tensor, texts: Sequence[str], charset: Charset, smoothing: float = 0.0) -> Tensor:
    """Mean CTC loss per character over a batch, in float32.

    logits (N, T, C), steps (N,) frames before padding. Label smoothing: `smoothing` is the weight of the mean negative
    log-probability over all classes, which keeps the posteriors from becoming over-confident.
    Raises TextError for a text that is empty, too long for its frames, or has unknown characters.
    """
    texts = [visual(text) for text in texts]
    classes = [charset.encode(text) for text in texts]
    refuse_empty(texts)
    for text, have in zip(texts, steps.tolist(), strict=True):
        if frames_needed(text) > have:
            raise TextError(
                f"the text {text!r} is too long for the width of its picture ({frames_needed(text)} frames are needed "
                f"and it has {have}); check that they belong together with `scriven doctor`"
            )
    log_probs = logits.float().log_softmax(-1)  # (N, T, C)
    targets = torch.tensor([c for row in classes for c in row], dtype=torch.long)
    lengths = torch.tensor([len(row) for row in classes], dtype=torch.long)
    losses = F.ctc_loss(
        log_probs.transpose(0, 1), targets.to(logits.device), steps, lengths.to(logits.device), reduction="none"
    )
    loss = losses.sum() / lengths.sum()
    if smoothing:
        valid = length_mask(steps, logits.shape[1]).float()
        uniform = -(log_probs.mean(-1) * valid).sum() / valid.sum()
        loss = (1 - smoothing) * loss + smoothing * uniform
    return loss


def refuse_empty(texts: Sequence[str]) -> None:
    """Raises TextError if one of the texts of a training batch is empty."""
    if not all(texts):
        raise TextError("a line with an empty text cannot be trained on; remove it or transcribe it")


@torch.inference_mode()
def ctc_read(net: Recogniser, batch: Batch) -> list[str]:
    """Greedy readings, in logical order, of a batch by a network whose frames are CTC logits."""
    logits, steps = net(batch.images, batch.widths)
    paths = logits.argmax(-1).cpu().numpy()
    return [logical(net.charset.decode(collapse(p[:t]))) for p, t in zip(paths, steps.tolist(), strict=True)]


def grown_head(head: nn.Linear, old: Charset, new: Charset, like: Mapping[str, str] | None = None) -> nn.Linear:
    """A larger output layer; see `grown_rows`, which raises ValueError."""
    weight, bias = grown_rows(head.weight, head.bias, old, new, 1, like)
    assert bias is not None
    grown = nn.Linear(head.in_features, len(new) + 1).to(head.weight)
    with torch.no_grad():
        grown.weight.copy_(weight)
        grown.bias.copy_(bias)
    return grown


@torch.no_grad()
def grown_rows(
    weight: Tensor, bias: Tensor | None, old: Charset, new: Charset, first: int, like: Mapping[str, str] | None = None
) -> tuple[Tensor, Tensor | None]:
    """Rows (classes, D) and their bias for a larger character set, whose first character is the class `first`.

    Old classes keep their weights. A new character starts with the weights of the old one that `like` names for it,
    else of its letter without the accent, and a bias lower by NEW_PENALTY; where there is neither, with the mean
    weights and the lowest bias of all. Raises ValueError when `new` does not begin with the characters of `old`.
    """
    if new.characters[: len(old)] != old.characters:
        raise ValueError("a grown character set begins with the old one")
    count, more = len(old) + first, len(new) - len(old)
    rows = torch.cat([weight, weight[first:].mean(0, keepdim=True).expand(more, -1)]).clone()
    values = None if bias is None else torch.cat([bias, bias[first:].min().expand(more)]).clone()
    for at, c in enumerate(new.characters[len(old) :], count):
        plain = (like or {}).get(c) or unicodedata.normalize("NFKD", c)[0]
        if plain != " " and plain in old:  # a spacing accent (´) decomposes into a space and the accent
            known = old.encode(plain)[0] - 1 + first
            rows[at] = weight[known]
            if bias is not None and values is not None:
                values[at] = bias[known] - NEW_PENALTY
    return rows, values


def ctc_graphs(net: Recogniser) -> dict[str, GraphSpec]:
    """The role `reader`: images (N, 1, H, W) float32, widths (N,) int64 to logits (N, T, C) and steps (N,)."""
    assert isinstance(net, nn.Module)
    images = torch.zeros(2, 1, net.height, 8 * WIDTH_MULTIPLE)
    widths = torch.tensor([8 * WIDTH_MULTIPLE, 200])
    dynamic = {"images": {0: "n", 3: "w"}, "widths": {0: "n"}}
    return {"reader": GraphSpec(net, {"images": images, "widths": widths}, ("logits", "steps"), dynamic)}
