"""Training of the network of hands: a loop over batches that resumes exactly, with a moving average of the weights."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from scriven.judging.pictures import HEIGHT, ink_of
from scriven.training.hand_batches import HandBatches, HandPictures
from scriven.training.hand_network import HandNetwork
from scriven.training.muon import Muon
from scriven.training.run_state import AveragedRun, RunProgress, averaged_loop
from scriven.training.settings import FitSettings, learning_rate

EMA = 0.998  # decay of the moving average of the weights
SMOOTHING = 0.1  # of the labels
EVALUATIONS = 20  # at equal intervals over the run
AT_ONCE = 2048  # px of width that are embedded at a time


@dataclass
class HandRun(AveragedRun):
    """A network of hands in training."""

    net: HandNetwork
    average: HandNetwork
    optimizer: Muon
    progress: RunProgress  # its seconds are of the processor, so that a busy machine trains no less

    @classmethod
    def begin(cls, hands: int, settings: FitSettings) -> "HandRun":
        """A new run for a number of hands."""
        torch.manual_seed(settings.seed)
        net = HandNetwork(hands)
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on a CPU
        average = copy.deepcopy(net).requires_grad_(False).eval()
        optimizer = Muon(net.parameters(), settings.lr or 0.0, settings.weight_decay or 0.0, torch.float32)
        return cls(net, average, optimizer, RunProgress())


def fit_hands(
    run: HandRun, batches: HandBatches, settings: FitSettings, evaluate: Callable[[HandRun, dict[str, Any]], None]
) -> None:
    """Train for the steps, or the minutes of the processor, of `settings`; `evaluate(run, row)` at each evaluation."""
    progress, length = run.progress, replace(settings, ema=EMA, evaluations=EVALUATIONS)

    def step() -> Tensor:
        run.net.train()
        for group in run.optimizer.param_groups:
            group["lr"] = learning_rate(settings, progress.fraction(length))
        images, widths, hands = batches.batch(progress.step)
        run.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(run.net.logits(run.net(images, widths)), hands, label_smoothing=SMOOTHING)
        loss.backward()
        run.optimizer.step()
        return loss.detach()

    averaged_loop(run, length, step, dict, partial(evaluate, run), clock=time.process_time)


@torch.inference_mode()
def embeddings(net: HandNetwork, pictures: HandPictures, indices: Sequence[int]) -> Tensor:
    """The embeddings (N, E) of whole pictures by position, computed in batches of similar width."""
    inks = [ink_of(pictures.images.get(i)) for i in indices]
    order = sorted(range(len(inks)), key=lambda i: inks[i].shape[1])
    found = torch.zeros(len(inks), net.embed.out_features)
    start = 0
    net.eval()
    for stop in range(1, len(order) + 1):
        if stop < len(order) and (stop + 1 - start) * inks[order[stop]].shape[1] <= AT_ONCE:
            continue
        chosen = order[start:stop]
        images = torch.zeros(len(chosen), 1, HEIGHT, inks[chosen[-1]].shape[1])
        for image, i in zip(images[:, 0], chosen, strict=True):
            image[:, : inks[i].shape[1]] = torch.from_numpy(inks[i])
        found[chosen] = net(images, torch.tensor([inks[i].shape[1] for i in chosen]))
        start = stop
    return found


def accuracy(net: HandNetwork, pictures: HandPictures, indices: Sequence[int]) -> float:
    """The share of pictures whose hand has the highest logit."""
    best = net.logits(embeddings(net, pictures, indices)).argmax(1)
    return float((best == torch.tensor([pictures.hands[i] for i in indices])).float().mean())
