"""Batches of line pictures as tensors, padded to the right, masks of the padding, and files of tensors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from scriven.base import ModelError


@dataclass  # not frozen: Lightning Fabric copies it field by field when it trains in half precision
class Batch:
    """A batch of pictures of lines: 0 is paper, 1 is ink, padded on the right with 0."""

    images: Tensor  # (N, 1, H, W) float32
    widths: Tensor  # (N,) int64, px before padding
    texts: tuple[str, ...] = ()
    hands: tuple[str, ...] = ()

    def to(self, device: torch.device | str) -> "Batch":
        """A copy with its tensors on a device."""
        return replace(self, images=self.images.to(device), widths=self.widths.to(device))

    def __len__(self) -> int:
        return len(self.widths)

    def parts(self, count: int) -> list["Batch"]:
        """Split into `count` batches of nearly equal size, in order; into fewer if there are fewer lines."""
        cuts = [round(i * len(self) / count) for i in range(count + 1)]
        return [
            Batch(self.images[a:b], self.widths[a:b], self.texts[a:b], self.hands[a:b])
            for a, b in pairwise(cuts)
            if a < b
        ]


def collate(
    pictures: Sequence[np.ndarray], texts: Sequence[str] = (), hands: Sequence[str] = (), least: int = 0
) -> Batch:
    """A Batch of grey uint8 pictures (H, W) of equal height, 255 paper.

    It is padded to a multiple of 32 px, and to at least `least` px.
    """
    widths = np.array([p.shape[1] for p in pictures], dtype=np.int64)
    width = -(-max(int(widths.max()), least) // 32) * 32
    ink = np.full((len(pictures), 1, pictures[0].shape[0], width), 255, dtype=np.uint8)
    for row, picture in zip(ink, pictures, strict=True):
        row[0, :, : picture.shape[1]] = picture
    images = (255 - torch.from_numpy(ink)).float().div_(255.0)
    return Batch(images, torch.from_numpy(widths), tuple(texts), tuple(hands))


def length_mask(widths: Tensor, length: int) -> Tensor:
    """(N, length) bool: True for the columns before each of the widths (N,)."""
    return torch.arange(length, device=widths.device)[None, :] < widths[:, None]


def strided_widths(widths: Tensor, stride: int) -> Tensor:
    """Widths (N,) after downsampling by `stride`: rounded up, at least 1."""
    return ((widths + stride - 1) // stride).clamp_min(1)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises ModelError for a missing, truncated or foreign file."""
    try:
        return dict(load_file(path))
    except FileNotFoundError:
        raise ModelError(f"{path} is missing; copy the model folder again") from None
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged ({error}); copy the model folder again") from error


@contextmanager
def torch_threads(count: int = 1) -> Iterator[None]:
    """Context manager that runs torch in `count` threads and restores their number afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
