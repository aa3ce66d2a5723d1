"""Synthetic hands that look like given pictures: the same ink, paper, stroke, slant, size and blur, nothing more.

Hands are drawn, write a little and are measured like the pictures; each weighs the more the nearer it comes. So one
rule covers typeface, slant, pen and paper, and whatever else a hand has that can be seen.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from scriven.base import TextError
from scriven.images import prepare
from scriven.images.looks import Appearance, appearance
from scriven.scribes.fonts import FontScribe, Picture
from scriven.scribes.texts import TextSource

SEEN = 200  # pictures measured
LEAST = Appearance(ink=8, paper=6, stroke=0.25, slant=4, x_height=2, blur=0.3, coverage=0.015)  # differences that count
FREE = 0.25  # of the pictures are written by hands drawn freely, for a measure may be blind to what matters
TRIES = 50  # draws before a text goes to any hand that can write it


@dataclass(frozen=True)
class LikenessSettings:
    """How hands are chosen. `effective`: the number of equally weighted hands that the weights amount to."""

    hands: int = 1200  # drawn and measured
    samples: int = 2  # pictures of each
    effective: int = 120
    seed: int = 0


def measured(pictures: Sequence[Picture]) -> NDArray[np.float64]:
    """Appearances of grey pictures, (N, 7): the fields of Appearance in their order."""
    return np.array([astuple(appearance(p)) for p in pictures], dtype=np.float64).reshape(-1, len(astuple(LEAST)))


class Alike:
    """A scribe whose hands look like `pictures`: writes as FontScribe does, by weighted hands."""

    def __init__(
        self,
        scribe: FontScribe,
        texts: TextSource,
        pictures: Sequence[Picture],
        lines: float,
        settings: LikenessSettings | None = None,
    ):
        """`pictures` are prepared; `lines`: the share of whole lines among them. Raises TextError."""
        settings = settings or LikenessSettings()
        self.scribe = scribe
        rng = np.random.default_rng(settings.seed)
        drawn = rng.permutation(scribe.hands)[: settings.hands].tolist()
        looks, self.numbers = [], list[int]()
        for number in drawn:
            shown = list[Picture]()
            for _ in range(settings.samples * 4):
                text = texts.draw(rng, "line" if rng.random() < lines else "word")
                try:
                    shown.append(prepare(scribe.write(text, rng, hand=number)))
                except TextError:
                    continue
                if len(shown) == settings.samples:
                    break
            if shown:
                looks.append(measured(shown).mean(axis=0))
                self.numbers.append(number)
        if not looks:
            raise TextError("no typeface can write the texts; give other texts or typefaces")
        step = max(1, len(pictures) // SEEN)
        self.weights = likeness(np.array(looks), measured(pictures[::step]), settings.effective)
        self._sums = list(accumulate(self.weights.tolist()))

    def write(self, text: str, rng: np.random.Generator, *, strength: float = 1.0) -> Picture:
        """As FontScribe.write, by a hand that looks like the pictures, or now and then by any."""
        if rng.random() >= FREE:
            for _ in range(TRIES):
                place = min(bisect_right(self._sums, rng.random() * self._sums[-1]), len(self.numbers) - 1)
                try:
                    return self.scribe.write(text, rng, strength=strength, hand=self.numbers[place])
                except TextError:
                    continue
        return self.scribe.write(text, rng, strength=strength)


def likeness(hands: NDArray[np.float64], pictures: NDArray[np.float64], effective: float) -> NDArray[np.float64]:
    """Weights (H,) that sum to 1, of hands (H, F) by their distance to the pictures (N, F).

    Distances are in units of the pictures' own spread; a Gaussian's width is chosen so that 1 / sum of squares of the
    weights, the number of hands they amount to (Kish), is `effective`.
    """
    middle = np.median(pictures, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(pictures - middle), axis=0), astuple(LEAST))
    far = (((hands - middle) / spread) ** 2).mean(axis=1)
    far -= far.min()
    low, high = 1e-6, 1e6  # of the Gaussian's variance
    for _ in range(60):
        width = float(np.sqrt(low * high))
        weights = np.exp(-far / width)
        weights /= weights.sum()
        if 1 / float((weights**2).sum()) < effective:
            low = width
        else:
            high = width
    return weights
