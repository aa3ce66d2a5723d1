"""score: error rates of a model on labelled lines: the test split if there is one, else valid, else all.

For lines without transcription the error rate is estimated (see `scriven.estimate.cer`) and reported separately.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scriven.base import ImageError, InputError, LinesError, Skipped, counted
from scriven.base.progress import progress
from scriven.base.stopwatch import Stopwatch
from scriven.estimate.cer import MAX_VIEWED, CerEstimate, estimate_cer
from scriven.estimate.sample import EvenSample
from scriven.jobs.predictions import check_place, save
from scriven.jobs.read import ReadSettings, load
from scriven.jobs.read_lines import read_frames
from scriven.jobs.scored import ScoredSet, Scores
from scriven.jobs.text_loss import LossMeter
from scriven.lines import LinesFolder
from scriven.lines.sketch import digest, share_in
from scriven.page.inputs import Entry, Input, LinePicture, line_pictures
from scriven.reader.case_variants import folded
from scriven.reader.confidence import kept
from scriven.reader.decoder_contract import Decoder
from scriven.reader.model import ModelInfo, find_model
from scriven.reader.parameters import count_parameters
from scriven.reader.session import Picture, Reader
from scriven.text import visual

log = logging.getLogger("scriven.metrics")

LEAST_SHARE = 0.02  # of the lines, that a model may have been trained on before a warning is given


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
    parameters = count_parameters(find_model(model))
    result = Scores(str(model), [], [], Counter(), settings.ignore_case, parameters, (reader, decoder))
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
    reading_time, fetching_time, loss = Stopwatch(), Stopwatch(), LossMeter(decoder)
    for entry in reading_time.around(read_frames(fetching_time.around(labelled), reader, decoder)):
        if isinstance(entry, Skipped):
            skipped.append(entry)
        if not isinstance(entry, tuple):
            continue
        item, reading, frames = entry
        reference = item.text or ""
        if decoder.settings.ignore_case:
            reference = folded(reference)
        loss.add(item.id, frames, reference)
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
    found.loss, found.seconds = loss.finish(), reading_time.seconds - fetching_time.seconds
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
