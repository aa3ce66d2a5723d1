"""How a generator of handwriting is trained."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from scriven.base.settings import Count, Positive, Seed, Share, validated
from scriven.training.settings import Device, FitSettings, LearningRate, check_length


@validated
@dataclass(frozen=True)
class FlowTrainSettings:
    """How a generator is trained. Exactly one of `steps` and `minutes` sets the length."""

    steps: Count | None = None
    minutes: Positive | None = None
    width: Annotated[int, Field(ge=16, le=1024, multiple_of=16)] = 192  # of the network
    layers: Annotated[int, Field(ge=1, le=48)] = 6
    latent: Annotated[int, Field(ge=0, le=256)] = 0  # numbers in the code of a column; 0: its pixels, no autoencoder
    autoencoder_share: Annotated[float, Field(gt=0, lt=1)] = 0.3  # of the run, if `latent` is not 0
    lr: LearningRate = 2e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.02
    ema: Share = 0.998  # decay of the moving average of the weights
    legibility: Annotated[float, Field(ge=0, le=10)] = 0.1  # weight of the loss of a recogniser that reads; 0: none
    critic: str = "scriven-synthetic"  # that recogniser
    clip: Positive = 1.0  # maximum norm of the gradient
    batch: Annotated[int, Field(ge=2)] = 32  # pieces of lines
    columns: Annotated[int, Field(ge=8, le=512)] = 32  # of 8 px in a piece
    evaluations: Count = 10  # at equal intervals over the run
    validate_on: Count = 64  # lines held out of hands with several
    read_back: Count = 32  # held-out texts that are written and read at each evaluation
    cluster: bool = True  # whether the hands of lines without `hand` are found by clustering; else each page is a hand
    lines_per_hand: Count | None = None  # of a folder that are used, drawn by the seed; None: all
    font_lines: Count = 3000  # pictures of each input fonts:LANG
    font_hands: Count = 300  # in which these are written
    pictures: bool = True  # whether the model keeps a piece of the writing of each hand; else its code alone
    level: Literal["lines", "words", "both"] = "both"  # which lines to use of folders that hold both
    device: Device = "auto"
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_length(self.steps, self.minutes)

    @property
    def schedule(self) -> FitSettings:
        """Length, learning rate, device, precision and seed, as the training loops share them."""
        return FitSettings(
            steps=self.steps, minutes=self.minutes, lr=self.lr, weight_decay=self.weight_decay, device=self.device,
            precision=self.precision, seed=self.seed,
        )  # fmt: skip
