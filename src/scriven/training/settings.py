"""How a network is trained: the settings of the training loop, and the learning rate that follows from them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from scriven.augment import SetName, settings_of
from scriven.base import SettingsError
from scriven.base.settings import Count, Natural, NonNegative, Positive, Seed, Share, validated

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
LearningRate = Annotated[float, Field(gt=0, le=1)]
BatchWidth = Annotated[int, Field(ge=64)]  # px
Decay = Annotated[float, Field(ge=0, lt=1)]  # of a running mean

# What each optimiser sets where a setting is None. Those of the historical ones are of the programs that used them:
# Adam and Adadelta (Zeiler 2012, arXiv:1212.5701) of AttentionHTR, AdamW of StackMix.
OPTIMISERS: Mapping[str, Mapping[str, Any]] = {
    "muon": {"lr": 2e-3, "weight_decay": 0.05},
    "adamw": {"lr": 1e-3, "weight_decay": 0.01, "betas": (0.9, 0.999), "eps": 1e-8},
    "adam": {"lr": 1e-3, "weight_decay": 0.0, "betas": (0.9, 0.999), "eps": 1e-8},
    "adadelta": {"lr": 1.0, "weight_decay": 0.0, "rho": 0.95, "eps": 1e-8},
}
WARMUP = {"cosine": 0.03, "one-cycle": 0.3, "constant": 0.0}  # fraction of the run, where that is None
ONE_CYCLE_START, ONE_CYCLE_END = 1 / 25, 1 / 25 * 1e-5  # learning rates of one-cycle, relative to the peak


def check_length(steps: int | None, minutes: float | None) -> None:
    """Raises SettingsError unless exactly one of both sets the length of a training."""
    if (steps is None) == (minutes is None):
        raise SettingsError("set exactly one of steps and minutes: it sets the length of the training")


@validated
@dataclass(frozen=True)
class FitSettings:
    """How a network is trained. Exactly one of `steps` and `minutes` sets the length; `patience` may end it earlier.

    Raises SettingsError when both or neither are set, and for a setting that the optimiser or the augmentation does not
    have.
    """

    steps: Count | None = None
    minutes: Positive | None = None
    optimiser: Literal["muon", "adamw", "adam", "adadelta"] = "muon"
    lr: LearningRate | None = None  # peak learning rate; None here and below: see OPTIMISERS
    betas: tuple[Decay, Decay] | None = None  # of the running means of gradient and square; adam and adamw only
    rho: Decay | None = None  # of the running means of the squares; adadelta only
    eps: Positive | None = None  # added to the denominators; not of muon
    weight_decay: NonNegative | None = None
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0  # of the learning rate, per layer from the last one down
    freeze: tuple[str, ...] = ()  # modules of the network, by name, whose weights do not change
    thaw: Share | None = None  # fraction of the run after which they train too; None: never
    schedule: Literal["cosine", "one-cycle", "constant"] = "cosine"
    warmup: Share | None = None  # fraction of the run; None: see WARMUP
    clip: Positive = 1.0  # maximum norm of the gradient
    smoothing: Share = 0.0  # label smoothing
    ema: Share = 0.999  # decay of the moving average of the weights
    batch_width_px: BatchWidth = 12288  # total width of a batch: 64 words of 192 px or 12 lines of 1024 px
    evaluations: Count = 20  # at equal intervals over the run
    patience: Count | None = None  # early stopping: evaluations without a lower CER after which training ends
    ramp: Natural = 12  # chunks until augmentation reaches its full strength
    span_mask: Annotated[float, Field(ge=0, le=0.9)] = 0.0  # share of the width of every picture masked in spans
    augmentation: SetName = "default"  # of the pictures of lines folders: a set of augment.SETS
    augment: dict[str, Any] = field(default_factory=dict)  # single settings of it, by name; see AugmentSettings
    workers: Natural | None = None  # data-loading processes; None: none on a CPU, up to 12 on a GPU
    replicas: Count | None = None  # parts of a batch computed in parallel on a CPU; None: one per thread, at most 4
    device: Device = "auto"
    devices: Count = 1
    precision: Precision = "auto"  # bf16-mixed where that is faster, else 32-true
    seed: Seed = 0
    RENAMED: ClassVar = {"columns": "batch_width_px", "hidden": "span_mask"}

    def __post_init__(self) -> None:
        check_length(self.steps, self.minutes)
        settings_of(self.augmentation, self.augment)
        if self.thaw is not None and not self.freeze:
            raise SettingsError(
                "the setting 'thaw' has no effect without freeze; name the parts to freeze, or leave it out"
            )
        for name in ("betas", "rho", "eps"):
            if getattr(self, name) is not None and name not in OPTIMISERS[self.optimiser]:
                having = " or ".join(key for key, own in OPTIMISERS.items() if name in own)
                raise SettingsError(
                    f"the optimiser {self.optimiser} has no setting {name!r}; leave it out or set optimiser={having}"
                )

    def resolved(self) -> Self:
        """These settings with the values of the optimiser and the schedule where they are None."""
        own = {**OPTIMISERS[self.optimiser], "warmup": WARMUP[self.schedule]}
        missing = {key: value for key, value in own.items() if getattr(self, key) is None}
        return replace(self, **missing) if missing else self

    def frozen(self, fraction: float) -> tuple[str, ...]:
        """The frozen parts after a fraction (0..1) of the run."""
        return () if self.thaw is not None and fraction >= self.thaw else self.freeze


def fraction_done(step: int, seconds: float, steps: int | None, minutes: float | None) -> float:
    """The fraction of the steps or minutes of a run that is used up, 0..1."""
    if steps is not None:
        return min(1.0, step / steps)
    return min(1.0, seconds / (60 * minutes)) if minutes else 1.0


def learning_rate(settings: FitSettings, fraction: float) -> float:
    """The learning rate after a fraction (0..1) of the run.

    `cosine`: linear warm-up, then a cosine down to 1 % of the peak. `one-cycle` (Smith & Topin 2018, arXiv:1708.07120):
    a cosine up from ONE_CYCLE_START over the warm-up, then a cosine down to ONE_CYCLE_END. `constant`: the peak, after
    a linear warm-up if there is one.
    """
    settings = settings.resolved()
    assert settings.lr is not None and settings.warmup is not None
    peak, warmup = settings.lr, settings.warmup
    rising = fraction < warmup
    along = fraction / warmup if rising else (fraction - warmup) / max(1 - warmup, 1e-9)
    if settings.schedule == "one-cycle":
        end = ONE_CYCLE_START if rising else ONE_CYCLE_END
        swing = (1 - math.cos(math.pi * along)) / 2 if rising else (1 + math.cos(math.pi * along)) / 2
        return peak * (end + (1 - end) * swing)
    if rising:
        return peak * max(along, 0.01)
    return peak * (1.0 if settings.schedule == "constant" else max(0.01, (1 + math.cos(math.pi * along)) / 2))
