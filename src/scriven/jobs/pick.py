"""pick: the lines most worth transcribing, as a table to correct, and a forecast of how many lines a low CER takes."""

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
from scriven.estimate.cer import MAX_VIEWED, CerEstimate, estimate_cer
from scriven.estimate.choice import CRITERIA, LineCandidate, choose, unfit
from scriven.estimate.learning_curve import LinesForecast, forecast
from scriven.jobs.read import ReadSettings, load
from scriven.jobs.read_lines import Sample, read_lines
from scriven.lines import LinesFolder, Reading
from scriven.lines.records import by_model
from scriven.metrics import table
from scriven.page.formats import FORMATS, choose_format
from scriven.page.inputs import Input, LinePicture, find_inputs, line_pictures
from scriven.reader.model import DEFAULT_MODEL
from scriven.reader.trainable import misfit, prepared_width

log = logging.getLogger("scriven.pick")

ALREADY_TRANSCRIBED = "transcribed already"
OUTPUT_SUFFIXES = {"table": ".txt", **{name: format.suffix for name, format in FORMATS.items() if name != "text"}}


@validated
@dataclass(frozen=True)
class PickSettings(ReadSettings):
    """How to choose: ReadSettings for the reading, and the criterion."""

    by: str = "mixed"  # the criterion, a row of CRITERIA
    cer: Share | None = None  # measured CER of the model on such lines, a fraction; for the forecast

    def __post_init__(self) -> None:
        check_choice("by", self.by, CRITERIA)


@dataclass(frozen=True)
class ReadLine:
    """A line that could be transcribed: its picture, its reading (without single characters), and what is chosen by."""

    item: LinePicture
    reading: Reading
    candidate: LineCandidate


class Unfit(Skipped):
    """A line that is never chosen, and why."""


class Labelled(Skipped):
    """A line that has its text already."""


@dataclass
class Pool:
    """The lines to choose from, and those left out: `skipped` cannot be opened, `unfit` are never chosen."""

    found: list[ReadLine] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unfit: list[Unfit] = field(default_factory=list)
    labelled: int = 0  # lines that have their text already
    estimate: CerEstimate | None = None  # of the CER of `found`

    def leave_out(self, one: Skipped) -> None:
        """Count or list a line that cannot be chosen."""
        if isinstance(one, Labelled):
            self.labelled += 1
        elif isinstance(one, Unfit):
            self.unfit.append(one)
        else:
            self.skipped.append(one)


@dataclass(frozen=True)
class Picked:
    """The chosen lines, the most valuable first, with a reason for each, and the forecast."""

    chosen: list[ReadLine]
    why: list[str]
    pool: Pool
    forecast: LinesForecast | None  # None where nothing was read and no CER was given

    def how_far(self) -> str:
        """The forecast in words."""
        return self.forecast.sentence() if self.forecast else "no forecast of how many lines it takes: nothing was read"

    def rows(self) -> list[dict[str, str]]:
        """Rows for `scriven.metrics.table`."""
        chosen = zip(self.chosen, self.why, strict=True)
        return [{"id": one.candidate.id, "why": why, "reading": one.reading.text} for one, why in chosen]

    def as_json(self) -> dict[str, Any]:
        """`picked` in order, what was left out, and the forecast."""
        picked = [
            {
                "id": one.candidate.id,
                "image": one.item.picture_name(),
                "text": one.reading.text,
                "confidence": float(f"{one.reading.confidence:.6g}"),
                "confidence_per_character": round(one.candidate.confidence, 4),
                "why": why,
            }
            for one, why in zip(self.chosen, self.why, strict=True)
        ]
        others = {
            name: [{"id": r.id, "reason": r.reason} for r in some]
            for name, some in (("skipped", self.pool.skipped), ("unfit", self.pool.unfit))
        }
        counts = {"read": len(self.pool.found), "labelled": self.pool.labelled}
        return {"picked": picked, **counts, **others, "forecast": self.forecast and self.forecast.as_json()}


def pick(
    inputs: Sequence[str | Path],
    count: int = 30,
    model: str | Path = DEFAULT_MODEL,
    out: str | Path | None = None,
    format: str | None = None,
    settings: PickSettings | None = None,
    stream: IO[str] | None = None,
    done: Sequence[str | Path] = (),
) -> Picked:
    """Choose the `count` lines most worth transcribing and write them to `stream` (standard output) or the file `out`.

    Without `format`, the extension of `out` decides, else it is a table. Of a lines folder the train split is read.
    Lines in one of the CSV files or lines folders `done` are not chosen. Raises SettingsError for a wrong
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
    format, _ = choose_format(out, format, OUTPUT_SUFFIXES, "table", file=True)
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

    Those in `done` count as having one. Raises InputError where nothing could be read, LinesError as `pick` does.
    """
    found, missing = find_inputs(inputs)
    pool, finished = Pool(skipped=missing), _finished(done)
    labelled = bool(found) and all(_labelled(source, settings) for source in found)
    if labelled:
        log.info("all lines have a text already; it is not looked at, and all of them are read")
    reader, decoder = load(model, settings)
    every = _usable(found, labelled, settings, reader.info.height)
    undone = (Labelled(one.id, ALREADY_TRANSCRIBED) if _is_done(finished, one) else one for one in every)
    taken, sample = set[str](), Sample(MAX_VIEWED)
    for entry in read_lines(undone, reader, decoder, sample):
        if isinstance(entry, Skipped):
            pool.leave_out(entry)
        if not isinstance(entry, tuple):
            continue
        item, reading = entry
        if reason := unfit(reading.text):
            pool.leave_out(Unfit(item.id, reason))
            continue
        id = item.id
        while id in taken:
            id = f"{item.input.name}/{id}"
        taken.add(id)
        confidence = sum(c.confidence for c in reading.characters) / len(reading.characters)
        candidate = LineCandidate(id, reading.text, confidence, item.hand, item.page)
        pool.found.append(ReadLine(item, replace(reading, id=id, characters=()), candidate))
        progress("read", len(pool.found), None)
    if not pool.found:
        over, named = left_out(pool), listed([*pool.skipped, *pool.unfit])
        why = f" ({over})" if over else ""
        raise InputError(f"there is no line to choose from{why}; give more pictures of lines{':' * bool(named)}{named}")
    progress("read", len(pool.found), len(pool.found))
    pool.estimate = estimate_cer(reader, decoder, sample.chosen(sample.size), len(pool.found))
    return pool


def chosen(pool: Pool, count: int, settings: PickSettings) -> Picked:
    """The choice from a pool, with reasons and the forecast."""
    some = [pool.found[i] for i in choose([one.candidate for one in pool.found], count, settings.by)]
    start = pool.estimate and pool.estimate.interval if settings.cer is None else (settings.cer, settings.cer)
    return Picked(some, reasons([one.candidate for one in some]), pool, forecast(start) if start else None)


def reasons(some: Sequence[LineCandidate]) -> list[str]:
    """A reason for each line: its letters, their mean confidence, the characters that no line before it has."""
    before, told = set[str](), list[str]()
    for one in some:
        new = "".join(sorted(set(one.text) - before - {" "}))
        before |= set(one.text)
        first = f", the first with {' '.join(new[:8])}{' ...' if len(new) > 8 else ''}" if new and told else ""
        told.append(f"{counted(one.letters(), 'letter')}, {100 * one.confidence:.0f} % confident{first}")
    return told


def left_out(pool: Pool) -> str:
    """In one sentence, what was not chosen from; empty where that is nothing."""
    reasons = Counter(skipped.reason for skipped in pool.unfit)
    parts = [f"{counted(pool.labelled, 'line')} with a text already"] if pool.labelled else []
    parts += [f"{counted(n, 'line')}: {reason}" for reason, n in reasons.most_common()]
    return f"not chosen from: {'; '.join(parts)}" if parts else ""


def _is_done(finished: set[str], one: LinePicture | Skipped) -> bool:
    """Whether the picture or the id of a line is among the finished ones."""
    if isinstance(one, Skipped):
        return False
    return str(Path(one.picture_name()).resolve()) in finished or (one.input.lines and one.id in finished)


def _finished(done: Sequence[str | Path]) -> set[str]:
    """The paths of all pictures that tables name, and the ids of all lines of lines folders. Raises LinesError."""
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
    """The split of a lines folder that is read: the one asked for, else train; test lines are not to be trained on.

    Raises LinesError for a folder of test or validation lines alone.
    """
    if settings.split or not source.lines:
        return settings.split
    splits = LinesFolder(source.path, settings.level).splits
    if "train" not in splits:
        raise LinesError(f"{source.path} has only {' and '.join(splits)} lines, which are for evaluation; "
                         f"give others, or ask for them: --set split={next(iter(splits))}")  # fmt: skip
    return "train"


def _labelled(source: Input, settings: PickSettings) -> bool:
    """Whether every line of a source was transcribed by a person. Pictures are not opened."""
    if not source.lines:
        return False
    try:
        folder = LinesFolder(source.path, settings.level)
        asked = _split(source, settings)
        for split in [asked] if asked else folder.splits:
            columns = folder.columns(split, ["text", "confidence", "origin"])
            for text, confidence, origin in zip(*columns.values(), strict=True):
                if not text or by_model(origin, confidence):
                    return False
    except LinesError:
        pass  # reported when it is read
    return True


def _usable(
    found: Sequence[Input], labelled: bool, settings: PickSettings, height: int
) -> Iterator[LinePicture | Skipped]:
    """Pictures of lines without a text (`labelled`: of all) that can be trained on; the others as Skipped."""
    for source in found:
        try:
            for item in line_pictures(source, settings.level, _split(source, settings)):
                if isinstance(item, Skipped):
                    yield item
                    continue
                assert item.picture is not None
                rows, columns = item.picture.shape
                if item.text and not item.by_model and not labelled:
                    yield Labelled(item.id, ALREADY_TRANSCRIBED)
                elif fault := misfit(prepared_width(columns, rows, height)):
                    yield Unfit(item.id, fault.reason)
                else:
                    yield item
        except LinesError as error:  # the lines before it stay
            yield Skipped(str(source.path), str(error))


def _write(picked: Picked, file: IO[str], format: str, folder: Path | None) -> None:
    if format == "json":
        file.write(json.dumps(picked.as_json(), ensure_ascii=False, allow_nan=False) + "\n")
    elif format == "table":
        file.write(table(picked.rows()) + "\n")
    else:
        FORMATS[format].write((one.item.as_page(one.reading) for one in picked.chosen), file, folder)
