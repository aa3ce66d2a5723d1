"""How a hand is learnt: the settings of `adapt`."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scriven.base import one_of, within
from scriven.lines.splits import LEVELS
from scriven.reader.model import ModelInfo
from scriven.scribes.specs import maker_of
from scriven.training.fit import FitSettings

SPAN_MASK = 0.3
HALF = 0.5  # is believed where no error rate can be estimated
SPOILT = 1.25  # readings are not worth believing for each that is misread
KEEP_RANGE = (0.35, 0.85)  # the least and the most
SHORTEST = 2.5  # minutes of a round in which all weights move: a shorter one hardly more than reads the pictures
A_PICTURE = 0.0015  # minutes for each of them; so of few pictures a round may be shorter


@dataclass(frozen=True)
class AdaptSettings:
    """How a hand is learnt. `minutes` is shared among the rounds; with `steps`, a round is so many batches instead.

    The gentle round takes at most as much of the time as one of the others, or most of a minute where that is less.
    """

    minutes: float = 30.0
    steps: int | None = None
    affine_steps: int = (
        150  # batches of the first round, in which scales and shifts alone move; 0: there is no such round
    )
    rounds: int = 3  # in which all weights move
    keep_fraction: float | None = (
        None  # of the readings that are believed; None: by the error rate that is estimated of them
    )
    synthetic_fraction: float = 0.35  # share of synthetic pictures among those learnt from
    scribe: str = "fonts"  # that writes them: NAME or NAME:ARGUMENT, as in `write --scribe`
    span_mask: float | None = None  # share of the width hidden in spans; None: by what the parent has seen
    language: str | None = None  # of the pictures, such as fr; None: what the first readings look most like
    texts: str | None = None  # a file or folder of texts like those in the pictures
    words: str | None = None  # a file of words to expect, one a line
    held_out: float = 0.15  # share of the pictures that only judge
    lr: float = 1.2e-3
    ema: float = 0.99
    batch_width_px: int = FitSettings.batch_width_px
    level: str = "lines"
    device: str = "auto"
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        within("minutes", self.minutes, 0, above=True)
        within("steps", self.steps, 1)
        within("affine_steps", self.affine_steps, 0)
        within("rounds", self.rounds, 1)
        if self.keep_fraction is not None:
            within("keep_fraction", self.keep_fraction, 0, 1, above=True)
        within("synthetic_fraction", self.synthetic_fraction, 0, 1)
        within("held_out", self.held_out, 0, 0.9)  # so much of FEWEST leaves something to learn from
        one_of("level", self.level, LEVELS)
        maker_of(self.scribe)
        self.training(steps=1)

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
