"""How a network is trained: the settings of the training loop, and the learning rate that follows from them."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriven.base import SettingsError
from scriven.base.settings import Count, Natural, Positive, Seed, Share, validated

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
LearningRate = Annotated[float, Field(gt=0, le=1)]
BatchWidth = Annotated[int, Field(ge=64)]  # px


@validated
@dataclass(frozen=True)
class FitSettings:
    """How a network is trained. Exactly one of `steps` and `minutes` sets the length; `patience` may end it earlier.

    Raises SettingsError when both or neither are set.
    """

    steps: Count | None = None
    minutes: Positive | None = None
    lr: LearningRate = 2e-3  # peak learning rate
    schedule: Literal["cosine", "one-cycle"] = "cosine"
    warmup: Share = 0.03  # fraction of the run; ignored by one-cycle, which warms up over 0.3 of it
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    clip: Positive = 1.0  # maximum norm of the gradient
    smoothing: Share = 0.0  # label smoothing
    ema: Share = 0.999  # decay of the moving average of the weights
    batch_width_px: BatchWidth = 12288  # total width of a batch: 64 words of 192 px or 12 lines of 1024 px
    evaluations: Count = 20  # at equal intervals over the run
    patience: Natural | None = None  # early stopping: evaluations without a lower CER before training ends
    ramp: Natural = 12  # chunks until augmentation reaches its full strength
    span_mask: Annotated[float, Field(ge=0, le=0.9)] = 0.0  # share of the width of every picture masked in spans
    workers: Natural | None = None  # data-loading processes; None: none on a CPU, up to 12 on a GPU
    replicas: Count | None = None  # parts of a batch computed in parallel on a CPU; None: one per thread, at most 4
    device: Device = "auto"
    devices: Count = 1
    precision: Precision = "auto"  # bf16-mixed where that is faster, else 32-true
    seed: Seed = 0
    RENAMED: ClassVar = {"columns": "batch_width_px", "hidden": "span_mask"}

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise SettingsError("set exactly one of steps and minutes: it sets the length of the training")


def learning_rate(settings: FitSettings, fraction: float) -> float:
    """The learning rate after a fraction (0..1) of the run.

    `cosine`: linear warm-up, then a cosine down to 1 % of the peak. `one-cycle` (Smith 2017): a cosine up from 4 %
    over the first 30 % of the run, then a cosine down to 0.01 %.
    """
    if settings.schedule == "one-cycle":
        if fraction < 0.3:
            return settings.lr * (0.04 + 0.96 * (1 - math.cos(math.pi * fraction / 0.3)) / 2)
        return settings.lr * max(1e-4, (1 + math.cos(math.pi * (fraction - 0.3) / 0.7)) / 2)
    if fraction < settings.warmup:
        return settings.lr * max(fraction / settings.warmup, 0.01)
    return settings.lr * max(0.01, (1 + math.cos(math.pi * (fraction - settings.warmup) / (1 - settings.warmup))) / 2)
