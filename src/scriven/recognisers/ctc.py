"""Connectionist temporal classification (Graves et al. 2006, doi:10.1145/1143844.1143891): the loss, its data error."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from scriven.base import TextError
from scriven.reader.align import frames_needed
from scriven.tensors import within
from scriven.text import Charset


def ctc_loss(logits: Tensor, steps: Tensor, texts: Sequence[str], charset: Charset, smoothing: float = 0.0) -> Tensor:
    """Mean loss per character over a batch, in float32.

    logits (N, T, C), steps (N,) frames that count. `smoothing` mixes in the mean negative log-probability of all
    classes, which keeps the posteriors from growing over-confident.
    Raises TextError naming a text that has too few frames, or characters that are not in the character set.
    """
    classes = [charset.encode(text) for text in texts]
    for text, have in zip(texts, steps.tolist(), strict=True):
        if not text:
            raise TextError("a line with an empty text cannot be trained on; remove it or transcribe it")
        if frames_needed(text) > have:
            raise TextError(
                f"{text!r} needs {frames_needed(text)} frames and its picture gives {have}; "
                "the picture is too narrow for the text: check the pair with `scriven doctor`"
            )
    log_probs = logits.float().log_softmax(-1)  # (N, T, C)
    targets = torch.tensor([c for row in classes for c in row], dtype=torch.long)
    lengths = torch.tensor([len(row) for row in classes], dtype=torch.long)
    losses = F.ctc_loss(
        log_probs.transpose(0, 1), targets.to(logits.device), steps, lengths.to(logits.device), reduction="none"
    )
    loss = losses.sum() / lengths.sum()
    if smoothing:
        valid = within(steps, logits.shape[1]).float()
        uniform = -(log_probs.mean(-1) * valid).sum() / valid.sum()
        loss = (1 - smoothing) * loss + smoothing * uniform
    return loss
