"""The settings of decoders, and the contract between a decoder and the rooms that use it.

A new decoder is one file in this folder and one row of `decoders.DECODERS`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from scriven.base.settings import Natural, Share, validated
from scriven.lines import Reading
from scriven.reader.beam import BeamSettings, Hypothesis
from scriven.reader.engines import RunGraph
from scriven.reader.model import ModelInfo

if TYPE_CHECKING:
    from scriven.language.model import CharLM

Frames = npt.NDArray[np.float32]  # (T, D): the output of a network for a picture, one row every `stride` px


@validated
@dataclass(frozen=True)
class DecodeSettings:
    """How frames are decoded into text."""

    beam: Natural = 0  # beam width; 0: BeamSettings.width with a language model or words, else greedy
    alpha: float = 0.6  # weight of the language model; alpha and beta were chosen on validation lines
    beta: float = 2.0  # log bonus per character; a language model alone prefers short texts
    bonus: float = 1.5  # log bonus per letter of a listed word
    cut: Share = BeamSettings.cut
    blank: Annotated[float, Field(gt=0, le=1)] = BeamSettings.blank
    word: bool = False  # the picture holds one word: no spaces


class Decoder(Protocol):
    """Turns the frames of pictures into Readings, with an optional language model and list of words."""

    role: ClassVar[str]  # the graph that a Reader runs over batches of pictures
    output: ClassVar[str]  # its output that holds the frames (N, T, D)

    settings: DecodeSettings
    lm: "CharLM | None"
    words: Sequence[str]

    def __init__(
        self,
        info: ModelInfo,
        settings: DecodeSettings | None = None,
        lm: "CharLM | None" = None,
        words: Iterable[str] = (),
        runs: Mapping[str, RunGraph] | None = None,
    ): ...

    @classmethod
    def frames_needed(cls, text: str) -> int:
        """The smallest number of frames from which `text`, in visual order, can be decoded."""

    @classmethod
    def check(cls, info: ModelInfo, frames: npt.NDArray[np.float32]) -> None:
        """Raises ModelError if frames (N, T, D) do not fit model.json."""

    def reading(self, id: str, frames: Frames, scale: float = 1.0, width: int | None = None) -> Reading:
        """Decode the frames of a picture. Spans are in px of the prepared picture times `scale`, at most `width`."""

    def hypotheses(self, frames: Frames) -> list[Hypothesis]:
        """The best texts, best first."""

    def explain(
        self, id: str, frames: Frames, classes: Sequence[int], scale: float = 1.0, width: int | None = None
    ) -> Reading:
        """The Reading of a hypothesis: spans, confidences and alternatives of its characters."""

    def calibrated(self, frames: Sequence[Frames], texts: Sequence[str]) -> ModelInfo:
        """model.json with confidences calibrated on the frames of lines with known texts."""
