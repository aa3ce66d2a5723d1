"""score: error rates of a model on labelled lines: the test split if there is one, else valid, else all.

For lines without transcription the error rate is estimated (see `scriven.estimate.cer`) and reported separately.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scriven import metrics
from scriven.base import ImageError, InputError, LinesError, Skipped, counted
from scriven.base.progress import progress
from scriven.estimate.cer import MAX_VIEWED, CerEstimate, combined, estimate_cer
from scriven.estimate.sample import EvenSample
from scriven.jobs.predictions import check_place, save
from scriven.jobs.read import ReadSettings, load, read_lines
from scriven.lines import LinesFolder
from scriven.lines.sketch import digest, share_in
from scriven.metrics import PROTOCOLS, Confusion, Score, calibration, groups_of
from scriven.page.inputs import Entry, Input, LinePicture, line_pictures
from scriven.reader.case_variants import folded
from scriven.reader.confidence import kept
from scriven.reader.decoder_contract import Decoder
from scriven.reader.model import ModelInfo
from scriven.reader.session import Picture, Reader
from scriven.text import normalise, visual

log = logging.getLogger("scriven.metrics")

LEAST_SHARE = 0.02  # of the lines, that a model may have been trained on before a warning is given
CONFUSIONS, PRINTED = 30, 8  # most frequent confusions that are reported, and printed


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


@dataclass
class Scores:
    """The scores of one model, per set and overall."""

    model: str
    sets: list[ScoredSet]
    skipped: list[Skipped]
    missing: Counter[str]  # characters of the references that the model cannot write
    ignore_case: bool = False  # readings and references are in lower case

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
        rows = [
            {"set": s.name, "split": s.split, **(s.score().as_json() if s.references else {}),
             "unlabelled": s.unlabelled, "estimate": s.estimate and s.estimate.as_json(), "trained_on": s.trained_on}
            for s in self.sets
        ]  # fmt: skip
        measured = self.overall().as_json() if self.labelled() else {}
        estimate = self.estimate()
        result = {"model": self.model, **measured, "estimate": estimate and estimate.as_json()}
        result |= {"ignore_case": True} if self.ignore_case else {}
        result |= {"ece": self.ece(), "sets": rows, "missing": dict(self.missing)}
        result["confusions"] = [asdict(one) for one in self.confusions()]
        if variants and measured:
            result["variants"] = {name: self.overall(name).as_json() for name in PROTOCOLS}
        return result

    def rows(self, variants: bool = False) -> list[dict[str, str]]:
        """The measured error rates as rows for `scriven.metrics.table`, in percent."""
        labelled = self.labelled()
        rows = [{"set": s.name, "split": s.split, **s.score().row()} for s in labelled]
        if len(labelled) > 1:
            rows.append({"set": "all", "split": "", **self.overall().row()})
        if variants and labelled:
            rows += [{"set": "all", "split": name, **self.overall(name).row()} for name in PROTOCOLS if name != "nfc"]
        return rows

    def estimates(self) -> list[dict[str, str]]:
        """A row per set that has lines without transcription, and one for all sets, in percent."""
        rows = [{"set": s.name, "split": s.split, **s.estimate.row()} for s in self.sets if s.estimate]
        if len(rows) > 1 and (overall := self.estimate()):
            rows.append({"set": "all", "split": "", **overall.row()})
        return rows

    def text(self, variants: bool = False) -> str:
        """The printed output: measured error rates, frequent confusions, and estimates."""
        parts = ["case is ignored"] if self.ignore_case else []
        parts += [metrics.table(rows) for rows in (self.rows(variants),) if rows]
        if frequent := self.confusions(PRINTED):
            parts.append(f"frequent confusions (written > read): {', '.join(map(str, frequent))}")
        if estimates := self.estimates():
            parts.append(f"lines without transcription: estimated, not measured\n{metrics.table(estimates)}")
        return "\n\n".join(parts)

    def missing_sentence(self) -> str:
        """The characters that the model cannot write, with counts; empty if it can write all."""
        shown = " ".join(f"{c} {n}" for c, n in self.missing.most_common(12))
        return f"characters that the model cannot write, with counts: {shown}" if shown else ""

    def _pairs(self) -> tuple[list[str], list[str]]:
        references = [text for s in self.sets for text in s.references]
        return references, [text for s in self.sets for text in s.predictions]


def score(
    model: str | Path,
    lines: str | Path | Sequence[str | Path],
    split: str | None = None,
    settings: ReadSettings | None = None,
    predictions: str | Path | None = None,
) -> Scores:
    """Measure error rates on the lines with a transcription; estimate the error rate of the others from a sample.

    `split` None: test if a folder has it, else valid, else all lines. With the setting `ignore_case`, transcriptions
    are compared in lower case, as they are read. `predictions`: a file .csv or .jsonl to write, with a row for each
    line that has a transcription; see `scriven.jobs.predictions`. Raises LinesError for a folder that cannot be read or
    has no such split, InputError for one with neither transcriptions nor lines that can be read.

    >>> import scriven
    >>> scores = scriven.score("scriven-general", ["letters/"])
    >>> scores.overall().n
    12
    """
    settings = (settings or ReadSettings()).only_reading("score")
    if predictions is not None:
        check_place(Path(predictions))
    folders = [LinesFolder(path, settings.level) for path in ([lines] if isinstance(lines, str | Path) else lines)]
    splits = [_split(folder, split) for folder in folders]
    reader, decoder = load(model, settings)
    result = Scores(str(model), [], [], Counter(), settings.ignore_case)
    for folder, chosen, name in zip(folders, splits, _names(folders), strict=True):
        found = ScoredSet(name, chosen or "all", folder, trained_on=_trained_on(folder, chosen, reader.info))
        others: EvenSample[Picture] = EvenSample(MAX_VIEWED)
        every = line_pictures(Input(name, folder.path, True), settings.level, chosen)
        skipped = _read_set(found, _labelled(every, others, reader), reader, decoder)
        result.missing.update(reader.charset.missing(map(visual, found.references)))
        found.unlabelled = others.offered
        found.estimate = _estimate(others, reader, decoder)
        result.skipped += skipped
        if not found.references and not found.estimate:
            why = f"{found.unlabelled} without transcription"
            if skipped:
                why += f", {len(skipped)} skipped, the first: {skipped[0].sentence()}"
            raise InputError(
                f"{folder.path} has no lines to score in {found.split} ({why}); give lines that can be read"
            )
        result.sets.append(found)
    if predictions is not None:
        save(result.sets, Path(predictions))
    return result


def _read_set(found: ScoredSet, labelled: Iterable[Entry], reader: Reader, decoder: Decoder) -> list[Skipped]:
    """Read labelled lines into a set; returns the skipped ones."""
    skipped, read_by_model = list[Skipped](), 0
    for entry in read_lines(labelled, reader, decoder):
        if isinstance(entry, Skipped):
            skipped.append(entry)
        if not isinstance(entry, tuple):
            continue
        item, reading = entry
        reference = item.text or ""
        if decoder.settings.ignore_case:
            reference = folded(reference)
        read_by_model += item.by_model
        found.ids.append(item.id)
        found.references.append(reference)
        found.predictions.append(reading.text)
        found.hands.append(item.hand)
        found.pages.append(item.page)
        found.line_confidences.append(reading.confidence)
        found.characters_of_lines.append([c.confidence for c in reading.characters])
        found.characters_right += kept(reading.text, reference).tolist()
        progress(f"score {found.name}", len(found.references), None)
    if found.references:
        progress(f"score {found.name}", len(found.references), len(found.references))
    if read_by_model and found.folder:
        log.warning("%s: %s of %d were read by a model (they have a confidence) and may be wrong", found.folder.path,
                    counted(read_by_model, "transcription"), len(found.references))  # fmt: skip
    return skipped


def _trained_on(folder: LinesFolder, split: str | None, info: ModelInfo) -> bool:
    """Whether the model or one of its parents was trained on these lines or on a part of them; logs a warning if so.

    The same files are recognised by their fingerprint, the same pictures in other files by sketches of their digests.
    """
    learnt = info.learnt() if split not in ("test", "valid") else ()
    share, sketches = float(bool(learnt) and folder.fingerprint() in learnt), info.sketches()
    if not share and sketches:
        share = share_in(sketches, (digest(line.image) for line in folder.lines(split)))
    if share < LEAST_SHARE:
        return False
    part = "" if share > 0.99 else f"about {share:.0%} of "
    log.warning("%s: the model was trained on %sthese lines; the true error rate is higher", folder.path, part)
    return True


def _labelled(
    every: Iterable[LinePicture | Skipped], others: EvenSample[Picture], reader: Reader
) -> Iterator[LinePicture | Skipped]:
    """The pictures with a transcription, which may be empty; the others are offered to the sample `others`."""
    for item in every:
        if isinstance(item, Skipped) or item.text is not None:
            yield item
            continue
        picture = None
        if others.wants():
            assert item.picture is not None
            try:
                picture = reader.prepare(item.id, item.picture)
            except ImageError as error:
                yield Skipped(item.id, str(error))
        others.offer(picture)


def _estimate(others: EvenSample[Picture], reader: Reader, decoder: Decoder) -> CerEstimate | None:
    """The estimate for all pictures offered to the sample; None if no text is read in it."""
    pictures = others.chosen(MAX_VIEWED)
    readings = reader.read_prepared(pictures, decoder)
    return estimate_cer(reader, decoder, list(zip(pictures, readings, strict=True)), others.offered)


def _split(folder: LinesFolder, wanted: str | None) -> str | None:
    if wanted:
        if wanted not in folder.splits:
            raise LinesError(f"{folder.path} has no split {wanted!r}; it has {', '.join(folder.splits)}")
        return wanted
    return next((split for split in ("test", "valid") if split in folder.splits), None)


def _names(folders: Sequence[LinesFolder]) -> list[str]:
    """The names of the folders; their paths if two names are equal."""
    counts = Counter(folder.path.name for folder in folders)
    return [folder.path.name if counts[folder.path.name] == 1 else str(folder.path) for folder in folders]
