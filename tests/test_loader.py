"""The loader: the same batches in every process, each line once per epoch, few shapes on a GPU."""

import itertools
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from scriven.lines import LinesFolder
from scriven.reader.trainable import InputSpec
from scriven.training import loader as loading
from scriven.training.loader import AugmentSchedule, Mixture, Plan, Stream, loader, width_bucket
from scriven.training.sources import FolderSource
from toy_training import lines, plan  # noqa: F401


def test_a_chunk_holds_every_line_once_in_batches_of_similar_width(lines):
    made = plan(lines)
    items = [item for batch in made.batches(0, 40) for item in batch]
    assert sorted(item.index for item in items) == list(range(40))
    for batch in made.batches(0, 40):
        assert len(batch) * max(item.width for item in batch) <= 1200 or len(batch) == 1


def test_width_buckets_are_at_least_as_wide_and_at_most_a_third_wider():
    widths = range(1, 4000)
    assert all(
        width_bucket(w) >= w and width_bucket(w) % 32 == 0 and width_bucket(width_bucket(w)) == width_bucket(w)
        for w in widths
    )
    assert max(width_bucket(w) / w for w in widths if w > 200) < 1.3
    assert len({width_bucket(w) for w in widths}) < 30


def test_batches_for_a_gpu_have_few_shapes_and_hold_every_line(lines):
    source = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4))
    made = Plan(Mixture.of([source]), seed=3, batch_width_px=1200, device="cuda")
    for chunk in (0, 1):
        batches = made.batches(chunk, 40)
        assert sorted(item.index for batch in batches for item in batch) == list(range(40))
        wide = [max(item.width for item in batch) for batch in batches]
        assert all(
            len(batch) in (1200 // width_bucket(w), 1) or w == min(wide) for batch, w in zip(batches, wide, strict=True)
        )
    shapes = [batch.images.shape for _, _, batch in itertools.islice(Stream(made, AugmentSchedule(ramp=1)), 40)]
    assert all(width_bucket(width) == width for *_, width in shapes)
    assert len(set(shapes)) < 15


@pytest.mark.parametrize("cache_bytes", [1 << 30, 0])
def test_every_epoch_is_shuffled_differently_from_the_others_and_from_the_file(lines, cache_bytes):
    """Both in the plan and in the batches; 0: a folder too large for the cache."""
    source = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4), cache_bytes=cache_bytes)
    made = Plan(Mixture.of([source]), seed=3, batch_width_px=1200)
    epochs = [[item.index for item in made.items(epoch, 40)] for epoch in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(40))
    assert epochs[0] != epochs[1] and list(range(40)) not in epochs
    widths = [[max(item.width for item in batch) for batch in made.batches(epoch, 40)] for epoch in (0, 1)]
    assert widths[0] != widths[1] and sorted(widths[0]) not in widths  # nor are the short ones first


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_every_rank_has_the_same_number_of_batches(lines, ranks):
    batches = plan(lines).batches(1, 40, ranks)
    assert len(batches) % ranks == 0
    assert sorted(i.index for b in batches for i in b) == list(range(40))


def test_the_number_of_workers_does_not_change_the_batches(lines):
    def first(workers):
        made = iter(loader(Stream(plan(lines), AugmentSchedule(ramp=1)), workers))
        return [next(made) for _ in range(7)]

    for (c1, n1, a), (c2, n2, b) in zip(first(0), first(2), strict=True):
        assert (c1, n1, a.texts) == (c2, n2, b.texts)
        assert torch.equal(a.images, b.images)


@pytest.mark.timeout(60)
def test_workers_start_after_opencv_ran_in_threads():
    cv2.setNumThreads(2)
    cv2.GaussianBlur(np.random.default_rng(0).random((2000, 2000), dtype=np.float32), (31, 31), 5)
    assert len(list(itertools.islice(loader([1, 2, 3], 1), 3))) == 3


def test_a_stream_can_start_at_any_batch(lines):
    made = plan(lines)
    whole = iter(Stream(made, AugmentSchedule(ramp=1)))
    skipped = [next(whole) for _ in range(9)]
    chunk, number, batch = skipped[-1]
    later = next(iter(Stream(made, AugmentSchedule(ramp=1), chunk=chunk, skip=number - 1)))
    assert torch.equal(later[2].images, batch.images)


def test_a_folder_too_large_for_the_cache_gives_the_same_pictures(lines):
    banked = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4))
    streamed = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4), cache_bytes=0)
    assert sorted(streamed.order(0, 1)) == list(range(len(banked)))
    for i in (0, 7, 39):
        assert np.array_equal(banked.picture(i), streamed.picture(i))


def test_span_masking_masks_a_share_of_every_picture(lines):
    plain, other, again = (
        next(iter(Stream(plan(lines), AugmentSchedule(ramp=1, span_mask=h))))[2] for h in (0.0, 0.3, 0.3)
    )
    assert plain.texts == other.texts and plain.images.shape == other.images.shape
    assert other.images.sum() < 0.95 * plain.images.sum() and torch.equal(other.images, again.images)


@pytest.mark.parametrize(
    ("wanted", "device", "ranks", "expected"),
    [(None, "cpu", 1, 0), (3, "cpu", 1, 3), (None, "cuda", 1, 12), (None, "cuda", 4, 3), (0, "cuda", 1, 0)],
)
def test_a_gpu_has_data_loading_processes(monkeypatch, wanted, device, ranks, expected):
    monkeypatch.setattr(loading, "cores", lambda: 16)
    fabric = SimpleNamespace(device=SimpleNamespace(type=device), world_size=ranks)
    assert loading.workers(wanted, fabric) == expected
