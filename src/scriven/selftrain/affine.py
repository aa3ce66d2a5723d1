"""Affine tuning: only the scales, shifts and biases of a network are trained, for a page or a first round of `adapt`.

They are less than one percent of its parameters, so that twenty lines with partly wrong labels do little damage. The
running statistics of the normalisation layers are not changed. Wang et al. 2021 ("Tent", arXiv:2006.10726) tune the
same parameters by entropy; here the labels are readings decoded with a language model.
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

from scriven.augment import SETS, SetName
from scriven.base.settings import Count, Positive, Seed, Share, validated
from scriven.images import Grey
from scriven.reader.trainable import InputSpec
from scriven.recognisers.contract import Recogniser
from scriven.tensors import Batch
from scriven.training.fit import ProgressCallback
from scriven.training.loader import augmented_view, padded_batch
from scriven.training.settings import BatchWidth, FitSettings, LearningRate, learning_rate

WARMUP = 0.2  # share of the steps


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
    augmentation: SetName = "default"
    seed: Seed = 0


def tune_affine(
    net: Recogniser,
    pictures: Sequence[Grey],
    texts: Sequence[str],
    fabric: Fabric,
    settings: AffineSettings,
    tell: ProgressCallback = lambda fraction: None,
) -> Recogniser:
    """A copy of `net` whose affine parameters were trained on prepared pictures (H, W) uint8 and their (pseudo-)labels.

    At least one step is taken. `tell(fraction)` is called after every step with the fraction of the tuning done.
    """
    student: Recogniser = copy.deepcopy(net).eval()
    parameters = _affine_parameters(student)
    optimizer = torch.optim.Adam(parameters, lr=settings.lr, betas=(0.9, 0.98))
    schedule = FitSettings(steps=settings.steps, lr=settings.lr, warmup=WARMUP)
    rng, spec = np.random.default_rng(settings.seed), InputSpec.of(net)
    begun, step, done = time.monotonic(), 0, 0.0
    while done < 1:
        step += 1
        done = max(step / settings.steps, (time.monotonic() - begun) / (settings.seconds or math.inf))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(schedule, min(1.0, done))
        batch = _batch(pictures, texts, spec, rng, settings, fabric.device.type == "cuda").to(fabric.device)
        with fabric.autocast():
            loss = student.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        tell(min(1.0, done))
    return student.requires_grad_(False)


def _affine_parameters(net: Recogniser) -> list[nn.Parameter]:
    """The scales, shifts and biases of a network (all vectors); all other parameters are frozen."""
    for weight in net.parameters():
        weight.requires_grad_(weight.ndim == 1)
    return [weight for weight in net.parameters() if weight.requires_grad]


def _batch(
    pictures: Sequence[Grey],
    texts: Sequence[str],
    spec: InputSpec,
    rng: np.random.Generator,
    settings: AffineSettings,
    few_shapes: bool,
) -> Batch:
    """Random pictures, each augmented, until their widths sum to about `batch_width_px`; see `loader.Plan`."""
    views, labels, width = list[Grey](), list[str](), 0
    for i in rng.permutation(len(pictures)).tolist():
        view = augmented_view(pictures[i], texts[i], spec, rng, settings.strength, SETS[settings.augmentation])
        views.append(view)
        labels.append(texts[i])
        width += view.shape[1]
        if width >= settings.batch_width_px:
            break
    return padded_batch(views, labels, [""] * len(labels), few_shapes)
