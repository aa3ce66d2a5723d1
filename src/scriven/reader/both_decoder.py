"""The decoder of networks with two heads: the best texts of CTC, ranked anew with the attention head.

Joint decoding in two passes: Watanabe et al. 2017 (doi:10.1109/JSTSP.2017.2763455). The texts come from the CTC head,
so that none repeats itself or runs on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from scriven.lines import Reading
from scriven.reader.attention_decoder import AttentionDecoder
from scriven.reader.beam import Hypothesis
from scriven.reader.ctc_decoder import CtcDecoder
from scriven.reader.decoder_contract import DecodeSettings, Frames
from scriven.reader.engines import RunGraph
from scriven.reader.model import ModelInfo

if TYPE_CHECKING:
    from scriven.language.model import CharLM

RANKED = 8  # texts that are ranked anew, and the width of the beam where nothing else asks for one


class BothDecoder:
    """A `Decoder` of logits and features (T, C + D). Spans and confidences are those of CTC."""

    role: ClassVar[str] = CtcDecoder.role
    output: ClassVar[str] = "frames"

    def __init__(
        self,
        info: ModelInfo,
        settings: DecodeSettings | None = None,
        lm: "CharLM | None" = None,
        words: Iterable[str] = (),
        runs: Mapping[str, RunGraph] | None = None,
    ):
        self.settings = settings or DecodeSettings()
        self.lm = lm
        self.words: Sequence[str] = list(words)
        plain = lm is None and not self.words
        searching = replace(self.settings, beam=RANKED) if plain and not self.settings.beam else self.settings
        self._ctc = CtcDecoder(info, searching, lm, self.words, runs)
        self._attention = AttentionDecoder(info, self.settings, None, (), runs)
        self.charset = self._ctc.charset
        self._weight = info.attention_weight

    @classmethod
    def frames_needed(cls, text: str) -> int:
        """As many as CTC needs."""
        return CtcDecoder.frames_needed(text)

    @classmethod
    def check(cls, info: ModelInfo, frames: npt.NDArray[np.float32]) -> None:
        """As CTC does. Raises ModelError."""
        CtcDecoder.check(info, frames)

    def reading(self, id: str, frames: Frames, scale: float = 1.0, width: int | None = None) -> Reading:
        """Read frames (T, C + D). Spans are in px of the prepared picture times `scale`, and end at `width` px."""
        return self.explain(id, frames, self.hypotheses(frames)[0].classes, scale, width)

    def hypotheses(self, frames: Frames) -> list[Hypothesis]:
        """The best RANKED texts of CTC, best first by its score plus the weighted log probability by attention."""
        return ranked(*self.candidates(frames), self._weight)

    def candidates(self, frames: Frames) -> tuple[list[Hypothesis], npt.NDArray[np.float64]]:
        """The best RANKED texts of CTC, best first, and the log probability of each by attention."""
        found = self._ctc.hypotheses(frames)[:RANKED]
        return found, self._attention.log_probabilities(frames, [one.classes for one in found])

    def explain(
        self, id: str, frames: Frames, classes: Sequence[int], scale: float = 1.0, width: int | None = None
    ) -> Reading:
        """The Reading of `classes` by CTC. Raises TooFewFrames for a text that does not fit."""
        return self._ctc.explain(id, frames, classes, scale, width)

    def log_likelihoods(self, frames: Sequence[Frames], texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """The log probability (N,) of a text of each of N pictures by CTC; -inf if it does not fit."""
        return self._ctc.log_likelihoods(frames, texts)

    def attention(self, frames: Frames, classes: Sequence[int]) -> Frames | None:
        """How much each of K characters attends to each frame, (K, T), in the attention head."""
        return self._attention.attention(frames, classes)

    def calibrated(self, frames: Sequence[Frames], texts: Sequence[str]) -> ModelInfo:
        """model.json calibrated as for CTC."""
        return self._ctc.calibrated(frames, texts)


def ranked(found: Sequence[Hypothesis], by_attention: npt.NDArray[np.float64], weight: float) -> list[Hypothesis]:
    """Texts, best first, by their score plus `weight` times their log probability by attention (B,)."""
    scores = [one.score + weight * more for one, more in zip(found, by_attention.tolist(), strict=True)]
    again = [replace(one, score=score) for one, score in zip(found, scores, strict=True)]
    return sorted(again, key=lambda one: -one.score)
