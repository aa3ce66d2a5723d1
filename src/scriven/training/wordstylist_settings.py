"""How a WordStylist is trained."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from scriven.base import SettingsError
from scriven.base.settings import Count, Natural, NonNegative, Positive, Seed, Share, validated
from scriven.scribes.wordstylist.settings import Steps
from scriven.training.settings import Device, FitSettings, LearningRate, check_length


@validated
@dataclass(frozen=True)
class WordStylistTrainSettings:
    """How a WordStylist is trained. Exactly one of `steps` and `minutes` sets the length."""

    steps: Count | None = None
    minutes: Positive | None = None
    width: Annotated[int, Field(ge=32, le=1024, multiple_of=32)] = 320  # of the network
    heads: Count = 4
    longest: Count = 16  # characters of a word
    autoencoder: str = ""  # folder of that of Stable Diffusion; "": an own one is trained first
    autoencoder_share: Annotated[float, Field(gt=0, lt=1)] = 0.3  # of the run, for an own one
    autoencoder_lr: LearningRate = 2e-3
    lr: LearningRate = 1e-4
    weight_decay: NonNegative = 0.01
    ema: Share = 0.995  # decay of the moving average of the weights
    clip: Positive = 1.0  # maximum norm of the gradient
    batch: Annotated[int, Field(ge=1)] = 32  # words; 224 as published
    evaluations: Count = 10  # at equal intervals over the run
    validate_on: Natural = 64  # words held out of hands with several
    read_back: Natural = 8  # held-out words that are written and read at each evaluation
    sampling: Steps = 50  # steps of sampling, there and of the finished model
    lines_per_hand: Count | None = None  # of a folder that are used, drawn by the seed; None: all
    font_lines: Count = 3000  # pictures of each input fonts:LANG
    font_hands: Count = 300  # in which these are written
    level: Literal["lines", "words", "both"] = "words"  # which lines to use of folders that hold both
    device: Device = "auto"
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_length(self.steps, self.minutes)
        if self.width % self.heads:
            raise SettingsError(f"the setting 'width' is {self.width}, which heads={self.heads} does not divide")

    @property
    def schedule(self) -> FitSettings:
        """Length, learning rate, device, precision and seed, as the training loops share them."""
        return FitSettings(
            steps=self.steps, minutes=self.minutes, optimiser="adamw", lr=self.lr, weight_decay=self.weight_decay,
            schedule="constant", device=self.device, precision=self.precision, seed=self.seed,
        )  # fmt: skip
