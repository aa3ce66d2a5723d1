"""The legibility loss of a generator: a recogniser, whose weights stay as they are, reads the predicted writing.

An error of pixels counts a stroke that makes another letter as little as one that does not. Recognisers in the loss are
known from adversarial generators of handwriting (Alonso et al. 2019, arXiv:1903.00277; Fogel et al. 2020,
arXiv:2003.10557). Here CTC reads the clean picture that the network predicts from a noisy one.
"""

import logging
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.base import SettingsError
from scriven.reader.model import find_model
from scriven.recognisers.contract import Recogniser
from scriven.scribes.flow.columns import HEIGHT
from scriven.text import Charset
from scriven.training.checkpoint import load_net

log = logging.getLogger("scriven.train")

CLEAR = 0.25  # time from which on a prediction is read: before, it is a blur of many possible letters
MOST = 6.0  # bound of the loss of a character, so that what is far from legible does not outweigh the rest


class Critic:
    """A recogniser as a loss of pictures in the characters of a generator."""

    def __init__(self, net: Recogniser, charset: Charset, device: torch.device):
        """`net`: decodes by CTC, HEIGHT px high. Raises SettingsError for another."""
        if "ctc" not in net.decoders or net.height != HEIGHT:
            raise SettingsError(
                f"the critic decodes by {', '.join(net.decoders)} at {net.height} px; choose a recogniser that "
                f"decodes by CTC at {HEIGHT} px, or train with legibility=0"
            )
        self.net = net.eval().requires_grad_(False).to(device)
        for module in self.net.modules():
            if isinstance(module, nn.RNNBase):  # cuDNN has no gradient of recurrent layers in evaluation mode
                module.train().dropout = 0.0
        known = set(net.charset.characters)
        if missing := [c for c in charset.characters if c not in known]:
            log.warning("the critic does not know %s; pieces with them are trained without it", " ".join(missing))
        numbers = [net.charset.encode(c)[0] if c in known else 0 for c in charset.characters]
        self._numbers = torch.tensor([0, *numbers])  # of the classes of the generator; 0: unknown to the critic

    @classmethod
    def load(cls, model: str | Path, charset: Charset, device: torch.device) -> "Critic":
        """A critic of a model folder or a bundled model. Raises ModelError, SettingsError."""
        return cls(load_net(find_model(model))[0], charset, device)

    def loss(self, ink: Tensor, weights: Tensor, classes: Tensor, edges: Tensor) -> Tensor:
        """The mean CTC loss per character of pictures (N, 1, HEIGHT, W) of ink 0..1, weighted by (N,).

        Read are the characters (N, K), 0 where there is none, whose `edges` (N, K, 2), px, lie in the picture; a
        character that is cut by the border is covered with paper. Pictures of weight 0, without a whole character, or
        with one that the critic does not know, are left out of the mean.
        """
        width = ink.shape[3]
        targets, spans, chosen = list[Tensor](), list[tuple[float, float]](), list[int]()
        for index, weight in enumerate(weights.tolist()):
            if weight and (found := self._whole(classes[index], edges[index], width)):
                targets.append(found[0])
                spans.append(found[1])
                chosen.append(index)
        if not chosen:
            return ink.sum() * 0
        places, span = torch.arange(width, device=ink.device) + 0.5, torch.tensor(spans, device=ink.device)
        shown = (places >= span[:, :1]) & (places < span[:, 1:])  # (M, W)
        read = ink[chosen].clamp(0, 1) * shown[:, None, None]
        logits, steps = self.net(read, torch.full((len(chosen),), width, device=ink.device))
        lengths = torch.tensor([len(one) for one in targets], device=ink.device)
        each = F.ctc_loss(
            logits.float().log_softmax(2).transpose(0, 1), torch.cat(targets).to(ink.device), steps, lengths,
            reduction="none", zero_infinity=True,
        )  # fmt: skip
        bounded = MOST * (1 - (-each / lengths / MOST).exp())  # (M,)
        return (bounded * weights[chosen]).mean()

    def _whole(self, classes: Tensor, edges: Tensor, width: int) -> tuple[Tensor, tuple[float, float]] | None:
        """The critic's classes of the characters inside the picture, and the px from and to which it is shown."""
        there = classes > 0
        inside = torch.nonzero(there & (edges[:, 0] >= 0) & (edges[:, 1] <= width)).flatten().tolist()
        if not inside:
            return None
        first, last = inside[0], inside[-1]
        found = self._numbers[classes[first : last + 1].cpu()]
        if not bool(found.all()):
            return None
        more = bool(there[last + 1 :].any())
        return found, (float(edges[first, 0]) if first else 0.0, float(edges[last, 1]) if more else float(width))
