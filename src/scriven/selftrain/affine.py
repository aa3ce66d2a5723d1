"""A page learnt in half a minute, or a hand gently: only the scales and shifts of a network move, not its weights.

They are under one percent of its numbers, so some twenty lines with uncertain readings cannot lead it far astray; the
statistics of its norms stay those of its training (compare Wang et al. 2021, "Tent", arXiv:2006.10726, which moves the
same numbers by entropy; here the readings under a language model are the labels).
"""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from scriven.base.settings import Count, Positive, Seed, Share, validated
from scriven.images import Grey
from scriven.recognisers.contract import Recogniser
from scriven.tensors import Batch
from scriven.training.fit import BatchWidth, FitSettings, LearningRate, Tell, learning_rate
from scriven.training.loader import padded, view_of

WARMUP = 0.2  # of the steps


@validated
@dataclass(frozen=True)
class AffineSettings:
    """How affine parameters are tuned: `steps` batches of `batch_width_px`, for at most `seconds`.

    `strength` (0..1) scales the augmentation.
    """

    steps: Count = 60
    seconds: Positive | None = None
    lr: LearningRate = 5e-3
    batch_width_px: BatchWidth = 6144
    strength: Share = 0.6
    seed: Seed = 0


def tune_affine(
    net: Recogniser,
    pictures: Sequence[Grey],
    texts: Sequence[str],
    fabric: Fabric,
    settings: AffineSettings,
    tell: Tell = lambda fraction: None,
) -> Recogniser:
    """A copy of `net` whose scales and shifts have learnt prepared pictures (H, W) with what they may say.

    At least one step is taken. `tell(fraction)` is called after every one with how much is done.
    """
    student: Recogniser = copy.deepcopy(net).eval()
    learnt = _affine(student)
    optimizer = torch.optim.Adam(learnt, lr=settings.lr, betas=(0.9, 0.98))
    schedule = FitSettings(steps=settings.steps, lr=settings.lr, warmup=WARMUP)
    rng = np.random.default_rng(settings.seed)
    begun, step, done = time.monotonic(), 0, 0.0
    while done < 1:
        step += 1
        done = max(step / settings.steps, (time.monotonic() - begun) / (settings.seconds or math.inf))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(schedule, min(1.0, done))
        batch = _batch(pictures, texts, net.stride, rng, settings, fabric.device.type == "cuda").to(fabric.device)
        with fabric.autocast():
            loss = student.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        tell(min(1.0, done))
    return student.requires_grad_(False)


def _affine(net: Recogniser) -> list[nn.Parameter]:
    """The scales, shifts and biases of a network, the only ones that are left to learn."""
    for weight in net.parameters():
        weight.requires_grad_(weight.ndim == 1)
    return [weight for weight in net.parameters() if weight.requires_grad]


def _batch(
    pictures: Sequence[Grey],
    texts: Sequence[str],
    stride: int,
    rng: np.random.Generator,
    settings: AffineSettings,
    few_shapes: bool,
) -> Batch:
    """Random pictures, each augmented, until their widths sum to about `batch_width_px`; see `loader.Plan`."""
    views, said, wide = list[Grey](), list[str](), 0
    for i in rng.permutation(len(pictures)).tolist():
        view = view_of(pictures[i], texts[i], stride, rng, settings.strength)
        views.append(view)
        said.append(texts[i])
        wide += view.shape[1]
        if wide >= settings.batch_width_px:
            break
    return padded(views, said, [""] * len(said), few_shapes)
