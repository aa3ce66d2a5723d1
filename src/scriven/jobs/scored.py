"""The readings of `score` beside the transcriptions, and what is measured on them: a row for each set, and a total."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from scriven import metrics
from scriven.base import Skipped, counted
from scriven.estimate.cer import CerEstimate, combined
from scriven.jobs.text_loss import TextLoss
from scriven.lines import LinesFolder
from scriven.metrics import PROTOCOLS, Confusion, Score, calibration, groups_of
from scriven.reader.decoder_contract import Decoder
from scriven.reader.session import Reader
from scriven.text import normalise

CONFUSIONS, PRINTED = 30, 8  # most frequent confusions that are reported, and printed
NAMED = 5  # lines without a loss that are printed


@dataclass
class ScoredSet:
    """The readings and the transcriptions of one lines folder."""

    name: str
    split: str
    folder: LinesFolder | None = None
    ids: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    predictions: list[str] = field(default_factory=list)
    hands: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    line_confidences: list[float] = field(default_factory=list)
    characters_of_lines: list[list[float]] = field(default_factory=list)  # confidences of the characters, by line
    characters_right: list[bool] = field(default_factory=list)
    loss: TextLoss = field(default_factory=TextLoss)
    seconds: float = 0.0  # wall time of preparing and reading the pictures with a transcription
    unlabelled: int = 0
    estimate: CerEstimate | None = None  # of the CER of the unlabelled lines
    trained_on: bool = False  # the model was trained on these lines or some of them

    def groups(self) -> list[str] | None:
        """Groups of the bootstrap: hands, else pages, with the name of the set; None for lines."""
        groups, _ = groups_of(self.hands, self.pages)
        return None if groups is None else [f"{self.name}/{group}" for group in groups]

    def score(self, protocol: str = "nfc") -> Score:
        """The error rates of this set; resampled by its groups."""
        return metrics.score(self.references, self.predictions, groups=self.groups(), protocol=protocol)

    def as_json(self, variants: bool = False) -> dict[str, Any]:
        """Its row in the JSON of `score`; what was measured is left out where there are no transcriptions."""
        measured: dict[str, Any] = {}
        if self.references:
            measured = {**self.score().as_json(), **_further([self])}
            if variants:
                measured["variants"] = {name: self.score(name).as_json() for name in PROTOCOLS}
        return {
            "set": self.name,
            "split": self.split,
            **measured,
            "unlabelled": self.unlabelled,
            "estimate": self.estimate and self.estimate.as_json(),
            "trained_on": self.trained_on,
        }


@dataclass
class Scores:
    """The scores of one model, per set and overall."""

    model: str
    sets: list[ScoredSet]
    skipped: list[Skipped]
    missing: Counter[str]  # characters of the references that the model cannot write
    ignore_case: bool = False  # readings and references are in lower case
    parameters: int | None = None  # of the model, None if unknown
    loaded: tuple[Reader, Decoder] | None = field(default=None, repr=False, compare=False)  # what read the lines

    def labelled(self) -> list[ScoredSet]:
        """The sets that have transcriptions."""
        return [s for s in self.sets if s.references]

    def estimate(self) -> CerEstimate | None:
        """The estimated CER of all lines without transcription."""
        return combined([s.estimate for s in self.sets if s.estimate])

    def overall(self, protocol: str = "nfc") -> Score:
        """The score over all sets; the bootstrap draws hands or pages if every set has them."""
        groups = [s.groups() for s in self.labelled()]
        named = None if any(g is None for g in groups) else [name for some in groups for name in some or ()]
        return metrics.score(*self._pairs(), groups=named, protocol=protocol)

    def confusions(self, top: int = CONFUSIONS) -> list[Confusion]:
        """The most frequent confusions of characters over all sets."""
        references, predictions = self._pairs()
        return metrics.confusions(references, predictions, top) if references else []

    def ece(self) -> dict[str, float]:
        """Expected calibration error of the confidence of lines and of characters."""
        found: dict[str, tuple[list[float], list[bool]]] = {"lines": ([], []), "characters": ([], [])}
        for s in self.sets:
            found["lines"][0].extend(s.line_confidences)
            found["lines"][1].extend(r == normalise(p) for r, p in zip(s.references, s.predictions, strict=True))
            found["characters"][0].extend(one for line in s.characters_of_lines for one in line)
            found["characters"][1].extend(s.characters_right)
        return {what: calibration(sure, right).ece for what, (sure, right) in found.items() if sure}

    def as_json(self, variants: bool = False) -> dict[str, Any]:
        """`cer wer exact n interval` over all sets as fractions, and a row for each set.

        `estimate` is that of the lines without transcription, or None. If no line has a transcription, the measured
        values are left out.
        """
        labelled, estimate = self.labelled(), self.estimate()
        measured = {**self.overall().as_json(), **_further(labelled)} if labelled else {}
        result = {"model": self.model, "parameters": self.parameters, **measured}
        result["estimate"] = estimate and estimate.as_json()
        result |= {"ignore_case": True} if self.ignore_case else {}
        result |= {"ece": self.ece(), "sets": [s.as_json(variants) for s in self.sets], "missing": dict(self.missing)}
        result["confusions"] = [asdict(one) for one in self.confusions()]
        if variants and measured:
            result["variants"] = {name: self.overall(name).as_json() for name in PROTOCOLS}
        return result

    def rows(self) -> list[dict[str, str]]:
        """A row per set that has transcriptions, and one for all: error rates in percent, loss, ms per line."""
        labelled = self.labelled()
        rows = [{"set": s.name, "split": s.split, **s.score().row(), **_shown([s])} for s in labelled]
        if len(labelled) > 1:
            rows.append({"set": "all", "split": "", **self.overall().row(), **_shown(labelled)})
        return rows

    def protocols(self) -> dict[str, list[dict[str, str]]]:
        """For `CER %`, `WER %` and `exact %` the rows of a table of sets, and of all, by protocol."""
        labelled = self.labelled()
        named = [
            ({"set": s.name, "split": s.split}, {name: s.score(name).row() for name in PROTOCOLS}) for s in labelled
        ]
        if len(labelled) > 1:
            named.append(({"set": "all", "split": ""}, {name: self.overall(name).row() for name in PROTOCOLS}))
        return {
            what: [{**of, **{name: row[what] for name, row in rates.items()}} for of, rates in named]
            for what in ("CER %", "WER %", "exact %")
            if named
        }

    def estimates(self) -> list[dict[str, str]]:
        """A row per set that has lines without transcription, and one for all sets, in percent."""
        rows = [{"set": s.name, "split": s.split, **s.estimate.row()} for s in self.sets if s.estimate]
        if len(rows) > 1 and (overall := self.estimate()):
            rows.append({"set": "all", "split": "", **overall.row()})
        return rows

    def text(self, variants: bool = False) -> str:
        """The printed output: the model, measured error rates, frequent confusions, and estimates."""
        parts = [self.model_sentence(), *(["case is ignored"] if self.ignore_case else [])]
        parts += [metrics.table(rows) for rows in (self.rows(),) if rows]
        parts += self.unscored_sentences()
        if variants:
            parts += [f"{what} by protocol\n{metrics.table(rows)}" for what, rows in self.protocols().items()]
        if frequent := self.confusions(PRINTED):
            parts.append(f"frequent confusions (written > read): {', '.join(map(str, frequent))}")
        if estimates := self.estimates():
            parts.append(f"lines without transcription: estimated, not measured\n{metrics.table(estimates)}")
        return "\n\n".join(parts)

    def model_sentence(self) -> str:
        """The model, with the number of its parameters where that is known."""
        return self.model + (f": {self.parameters:,} parameters" if self.parameters is not None else "")

    def unscored_sentences(self) -> list[str]:
        """A sentence for each reason why lines have no loss, with the first of them."""
        return [
            f"no loss for {counted(len(ids), 'line')} of {s.name} ({reason}): {', '.join(ids[:NAMED])}"
            + (" and others" if len(ids) > NAMED else "")
            for s in self.sets
            for reason, ids in s.loss.unscored.items()
        ]

    def missing_sentence(self) -> str:
        """The characters that the model cannot write, with counts; empty if it can write all."""
        shown = " ".join(f"{c} {n}" for c, n in self.missing.most_common(12))
        return f"characters that the model cannot write, with counts: {shown}" if shown else ""

    def _pairs(self) -> tuple[list[str], list[str]]:
        references = [text for s in self.sets for text in s.references]
        return references, [text for s in self.sets for text in s.predictions]


def _further(sets: Sequence[ScoredSet]) -> dict[str, Any]:
    """What is measured beside error rates over some sets with transcriptions."""
    loss = sum((s.loss for s in sets), TextLoss())
    return {
        "loss": loss.per_character,
        "loss_lines": loss.lines,
        "unscored": loss.unscored,
        "ms_per_line": 1000 * sum(s.seconds for s in sets) / sum(len(s.references) for s in sets),
    }


def _shown(sets: Sequence[ScoredSet]) -> dict[str, str]:
    """The same as cells of a table."""
    further = _further(sets)
    loss = further["loss"]
    return {"loss": "–" if loss is None else f"{loss:.3f}", "ms/line": f"{further['ms_per_line']:.1f}"}
