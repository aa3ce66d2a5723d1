"""Batches of similar width from a mixture of sources. Every process computes the same plan from (seed, chunk).

The stream of training pictures is cut into chunks. A chunk takes a fixed number of items from each source, by weight,
sorts them by width, cuts them into batches of about equal area and shuffles these; rank r of R makes every R-th batch.
"""

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from scriven.augment import AugmentSettings, augment, mask_spans, settings_of
from scriven.base import cores
from scriven.reader.trainable import InputSpec
from scriven.tensors import Batch, collate
from scriven.training.settings import FitSettings
from scriven.training.sources import FolderSource, Item, ScribeSource, Source

T = TypeVar("T")
MAX_WORKERS = 12  # a GPU trains on about 10,000 pictures per second, a process writes 2,000
CHUNK_BATCHES = 24  # approximate number of batches of a chunk
WIDTH_BUCKETS = tuple(sorted({32 * math.ceil(2 ** (k / 4)) for k in range(41)}))  # px: multiples of 32, four per octave


@dataclass(frozen=True)
class AugmentSchedule:
    """Augmentation and the share of the width that is masked; both grow to full strength over `ramp` chunks."""

    augment: AugmentSettings = AugmentSettings()
    ramp: int = 12
    span_mask: float = 0.0

    @classmethod
    def of(cls, settings: FitSettings) -> "AugmentSchedule":
        """The schedule that the settings of a training name."""
        chosen = settings_of(settings.augmentation, settings.augment)
        return cls(chosen, settings.ramp, settings.span_mask)


@dataclass(frozen=True)
class Mixture:
    """Sources and the share of the items that each supplies, adding up to 1.

    Folders are reshuffled after every epoch; scribes are endless.
    """

    sources: tuple[Source, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, sources: Sequence[Source], weights: Sequence[float] | None = None) -> "Mixture":
        """Sources with `weights` normalised to shares; without weights, by number of items (1 for endless ones)."""
        shares = np.array(weights if weights else [max(len(s), 1) for s in sources], dtype=float)
        return cls(tuple(sources), tuple(shares / shares.sum()))

    def joined(self, other: "Mixture", share: float) -> "Mixture":
        """This mixture and another one, from which `share` (0..1) of the items are drawn."""
        weights = [weight * (1 - share) for weight in self.weights] + [weight * share for weight in other.weights]
        return Mixture((*self.sources, *other.sources), tuple(weights))


@dataclass(frozen=True)
class Plan:
    """All batches of a training run. `batch_width_px`: the total width of the pictures of a batch.

    On `cuda` batches have one of about fifty shapes, with a tenth more padding, because its libraries prepare a kernel
    for every new shape (an H200 went from 0.4 to 1.2 million px per second; half of that comes from larger batches).
    """

    mixture: Mixture
    seed: int
    batch_width_px: int
    device: str = "cpu"

    @property
    def few_shapes(self) -> bool:
        """Whether batches are padded to a width of WIDTH_BUCKETS."""
        return self.device == "cuda"

    @property
    def chunk_items(self) -> int:
        """The number of items in about CHUNK_BATCHES batches, from the widths of the first 200 of each source."""
        widths = [np.mean([s.width(i) for i in range(min(len(s) or 200, 200))]) for s in self.mixture.sources]
        mean = float(np.dot(widths, self.mixture.weights))
        return max(8, round(CHUNK_BATCHES * self.batch_width_px / mean))

    def items(self, chunk: int, size: int) -> list[Item]:
        """The items of a chunk, in the order of the sources."""
        found = []
        for number, (source, weight) in enumerate(zip(self.mixture.sources, self.mixture.weights, strict=True)):
            start, end = round(chunk * size * weight), round((chunk + 1) * size * weight)
            orders: dict[int, np.ndarray] = {}
            for count in range(start, end):
                index = count
                if n := len(source):
                    epoch = count // n
                    if epoch not in orders:
                        orders[epoch] = source.order(epoch, self.seed)
                    index = int(orders[epoch][count % n])
                found.append(Item(number, index, count, source.width(index)))
        return found

    def batches(self, chunk: int, size: int, ranks: int = 1) -> list[list[Item]]:
        """The batches of a chunk, each of similar widths, shuffled; their number is a multiple of `ranks`."""
        rng = np.random.default_rng([self.seed, chunk, 3])
        items = self.items(chunk, size)
        items.sort(key=lambda item: (item.width, item.source, item.place))
        found = self._alike(items) if self.few_shapes else self._filled(items)
        while len(found) % ranks:  # every rank makes the same number: the batches with the most items are cut in two
            longest = max(range(len(found)), key=lambda i: (len(found[i]), i))
            whole = found.pop(longest)
            if len(whole) < 2:
                found.insert(longest, whole)
                found.append(whole)
                continue
            found += [whole[: len(whole) // 2], whole[len(whole) // 2 :]]
        rng.shuffle(found)
        return found

    def _filled(self, items: list[Item]) -> list[list[Item]]:
        """Sorted items, cut where one more would exceed `batch_width_px`."""
        found: list[list[Item]] = []
        batch: list[Item] = []
        for item in items:
            if batch and (len(batch) + 1) * item.width > self.batch_width_px:
                found.append(batch)
                batch = []
            batch.append(item)
        return [*found, batch]

    def _alike(self, items: list[Item]) -> list[list[Item]]:
        """Sorted items, taken from the widest down, as many per batch as its width bucket allows."""
        found = []
        while items:
            count = max(1, self.batch_width_px // width_bucket(items[-1].width))
            found.append(items[-count:])
            items = items[:-count]
        return found


def width_bucket(width: int) -> int:
    """The smallest width of WIDTH_BUCKETS that is at least `width` px; above them, the next multiple of 32."""
    return next((bucket for bucket in WIDTH_BUCKETS if bucket >= width), -(-width // 32) * 32)


class Stream(IterableDataset[tuple[int, int, Batch]]):
    """Endless batches of one rank, from batch `skip` of `chunk` on, in the same order for any number of workers."""

    def __init__(
        self, plan: Plan, augmentation: AugmentSchedule, *, chunk: int = 0, skip: int = 0, rank: int = 0, ranks: int = 1
    ):
        self.plan, self.augmentation, self.start, self.rank, self.ranks = plan, augmentation, (chunk, skip), rank, ranks

    def __iter__(self) -> Iterator[tuple[int, int, Batch]]:
        """Yields (chunk, number of its batches made so far, batch); the workers take turns."""
        worker = get_worker_info()
        mine, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        chunk, skip = self.start
        size, turn = self.plan.chunk_items, 0
        while True:
            strength = min(1.0, (chunk + 1) / max(1, self.augmentation.ramp))
            for number, items in enumerate(self.plan.batches(chunk, size, self.ranks)[self.rank :: self.ranks], 1):
                if number <= skip:
                    continue
                if turn % workers == mine:
                    yield chunk, number, self.make_batch(items, strength)
                turn += 1
            chunk, skip = chunk + 1, 0

    def make_batch(self, items: list[Item], strength: float) -> Batch:
        """The batch of planned items, augmented with `strength`, 0..1."""
        pictures, texts, hands = zip(*(self._make(item, strength) for item in items), strict=True)
        return padded_batch(pictures, texts, hands, self.plan.few_shapes)

    def _make(self, item: Item, strength: float) -> tuple[np.ndarray, str, str]:
        source = self.plan.mixture.sources[item.source]
        picture, text, hand = source.make(item.index, strength)
        if isinstance(source, FolderSource | ScribeSource) and source.augmented:
            rng = np.random.default_rng([self.plan.seed, item.source, item.place, 4])
            picture = augmented_view(picture, text, source.spec, rng, strength, self.augmentation.augment)
        if self.augmentation.span_mask:
            rng = np.random.default_rng([self.plan.seed, item.source, item.place, 5])
            picture = mask_spans(picture, rng, self.augmentation.span_mask * strength)
        return picture, text, hand


def padded_batch(pictures: Sequence[np.ndarray], texts: Sequence[str], hands: Sequence[str], few_shapes: bool) -> Batch:
    """A batch of prepared pictures (H, W); with `few_shapes` it is padded to a width of WIDTH_BUCKETS."""
    return collate(pictures, texts, hands, width_bucket(max(p.shape[1] for p in pictures)) if few_shapes else 0)


def augmented_view(
    picture: np.ndarray,
    text: str,
    spec: InputSpec,
    rng: np.random.Generator,
    strength: float,
    settings: AugmentSettings | None = None,
) -> np.ndarray:
    """An augmented copy of a picture (H, W); the picture itself if that has too few frames for the text."""
    view = augment(picture, rng, strength, settings)
    return view if spec.min_width(text) <= view.shape[1] else picture


def loader(stream: IterableDataset[T], workers: int) -> Iterator[T]:
    """The items of a stream of batches, prefetched by `workers` processes. The global random state is not changed.

    OpenCV is set to one thread, because a process forked while it has more would deadlock. Spawned processes receive a
    pickled copy of the stream.
    """
    if workers:
        cv2.setNumThreads(1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores, on request
        return iter(
            DataLoader(
                stream,
                batch_size=None,
                num_workers=workers,
                worker_init_fn=_one_thread,
                prefetch_factor=4 if workers else None,
                generator=torch.Generator(),
            )
        )


def workers(wanted: int | None, fabric: Fabric) -> int:
    """The number of data-loading processes: `wanted`, else none on a CPU, where training needs all cores."""
    if wanted is not None:
        return wanted
    if fabric.device.type == "cpu":
        return 0
    return max(1, min(MAX_WORKERS, cores() // fabric.world_size - 1))


class WaitingTime:
    """The share of the time spent inside `with` since the last call of `share`: waiting for training pictures."""

    def __init__(self) -> None:
        self.inside, self.since, self.entered = 0.0, time.monotonic(), 0.0

    def __enter__(self) -> None:
        self.entered = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.inside += time.monotonic() - self.entered

    def share(self) -> float:
        """The share, 0..1; then measuring starts again."""
        now = time.monotonic()
        share, self.inside, self.since = self.inside / max(now - self.since, 1e-9), 0.0, now
        return share


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)  # a spawned process starts with all threads; a forked one has one already
    torch.set_num_threads(1)


def unaugmented_batches(source: Source, batch_width_px: int) -> Iterator[Batch]:
    """All items of a source once, without augmentation, in batches of similar width."""
    batch: list[int] = []
    for index in sorted(range(len(source)), key=source.width):
        if batch and (len(batch) + 1) * source.width(index) > batch_width_px:
            yield _unaugmented_batch(source, batch)
            batch = []
        batch.append(index)
    if batch:
        yield _unaugmented_batch(source, batch)


def _unaugmented_batch(source: Source, batch: list[int]) -> Batch:
    pictures, texts, hands = zip(*(source.make(i, 0.0) for i in batch), strict=True)
    return collate(pictures, texts, hands)
