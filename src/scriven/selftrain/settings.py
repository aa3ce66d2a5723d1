"""How a hand is learnt: the settings of `adapt`."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from scriven.base.settings import Count, Natural, Positive, Seed, Share, validated
from scriven.reader.model import ModelInfo
from scriven.scribes.specs import maker_of
from scriven.training.fit import BatchWidth, Device, FitSettings, LearningRate, Precision

SPAN_MASK = 0.3
HALF = 0.5  # is believed where no error rate can be estimated
SPOILT = 1.25  # readings are not worth believing for each that is misread
KEEP_RANGE = (0.35, 0.85)  # the least and the most
SHORTEST = 2.5  # minutes of a round in which all weights move: a shorter one hardly more than reads the pictures
A_PICTURE = 0.0015  # minutes for each of them; so of few pictures a round may be shorter


@validated
@dataclass(frozen=True)
class AdaptSettings:
    """How a hand is learnt. `minutes` is shared among the rounds; with `steps`, a round is so many batches instead.

    The gentle round takes at most as much of the time as one of the others, or most of a minute where that is less.
    """

    minutes: Positive = 30.0
    steps: Count | None = None
    affine_steps: Natural = (
        150  # batches of the first round, in which scales and shifts alone move; 0: there is no such round
    )
    rounds: Count = 3  # in which all weights move
    keep_fraction: Annotated[float, Field(gt=0, le=1)] | None = (
        None  # of the readings that are believed; None: by the error rate that is estimated of them
    )
    synthetic_fraction: Share = 0.35  # share of synthetic pictures among those learnt from
    scribe: str = "fonts"  # that writes them: NAME or NAME:ARGUMENT, as in `write --scribe`
    span_mask: Annotated[float, Field(ge=0, le=0.9)] | None = (
        None  # share of the width hidden in spans; None: by what the parent has seen
    )
    language: str | None = None  # of the pictures, such as fr; None: what the first readings look most like
    texts: str | None = None  # a file or folder of texts like those in the pictures
    words: str | None = None  # a file of words to expect, one a line
    held_out: Annotated[float, Field(ge=0, le=0.9)] = 0.15  # share of the pictures used for evaluation only
    lr: LearningRate = 1.2e-3
    ema: Share = 0.99
    batch_width_px: BatchWidth = FitSettings.batch_width_px
    level: Literal["lines", "words"] = "lines"
    device: Device = "auto"
    precision: Precision = "auto"
    seed: Seed = 0
    RENAMED: ClassVar = {
        "columns": "batch_width_px",
        "gentle": "affine_steps",
        "hidden": "span_mask",
        "quota": "keep_fraction",
        "replay": "synthetic_fraction",
    }

    def __post_init__(self) -> None:
        maker_of(self.scribe)

    def for_parent(self, info: ModelInfo) -> "AdaptSettings":
        """With what depends on the model to start from.

        Span masking helps a model that has seen typefaces only and harms others
        (docs/experiments/2026-11-26-adapt-ablation.md).
        """
        if self.span_mask is not None:
            return self
        return replace(self, span_mask=SPAN_MASK if info.only_typefaces else 0.0)

    @property
    def all_rounds(self) -> int:
        """With the gentle one."""
        return self.rounds + bool(self.affine_steps)

    def is_affine_round(self, number: int) -> bool:
        """Whether round `number`, from 1 on, is the gentle one."""
        return bool(self.affine_steps) and number == 1

    def to_come(self, number: int, left: float, pictures: int) -> int:
        """How many rounds, from `number` on, share the `left` minutes: one rather than several short ones."""
        affine_steps = self.is_affine_round(number)
        wanted = self.all_rounds - number + 1 - affine_steps
        return affine_steps + max(1, min(wanted, int(left / min(SHORTEST, A_PICTURE * pictures))))

    def share_kept(self, misread: float | None) -> float:
        """The share of the readings that is believed in all rounds, where the parent misreads so much (0..1).

        The higher the error rate, the smaller the fraction: a growing one makes the labels worse
        (docs/experiments/2026-11-26-adapt-keep-fraction.md).
        """
        if self.keep_fraction is not None:
            return self.keep_fraction
        if misread is None:
            return HALF
        return float(np.clip(1 - SPOILT * misread, *KEEP_RANGE))

    def training(self, **timed: Any) -> FitSettings:
        """What a round is fitted with; it refuses what these settings share with it."""
        return FitSettings(
            **timed, lr=self.lr, ema=self.ema, batch_width_px=self.batch_width_px,
            span_mask=self.span_mask or 0.0, warmup=0.1,
            evaluations=1, ramp=1, seed=self.seed, device=self.device, precision=self.precision,
        )  # fmt: skip
