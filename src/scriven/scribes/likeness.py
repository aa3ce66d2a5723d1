"""Synthetic hands that look like given pictures: the same stroke, slant, size, blur and share of ink, nothing more.

Hands are drawn, write a little and are measured like the pictures; each weighs the more the nearer it comes. So one
rule covers typeface, slant and pen, and whatever else of a hand can be seen.
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

Floats = NDArray[np.float64]

LEAST = Appearance(ink=8, paper=6, stroke=0.25, slant=4, x_height=2, blur=0.3, coverage=0.015)  # differences that count
TRIES = 4  # texts, for each picture of a hand, before it is passed over
DRAWS = 50  # of like hands, before a text goes to any hand that can write it


@dataclass(frozen=True)
class LikenessSettings:
    """How hands are chosen. `effective`: how many equally weighted hands the weights amount to."""

    hands: int = 1200  # drawn and measured
    samples: int = 2  # pictures of each
    effective: int = 120
    seen: int = 200  # of the given pictures are measured
    free: float = 0.25  # of the pictures any hand writes: a measure may be blind to what matters
    seed: int = 0


class Alike:
    """A scribe that writes as FontScribe does, mostly by hands that look like `pictures`."""

    def __init__(
        self,
        scribe: FontScribe,
        texts: TextSource,
        pictures: Sequence[Picture],
        lines: float,
        settings: LikenessSettings | None = None,
    ):
        """`pictures` are prepared, and `lines` is the share of whole lines among them. Raises TextError."""
        self.settings = settings = settings or LikenessSettings()
        self.scribe, self.numbers = scribe, list[int]()
        rng, looks = np.random.default_rng(settings.seed), list[Floats]()
        for number in rng.permutation(scribe.hands)[: settings.hands].tolist():
            if written := _written(scribe, number, texts, lines, settings.samples, rng):
                looks.append(measured(written).mean(axis=0))
                self.numbers.append(number)
        if not looks:
            raise TextError("no typeface can write the texts; give other texts or typefaces")
        step = max(1, len(pictures) // settings.seen)
        self.weights = likeness(np.array(looks), measured(pictures[::step]), settings.effective)
        self._sums = list(accumulate(self.weights.tolist()))

    def write(self, text: str, rng: np.random.Generator, *, strength: float = 1.0) -> Picture:
        """As FontScribe.write. Raises TextError where no typeface at all can write the text."""
        if rng.random() >= self.settings.free:
            for _ in range(DRAWS):
                place = min(bisect_right(self._sums, rng.random() * self._sums[-1]), len(self.numbers) - 1)
                try:
                    return self.scribe.write(text, rng, strength=strength, hand=self.numbers[place])
                except TextError:
                    continue
        return self.scribe.write(text, rng, strength=strength)


def _written(
    scribe: FontScribe, number: int, texts: TextSource, lines: float, samples: int, rng: np.random.Generator
) -> list[Picture]:
    """Prepared pictures that a hand has written; fewer, or none, where it lacks letters of the texts."""
    found = list[Picture]()
    for _ in range(samples * TRIES):
        text = texts.draw(rng, "line" if rng.random() < lines else "word")
        try:
            found.append(prepare(scribe.write(text, rng, hand=number)))
        except TextError:
            continue
        if len(found) == samples:
            break
    return found


def measured(pictures: Sequence[Picture]) -> Floats:
    """Appearances of prepared pictures, (N, 7): the fields of Appearance in their order."""
    return np.array([astuple(appearance(p)) for p in pictures], dtype=np.float64).reshape(-1, len(astuple(LEAST)))


def likeness(hands: Floats, pictures: Floats, effective: float) -> Floats:
    """Weights (H,) that sum to 1, of hands (H, F) by their distance to the middle of the pictures (N, F).

    Distances are in units of the pictures' own spread. The width of a Gaussian over them is such that the weights
    amount to `effective` equal ones (Kish: 1 / sum of squares), all of them where there are fewer.
    """
    middle = np.median(pictures, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(pictures - middle), axis=0), astuple(LEAST))
    far = (((hands - middle) / spread) ** 2).mean(axis=1)
    far -= far.min()
    narrow, wide = 1e-6, 1e6  # the variance, between
    for _ in range(60):
        variance = float(np.sqrt(narrow * wide))
        weights = np.exp(-far / variance)
        weights /= weights.sum()
        if 1 / float((weights**2).sum()) < effective:
            narrow = variance
        else:
            wide = variance
    return weights
