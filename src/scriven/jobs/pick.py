"""pick: the lines most worth transcribing, as a table to correct, and how many lines it may take to read well."""

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from scriven.base import InputError, LinesError, OutputError, Skipped, atomic, counted, listed
from scriven.base.progress import progress
from scriven.base.settings import Count, Share, check, check_choice, validated
from scriven.estimate.cer import Estimate, estimated
from scriven.estimate.choice import CRITERIA, Candidate, choose, unfit
from scriven.estimate.learning_curve import Forecast, forecast
from scriven.jobs.read import ReadSettings, Sample, load, read_lines
from scriven.lines import LinesFolder, Reading
from scriven.lines.records import by_model
from scriven.metrics import table
from scriven.page.formats import FORMATS, choose_format
from scriven.page.inputs import Input, LinePicture, find_inputs, line_pictures
from scriven.reader.model import DEFAULT
from scriven.reader.trainable import misfit, prepared_width

log = logging.getLogger("scriven.pick")

SUFFIXES = {"table": ".txt", **{name: format.suffix for name, format in FORMATS.items() if name != "text"}}


@validated
@dataclass(frozen=True)
class PickSettings(ReadSettings):
    """How to choose: ReadSettings for the reading, and the criterion."""

    by: str = "mixed"  # what makes a line worth transcribing, a row of CRITERIA
    cer: Share | None = None  # of the model on such lines, a fraction, where somebody measured it; for the forecast

    def __post_init__(self) -> None:
        check_choice("by", self.by, CRITERIA)


@dataclass(frozen=True)
class Found:
    """A line that may be transcribed: where it is, what was read (without its single characters), its value."""

    item: LinePicture
    reading: Reading
    candidate: Candidate


@dataclass
class Pool:
    """All lines that were read, and all that were not: `skipped` cannot be opened, `unfit` is not worth a look."""

    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unfit: list[Skipped] = field(default_factory=list)
    labelled: int = 0  # lines that have their text already
    estimate: Estimate | None = None  # of the error rate of what was read


@dataclass(frozen=True)
class Picked:
    """The choice, the most valuable first, with the reason of each; and how far it is to a good reading."""

    chosen: list[Found]
    why: list[str]
    pool: Pool
    forecast: Forecast | None  # None: nothing tells the error rate that it would start from

    def how_far(self) -> str:
        """The forecast in words."""
        return self.forecast.sentence() if self.forecast else "how many lines it takes cannot be told: nothing is read"

    def rows(self) -> list[dict[str, str]]:
        """Rows for `scriven.metrics.table`."""
        chosen = zip(self.chosen, self.why, strict=True)
        return [{"id": one.candidate.id, "why": why, "reading": one.reading.text} for one, why in chosen]

    def as_json(self) -> dict[str, Any]:
        """`picked` in order, what was passed over, and the forecast."""
        picked = [
            {
                "id": one.candidate.id,
                "image": one.item.picture_name(),
                "text": one.reading.text,
                "confidence": float(f"{one.reading.confidence:.6g}"),
                "sure": round(one.candidate.sure, 4),
                "why": why,
            }
            for one, why in zip(self.chosen, self.why, strict=True)
        ]
        left_out = {
            name: [{"id": r.id, "reason": r.reason} for r in some]
            for name, some in (("refused", self.pool.skipped), ("unfit", self.pool.unfit))
        }
        counts = {"read": len(self.pool.found), "labelled": self.pool.labelled}
        return {"picked": picked, **counts, **left_out, "forecast": self.forecast and self.forecast.as_json()}


def pick(
    inputs: Sequence[str | Path],
    count: int = 30,
    model: str | Path = DEFAULT,
    out: str | Path | None = None,
    format: str | None = None,
    settings: PickSettings | None = None,
    stream: IO[str] | None = None,
    done: Sequence[str | Path] = (),
) -> Picked:
    """Choose the `count` lines most worth transcribing and write them to `stream` (standard output) or the file `out`.

    Without `format`, the ending of `out` decides, else it is a table. Of a lines folder the train split is read. Lines
    whose ids stand in one of the CSV files or lines folders `done` are not chosen. Raises SettingsError for a wrong
    count or format, OutputError where `out` exists, LinesError for what cannot be opened in `done`, InputError where
    no line can be chosen.

    >>> import scriven
    >>> picked = scriven.pick(["scans/"], count=3, out="to-correct.csv")
    >>> len(picked.chosen)
    3
    """
    settings = settings or PickSettings()
    settings.only_reading("pick")
    check("count", count, Count)
    out = None if out is None else Path(out)
    format, _ = choose_format(out, format, SUFFIXES, "table", file=True)
    if out is not None and out.exists():
        raise OutputError(f"{out} exists; choose another -o or delete it")
    picked = chosen(candidates(inputs, model, settings, done), count, settings)
    if out is None:
        _write(picked, stream or sys.stdout, format, None)
    else:
        with atomic(out, "w") as file:
            _write(picked, file, format, out.parent)
    return picked


def candidates(
    inputs: Sequence[str | Path], model: str | Path, settings: PickSettings, done: Sequence[str | Path] = ()
) -> Pool:
    """Read every line that has no text yet; where all have one, every line, and no text is looked at.

    Those in `done` are counted as having one. Raises InputError where nothing could be read, LinesError as `pick` does.
    """
    pool = Pool()
    finished = _finished(done)
    found, missing = find_inputs(inputs)
    pool.skipped += missing
    labelled = bool(found) and all(_labelled(source, settings) for source in found)
    if labelled:
        log.info("all lines have a text already; it is not looked at, and all of them are read")
    reader, decoder = load(model, settings)
    undone = (
        item
        for item in _fitting(found, pool, labelled, settings, reader.info.height)
        if not _among(finished, item, pool)
    )
    taken, seen = set[str](), Sample()
    for entry in read_lines(undone, reader, decoder, seen):
        if isinstance(entry, Skipped):
            pool.skipped.append(entry)
        if not isinstance(entry, tuple):
            continue
        item, reading = entry
        if reason := unfit(reading.text):
            pool.unfit.append(Skipped(item.id, reason))
            continue
        id = item.id
        while id in taken:
            id = f"{item.input.name}/{id}"
        taken.add(id)
        sure = sum(c.confidence for c in reading.characters) / len(reading.characters)
        candidate = Candidate(id, reading.text, sure, item.hand, item.page)
        pool.found.append(Found(item, replace(reading, id=id, characters=()), candidate))
        progress("read", len(pool.found), None)
    if not pool.found:
        over, named = passed_over(pool), listed([*pool.skipped, *pool.unfit])
        why = f" ({over})" if over else ""
        raise InputError(f"there is no line to choose from{why}; give more pictures of lines{':' * bool(named)}{named}")
    progress("read", len(pool.found), len(pool.found))
    pool.estimate = estimated(reader, decoder, seen.chosen(seen.most), len(pool.found))
    return pool


def chosen(pool: Pool, count: int, settings: PickSettings) -> Picked:
    """The choice from what was read, with reasons and the forecast."""
    some = [pool.found[i] for i in choose([one.candidate for one in pool.found], count, settings.by)]
    start = pool.estimate and pool.estimate.interval if settings.cer is None else (settings.cer, settings.cer)
    return Picked(some, reasons([one.candidate for one in some]), pool, forecast(start) if start else None)


def reasons(some: Sequence[Candidate]) -> list[str]:
    """Why each line is worth it, in a few words: letters, how sure they are, which characters it brings first."""
    before, told = set[str](), list[str]()
    for one in some:
        new = "".join(sorted(set(one.text) - before - {" "}))
        before |= set(one.text)
        first = f", the first with {' '.join(new[:8])}{' ...' if len(new) > 8 else ''}" if new and told else ""
        told.append(f"{counted(one.letters(), 'letter')}, {100 * one.sure:.0f} % sure{first}")
    return told


def passed_over(pool: Pool) -> str:
    """In one sentence, what was not chosen from; empty where that is nothing."""
    reasons = Counter(skipped.reason for skipped in pool.unfit)
    parts = [f"{counted(pool.labelled, 'line')} with a text already"] if pool.labelled else []
    parts += [f"{counted(n, 'line')}: {reason}" for reason, n in reasons.most_common()]
    return f"not chosen from: {'; '.join(parts)}" if parts else ""


def _among(finished: set[str], item: LinePicture, pool: Pool) -> bool:
    """Whether a line is done; it is counted."""
    done = str(Path(item.picture_name()).resolve()) in finished or (item.input.lines and item.id in finished)
    pool.labelled += done
    return done


def _finished(done: Sequence[str | Path]) -> set[str]:
    """The places of all pictures that tables name, and the ids of all lines of lines folders. Raises LinesError."""
    found: set[str] = set()
    for one in map(Path, done):
        folder = LinesFolder(one)
        if one.suffix.lower() != ".csv":
            found.update(folder.values("id"))
            continue
        images = [image for split in folder.splits for image in folder.columns(split, ["image"])["image"] if image]
        found.update(str((one.parent / image).resolve()) for image in images)
    return found


def _split(source: Input, settings: PickSettings) -> str | None:
    """Of a lines folder the split that is asked for, else train where there are others: what measures stays unseen.

    Raises LinesError for a folder of test or validation lines alone.
    """
    if settings.split or not source.lines:
        return settings.split
    splits = LinesFolder(source.path, settings.level).splits
    if "train" not in splits:
        raise LinesError(f"{source.path} has only {' and '.join(splits)} lines, which are to measure with; "
                         f"give others, or ask for them: --set split={next(iter(splits))}")  # fmt: skip
    return "train"


def _labelled(source: Input, settings: PickSettings) -> bool:
    """Whether every line of a source has a text by a person. Pictures are not opened."""
    if not source.lines:
        return False
    try:
        folder = LinesFolder(source.path, settings.level)
        asked = _split(source, settings)
        for split in [asked] if asked else folder.splits:
            columns = folder.columns(split, ["text", "confidence", "origin"])
            for text, sure, origin in zip(*columns.values(), strict=True):
                if not text or by_model(origin, sure):
                    return False
    except LinesError:
        pass  # reading refuses it by name
    return True


def _fitting(
    found: Sequence[Input], pool: Pool, labelled: bool, settings: PickSettings, height_px: int
) -> Iterator[LinePicture]:
    """The pictures that can be trained on at `height_px`, of lines without a text (or, `labelled`, of all)."""
    for source in found:
        try:
            for item in line_pictures(source, settings.level, _split(source, settings)):
                if isinstance(item, Skipped):
                    pool.skipped.append(item)
                    continue
                assert item.picture is not None
                height, width = item.picture.shape
                if item.text and not item.by_model and not labelled:
                    pool.labelled += 1
                elif fault := misfit(prepared_width(width, height, height_px)):
                    pool.unfit.append(Skipped(item.id, fault.reason))
                else:
                    yield item
        except LinesError as error:  # costs the rest of this folder only
            pool.skipped.append(Skipped(str(source.path), str(error)))


def _write(picked: Picked, file: IO[str], format: str, folder: Path | None) -> None:
    if format == "json":
        file.write(json.dumps(picked.as_json(), ensure_ascii=False, allow_nan=False) + "\n")
    elif format == "table":
        file.write(table(picked.rows()) + "\n")
    else:
        FORMATS[format].write((one.item.as_page(one.reading) for one in picked.chosen), file, folder)
