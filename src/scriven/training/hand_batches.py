"""Batches for the network of hands: random pieces of writing, varied in what does not belong to a hand.

Thickness, contrast, sharpness, grain and the place on the line are varied; slant, proportions and shapes are not. Batch
number i of a seed is the same, whatever came before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor

from scriven.images import Grey, prepare
from scriven.judging.pictures import HEIGHT, Floats, ink_of, written_part
from scriven.training.image_cache import ImageCache

WIDTHS = (64, 96, 128, 192, 256, 320)  # px of the pieces of a batch
AREA = 48 * 160  # px of width in a batch
POWER = 0.5  # hands are drawn in proportion to the number of their pictures to this power


@dataclass
class HandPictures:
    """Prepared pictures by position, with the number of the hand of each."""

    images: ImageCache = field(default_factory=lambda: ImageCache(HEIGHT))
    hands: list[int] = field(default_factory=list)

    def add(self, picture: Grey, hand: int) -> None:
        """Append a grey picture of any size. Raises ImageError if it shows no writing."""
        prepared = prepare(picture, HEIGHT)
        self.images.add(prepared[:, written_part(ink_of(prepared))])
        self.hands.append(hand)


class HandBatches:
    """Batches of the pictures `indices`."""

    def __init__(
        self, pictures: HandPictures, indices: Sequence[int], groups: Sequence[int], shares: Sequence[float], seed: int
    ):
        """`groups`: the group of each hand, such as typefaces; `shares`: the share of each group in the batches."""
        self.pictures, self.seed = pictures, seed
        self._own: dict[int, list[int]] = {}
        for index in indices:
            self._own.setdefault(pictures.hands[index], []).append(index)
        self._hands = sorted(self._own)
        weights = np.array([len(self._own[hand]) ** POWER for hand in self._hands])
        group = np.array([groups[hand] for hand in self._hands])
        for number, share in enumerate(shares):
            inside = group == number
            weights[inside] *= share / max(weights[inside].sum(), 1e-9)
        self._cumulated = np.cumsum(weights / weights.sum())

    def batch(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Batch `number`: ink (N, 1, HEIGHT, W), widths (N,) px, hands (N,)."""
        rng = np.random.default_rng([self.seed, number])
        width = int(rng.choice(WIDTHS))
        count = AREA // width
        images, widths = np.zeros((count, 1, HEIGHT, width), np.float32), np.zeros(count, np.int64)
        hands = np.zeros(count, np.int64)
        for i, place in enumerate(self._cumulated.searchsorted(rng.random(count) * (1 - 1e-9))):
            hand = self._hands[int(place)]
            own = self._own[hand]
            ink = piece_of(ink_of(self.pictures.images.get(own[int(rng.integers(len(own)))])), width, rng)
            ink = varied(ink, rng)
            images[i, 0, :, : ink.shape[1]], widths[i], hands[i] = ink, ink.shape[1], hand
        return torch.from_numpy(images), torch.from_numpy(widths), torch.from_numpy(hands)


def piece_of(ink: Floats, width: int, rng: np.random.Generator) -> Floats:
    """A random piece (HEIGHT, at most `width`) of ink."""
    start = int(rng.integers(0, max(1, ink.shape[1] - width + 1)))
    return ink[:, start : start + width]


def varied(ink: Floats, rng: np.random.Generator) -> Floats:
    """Ink (HEIGHT, W) with other thickness, contrast, sharpness and grain, moved and scaled a little."""
    wide = ink.shape[1]
    high, broad = rng.uniform(0.88, 1.12), rng.uniform(0.94, 1.06)
    move = np.array(
        [
            [broad, rng.uniform(-0.03, 0.03), wide * (1 - broad) / 2],
            [0, high, HEIGHT * (1 - high) / 2 + rng.uniform(-5, 5)],
        ],
        np.float32,
    )
    ink = np.asarray(cv2.warpAffine(ink, move, (wide, HEIGHT)), np.float32)
    pen = rng.random()
    if pen < 0.5:
        changed = (cv2.dilate if pen < 0.25 else cv2.erode)(ink, np.ones((2, 2) if rng.random() < 0.5 else (3, 3)))
        ink = ink + np.float32(rng.uniform(0.2, 0.8)) * (np.asarray(changed, np.float32) - ink)
    if rng.random() < 0.5:
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.0)), np.float32)
    ink = np.clip(ink, 0, 1) ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    ink = np.clip(ink * np.float32(rng.uniform(0.6, 1.5)) - np.float32(rng.uniform(0, 0.15)), 0, 1)
    if rng.random() < 0.5:  # as a generated picture, whose paper is clear, looks when it is cleared again
        ink = np.clip(1.275 * ink - 0.125, 0, 1)
    if rng.random() < 0.3:
        ink = ink + rng.standard_normal(ink.shape, np.float32) * np.float32(rng.uniform(0, 0.08))
    if rng.random() < 0.3:  # a part is missing
        start, length = int(rng.integers(wide)), int(rng.integers(4, 24))
        ink = ink.copy()
        ink[:, start : start + length] = 0
    return np.clip(ink, 0, 1).astype(np.float32)
