"""Batches by width from a mixture of sources, planned ahead: the same for every process, from (seed, chunk) alone.

The stream of training pictures is cut into chunks. A chunk takes a fixed number of items from each source by weight,
sorts them by width, cuts batches of about equal area and shuffles those; rank r of R then makes every R-th batch.
"""

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from scriven.augment import AugmentSettings, augment, mask_spans
from scriven.base import cores
from scriven.reader.align import frames_needed
from scriven.tensors import Batch, collate
from scriven.text import visual
from scriven.training.sources import FolderSource, Item, Source

MOST_WORKERS = 12  # a GPU takes some 10,000 pictures a second, a process writes 2,000
CHUNK_BATCHES = 24  # about how many batches a chunk is cut into
WIDTH_BUCKETS = tuple(
    sorted({32 * math.ceil(2 ** (k / 4)) for k in range(41)})
)  # px: four to a doubling, multiples of 32


@dataclass(frozen=True)
class AugmentSchedule:
    """How strongly pictures are changed, and what share of their width is hidden; in full after `ramp` chunks."""

    augment: AugmentSettings = AugmentSettings()
    ramp: int = 12
    span_mask: float = 0.0


@dataclass(frozen=True)
class Mixture:
    """Sources, each with its share of the items; folders are read through and shuffled again, scribes never end."""

    sources: tuple[Source, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, sources: Sequence[Source], weights: Sequence[float] | None = None) -> "Mixture":
        """Folders weigh by their size unless told otherwise; scribes write their own variety."""
        shares = np.array(weights if weights else [max(len(s), 1) for s in sources], dtype=float)
        return cls(tuple(sources), tuple(shares / shares.sum()))


@dataclass(frozen=True)
class Plan:
    """All batches of a training run. `batch_width_px`: px that all pictures of a batch are wide together.

    For `cuda` they have one of some fifty shapes, at the price of a tenth more padding: its libraries prepare a kernel
    for every shape that they have not seen (an H200 went from 0.4 to 1.2 million px a second; half is larger batches).
    """

    mixture: Mixture
    seed: int
    batch_width_px: int
    device: str = "cpu"

    @property
    def few_shapes(self) -> bool:
        return self.device == "cuda"

    @property
    def chunk_items(self) -> int:
        """How many items make about CHUNK_BATCHES batches, by the widths of the first 200 of each source."""
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
        """A chunk as batches of similar width, shuffled; their number is a multiple of `ranks`."""
        rng = np.random.default_rng([self.seed, chunk, 3])
        items = self.items(chunk, size)
        items.sort(key=lambda item: (item.width, item.source, item.place))
        found = self._alike(items) if self.few_shapes else self._filled(items)
        while len(found) % ranks:  # every rank makes as many: the longest batches are cut in two
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
        """Items sorted by width, cut where the next would make a batch too large."""
        found: list[list[Item]] = []
        batch: list[Item] = []
        for item in items:
            if batch and (len(batch) + 1) * item.width > self.batch_width_px:
                found.append(batch)
                batch = []
            batch.append(item)
        return [*found, batch]

    def _alike(self, items: list[Item]) -> list[list[Item]]:
        """Items sorted by width, from the widest on, as many to a batch as its rung allows."""
        found = []
        while items:
            count = max(1, self.batch_width_px // width_bucket(items[-1].width))
            found.append(items[-count:])
            items = items[:-count]
        return found


def width_bucket(width: int) -> int:
    """The smallest width of WIDTH_BUCKETS that is at least `width` px."""
    return next((width_bucket for width_bucket in WIDTH_BUCKETS if width_bucket >= width), -(-width // 32) * 32)


class Stream(IterableDataset[tuple[int, int, Batch]]):
    """Endless batches of one rank from a place in a plan on, in the same order with any number of workers."""

    def __init__(
        self, plan: Plan, look: AugmentSchedule, *, chunk: int = 0, skip: int = 0, rank: int = 0, ranks: int = 1
    ):
        self.plan, self.look, self.start, self.rank, self.ranks = plan, look, (chunk, skip), rank, ranks

    def __iter__(self) -> Iterator[tuple[int, int, Batch]]:
        """(chunk, batches of it that are made after this one, batch); every worker makes its share in turn."""
        worker = get_worker_info()
        mine, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        chunk, skip = self.start
        size, turn = self.plan.chunk_items, 0
        while True:
            strength = min(1.0, (chunk + 1) / max(1, self.look.ramp))
            for number, items in enumerate(self.plan.batches(chunk, size, self.ranks)[self.rank :: self.ranks], 1):
                if number <= skip:
                    continue
                if turn % workers == mine:
                    yield chunk, number, self.make_batch(items, strength)
                turn += 1
            chunk, skip = chunk + 1, 0

    def make_batch(self, items: list[Item], strength: float) -> Batch:
        """The batch of planned items, augmented with `strength` 0..1."""
        pictures, texts, hands = zip(*(self._make(item, strength) for item in items), strict=True)
        return padded(pictures, texts, hands, self.plan.few_shapes)

    def _make(self, item: Item, strength: float) -> tuple[np.ndarray, str, str]:
        source = self.plan.mixture.sources[item.source]
        picture, text, hand = source.make(item.index, strength)
        if isinstance(source, FolderSource):
            rng = np.random.default_rng([self.plan.seed, item.source, item.place, 4])
            picture = view_of(picture, text, source.spec.stride, rng, strength, self.look.augment)
        if self.look.span_mask:
            rng = np.random.default_rng([self.plan.seed, item.source, item.place, 5])
            picture = mask_spans(picture, rng, self.look.span_mask * strength)
        return picture, text, hand


def padded(pictures: Sequence[np.ndarray], texts: Sequence[str], hands: Sequence[str], few_shapes: bool) -> Batch:
    """Prepared pictures as a batch, with `few_shapes` as wide as one of WIDTH_BUCKETS."""
    return collate(pictures, texts, hands, width_bucket(max(p.shape[1] for p in pictures)) if few_shapes else 0)


def view_of(
    picture: np.ndarray,
    text: str,
    stride: int,
    rng: np.random.Generator,
    strength: float,
    settings: AugmentSettings | None = None,
) -> np.ndarray:
    """An augmented view of a picture (H, W); the picture itself if the view has too few frames for the text."""
    view = augment(picture, rng, strength, settings)
    return view if frames_needed(visual(text)) <= -(-view.shape[1] // stride) else picture


def loader(stream: Stream, workers: int) -> Iterator[tuple[int, int, Batch]]:
    """Batches of a stream, made by `workers` processes, ahead of time; the global random state is not touched.

    OpenCV is left with one thread: a process forked while it has more waits for the missing ones for ever. Where
    processes are spawned each gets a pickled copy of the stream.
    """
    if workers:
        cv2.setNumThreads(1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more than the cores: as was asked for
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
    """How many processes make pictures where it is not said: on a CPU none, for the training needs all its cores."""
    if wanted is not None:
        return wanted
    if fabric.device.type == "cpu":
        return 0
    return max(1, min(MOST_WORKERS, cores() // fabric.world_size - 1))


class Waiting:
    """How much of the time since the last question was spent inside `with`: a trainer that waits for its pictures."""

    def __init__(self) -> None:
        self.inside, self.since, self.entered = 0.0, time.monotonic(), 0.0

    def __enter__(self) -> None:
        self.entered = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.inside += time.monotonic() - self.entered

    def share(self) -> float:
        """0..1; the count begins anew."""
        now = time.monotonic()
        share, self.inside, self.since = self.inside / max(now - self.since, 1e-9), 0.0, now
        return share


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)  # no change where processes are forked; a spawned one comes with all threads
    torch.set_num_threads(1)


def in_order(source: Source, batch_width_px: int) -> Iterator[Batch]:
    """All items of a source once, as they are, in batches of similar width."""
    batch: list[int] = []
    for index in sorted(range(len(source)), key=source.width):
        if batch and (len(batch) + 1) * source.width(index) > batch_width_px:
            yield _as_they_are(source, batch)
            batch = []
        batch.append(index)
    if batch:
        yield _as_they_are(source, batch)


def _as_they_are(source: Source, batch: list[int]) -> Batch:
    pictures, texts, hands = zip(*(source.make(i, 0.0) for i in batch), strict=True)
    return collate(pictures, texts, hands)
