"""Filling a lines folder with drawn lines, all of them or those that a gate keeps.

With a gate, every picture that is drawn is kept in `state/try-N` with what was measured of it until the folder is
finished: the first pictures of all lines, then new ones of the lines that were rejected. Both kinds of job continue
where they were interrupted, with the same result.
"""

import heapq
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from scriven.base import InputError, OutputError, Skipped, TextError, atomic, counted
from scriven.base.progress import progress
from scriven.images import encode
from scriven.jobs.drawing import Drawings, Try
from scriven.jobs.folders import filling
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.folder import read_about
from scriven.reader.session import Reader
from scriven.report import save
from scriven.selection import GateSettings, Measured, fit, read_back
from scriven.selection.page import PICTURES, sample_ids, selection_page
from scriven.selection.ranking import Gate
from scriven.selection.summary import Selection

STATE, PAGE, NUMBERS = "state", "gate.html", "gate.json"
NUMBER = "number"  # column of the lines of a try
MEASURES = (
    "reading", "reading_confidence", "reading_product", "reading_cer", "nmae", "style_distance", "attempt"
)  # fmt: skip


@dataclass(frozen=True)
class Filled:
    """What was written: the number of lines, what was skipped, and the selection of a gate."""

    lines: int
    skipped: list[Skipped]
    selection: Selection | None = None


def fill(writer: LinesWriter, drawing: Drawings, gate: GateSettings, workers: int, notes: Sequence[str] = ()) -> Filled:
    """Draw the lines into a folder that was opened for writing, and close it.

    `notes`: what is to be said of the reader. Raises TextError if no line can be drawn, InputError if none is kept,
    OutputError if the folder has lines of another command, ModelError without the reader.
    """
    if not gate.reads:
        return _all(writer, drawing, workers)
    filled = Gated(writer, drawing, gate, workers, notes).fill()
    writer.close()
    shutil.rmtree(writer.path / STATE)
    return filled


def _all(writer: LinesWriter, drawing: Drawings, workers: int) -> Filled:
    """Draw all lines once."""
    last = {split: _last(writer, split, drawing) for split, n in writer.done.items() if n}
    ahead = [n for n in range(drawing.total) if n > last.get(drawing.split(n), -1)]
    begun = sorted(set(range(drawing.total)) - set(ahead)) if last else []
    skipped = [one for n in begun if (one := drawing.refusal(n))]
    lines = sum(writer.done.values())
    made = drawing.drawn(map(Try, ahead), workers)
    for count, (n, line) in enumerate(zip(ahead, made, strict=True), start=len(begun) + 1):
        progress("writing", count, drawing.total)
        if isinstance(line, Skipped):
            skipped.append(line)
        else:
            writer.write(line, drawing.split(n))
            lines += 1
    if not lines:
        raise _nothing(drawing, skipped)
    return Filled(lines, skipped)


def _last(writer: LinesWriter, split: str, drawing: Drawings) -> int:
    """The number of the last line of a split on disk. Raises OutputError if this command did not write that line."""
    last = str(LinesFolder(writer.path).columns(split, ["id"])["id"][-1])
    try:
        return drawing.number(last)
    except ValueError:
        raise OutputError(
            f"{writer.path} has the line {last!r}, which this command did not write; choose another -o"
        ) from None


class Gated:
    """A folder that is filled with the lines that a gate keeps."""

    def __init__(
        self, writer: LinesWriter, drawing: Drawings, settings: GateSettings, workers: int, notes: Sequence[str]
    ):
        self.writer, self.drawing, self.settings, self.workers = writer, drawing, settings, workers
        self.notes, self.state = notes, writer.path / STATE
        self.failed = dict[int, Skipped]()  # lines that could not be drawn in this run

    def fill(self) -> Filled:
        """Draw, read, select and write; the page and the numbers of the selection are written beside the lines.

        Raises InputError if none is kept.
        """
        try:
            first = self._tried(0, [Try(n) for n in range(self.drawing.total)])
        finally:
            if self.state.is_dir() and not any(self.state.iterdir()):
                self.state.rmdir()
        skipped = [self._why(n) for n in range(self.drawing.total) if n not in first]
        if not first:
            shutil.rmtree(self.state)
            raise _nothing(self.drawing, skipped)
        settings = self.settings
        gate = fit(list(first.values()), settings.by, settings.keep, settings.precision) if settings.selects else None
        kept = self._kept(gate, first)
        found = Selection(
            settings.model, list(first.values()), [kept[n] for n in sorted(kept)], gate, settings.tries, self.notes
        )
        self._write(kept)
        self._report(found)
        if not kept:
            raise InputError(
                f"the gate keeps none of {counted(len(first), 'line')}; see {self.writer.path / PAGE}, and ask for "
                "less, or train the scribe longer"
            )
        return Filled(len(kept), skipped, found)

    @cached_property
    def reader(self) -> Reader:
        """The recogniser; loaded when there is something to read."""
        return Reader.load(self.settings.model)

    def _kept(self, gate: Gate | None, first: Mapping[int, Measured]) -> dict[int, Measured]:
        """The picture that is kept of each line; lines that are rejected are drawn again."""
        kept, now = dict[int, Measured](), dict(first)
        for attempt in range(self.settings.tries):
            if attempt:
                again = [n for n in sorted(first) if n not in kept]
                now = self._tried(attempt, [Try(n, attempt, first[n].hand) for n in again]) if again else {}
            kept |= {n: one for n, one in now.items() if gate is None or gate.passes(one)}
        return kept

    def _tried(self, attempt: int, tries: Sequence[Try]) -> dict[int, Measured]:
        """One picture of each of some lines, drawn and measured; those that were on disk are not drawn again."""
        place, about = self.state / f"try-{attempt}", {**self.writer.about, "attempt": attempt}
        if not (read_about(place / "about.json") or {}).get("finished"):
            with filling(place, about, self.writer.sizes) as into:
                last = LinesFolder(place).columns("train", [NUMBER])[NUMBER][-1] if into.done.get("train") else -1
                ahead = [one for one in tries if one.number > last]
                passed = len(tries) - len(ahead)
                lines = self._lines(ahead, passed, f"drawing, try {attempt + 1}" if attempt else "drawing")
                for line, one in read_back(self.reader, lines, self.drawing.imitated):
                    into.write(replace(line, extra={**line.extra, **one.columns()}))
        return _measured(place)

    def _lines(self, tries: Sequence[Try], passed: int, what: str) -> Iterator[tuple[Line, int]]:
        """Drawn lines with their attempts."""
        for count, (one, made) in enumerate(zip(tries, self.drawing.drawn(tries, self.workers), strict=True), start=1):
            progress(what, passed + count, passed + len(tries))
            if isinstance(made, Skipped):
                self.failed[one.number] = made
            else:
                yield replace(made, extra={**made.extra, NUMBER: one.number}), one.attempt

    def _why(self, number: int) -> Skipped:
        """Why a line could not be drawn."""
        why = self.failed.get(number) or self.drawing.refusal(number)
        return why or Skipped(f"line {number}", "it could not be drawn before the job was interrupted")

    def _write(self, kept: Mapping[int, Measured]) -> None:
        """The lines that are kept, in order, after those that are on disk."""
        passed = dict(self.writer.done)
        for number, line in _merged(self.state, kept):
            split = self.drawing.split(number)
            if passed.get(split, 0) > 0:
                passed[split] -= 1
                continue
            self.writer.write(replace(line, extra={k: v for k, v in line.extra.items() if k != NUMBER}), split)

    def _report(self, found: Selection) -> None:
        """The page and the numbers."""
        wanted, shown = sample_ids(found.first, PICTURES), dict[str, tuple[bytes, bytes | None]]()
        folder = LinesFolder(self.state / "try-0")
        for id in sorted(wanted):
            line = folder.find(id)
            real = self.drawing.imitated.picture(line)
            shown[id] = line.image, None if real is None else encode(real)
        save(self.writer.path / PAGE, selection_page(f"Read back: {self.writer.path.name}", found, shown))
        with atomic(self.writer.path / NUMBERS, "w") as file:
            json.dump(found.as_json(), file, indent=2, ensure_ascii=False, allow_nan=False)
            file.write("\n")


def _measured(place: Path) -> dict[int, Measured]:
    """The measurements of the pictures of a try by the number of their line."""
    if not any(place.glob("*.parquet")):
        return {}
    rows = LinesFolder(place).columns("train", ["id", "hand", "text", NUMBER, *MEASURES])
    each = (dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True))
    return {row[NUMBER]: Measured.of(row["id"], row["hand"], row["text"], row) for row in each}


def _merged(state: Path, kept: Mapping[int, Measured]) -> Iterator[tuple[int, Line]]:
    """The kept pictures of all tries, in the order of their numbers."""

    def of(place: Path, attempt: int) -> Iterable[tuple[int, Line]]:
        for line in LinesFolder(place).lines("train"):
            number = line.extra[NUMBER]
            if number in kept and kept[number].attempt == attempt:
                yield number, line

    attempts = sorted({one.attempt for one in kept.values()})
    return heapq.merge(*(of(state / f"try-{n}", n) for n in attempts), key=lambda pair: pair[0])


def _nothing(drawing: Drawings, skipped: Sequence[Skipped]) -> TextError:
    return TextError(f"none of the {drawing.total} texts can be written; the first: {skipped[0].reason}")


def as_data(filled: Filled, **more: Any) -> dict[str, Any]:
    """The output of `--json`: lines, skipped and, of a gate, the numbers without those of every hand and line."""
    found = {**more, "lines": filled.lines, "skipped": len(filled.skipped)}
    if filled.selection:
        numbers = filled.selection.as_json()
        found["gate"] = {key: value for key, value in numbers.items() if key not in ("hands", "rejected")}
    return found
