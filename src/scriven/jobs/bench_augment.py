"""The part of `bench` that augments pictures of lines: single blots and changes, and whole sets."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from scriven.augment import SETS, Sampler, SetName, augment
from scriven.augment.blots import Blot, blots, scribble, stain, strike
from scriven.augment.changes import clahe, rotate, threshold
from scriven.images import Grey

Change = Callable[[Grey, np.random.Generator], Grey]
MEASURED_SETS: tuple[SetName, ...] = ("default", "blots", "stackmix+blots", "weak", "strong")


def changes() -> Mapping[str, Change]:
    """What is measured, by the name of its row."""
    single: dict[str, Change] = {
        "strike out lines": partial(_blotted, strike),
        "scribble over lines": partial(_blotted, scribble),
        "stain lines": partial(_blotted, stain),
        "CLAHE of lines": lambda image, rng: clahe(image, Sampler(rng)),
        "rotate lines": lambda image, rng: rotate(image, 3.0, Sampler(rng)),
        "threshold of lines": lambda image, rng: threshold(image, Sampler(rng)),
    }
    return single | {f"augment lines, {name}": partial(_augmented, name) for name in MEASURED_SETS}


def changer(change: Change, pictures: Sequence[Grey]) -> Callable[[], object]:
    """A function that changes every picture once per call, each time differently."""
    rng = np.random.default_rng(0)
    return lambda: [change(picture, rng) for picture in pictures]


def _blotted(kind: Blot, image: Grey, rng: np.random.Generator) -> Grey:
    return blots(image, Sampler(rng), kind)


def _augmented(name: SetName, image: Grey, rng: np.random.Generator) -> Grey:
    return augment(image, rng, 1.0, SETS[name])
