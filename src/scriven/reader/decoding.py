"""From the frames of a picture to a Reading: greedy or by beam search, with spans, confidences and alternatives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from scriven.base.settings import Natural, Share, validated
from scriven.lines import Character, Reading
from scriven.reader.align import align
from scriven.reader.beam import BeamSettings, Hypothesis, Scorer, beam_search
from scriven.reader.confidence import line_confidence
from scriven.reader.ctc import Floats, alternatives, greedy, log_posteriors, runs, single_spaced, spans
from scriven.reader.model import ModelInfo

if TYPE_CHECKING:
    from scriven.language.model import CharLM


@validated
@dataclass(frozen=True)
class DecodeSettings:
    """How frames become text. Defaults live here; the command line shows `beam` and `word`."""

    beam: Natural = (
        0  # hypotheses of the beam search; 0: as many as BeamSettings says with a language model or words, else none
    )
    alpha: float = 0.6  # weight of the language model; both weights were chosen on validation lines
    beta: float = 2.0  # log bonus a character, against the language model's love of short texts
    bonus: float = 1.5  # log bonus a letter of a listed word
    cut: Share = BeamSettings.cut
    blank: Annotated[float, Field(gt=0, le=1)] = BeamSettings.blank
    word: bool = False  # the picture holds one word: no spaces


class Decoder:
    """Turns logits into Readings for one model, with an optional language model and list of words."""

    def __init__(
        self,
        info: ModelInfo,
        settings: DecodeSettings | None = None,
        lm: "CharLM | None" = None,
        words: Iterable[str] = (),
    ):
        self.info, self.charset = info, info.characters
        self.settings = settings or DecodeSettings()
        self.scorers: list[Scorer] = []
        self.language, self.words = None, list(words)
        if lm is not None:
            from scriven.reader.scorers import LanguageScorer

            chosen = self.settings
            self.language = LanguageScorer(lm, self.charset, chosen.alpha, chosen.beta, chosen.word)
            self.scorers.append(self.language)
        if self.words:
            from scriven.reader.scorers import WordScorer

            self.scorers.append(WordScorer(self.words, self.charset, self.settings.bonus))
        width = self.settings.beam or (BeamSettings.width if self.scorers else 0)
        self.beam = BeamSettings(width, self.settings.cut, self.settings.blank) if width else None
        self.space = self.charset.encode(" ")[0] if " " in self.charset else 0

    def posteriors(self, logits: Floats) -> Floats:
        """Calibrated log posteriors (T, C); without the space where a single word is asked for."""
        if self.settings.word and self.space:
            logits = logits.copy()
            logits[:, self.space] = -1e4
        return log_posteriors(logits, self.info.temperature)

    def path(self, log_probs: Floats) -> npt.NDArray[np.int64]:
        """The frames (T,) of the text that is read."""
        return greedy(log_probs) if self.beam is None else align(log_probs, self.search(log_probs)[0].classes)

    def search(self, log_probs: Floats) -> list[Hypothesis]:
        """The best texts for log posteriors (T, C), best first, with all that is known; of a greedy decoder one."""
        return beam_search(log_probs, self.scorers, self.beam or BeamSettings(1))

    def reading(self, id: str, logits: Floats, scale: float = 1.0, width: int | None = None) -> Reading:
        """Read logits (T, C). Spans are `scale` times px of the prepared picture and end at `width` px."""
        log_probs = self.posteriors(logits)
        return self.explain(id, log_probs, self.path(log_probs), scale, width)

    def aligned(self, id: str, text: str, logits: Floats, scale: float = 1.0, width: int | None = None) -> Reading:
        """What `reading` would say had it read `text`: where its characters stand and how well they fit.

        Raises TextError for unknown characters and TooFewFrames for a text that does not fit.
        """
        log_probs = log_posteriors(logits, self.info.temperature)
        return self.explain(id, log_probs, align(log_probs, self.charset.encode(text), id), scale, width)

    def explain(
        self, id: str, log_probs: Floats, path: npt.NDArray[np.int64], scale: float = 1.0, width: int | None = None
    ) -> Reading:
        """The Reading of a path (T,) of frames over log posteriors (T, C); its text is single-spaced."""
        found = runs(path, log_probs)
        if self.space:
            found = single_spaced(found, self.space)
        classes: Sequence[int] = found.classes.tolist()
        text = self.charset.decode(classes)
        sure = line_confidence(float(log_probs[np.arange(len(path)), path].sum()), self.info.calibration)
        if not classes:
            return Reading(id, text, sure)
        rows = log_probs[found.peak]
        if self.language is not None:
            rows = self.language.expected(rows, classes)
        others, scores = alternatives(rows, found.classes)
        edges = spans(found, len(path), self.info.stride) * scale
        if width is not None:
            edges = np.minimum(edges, width)
        confidences = np.exp(rows[np.arange(len(classes)), found.classes]).tolist()
        names = self.charset.characters
        characters = tuple(
            Character(c, min(1.0, p), start, end, tuple((names[k - 1], q) for k, q in zip(ks, qs, strict=True)))
            for c, p, (start, end), ks, qs in zip(
                text, confidences, edges.tolist(), others.tolist(), np.exp(scores).tolist(), strict=True
            )
        )
        return Reading(id, text, sure, characters)
