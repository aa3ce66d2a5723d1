"""The decoder of attention networks: greedy or beam search, one character at a time, from the frames it attends to.

The graphs `start` and `step` are run in a loop; see scriven.recognisers.attention for their classes: 0 starts a text,
1 ends it, i + 2 is the character i of the model. Everywhere else a class is, as in CTC, i + 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from scriven.base import ModelError
from scriven.lines import Reading
from scriven.reader.attention_extent import bounds, most_characters, spans
from scriven.reader.beam import BeamSettings, Hypothesis, Scorer
from scriven.reader.confidence import fit_calibration, fit_margins, kept, line_confidence, margins
from scriven.reader.ctc_paths import alternatives, collapse, greedy, log_posteriors
from scriven.reader.decoder_contract import DecodeSettings, Frames, frame_px, ordered_reading
from scriven.reader.engines import Array, RunGraph
from scriven.reader.model import ModelInfo
from scriven.reader.scorers import SearchSpace
from scriven.text import normalise, visual

if TYPE_CHECKING:
    from scriven.language.model import CharLM

START, END, FIRST = 0, 1, 2  # classes of a step: start of a text and padding, end of a text, first character
VARIANTS = "case variants"  # in the states of hypotheses: (B, V) the class to give the graph for each class
SHIFT = 1  # class of a step less the class of a text
NEVER = np.float32(-1e4)  # logit of a class that cannot follow
RENEWED = "next_"  # in the names of outputs of `step`: the states that the next step is given


@dataclass(frozen=True)
class DecodingTrace:
    """A text as it was decoded: its K classes, logits (K + 1, V) with the end, attention (K + 1, T)."""

    classes: list[int]
    logits: Frames
    attention: Frames


class AttentionDecoder:
    """A `Decoder` of frames (T, D) that are attended to; where the model has a CTC head, they begin with its logits."""

    role: ClassVar[str] = "encoder"
    output: ClassVar[str] = "frames"

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
        self._beam = BeamSettings(width, self.settings.cut) if width else None
        missing = [role for role in ("start", "step") if role not in (runs or {})]
        if missing or runs is None:
            raise ModelError(
                f"the model has no graph {missing[0]!r}, which its decoder attention runs; copy the folder again"
            )
        self._start, self._step, self._rank = runs["start"], runs["step"], runs.get("rank")

    @classmethod
    def frames_needed(cls, text: str) -> int:
        """One frame, whatever the text."""
        return 1

    @classmethod
    def check(cls, info: ModelInfo, frames: npt.NDArray[np.float32]) -> None:
        """Nothing to check: the frames (N, T, D) of any size are attended to."""

    def reading(self, id: str, frames: Frames, scale: float = 1.0, width: int | None = None) -> Reading:
        """Read frames (T, D). Spans are in px of the prepared picture times `scale`, and end at `width` px."""
        if self._beam is None:
            return self._explain(id, self._write(frames), scale, width)
        return self.explain(id, frames, self.hypotheses(frames)[0].classes, scale, width)

    def hypotheses(self, frames: Frames) -> list[Hypothesis]:
        """The best texts, best first, at most as many as the beam is wide; one without a beam."""
        return _Search(self, frames).run(self._beam or BeamSettings(1))

    def explain(
        self, id: str, frames: Frames, classes: Sequence[int], scale: float = 1.0, width: int | None = None
    ) -> Reading:
        """The Reading of `classes`, each given the ones before it."""
        return self._explain(id, self._write(frames, classes), scale, width)

    def log_likelihoods(self, frames: Sequence[Frames], texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """The log probability (N,) of a text and its end, of each of N pictures."""
        pairs = zip(frames, texts, strict=True)
        return np.array([self.log_probabilities(one, [text])[0] for one, text in pairs], np.float64)

    def attention(self, frames: Frames, classes: Sequence[int]) -> Frames:
        """How much each of K characters attends to each frame, (K, T), given the ones before it."""
        return self._write(frames, classes).attention[: len(classes)]

    def calibrated(self, frames: Sequence[Frames], texts: Sequence[str]) -> ModelInfo:
        """model.json with the temperature of the posteriors and the whole-line `calibration` fitted on known texts."""
        written = [self._write(one) for one in frames]
        read = [self.charset.decode(one.classes) for one in written]
        chosen = [np.array(one.classes, np.int64) + SHIFT for one in written]
        rows = [margins(one.logits[:-1, 1:], classes - 1) for one, classes in zip(written, chosen, strict=True)]
        hits = [kept(found, visual(text)) for found, text in zip(read, texts, strict=True)]
        temperature = fit_margins(rows, hits)
        paths = [self._log_probability(one, temperature) for one in written]
        right = [normalise(found) == visual(text) for found, text in zip(read, texts, strict=True)]
        return self.info.model_copy(
            update={"temperature": round(temperature, 4), "calibration": fit_calibration(paths, right)}
        )

    def lengths(self, frames: Frames) -> tuple[int, int]:
        """The fewest and the most characters of a text: `bounds` where there is a CTC head, else `most_characters`."""
        if "ctc" in self.info.decoders:
            return bounds(len(collapse(greedy(frames[:, : len(self.info.charset) + 1]))))
        return 0, most_characters(len(frames), self.info.stride, self.info.frames is not None)

    def log_probabilities(self, frames: Frames, texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """The calibrated log probability of each of B texts, given as classes, and of its end."""
        longest = max(map(len, texts)) + 1
        rows = np.full((len(texts), longest), END)
        for row, text in zip(rows, texts, strict=True):
            row[: len(text)] = np.array(text, np.int64) + SHIFT
        previous = np.concatenate([np.full((len(texts), 1), START), rows[:, :-1]], axis=1)
        log_probs = self.log_posteriors(self._forced(frames, previous))
        found = np.take_along_axis(log_probs, rows[:, :, None], axis=2)[:, :, 0]
        lengths = np.array([len(text) for text in texts])
        total: npt.NDArray[np.float64] = np.where(np.arange(longest) <= lengths[:, None], found, 0.0).sum(1, np.float64)
        return total

    def _forced(self, frames: Frames, previous: Array) -> Frames:
        """Logits (B, L, V) of B texts, each class given the ones before it (B, L).

        The graph `rank`, if there is one, computes all of them at once; where case is ignored it is not known before
        which variant a class is of.
        """
        if self._rank is not None and self._space.cases is None:
            inputs = {"frames": frames[None], "steps": np.array([len(frames)]), "previous": previous}
            return self._allowed(self._rank(inputs)["logits"])
        begun, found = _batch(self.begin(frames), len(previous)), []
        for column in previous.T:
            logits, _, begun = self.step(column, begun)
            found.append(logits)
        return np.stack(found, axis=1)

    def begin(self, frames: Frames) -> dict[str, Array]:
        """Constants and states of one hypothesis before the first character."""
        return self._start({"frames": frames[None], "steps": np.array([len(frames)])})

    def step(self, previous: Array, begun: Mapping[str, Array]) -> tuple[Frames, Frames, dict[str, Array]]:
        """Logits (B, V), attention (B, T) and the new states, from classes (B,) and all that `begin` returned.

        Where case is ignored, the logits are those of summed case variants, and the graph is given the likeliest
        variant of a class before: the states hold which that is.
        """
        if VARIANTS in begun:
            previous = begun[VARIANTS][np.arange(len(previous)), previous]
        found = self._step({"previous": previous, **{k: v for k, v in begun.items() if k != VARIANTS}})
        logits = self._allowed(found.pop("logits"))
        attention = found.pop("attention")
        states = {**begun, **{name.removeprefix(RENEWED): v for name, v in found.items()}}
        if self._space.cases:
            states[VARIANTS] = self._space.cases.likeliest(logits, FIRST)
            logits = self._space.cases.summed(self.log_posteriors(logits), FIRST) * np.float32(self.info.temperature)
        return logits, attention, states

    def _allowed(self, logits: Frames) -> Frames:
        """Logits (..., V) without the start of a text, and without the space where a single word is read."""
        logits[..., START] = NEVER
        if self.settings.word and self._space.space:
            logits[..., self._space.space + SHIFT] = NEVER
        return logits

    def log_posteriors(self, logits: Frames) -> Frames:
        """Calibrated log posteriors of logits (..., V)."""
        return log_posteriors(logits, self.info.temperature)

    @property
    def scorers(self) -> Sequence[Scorer]:
        return self._space.scorers

    def _write(self, frames: Frames, classes: Sequence[int] | None = None) -> DecodingTrace:
        """`classes` as they are written one after another, or the most probable ones, at most `most_characters`."""
        least, limit = self.lengths(frames) if classes is None else (0, len(classes))
        begun = self.begin(frames)
        previous, chosen = START, list[int]()
        rows, attended = [], []
        for count in range(limit + 1):
            logits, attention, begun = self.step(np.array([previous]), begun)
            if count < least:
                logits[:, END] = NEVER
            rows.append(logits[0])
            attended.append(attention[0])
            if classes is None:
                previous = int(logits[0].argmax()) if count < limit else END
            else:
                previous = classes[count] + SHIFT if count < len(classes) else END
            if previous == END:
                break
            chosen.append(previous - SHIFT)
        return DecodingTrace(chosen, np.stack(rows), np.stack(attended))

    def _log_probability(self, written: DecodingTrace, temperature: float) -> float:
        """The log probability of a text and its end."""
        log_probs = log_posteriors(written.logits, temperature)
        every = [*(c + SHIFT for c in written.classes), END]
        return float(log_probs[np.arange(len(every)), every].sum())

    def _explain(self, id: str, written: DecodingTrace, scale: float, width: int | None) -> Reading:
        confidence = line_confidence(self._log_probability(written, self.info.temperature), self.info.calibration)
        keep = self._single_spaced(written.classes)
        classes = [written.classes[i] for i in keep]
        if not classes:
            return Reading(id, "", confidence)
        rows = self.log_posteriors(written.logits)[keep][:, SHIFT:]  # column 0 is the end, i + 1 the character i
        if self._space.language is not None:
            rows = self._space.language.rescored(rows, classes)
        chosen = np.array(classes, np.int64)
        frames = written.attention.shape[1]
        px = frame_px(self.info, frames, scale, width)
        edges = spans(written.attention[keep], frames if width is None else min(frames, width / px)) * px
        return ordered_reading(
            id,
            self.charset,
            chosen,
            rows[np.arange(len(chosen)), chosen],
            edges,
            alternatives(rows, chosen),
            confidence,
        )

    def _single_spaced(self, classes: Sequence[int]) -> list[int]:
        """The places of `classes` without leading, trailing and repeated spaces."""
        letters = [i for i, c in enumerate(classes) if c != self._space.space]
        last = letters[-1] if letters else -1
        return [
            i
            for i, c in enumerate(classes)
            if c != self._space.space or (0 < i < last and classes[i - 1] != self._space.space and i > letters[0])
        ]


@dataclass
class _Active:
    """B unfinished hypotheses: their classes, optical log probability, scorer states and score, and graph states."""

    texts: list[tuple[int, ...]]
    optical: npt.NDArray[np.float64]
    prior: npt.NDArray[np.float64]
    states: list[tuple[object, ...]]
    begun: dict[str, Array]


class _Search:
    """Beam search: hypotheses grow by a character a step; one that ends with the end class is finished."""

    def __init__(self, decoder: AttentionDecoder, frames: Frames):
        self.decoder, (self.least, self.limit) = decoder, decoder.lengths(frames)
        self.finished: list[Hypothesis] = []
        start = tuple(scorer.start() for scorer in decoder.scorers)
        self.active = _Active([()], np.zeros(1), np.zeros(1), [start], decoder.begin(frames))

    def run(self, settings: BeamSettings) -> list[Hypothesis]:
        for _ in range(self.limit + 1):
            self._grow(settings)
            if not self.active.texts:
                break
        return sorted(self.finished, key=lambda h: -h.score)[: settings.width]

    def _grow(self, settings: BeamSettings) -> None:
        """One step: every hypothesis ends or grows by a character; the best `settings.width` of all are kept."""
        now, scorers = self.active, self.decoder.scorers
        previous = np.array([text[-1] + SHIFT if text else START for text in now.texts])
        logits, _, begun = self.decoder.step(previous, _batch(now.begun, len(previous)))
        optical = now.optical[:, None] + np.asarray(self.decoder.log_posteriors(logits), np.float64)  # (B, V)
        prior = np.broadcast_to(now.prior[:, None], optical.shape).copy()
        for number, scorer in enumerate(scorers):
            prior[:, 1 + SHIFT :] += scorer.rows([state[number] for state in now.states])[:, 1:]
        for row, states in enumerate(now.states):
            prior[row, END] += sum(scorer.final(state) for scorer, state in zip(scorers, states, strict=True))
        if len(now.texts[0]) < self.least:
            optical[:, END] = NEVER
        if len(now.texts[0]) >= self.limit:
            optical[:, END + 1 :] = -np.inf
        scores = optical + prior
        scores[:, START] = -np.inf
        ends = [
            Hypothesis(text, float(score), float(o))
            for text, score, o in zip(now.texts, scores[:, END], optical[:, END], strict=True)
        ]
        self.finished = sorted([*self.finished, *ends], key=lambda h: -h.score)[: settings.width]
        worst = self.finished[-1].score if len(self.finished) == settings.width else -np.inf
        scores[:, END] = -np.inf
        flat = scores.ravel()
        best = np.argsort(-flat, kind="stable")[: settings.width]
        best = best[flat[best] > worst]  # a score never rises again by more than a scorer's bonus
        rows, classes = np.divmod(best, scores.shape[1])
        texts = [(*now.texts[r], int(c) - SHIFT) for r, c in zip(rows, classes, strict=True)]
        advanced = [
            tuple(s.advance(old, text[-1]) for s, old in zip(scorers, now.states[r], strict=True))
            for r, text in zip(rows, texts, strict=True)
        ]
        kept_states = {name: value[rows] for name, value in begun.items()}
        self.active = _Active(texts, optical[rows, classes], prior[rows, classes], advanced, kept_states)


def _batch(begun: Mapping[str, Array], count: int) -> dict[str, Array]:
    return {name: value if len(value) == count else np.repeat(value, count, axis=0) for name, value in begun.items()}
