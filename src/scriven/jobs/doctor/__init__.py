"""Before any training: every line that would be lost and why, what spoils scores, and what training will take."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from scriven.base import InputError, LinesError, Skipped, listed
from scriven.base.progress import progress
from scriven.base.settings import Threads, validated
from scriven.images import one_thread
from scriven.jobs.doctor import checks, leaks
from scriven.jobs.doctor.forecast import Forecast, forecast
from scriven.jobs.doctor.image_stats import image_stats
from scriven.jobs.doctor.records import SEVERITIES, Problem, Row, problem
from scriven.lines import Line, LinesFolder
from scriven.lines.records import by_model, source_of
from scriven.reader.model import ModelInfo, find_model, is_model, read_info
from scriven.reader.trainable import HEIGHT, STRIDE, prepared_width

SHOWN = 3  # lines named of a problem in the table, 100 in JSON; lost ones are all named


@validated
@dataclass(frozen=True)
class DoctorSettings:
    """How lines are looked at."""

    level: str = ""  # lines, words or both, of trees that hold both; lines if empty
    size: str = "small"  # of the network that the forecast is for
    calibrate: bool = True  # measure how fast this machine trains, where it can train at all (seconds)
    threads: Threads | None = None  # that decode pictures; None: one for each core


@dataclass(frozen=True)
class Diagnosis:
    """What was found: problems from bad to good to know, counts, and what training will take."""

    lines: int
    lost: tuple[Skipped, ...]  # every line that training leaves out, once, with the first reason
    problems: tuple[Problem, ...]
    counts: tuple[dict[str, Any], ...]  # a row for each folder, split and origin
    forecast: Forecast | None

    def report(self) -> str:
        """The table of problems: severity, count and what; below it the first of them, and what to do."""
        lines = []
        for p in self.problems:
            lines += [f"{p.severity:4}  {p.count:7,}  {p.what}"]
            more = ", ..." if p.count > SHOWN else ""
            lines += [f"{'':15}{', '.join(f.id for f in p.found[:SHOWN])}{more}", f"{'':15}-> {p.advice}"]
        return "\n".join(lines)

    def count_rows(self) -> list[dict[str, object]]:
        """The counts as a table: of the hands, how many there are and how many lines the fullest has."""
        return [
            {**row, "hands": f"{len(h)} (most {max(h.values()):,})" if (h := row["hands"]) else "unknown"}
            for row in self.counts
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "lines": self.lines,
            "lost": len(self.lost),
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
    """Look at every line of lines folders, decoding each picture once; a model may be among the inputs.

    With a model its character set, height and stride decide what is lost. Raises InputError when nothing can be read.
    """
    settings = settings or DoctorSettings()
    given, model = _apart(inputs, model)
    info = read_info(find_model(model)) if model is not None else None
    folders, damaged = _open(given, settings.level)
    several = len(folders) > 1
    rows, skipped, raw = list[Row](), list[Skipped](), list[tuple[str, str | None]]()
    for label, folder in folders.items():
        name = partial(_name, label) if several else str
        rows += _rows(folder, label, name, info, settings.threads, damaged)
        skipped += [Skipped(name(r.id), r.reason) for r in folder.skipped]
        raw += [(name(id), text) for id, text in _stored_texts(folder)]
    if not rows:
        why = listed([*damaged, *skipped]) or " the folders are empty; check the paths"
        raise InputError(f"no line could be read:{why}")
    problems = _problems(rows, raw, info)
    problems += problem("damaged", "lost", damaged, "files that cannot be read", "copy or write them again")
    problems += problem("no-row", "lost", skipped, "rows without an id or a picture", "write the folder again")
    problems.sort(key=lambda p: (SEVERITIES.index(p.severity), -p.count))
    lost = {f.id: f for p in problems if p.severity == "lost" for f in p.found}
    size = info.size if info else settings.size
    usable = [r for r in rows if r.name not in lost]
    time = forecast(usable, size, settings.calibrate)
    return Diagnosis(len(rows) + len(skipped), tuple(lost.values()), tuple(problems), tuple(_counts(rows)), time)


def _problems(rows: Sequence[Row], raw: Sequence[tuple[str, str | None]], info: ModelInfo | None) -> list[Problem]:
    charset, stride = (info.characters, info.stride) if info else (None, STRIDE)
    return [
        *checks.pictures(rows),
        *checks.lost_texts(rows, charset, stride),
        *leaks.same_ids(rows),
        *leaks.same_pictures(rows),
        *leaks.like_pictures(rows),
        *leaks.same_texts(rows),
        *leaks.shared_hands(rows),
        *leaks.shared_pages(rows),
        *checks.pairs(rows),
        *checks.readings(rows),
        *checks.sources(raw),
        *checks.characters(rows, charset),
        *checks.splits(rows),
    ]


def _apart(inputs: Sequence[str | Path], model: str | Path | None) -> tuple[list[Path], str | Path | None]:
    """Lines folders and the model, which may be among them. Raises InputError when there is not one or none."""
    models = [i for i in inputs if is_model(i)]
    if len(models) + (model is not None) > 1:
        named = ", ".join(map(str, [*models, *([model] if model is not None else [])]))
        raise InputError(f"there is more than one model ({named}); give one")
    return [Path(i) for i in inputs if i not in models], models[0] if models else model


def _open(given: Sequence[Path], level: str) -> tuple[dict[str, LinesFolder], list[Skipped]]:
    """Folders by a short unique name, and those that cannot be opened."""
    found, damaged = dict[str, LinesFolder](), list[Skipped]()
    for path in given:
        levels = ("lines", "words") if level == "both" else (level or None,)
        opened = []
        for one in levels:
            try:
                opened.append(LinesFolder(path, one))
            except LinesError as error:
                failed = Skipped(str(path), str(error))
        if not opened:
            damaged.append(failed)
        elif len(opened) > 1 and opened[0].splits == opened[1].splits:
            opened.pop()  # one folder, no tree of levels
        for folder in opened:
            label = path.name if len(opened) == 1 else f"{path.name}/{next(iter(folder.splits.values()))[0].stem}"
            names = (label, str(path / label.removeprefix(path.name).lstrip("/")))
            found[next((name for name in names if name not in found), names[-1])] = folder
    return found, damaged


def _name(label: str, id: str) -> str:
    return f"{label}:{id}"


def _rows(
    folder: LinesFolder,
    label: str,
    name: Callable[[str], str],
    info: ModelInfo | None,
    threads: Threads | None,
    damaged: list[Skipped],
) -> Iterator[Row]:
    height = info.height if info else HEIGHT
    done = 0
    with one_thread(), ThreadPoolExecutor(threads) as pool:  # there is one for each picture already
        for split in folder.splits:
            try:
                groups = folder.groups(split)
            except LinesError as error:
                damaged.append(Skipped(name(split), str(error)))
                continue
            for group in groups:
                try:
                    lines = list(folder.read(group))
                except LinesError as error:
                    damaged.append(Skipped(name(f"{group.file.name}:{group.index}"), str(error)))
                    continue
                yield from _look(folder, lines, split, label, name, height, pool)
                done += len(lines)
                progress(f"look at {label}", done, None)
    progress(f"look at {label}", done, done)


def _look(
    folder: LinesFolder,
    lines: Sequence[Line],
    split: str,
    label: str,
    name: Callable[[str], str],
    height: int,
    pool: Executor,
) -> Iterator[Row]:
    seen = pool.map(image_stats, [line.image for line in lines], [line.id for line in lines])
    for line, one in zip(lines, seen, strict=True):
        width = prepared_width(one.width, max(one.height, folder.high(line)), height) if one.height else 0
        named = {"hand": line.hand, "page": line.page, "origin": source_of(line.origin, line.confidence)}
        read = bool(line.text) and by_model(line.origin, line.confidence)
        yield Row(label, split, line.id, name(line.id), line.text, **named, by_model=read, width=width, seen=one)


def _stored_texts(folder: LinesFolder) -> Iterator[tuple[str, str | None]]:
    """Ids and texts as they are stored, before reading puts them in order."""
    for split in folder.splits:
        try:
            columns = folder.columns(split, ["id", "text"])
            yield from zip(map(str, columns["id"]), columns["text"], strict=True)
        except LinesError:
            continue  # said already


def _counts(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    for folder, split, origin in dict.fromkeys((r.folder, r.split, r.origin) for r in rows):
        own = [r for r in rows if (r.folder, r.split, r.origin) == (folder, split, origin)]
        hands = Counter(r.hand for r in own if r.hand)
        yield {
            "folder": folder,
            "split": split,
            "origin": origin,
            "lines": len(own),
            "with text": sum(1 for r in own if r.text),
            "characters": sum(len(r.text or "") for r in own),
            "pages": len({r.page for r in own if r.page}),
            "hands": dict(hands.most_common()),
        }
