"""import: data of other programs in, a lines folder out."""

import dataclasses
import importlib.util
import inspect
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scriven.base import LinesError, SettingsError, Skipped
from scriven.base.progress import progress
from scriven.base.settings import override, validated
from scriven.importers import IMPORTERS, Importer, ImportItem
from scriven.jobs.folders import filling
from scriven.lines import ALIASES, Line, LinesWriter, StreamSizes
from scriven.lines.paths import same
from scriven.lines.records import REPEATED
from scriven.lines.sizes import STREAM_SIZES

log = logging.getLogger("scriven")


@dataclass(frozen=True)
class Imported:
    """The result of an import: the number of lines per split, and every skipped input."""

    out: Path
    counts: dict[str, int]
    skipped: tuple[Skipped, ...]


def import_lines(
    source: str | Path,
    out: str | Path,
    format: str = "",
    *,
    importer: str = "",
    changes: Sequence[str] = (),
    licence: str = "",
    sizes: StreamSizes = STREAM_SIZES,
) -> Imported:
    """Import `source` with IMPORTERS[format], or your own `importer` "file.py:function", into the new folder `out`.

    `changes`: `key=value` for the options of the importer. An unfinished import of the same source is continued; a
    finished folder is never changed. Raises LinesError if nothing could be imported, OutputError if `out` exists or
    cannot be written, SettingsError for an unknown format or option.

    >>> import scriven
    >>> scriven.import_lines("pairs/", "imported", "pairs").counts
    {'train': 12}
    """
    read = own_importer(importer) if importer else _by_name(format)
    options = _in_split(Path(source), _options(read, changes), changes)
    about: dict[str, Any] = {
        "command": f"scriven import {importer or format}",
        "settings": {"source": str(source), **options},
        "seed": None,
        "licence": licence,
        "parents": [],
    }
    with filling(out, about, sizes) as writer:
        counts, skipped = _copy(read(Path(source), **options), writer)
        if not counts:
            first = f"; the first of {len(skipped)}: {skipped[0].sentence()}" if skipped else ""
            raise LinesError(f"{source} has no line that can be used{first}")
    return Imported(Path(out), counts, tuple(skipped))


def _copy(items: Iterator[ImportItem], writer: LinesWriter) -> tuple[dict[str, int], list[Skipped]]:
    """Write every line, except those that an earlier, interrupted import has written and those with a repeated id.

    Returns the number of lines per split and the skipped inputs. Logs the number of empty and unknown texts.
    """
    seen, skipped = set[str](), list[Skipped]()
    counts, texts = dict[str, int](), Counter[str]()
    number = 0
    for number, entry in enumerate(items, start=1):
        progress("importing", number, None)
        if isinstance(entry, Skipped):
            skipped.append(entry)
            continue
        split, line = _checked(entry)
        if same(line.id) in seen:
            skipped.append(Skipped(line.id, REPEATED))
            continue
        seen.add(same(line.id))
        texts["labelled" if line.text else "unlabelled" if line.text is None else "empty"] += 1
        counts[split] = counts.get(split, 0) + 1
        if counts[split] > writer.done.get(split, 0):
            writer.write(line, split)
    progress("importing", number, number)
    if texts["empty"]:
        log.warning("%d texts are empty: their pictures count as lines without text", texts["empty"])
    if texts["unlabelled"] and len(texts) > 1:
        log.warning("%d of %d lines have no text", texts["unlabelled"], sum(texts.values()))
    return counts, skipped


def _checked(entry: Any) -> tuple[str, Line]:
    if not (isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], Line)):
        raise LinesError(f"the importer yielded {entry!r:.80}; it must yield (split, Line) or Skipped(id, reason)")
    if entry[0] not in ("train", "valid", "test"):
        raise LinesError(f"there is no split {entry[0]!r}; use train, valid or test")
    return entry


def _by_name(format: str) -> Importer:
    if format not in IMPORTERS:
        raise SettingsError(f"there is no format {format!r}; there are: {', '.join(IMPORTERS)}")
    return IMPORTERS[format]


def own_importer(spec: str) -> Importer:
    """The function "file.py:function". Raises SettingsError if there is none."""
    name, colon, function = spec.rpartition(":")
    file = Path(name)
    if not colon or not file.is_file():
        raise SettingsError(f"there is no importer {spec!r}; give a file and its function as file.py:function")
    module_spec = importlib.util.spec_from_file_location(file.stem, file)
    if module_spec is None or module_spec.loader is None:
        raise SettingsError(f"{file} is not a Python file; give a file and its function as file.py:function")
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    found = getattr(module, function, None)
    if not callable(found):
        raise SettingsError(f"{file} has no function {function!r}; correct the name after the colon")
    return found  # type: ignore[no-any-return]


def _in_split(source: Path, options: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """The options with the split that the folder of the source is named after, unless `changes` set one."""
    named = ALIASES.get((source if source.is_dir() else source.parent).resolve().name.lower(), "")
    if not named or "split" not in options or any(change.partition("=")[0].strip() == "split" for change in changes):
        return options
    if named != "train":
        log.info(
            "what is in no other split is in the split %s, after its folder; --set split=train changes that", named
        )
    return {**options, "split": named}


def _options(read: Importer, changes: Sequence[str]) -> dict[str, Any]:
    """The keyword options of an importer, overridden by `changes`, converted and validated like all settings."""
    wanted = [p for p in inspect.signature(read).parameters.values() if p.kind is p.KEYWORD_ONLY]
    fields = [(p.name, p.annotation, dataclasses.field(default=p.default)) for p in wanted]
    if not fields and changes:
        raise SettingsError(f"this importer has no settings, so {changes[0]!r} cannot be used; leave it out")
    options: Any = validated(dataclasses.make_dataclass("Options", fields, frozen=True))
    return dataclasses.asdict(override(options(), changes))
