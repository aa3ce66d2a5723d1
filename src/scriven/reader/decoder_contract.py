"""The settings of decoders, and the contract between a decoder and the rooms that use it.

A new decoder is one file in this folder and one row of `decoders.DECODERS`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from scriven.base.settings import Natural, Share, validated
from scriven.lines import Character, Reading
from scriven.reader.beam import BeamSettings, Hypothesis
from scriven.reader.engines import RunGraph
from scriven.reader.model import ModelInfo
from scriven.text import Charset, logical_characters

if TYPE_CHECKING:
    from scriven.language.model import CharLM

DecoderName = Literal["ctc", "attention", "both"]
Frames = npt.NDArray[np.float32]  # (T, D): the output of a network for a picture, one row every `stride` px


@validated
@dataclass(frozen=True)
class DecodeSettings:
    """How frames are decoded into text."""

    decoder: DecoderName | None = None  # None: the first that the model lists
    beam: Natural = 0  # beam width; 0: BeamSettings.width with a language model or words, else greedy
    alpha: float = 0.6  # weight of the language model; alpha and beta were chosen on validation lines
    beta: float = 2.0  # log bonus per character; a language model alone prefers short texts
    bonus: float = 1.5  # log bonus per letter of a listed word
    cut: Share = BeamSettings.cut
    blank: Annotated[float, Field(gt=0, le=1)] = BeamSettings.blank
    word: bool = False  # the picture holds one word: no spaces
    ignore_case: bool = False  # read in lower case, with the summed probabilities of case variants


class Decoder(Protocol):
    """Turns the frames of pictures into Readings, with an optional language model and list of words."""

    role: ClassVar[str]  # the graph that a Reader runs over batches of pictures
    output: ClassVar[str]  # its output that holds the frames (N, T, D)

    settings: DecodeSettings
    charset: Charset  # of the classes of its texts
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

    def log_likelihoods(self, frames: Sequence[Frames], texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """The calibrated log probability (N,) of a text, given as classes, of each of N pictures.

        Language model and words do not count. -inf for a text that needs more frames than its picture has.
        """

    def attention(self, frames: Frames, classes: Sequence[int]) -> Frames | None:
        """How much each of K characters attends to each frame, (K, T); None if the model has no attention."""

    def calibrated(self, frames: Sequence[Frames], texts: Sequence[str]) -> ModelInfo:
        """model.json with confidences calibrated on the frames of lines with known texts."""


def frame_px(info: ModelInfo, frames: int, scale: float, width: int | None) -> float:
    """px of the original picture per frame, of a picture of `frames` frames; see `Decoder.reading`.

    A model with the same number of frames for every picture has wider ones in wider pictures.
    """
    return info.stride * scale if info.frames is None or width is None else width / frames


def ordered_reading(
    id: str,
    charset: Charset,
    classes: npt.NDArray[np.int64],
    log_probs: npt.NDArray[np.float32],
    edges: npt.NDArray[np.float64],
    others: tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]],
    confidence: float,
) -> Reading:
    """The Reading of K characters, in logical order, from what is known of each in visual order.

    classes (K,) are places in the character set plus 1, log_probs (K,) their log posteriors, edges (K, 2) their spans
    in px, others the classes and log posteriors (K, A) of their alternatives.
    """
    seen, names = charset.decode(classes.tolist()), charset.characters
    characters = tuple(
        Character(c, min(1.0, p), start, end, tuple((names[k - 1], q) for k, q in zip(ks, qs, strict=True)))
        for c, p, (start, end), ks, qs in zip(
            seen,
            np.exp(log_probs).tolist(),
            edges.tolist(),
            others[0].tolist(),
            np.exp(others[1]).tolist(),
            strict=True,
        )
    )
    ordered = tuple(
        characters[i] if characters[i].text == character else replace(characters[i], text=character)
        for character, i in logical_characters(seen)
    )
    return Reading(id, "".join(c.text for c in ordered), confidence, ordered)
