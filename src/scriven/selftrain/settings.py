"""The settings of `adapt`, and what follows from them: rounds, pseudo-labels kept, settings of the training."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from scriven.augment import SetName
from scriven.base import SettingsError
from scriven.base.settings import Count, Natural, NonNegative, Positive, Seed, Share, validated
from scriven.reader.decoder_contract import DecoderName
from scriven.reader.decoders import decoder_kind
from scriven.reader.model import ModelInfo
from scriven.scribes.specs import check_spec
from scriven.training.settings import BatchWidth, Device, FitSettings, LearningRate, Precision

SPAN_MASK = 0.3  # for parents trained on typefaces only
KEEP_UNKNOWN = 0.5  # keep_fraction if no CER can be estimated
DROPPED_PER_ERROR = 1.25  # decrease of keep_fraction per unit of the estimated CER
KEEP_RANGE = (0.35, 0.85)  # of keep_fraction
MIN_ROUND = 2.5  # minutes of a full round; shorter ones spend most of the time on reading the pictures
MIN_PER_PICTURE = 0.0015  # minutes per picture; rounds of few pictures may be shorter than MIN_ROUND


@validated
@dataclass(frozen=True)
class AdaptSettings:
    """Settings of `adapt`. The rounds share `minutes`; with `steps`, each round has that many batches instead.

    The affine round takes at most as much of the time as one of the others, or AFFINE_MINUTES if that is more.
    """

    minutes: Positive = 30.0
    steps: Count | None = None
    affine_steps: Natural = 150  # batches of the first round, which tunes affine parameters only; 0: none
    rounds: Count = 3  # full rounds, which train all weights
    keep_fraction: Annotated[float, Field(gt=0, le=1)] | None = None  # of the readings, kept as pseudo-labels;
    # None: by the estimated CER
    synthetic_fraction: Share = 0.35  # of the training pictures
    stackmix: Share = 0.0  # of the pictures that are not synthetic, from the second round on; see selftrain.stackmix
    scribe: str = "fonts"  # of the synthetic pictures: NAME or NAME:ARGUMENT, as in `write --scribe`
    decoder: DecoderName | None = None  # of the pseudo-labels; None: the decoder that the model reads with by default
    span_mask: Annotated[float, Field(ge=0, le=0.9)] | None = None  # share of the width masked in spans;
    # None: by what the parent was trained on
    augmentation: SetName = "default"  # of the pseudo-labelled pictures: a set of augment.SETS
    consistency: NonNegative = 0.0  # weight of the loss between two views of unlabelled pictures in full rounds; 0: off
    consistency_threshold: Share = 0.9  # least mean confidence per character of what is read in the weak view
    consistency_augmentation: SetName = "strong"  # of the strong view
    language: str | None = None  # of the pictures, such as fr; None: identified from the first readings
    texts: str | None = None  # a file or folder of texts like those in the pictures
    words: str | None = None  # a file of expected words, one per line
    held_out: Annotated[float, Field(ge=0, le=0.9)] = 0.15  # share of the pictures that are never trained on
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
        check_spec(self.scribe)

    def for_parent(self, info: ModelInfo) -> "AdaptSettings":
        """A copy in which settings that depend on the parent are filled in.

        Span masking helps a model trained on typefaces only and harms others
        (docs/experiments/2026-11-26-adapt-ablation.md). Raises SettingsError for a decoder that the parent lacks, and
        for StackMix with a parent that does not decode by CTC, by which characters are cut.
        """
        decoder_kind(info, self.decoder)
        if self.stackmix and "ctc" not in info.decoders:
            raise SettingsError("the setting 'stackmix' needs a model that decodes by CTC; leave it out")
        if self.span_mask is not None:
            return self
        return replace(self, span_mask=SPAN_MASK if info.only_typefaces else 0.0)

    @property
    def all_rounds(self) -> int:
        """The number of rounds, the affine one included."""
        return self.rounds + bool(self.affine_steps)

    def is_affine_round(self, number: int) -> bool:
        """Whether round `number`, from 1 on, is the affine one."""
        return bool(self.affine_steps) and number == 1

    def rounds_left(self, number: int, minutes: float, pictures: int) -> int:
        """The number of rounds, from `number` on, that share the `minutes` left: fewer rather than short ones."""
        affine = self.is_affine_round(number)
        wanted = self.all_rounds - number + 1 - affine
        return affine + max(1, min(wanted, int(minutes / min(MIN_ROUND, MIN_PER_PICTURE * pictures))))

    def keep_fraction_for(self, cer: float | None) -> float:
        """The fraction of readings kept as pseudo-labels in all rounds, from the parent's estimated CER (0..1).

        The higher it is, the fewer: keeping more loses what a better teacher gains
        (docs/experiments/2026-11-26-adapt-keep-fraction.md).
        """
        if self.keep_fraction is not None:
            return self.keep_fraction
        if cer is None:
            return KEEP_UNKNOWN
        return float(np.clip(1 - DROPPED_PER_ERROR * cer, *KEEP_RANGE))

    def training(self, **timed: Any) -> FitSettings:
        """The FitSettings of a full round. Raises SettingsError for invalid values of the settings that both have."""
        return FitSettings(
            **timed, lr=self.lr, ema=self.ema, batch_width_px=self.batch_width_px,
            span_mask=self.span_mask or 0.0, augmentation=self.augmentation, warmup=0.1,
            evaluations=1, ramp=1, seed=self.seed, device=self.device, precision=self.precision,
        )  # fmt: skip
