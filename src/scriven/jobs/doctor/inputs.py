"""Opening the inputs of `doctor` and measuring every line."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from scriven.base import InputError, LinesError, Skipped
from scriven.base.progress import progress
from scriven.images import one_thread
from scriven.jobs.doctor.image_stats import image_stats
from scriven.jobs.doctor.records import Row
from scriven.lines import Line, LinesFolder
from scriven.lines.records import SkippedRow, by_model, source_of
from scriven.lines.training_set import training_folders
from scriven.reader.model import HEIGHT, ModelInfo, is_model
from scriven.reader.trainable import prepared_width


@dataclass(frozen=True)
class Opened:
    """The lines folders by a short unique name, and the inputs that cannot be opened."""

    folders: dict[str, LinesFolder]
    damaged: list[Skipped]


@dataclass(frozen=True)
class Inspected:
    """The measured lines, the unusable rows, damaged files, and the texts as stored."""

    rows: list[Row]
    skipped: list[SkippedRow]
    damaged: list[Skipped]
    stored: list[tuple[str, str | None]]  # name and text of every row


def model_among(inputs: Sequence[str | Path], model: str | Path | None) -> tuple[list[Path], str | Path | None]:
    """The lines folders and the model, which may be one of the inputs. Raises InputError for more than one model."""
    models = [i for i in inputs if is_model(i)]
    if len(models) + (model is not None) > 1:
        named = ", ".join(map(str, [*models, *([model] if model is not None else [])]))
        raise InputError(f"more than one model was given ({named}); give one")
    return [Path(i) for i in inputs if i not in models], models[0] if models else model


def open_folders(given: Sequence[Path], level: str) -> Opened:
    """Open the lines folders that training would use."""
    opened = Opened({}, [])
    for path in given:
        try:
            folders = training_folders(path, level)
        except LinesError as error:
            opened.damaged.append(Skipped(str(path), str(error)))
            continue
        for folder in folders:
            label = path.name if len(folders) == 1 else f"{path.name}/{next(iter(folder.splits.values()))[0].stem}"
            names = (label, str(path / label.removeprefix(path.name).lstrip("/")))
            opened.folders[next((name for name in names if name not in opened.folders), names[-1])] = folder
    return opened


def inspect(opened: Opened, info: ModelInfo | None, threads: int | None) -> Inspected:
    """Measure every line of the folders, at the height of the model `info` or of new models."""
    found = Inspected([], [], [*opened.damaged], [])
    for label, folder in opened.folders.items():
        name = partial(_prefixed, label) if len(opened.folders) > 1 else str
        rows, damaged = _rows(folder, label, name, info, threads)
        found.rows.extend(rows)
        found.damaged.extend(damaged)
        named = [replace(r, id=name(r.id)) for r in folder.skipped if isinstance(r, SkippedRow)]
        found.skipped.extend(named)
        found.damaged.extend(Skipped(name(r.id), r.reason) for r in folder.skipped if not isinstance(r, SkippedRow))
        found.stored.extend((name(id), text) for id, text in _stored_texts(folder))
    return found


def _prefixed(label: str, id: str) -> str:
    return f"{label}:{id}"


def _rows(
    folder: LinesFolder, label: str, name: Callable[[str], str], info: ModelInfo | None, threads: int | None
) -> tuple[list[Row], list[Skipped]]:
    """The measured lines of a folder, and its files and row groups that cannot be read."""
    height = info.height if info else HEIGHT
    rows, damaged = list[Row](), list[Skipped]()
    with one_thread(), ThreadPoolExecutor(threads) as pool:  # pictures are decoded in parallel, one thread each
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
                rows += _measured(folder, lines, split, label, name, height, pool)
                progress(f"inspecting {label}", len(rows), None)
    progress(f"inspecting {label}", len(rows), len(rows))
    return rows, damaged


def _measured(
    folder: LinesFolder,
    lines: Sequence[Line],
    split: str,
    label: str,
    name: Callable[[str], str],
    height: int,
    pool: Executor,
) -> Iterator[Row]:
    measured = pool.map(image_stats, [line.image for line in lines], [line.id for line in lines])
    for line, stats in zip(lines, measured, strict=True):
        width = (
            prepared_width(stats.width, max(stats.height, folder.padded_height(line)), height) if stats.height else 0
        )
        named = {"hand": line.hand, "page": line.page, "origin": source_of(line.origin, line.confidence)}
        read = bool(line.text) and by_model(line.origin, line.confidence)
        doubt = None if (why := line.extra.get("doubt")) is None else str(why)
        yield Row(label, split, line.id, name(line.id), line.text, **named, by_model=read, width=width, stats=stats,
                  doubt=doubt)  # fmt: skip


def _stored_texts(folder: LinesFolder) -> Iterator[tuple[str, str | None]]:
    """Ids and texts as stored, before normalisation."""
    for split in folder.splits:
        try:
            columns = folder.columns(split, ["id", "text"])
            yield from zip(map(str, columns["id"]), columns["text"], strict=True)
        except LinesError:
            continue  # reported by `_rows`


def counts_of(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """A row of counts per folder, split and origin."""
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
