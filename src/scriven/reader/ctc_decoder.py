"""The decoder of CTC networks: greedy or prefix beam search, with spans, confidences and alternatives."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from scriven.base import ModelError
from scriven.lines import Reading
from scriven.reader.align import align, frames_needed
from scriven.reader.beam import BeamSettings, Hypothesis, beam_search
from scriven.reader.confidence import fit_lines, fit_temperature, line_confidence
from scriven.reader.ctc_forward import log_probabilities
from scriven.reader.ctc_paths import alternatives, greedy, log_posteriors, runs, single_spaced, spans
from scriven.reader.decoder_contract import DecodeSettings, Frames, frame_px, ordered_reading
from scriven.reader.engines import RunGraph
from scriven.reader.model import ModelInfo
from scriven.reader.scorers import SearchSpace

if TYPE_CHECKING:
    from scriven.language.model import CharLM


def ctc_posteriors(info: ModelInfo, frames: Frames) -> Frames:
    """Calibrated log posteriors (T, C) of the logits (T, D) of a CTC network, without the columns of a second head."""
    return log_posteriors(frames[:, : len(info.charset) + 1], info.temperature)


class CtcDecoder:
    """A `Decoder` of logits (T, C); class 0 is the blank, class i + 1 the character i of the model.

    Further columns, of a network with two heads, are ignored.
    """

    role: ClassVar[str] = "reader"
    output: ClassVar[str] = "logits"

    def __init__(
        self,
        info: ModelInfo,
        settings: DecodeSettings | None = None,
        lm: "CharLM | None" = None,
        words: Iterable[str] = (),
        runs: Mapping[str, RunGraph] | None = None,
    ):
        self.info, self.settings, self.lm = info, settings or DecodeSettings(), lm
        self.words: Sequence[str] = list(words)
        self._space = SearchSpace.of(info.characters, self.settings, lm, self.words)
        self.charset = self._space.charset
        width = self._space.beam
        self._beam = BeamSettings(width, self.settings.cut, self.settings.blank) if width else None

    @classmethod
    def frames_needed(cls, text: str) -> int:
        """One frame for each character, and one for the blank between two equal ones."""
        return frames_needed(text)

    @classmethod
    def check(cls, info: ModelInfo, frames: npt.NDArray[np.float32]) -> None:
        """Raise ModelError unless frames (N, T, C) have a class for the blank and for every character."""
        classes = len(info.charset) + 1
        if frames.shape[2] < classes or (len(info.decoders) == 1 and frames.shape[2] > classes):
            raise ModelError(
                f"the graph has {frames.shape[2]} classes, model.json {len(info.charset)} characters and a blank; "
                "copy the model folder again"
            )

    def reading(self, id: str, frames: Frames, scale: float = 1.0, width: int | None = None) -> Reading:
        """Read logits (T, C). Spans are in px of the prepared picture times `scale`, and end at `width` px."""
        log_probs = self._log_posteriors(frames)
        if self._beam is None:
            return self._explain(id, log_probs, greedy(log_probs), scale, width)
        return self._explain(id, log_probs, align(log_probs, self._search(log_probs)[0].classes), scale, width)

    def hypotheses(self, frames: Frames) -> list[Hypothesis]:
        """The best texts, best first, at most as many as the beam is wide; one without a beam."""
        return self._search(self._log_posteriors(frames))

    def explain(
        self, id: str, frames: Frames, classes: Sequence[int], scale: float = 1.0, width: int | None = None
    ) -> Reading:
        """The Reading of `classes`, aligned to logits (T, C). Raises TooFewFrames for a text that does not fit."""
        log_probs = self._log_posteriors(frames)
        return self._explain(id, log_probs, align(log_probs, classes), scale, width)

    def log_likelihoods(self, frames: Sequence[Frames], texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """The log probability (N,) of a text of each of N pictures, over all its paths; -inf if it does not fit."""
        return log_probabilities([self._log_posteriors(one) for one in frames], texts)

    def attention(self, frames: Frames, classes: Sequence[int]) -> Frames | None:
        """None: CTC has paths, and no attention."""
        return None

    def calibrated(self, frames: Sequence[Frames], texts: Sequence[str]) -> ModelInfo:
        """model.json with the temperature of the posteriors and the whole-line `calibration` fitted on known texts."""
        frames = [one[:, : len(self.info.charset) + 1] for one in frames]
        temperature = fit_temperature(frames, texts, self.charset)
        bias, slope = fit_lines(frames, texts, self.charset, temperature)
        return self.info.model_copy(update={"temperature": round(temperature, 4), "calibration": (bias, slope)})

    def _log_posteriors(self, logits: Frames) -> Frames:
        """Calibrated log posteriors (T, C); the space is excluded where a single word is read."""
        logits = logits[:, : len(self.info.charset) + 1]
        if self.settings.word and self._space.space:
            logits = logits.copy()
            logits[:, self._space.space] = -1e4
        log_probs = log_posteriors(logits, self.info.temperature)
        return self._space.cases.summed(log_probs, 1) if self._space.cases else log_probs

    def _search(self, log_probs: Frames) -> list[Hypothesis]:
        return beam_search(log_probs, self._space.scorers, self._beam or BeamSettings(1))

    def _explain(
        self, id: str, log_probs: Frames, path: npt.NDArray[np.int64], scale: float, width: int | None
    ) -> Reading:
        """The Reading of a path (T,) over log posteriors (T, C); its text is single-spaced."""
        found = runs(path, log_probs)
        if self._space.space:
            found = single_spaced(found, self._space.space)
        classes: Sequence[int] = found.classes.tolist()
        confidence = line_confidence(float(log_probs[np.arange(len(path)), path].sum()), self.info.calibration)
        if not classes:
            return Reading(id, "", confidence)
        rows = log_probs[found.peak]
        if self._space.language is not None:
            rows = self._space.language.rescored(rows, classes)
        edges = spans(found, len(path), 1, self.info.boundary) * frame_px(self.info, len(path), scale, width)
        if width is not None:
            edges = np.minimum(edges, width)
        chosen = rows[np.arange(len(classes)), found.classes]
        return ordered_reading(
            id, self.charset, found.classes, chosen, edges, alternatives(rows, found.classes), confidence
        )
