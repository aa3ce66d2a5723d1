"""doctor: checks lines folders before training: unusable lines, leaks, mismatched pairs, time and memory."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scriven.base import InputError, LinesError, Skipped, listed
from scriven.base.settings import Threads, validated
from scriven.jobs.doctor import checks, leaks
from scriven.jobs.doctor.forecast import TrainingForecast, forecast
from scriven.jobs.doctor.inputs import Inspected, Opened, counts_of, inspect, model_among, open_folders
from scriven.jobs.doctor.records import SEVERITIES, Problem, problem
from scriven.lines.training_set import training_characters
from scriven.reader.model import ModelInfo, find_model, read_info
from scriven.text import Charset

MAX_NAMED_LINES = 3  # lines listed for a problem in the table; JSON lists 100, or all that are lost


@validated
@dataclass(frozen=True)
class DoctorSettings:
    """How lines are inspected."""

    level: str = ""  # lines, words or both, in trees that have both; empty: lines
    size: str = "small"  # of the network that is forecast, without a model
    calibrate: bool = True  # measure the training speed of this machine, if it has the extra train; takes seconds
    threads: Threads | None = None  # number of threads that decode pictures; None: one per core


@dataclass(frozen=True)
class Diagnosis:
    """The result of `doctor`: problems in order of severity, counts, and the forecast of training."""

    lines: int
    lost: tuple[Skipped, ...]  # every line that training skips, once, with the first reason
    problems: tuple[Problem, ...]
    counts: tuple[dict[str, Any], ...]  # a row per folder, split and origin
    new_characters: tuple[str, ...]  # that `train --from` adds to the character set of the model; none without a model
    forecast: TrainingForecast | None

    def report(self) -> str:
        """The problems: severity, count and description, followed by the first lines found and the advice."""
        lines = []
        for p in self.problems:
            lines += [f"{p.severity:4}  {p.count:7,}  {p.what}"]
            more = ", ..." if p.count > MAX_NAMED_LINES else ""
            lines += [f"{'':15}{', '.join(f.id for f in p.found[:MAX_NAMED_LINES])}{more}", f"{'':15}-> {p.advice}"]
        return "\n".join(lines)

    def count_rows(self) -> list[dict[str, object]]:
        """The counts as rows of a table, with the number of hands and of lines of the most frequent hand."""
        return [
            {**row, "hands": f"{len(h)} (most {max(h.values()):,})" if (h := row["hands"]) else "unknown"}
            for row in self.counts
        ]

    def as_json(self) -> dict[str, Any]:
        """The output of `--json`."""
        return {
            "lines": self.lines,
            "lost": len(self.lost),
            "new_characters": list(self.new_characters),
            "problems": [
                {**asdict(p), "found": [asdict(f) for f in (p.found if p.severity == "lost" else p.found[:100])]}
                for p in self.problems
            ],
            "counts": list(self.counts),
            "forecast": asdict(self.forecast) if self.forecast else None,
        }


def doctor(
    inputs: Sequence[str | Path], model: str | Path | None = None, settings: DoctorSettings | None = None
) -> Diagnosis:
    """Inspect every line of lines folders, decoding each picture once; the model may also be given among the inputs.

    Lost lines and new characters are those of `scriven train --from` the model; without a model, those of training a
    new one. Raises InputError if no line can be read.

    >>> import scriven
    >>> diagnosis = scriven.doctor(["letters/"], "scriven-general")
    >>> diagnosis.lost
    ()
    """
    settings = settings or DoctorSettings()
    given, model = model_among(inputs, model)
    info = read_info(find_model(model)) if model is not None else None
    opened = open_folders(given, settings.level)
    found = inspect(opened, info, settings.threads)
    if not found.rows:
        why = listed([*found.damaged, *found.skipped]) or " the folders are empty; check the paths"
        raise InputError(f"no line could be read:{why}")
    charset = _grown(opened, info)
    problems = sorted(_problems(found, info, charset), key=lambda p: (SEVERITIES.index(p.severity), -p.count))
    lost = {f.id: f for p in problems if p.severity == "lost" for f in p.found}
    usable = [r for r in found.rows if r.name not in lost]
    return Diagnosis(
        lines=len(found.rows) + len(found.skipped),
        lost=tuple(lost.values()),
        problems=tuple(problems),
        counts=tuple(counts_of(found.rows)),
        new_characters=charset.characters[len(info.charset) :] if info and charset else (),
        forecast=forecast(usable, settings.size, settings.calibrate, info),
    )


def _grown(opened: Opened, info: ModelInfo | None) -> Charset | None:
    """The character set of the model after training on the folders; None without a model."""
    if info is None:
        return None
    needed = set[str]()
    for folder in opened.folders.values():
        with suppress(LinesError):  # a damaged file, which is reported elsewhere
            needed |= training_characters(folder)
    return info.characters.grow(needed)


def _problems(found: Inspected, info: ModelInfo | None, charset: Charset | None) -> list[Problem]:
    rows, known = found.rows, info.characters if info else None
    by_kind = {kind: [r for r in found.skipped if r.kind == kind] for kind in ("id", "picture", "row")}
    return [
        *problem("damaged", "lost", found.damaged, "files that cannot be read", "copy or write them again"),
        *problem("no-row", "lost", by_kind["row"], "rows that cannot be used", "correct them in the table or folder"),
        *problem("no-picture", "lost", by_kind["picture"], "pictures that are not found",
                 "correct their paths: they are relative to the table or Parquet file"),
        *leaks.same_ids(rows, by_kind["id"]),
        *checks.pictures(rows),
        *checks.untrainable(rows, info),
        *checks.new_characters(rows, known, charset),
        *leaks.same_pictures(rows),
        *leaks.near_pictures(rows),
        *leaks.same_texts(rows),
        *leaks.shared_hands(rows),
        *leaks.shared_pages(rows),
        *checks.pairs(rows),
        *checks.model_texts(rows),
        *checks.doubtful_texts(rows),
        *checks.stored_texts(found.stored),
        *checks.characters(rows, known),
        *checks.splits(rows),
    ]  # fmt: skip
