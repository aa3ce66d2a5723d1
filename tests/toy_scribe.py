"""A second scribe for tests: OpenCV's line font, five hands of different slant."""

from dataclasses import dataclass

import cv2
import numpy as np

from scriven.base import Skipped, TextError
from scriven.base.settings import validated
from scriven.scribes import Handwriting
from scriven.text import name, normalise

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:!?'()-")


@validated
@dataclass(frozen=True)
class ToySettings:
    """Settings of the toy scribe."""

    height: int = 64  # px
    size: float = 0.9  # of the letters


DEFAULTS = ToySettings()


@dataclass(frozen=True)
class ToyScribe:
    """Writes ASCII letters other than those of `lacking`."""

    lacking: str
    settings: ToySettings
    origin: str = "toy"
    licence: str = "drawn with OpenCV's line font"
    hands: int = 5
    augmented: bool = False
    skipped: tuple[Skipped, ...] = ()

    def refusal(self, text: str) -> str | None:
        text = normalise(text)
        if not text:
            return "there is nothing to write in an empty text; leave it out"
        missing = sorted(set(text) - (LETTERS - set(self.lacking)))
        return f"no hand can write {', '.join(map(name, missing))} of {text!r}; leave it out" if missing else None

    def write(
        self, text: str, rng: np.random.Generator, *, hand: int | None = None, strength: float = 1.0
    ) -> Handwriting:
        if why := self.refusal(text):
            raise TextError(why)
        text, number = normalise(text), int(rng.integers(self.hands)) if hand is None else hand
        height, size = self.settings.height, self.settings.size
        picture = np.full((height, 20 * len(text) + 50), 255, np.uint8)
        cv2.putText(picture, text, (20, round(0.68 * height)), cv2.FONT_HERSHEY_SIMPLEX, size, 0, 2)
        lean = 0.06 * number + strength * rng.uniform(-0.05, 0.05)
        affine = np.array([[1, -lean, lean * height / 2], [0, 1, 0]], np.float32)
        picture = cv2.warpAffine(picture, affine, picture.shape[::-1], borderValue=(255,))
        return Handwriting(np.asarray(picture, np.uint8), text, f"toy/{number}")


def toy_scribe(argument: str = "", settings: ToySettings = DEFAULTS) -> ToyScribe:
    """The scribe `toy`; with `toy:LETTERS` one that lacks these letters."""
    if argument and not argument.isalpha():
        raise TextError(f"the toy scribe takes letters that it lacks, not {argument!r}; write toy:xyz")
    return ToyScribe(argument, settings)
