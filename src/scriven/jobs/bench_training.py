"""The parts of `bench` that need the extra `train`: writing words, and training steps as in `scriven train`."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from lightning_fabric import Fabric

from scriven.language.texts import charset_of, source, text_at
from scriven.reader.model import HEIGHT, STRIDE
from scriven.reader.trainable import InputSpec
from scriven.recognisers import DEFAULT_NETWORK, build
from scriven.recognisers.contract import Recogniser
from scriven.scribes.fonts import FontSettings
from scriven.scribes.specs import scribe_of
from scriven.tensors import Batch, collate, torch_threads
from scriven.training.fit import TrainingRun, begin, fit
from scriven.training.loader import AugmentSchedule, Mixture, Plan
from scriven.training.precision import precision_of
from scriven.training.settings import FitSettings
from scriven.training.sources import FixedSource, ScribeSource

WORD = 192  # px
LANGUAGE = "en"
WRITTEN = {  # settings that `rewriter` is measured with
    "pen, warp, blur and noise": FontSettings(white=1, ruled=0, through=0, neighbours=0, blots=0, shrink=0, jpeg=0),
    "paper, ruling and neighbours too": FontSettings(),
}


def writer(count: int) -> Callable[[], object]:
    """A function that writes `count` new words at full augmentation strength per call."""
    words = _words()
    place = iter(range(10**9))
    return lambda: [words.make(next(place), 1.0) for _ in range(count)]


def rewriter(count: int, settings: FontSettings) -> Callable[[], object]:
    """A function that writes the same `count` words per call: the scribe alone, with all glyph images cached."""
    scribe, drawn = scribe_of("fonts", settings), source(f"words:{LANGUAGE}")
    texts = [text_at(drawn, 0, index) for index in range(count)]
    return lambda: [scribe.write(text, np.random.default_rng([0, index])) for index, text in enumerate(texts)]


def trainer(size: str) -> tuple[int, Callable[[], object]]:
    """(words, work): per call, four batches of 64 words are written and trained on by the loop of `scriven train`."""
    words, steps = 64, 4
    settings = FitSettings(steps=1, batch_width_px=words * WORD, evaluations=1, ramp=1)
    plan = Plan(Mixture.of([_Padded(_words())]), 0, settings.batch_width_px)
    fabric, run = _begun(build(DEFAULT_NETWORK, charset_of(LANGUAGE), size=size), settings)
    shown = (FixedSource(_Padded(_words()), range(1)),)

    def work() -> None:
        with torch_threads(), _quiet():
            now = replace(settings, steps=run.progress.step + steps)
            fit(run, plan, shown, now, AugmentSchedule(ramp=1), fabric, lambda run, better: None)

    return words * steps, work


def stepper(network: str, sizes: Mapping[str, Any], batch_width_px: int) -> tuple[int, Callable[[], object]]:
    """(px of width per step, step): forward, backward and update on one batch of 64 x 192 pictures of noise."""
    count = max(1, batch_width_px // WORD)
    rng = np.random.default_rng(0)
    texts = tuple("".join(rng.choice(list("abcdefgh"), 9)) for _ in range(count))
    net = build(network or DEFAULT_NETWORK, charset_of(LANGUAGE), **sizes)
    batch: Batch = collate([rng.integers(0, 256, (net.height, WORD), dtype=np.uint8) for _ in range(count)], texts)
    fabric, run = _begun(net, FitSettings(steps=1))

    def step() -> None:
        with torch_threads():
            run.optimizer.zero_grad(set_to_none=True)
            fabric.backward(run.net.loss(batch))
            run.optimizer.step()

    return count * WORD, step


def _begun(net: Recogniser, settings: FitSettings) -> tuple[Fabric, TrainingRun]:
    with _quiet():
        fabric = Fabric(accelerator="cpu", devices=1, precision=precision_of("cpu"))  # type: ignore[arg-type]
        return fabric, begin(net, settings, fabric)


def _words() -> ScribeSource:
    texts = source(f"words:{LANGUAGE}")
    return ScribeSource(scribe_of("fonts"), texts, InputSpec(HEIGHT, STRIDE, charset_of(LANGUAGE)), seed=0, lines=0.0)


@dataclass(frozen=True)
class _Padded:
    """The words of a scribe as pictures of exactly 64 x 192 px, padded with paper or scaled down."""

    words: ScribeSource

    def __len__(self) -> int:
        return 0

    def order(self, epoch: int, seed: int) -> np.ndarray[Any, Any]:
        return self.words.order(epoch, seed)

    def width(self, index: int) -> int:
        return WORD

    def make(self, index: int, strength: float) -> tuple[np.ndarray[Any, Any], str, str]:
        picture, text, hand = self.words.make(index, strength)
        if picture.shape[1] > WORD:
            return np.asarray(cv2.resize(picture, (WORD, HEIGHT), interpolation=cv2.INTER_AREA)), text, hand
        return np.pad(picture, ((0, 0), (0, WORD - picture.shape[1])), constant_values=255), text, hand


@contextmanager
def _quiet() -> Iterator[None]:
    """Context manager that silences the training loop and Fabric."""
    loggers = [logging.getLogger(name) for name in ("scriven.fit", "lightning_fabric", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
