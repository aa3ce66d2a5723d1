"""Consistency of two views of unlabelled lines: what is read in a weakly augmented view is the label of a strong one.

FixMatch (Sohn et al. 2020, arXiv:2001.07685), with texts in place of classes, as in self-training for handwriting (Wolf
& Fink 2022, arXiv:2206.03149). The moving average of the network reads the weak view (Tarvainen & Valpola 2017,
arXiv:1703.01780); where it is confident, the network is trained to read the same text in the strong view. Texts are
compared and not the posteriors of frames, because strong views are sheared, rotated and shifted, so that their frames
do not correspond; and every network takes part through its own `loss`, with attention too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from scriven.augment import SETS, AugmentSettings, augment, mask_spans
from scriven.images import Grey
from scriven.lines import Reading
from scriven.reader.trainable import InputSpec
from scriven.tensors import Batch
from scriven.training.loader import Plan, loader, padded_batch
from scriven.training.sources import Item

WEAK = SETS["weak"]
VIEWED = 0.5  # width of the unlabelled lines of a step, as a share of that of the labelled ones


@dataclass(frozen=True)
class Views:
    """Two views (H, W) of each of some unlabelled pictures."""

    weak: tuple[Grey, ...]
    strong: tuple[Grey, ...]


@dataclass(frozen=True)
class ConfidentViews:
    """Strong views with the texts of their weak views, where these were read with confidence.

    `weight` is the factor of their loss (a mean over characters): that of the setting times the share of all characters
    read that are theirs.
    """

    batch: Batch
    weight: float


@dataclass
class Consistency:
    """The unlabelled lines of a training run, and how the loss between their views is computed.

    It holds for a single process.
    """

    plan: Plan  # of the unlabelled lines
    spec: InputSpec
    read: Callable[[Sequence[Grey]], Sequence[Reading]]  # reads weak views with the moving average of the network
    weight: float  # of the loss
    threshold: float  # least mean confidence per character (0..1) of a text that is trained on
    strong: AugmentSettings = SETS["strong"]
    span_mask: float = 0.0  # share of the width of a strong view masked in spans
    losses: list[Tensor] = field(default_factory=list)  # of the steps since the last row of the log
    read_lines: int = 0  # since then
    confident_lines: int = 0

    def batches(self, step: int, workers: int) -> Iterator[ConfidentViews | None]:
        """What is trained on in `step` (from 0) and those after it; None where no view was read with confidence."""
        for views in loader(ViewStream(self.plan, self.strong, self.span_mask, step), workers):
            yield self.confident(views)

    def confident(self, views: Views) -> ConfidentViews | None:
        """The strong views whose weak views are read with confidence and whose frames suffice for the text."""
        readings = self.read(views.weak)
        kept = [
            (view, reading.text)
            for view, reading in zip(views.strong, readings, strict=True)
            if (reading.confidence_mean or 0.0) >= self.threshold
            and reading.text
            and self.spec.min_width(reading.text) <= view.shape[1]
        ]
        self.read_lines += len(readings)
        self.confident_lines += len(kept)
        if not kept:
            return None
        pictures, texts = zip(*kept, strict=True)
        share = sum(map(len, texts)) / sum(len(reading.text) for reading in readings)
        return ConfidentViews(
            padded_batch(pictures, texts, [""] * len(kept), self.plan.few_shapes), self.weight * share
        )

    def row(self) -> dict[str, float]:
        """The mean loss and the share of confident lines since the last call, for the log."""
        loss = float(torch.stack(self.losses).mean()) if self.losses else 0.0
        found = {
            "consistency": round(loss, 4),
            "confident": round(self.confident_lines / max(self.read_lines, 1), 3),
        }
        self.losses, self.read_lines, self.confident_lines = [], 0, 0
        return found


class ViewStream(IterableDataset[Views]):
    """Endless views of planned pictures from batch `skip` on, the same with any number of workers."""

    def __init__(self, plan: Plan, strong: AugmentSettings, span_mask: float = 0.0, skip: int = 0):
        self.plan, self.strong, self.span_mask, self.skip = plan, strong, span_mask, skip

    def __iter__(self) -> Iterator[Views]:
        worker = get_worker_info()
        mine, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        size, number = self.plan.chunk_items, 0
        for chunk in count():
            for items in self.plan.batches(chunk, size):
                if number >= self.skip and (number - self.skip) % workers == mine:
                    yield self._views(items)
                number += 1

    def _views(self, items: Sequence[Item]) -> Views:
        weak, strong = zip(*map(self._pair, items), strict=True)
        return Views(weak, strong)

    def _pair(self, item: Item) -> tuple[Grey, Grey]:
        picture, _, _ = self.plan.mixture.sources[item.source].make(item.index, 0.0)
        one, other, masks = (np.random.default_rng([self.plan.seed, item.source, item.place, use]) for use in (6, 7, 8))
        strong = augment(picture, other, 1.0, self.strong)
        if self.span_mask:
            strong = mask_spans(strong, masks, self.span_mask)
        return augment(picture, one, 1.0, WEAK), strong
