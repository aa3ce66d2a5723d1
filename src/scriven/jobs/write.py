"""write: texts and a scribe in, a lines folder of synthetic handwriting out.

Item i of seed s is the same picture with any number of workers. The same command continues an interrupted job, with the
same bytes as an uninterrupted one.
"""

import dataclasses
import hashlib
import itertools
import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scriven.base import OutputError, SettingsError, Skipped, TextError
from scriven.base.progress import progress
from scriven.base.settings import Count, Natural, check, no_setting, override, validated
from scriven.images import encode, with_note
from scriven.jobs.folders import filling
from scriven.language.texts import TextSettings, source, text_at
from scriven.language.texts.sources import TextSource
from scriven.lines import Line, LinesFolder
from scriven.scribes import MakeScribe, Scribe
from scriven.scribes.specs import default_settings, maker_of

GENERATED = "Generated handwriting, written by Scriven; no person wrote this."
CHUNK = 64  # items that a worker makes at a time
WORKER_DIED = "a worker process was killed, probably for lack of memory; continue with fewer --workers"
NO_WORKER_STARTED = (
    "no worker process started: too little memory, or a script of your own that calls this outside "
    "`if __name__ == '__main__':`; continue with fewer --workers, or move the call there"
)


@validated
@dataclass(frozen=True)
class WriteSettings:
    """The settings that `--set` changes: those of the scribe and those of the texts."""

    scribe: Any = None  # such as FontSettings; None: the defaults of the scribe
    texts: TextSettings = field(default_factory=TextSettings)


@dataclass(frozen=True)
class Written:
    """The result of `write`: the number of lines, and every skipped text or font file."""

    out: Path
    lines: int
    skipped: tuple[Skipped, ...]


def write(
    out: str | Path,
    texts: str,
    *,
    scribe: str = "fonts",
    count: int | None = None,
    seed: int = 0,
    split: str = "train",
    workers: int = 1,
    settings: WriteSettings | None = None,
) -> Written:
    """Write `count` pictures of `texts` into the lines folder `out`.

    `texts`: "words:LANG", "lines:LANG" or a file, whose texts are used in order, repeatedly until `count` is reached;
    without `count`, each once. `scribe`: "fonts", "fonts:FOLDER" for your own typefaces, "stackmix:BANK", or the folder
    of a trained scribe. A text that the scribe cannot write is skipped with the reason, never replaced.
    Raises SettingsError, TextError if no text can be written, OutputError if `out` exists or cannot be written.

    >>> import scriven
    >>> written = scriven.write("synthetic", "words:en", count=3)
    >>> written.lines
    3
    """
    settings = settings or WriteSettings()
    if split not in ("train", "valid", "test"):
        raise SettingsError(f"there is no split {split!r}; use train, valid or test")
    check("count", count, Count | None)
    check("seed", seed, Natural)
    check("workers", workers, Natural)
    make, argument = maker_of(scribe)
    recipe = Recipe(texts, make, argument, seed, settings)
    items = Items(recipe)
    skipped = list(items.skipped)
    ordered = getattr(items.source, "texts", None)
    if count is None and ordered is None:
        raise SettingsError(f"{texts} is endless; give the number of pictures with --count")
    total = count if count is not None else len(ordered or ())
    if total < 1:
        raise TextError(f"{texts} has no text that can be written; give a file of UTF-8 text, one per line")
    options = f"--scribe {scribe} --texts {texts} --count {total} --seed {seed} --split {split}"
    with filling(out, _about(items, f"scriven write {options}")) as writer:
        first = _continue_at(Path(out), split) if writer.done.get(split) else 0
        skipped += [r for i in range(first) if (r := items.refusal(i))]
        lines = writer.done.get(split, 0)
        for number, made in enumerate(made_in_order(items, first, total, workers), start=first + 1):
            progress("writing", number, total)
            if isinstance(made, Skipped):
                skipped.append(made)
            else:
                writer.write(made, split)
                lines += 1
        if not lines:
            raise TextError(f"none of the {total} texts can be written; the first: {skipped[0].reason}")
    return Written(Path(out), lines, tuple(skipped))


def settings_with(
    changes: Sequence[str], scribe: str = "fonts", settings: WriteSettings | None = None
) -> WriteSettings:
    """Settings with `key=value` changes, applied to those of the scribe or of the texts. Raises SettingsError."""
    settings = settings or WriteSettings()
    groups = {"scribe": settings.scribe or default_settings(scribe), "texts": settings.texts}
    names = {group: [f.name for f in dataclasses.fields(held)] for group, held in groups.items()}
    asked: dict[str, list[str]] = {group: [] for group in groups}
    for change in changes:
        key = change.partition("=")[0].strip().replace("-", "_")
        group = next((group for group, known in names.items() if key in known), None)
        if group is None:
            raise no_setting(key, itertools.chain(*names.values()))
        asked[group].append(change)
    return WriteSettings(**{group: override(held, asked[group]) for group, held in groups.items()})


@dataclass(frozen=True)
class Recipe:
    """Everything that determines the pictures; a worker process makes its own Items from it."""

    texts: str
    make: MakeScribe
    argument: str
    seed: int
    settings: WriteSettings


class Items:
    """The numbered items of a recipe: lines or skipped texts."""

    def __init__(self, recipe: Recipe):
        chosen = recipe.settings.scribe
        make, argument = recipe.make, recipe.argument
        self.recipe = recipe
        self.scribe: Scribe = make(argument) if chosen is None else make(argument, chosen)
        self.source: TextSource = source(recipe.texts, recipe.settings.texts)
        self.skipped = (*self.scribe.skipped, *self.source.skipped)

    def id(self, index: int) -> str:
        """The id of the line number `index`."""
        return f"{self.recipe.seed}-{index:08d}"

    def refusal(self, index: int) -> Skipped | None:
        """Why item `index` cannot be written, determined without drawing it; None if it can."""
        return self._refusal(index, text_at(self.source, self.recipe.seed, index))

    def make(self, index: int) -> Line | Skipped:
        """Item `index`: a line, or a skipped text."""
        text = text_at(self.source, self.recipe.seed, index)
        if skipped := self._refusal(index, text):
            return skipped
        try:
            picture, text, hand = self.scribe.write(text, np.random.default_rng([self.recipe.seed, index]))
        except TextError as error:
            return Skipped(self.id(index), str(error))
        height, width = picture.shape
        png = encode(picture, "png")
        if self.scribe.origin == "generated":
            png = with_note(png, GENERATED)
        return Line(self.id(index), png, text, hand=hand, origin=self.scribe.origin, width=width, height=height)

    def _refusal(self, index: int, text: str) -> Skipped | None:
        reason = self.scribe.refusal(text)
        return Skipped(self.id(index), reason) if reason else None


def _about(items: Items, command: str) -> dict[str, Any]:
    """The record in `about.json`."""
    recipe, scribe = items.recipe, items.scribe
    files = [Path(recipe.texts)] if Path(recipe.texts).is_file() else []
    licences = [scribe.licence] if scribe.licence else []
    return {
        "command": command,
        "settings": {
            scribe.origin: dataclasses.asdict(scribe.settings), "texts": dataclasses.asdict(recipe.settings.texts)
        },
        "seed": recipe.seed,
        "licence": "; ".join([*licences, "the texts keep the licence of their source"]),
        "parents": [{"path": str(f), "sha256": hashlib.sha256(f.read_bytes()).hexdigest()} for f in files],
    }  # fmt: skip


def _continue_at(out: Path, split: str) -> int:
    """The index after that of the last line on disk. Raises OutputError if this command did not write that line."""
    last = LinesFolder(out).columns(split, ["id"])["id"][-1]
    try:
        return int(str(last).rpartition("-")[2]) + 1
    except ValueError:
        raise OutputError(f"{out} has the line {last!r}, which this command did not write; choose another -o") from None


def made_in_order(items: Items, first: int, total: int, workers: int) -> Iterator[Line | Skipped]:
    """Items `first` to `total` - 1, in order. Worker processes are at most a few chunks ahead of the writer.

    Raises OutputError if a worker process dies.
    """
    if workers <= 1:
        yield from map(items.make, range(first, total))
        return
    context = multiprocessing.get_context("spawn")
    chunks = iter([range(at, min(at + CHUNK, total)) for at in range(first, total, CHUNK)])
    with ProcessPoolExecutor(workers, context, _start_worker, (items.recipe,)) as pool:
        waiting: deque[Future[list[Line | Skipped]]] = deque()
        begun = False
        try:
            waiting.extend(pool.submit(_work, chunk) for chunk in itertools.islice(chunks, 2 * workers))
            while waiting:
                made = waiting.popleft().result()
                begun = True
                yield from made
                waiting.extend(pool.submit(_work, chunk) for chunk in itertools.islice(chunks, 1))
        except BrokenProcessPool as error:
            raise OutputError(WORKER_DIED if begun else NO_WORKER_STARTED) from error
        finally:
            for future in waiting:
                future.cancel()


_recipes: list[Recipe] = []  # the one recipe of a worker process


def _start_worker(recipe: Recipe) -> None:
    cv2.setNumThreads(1)
    _recipes[:] = [recipe]


@cache
def _items() -> Items:
    """The items of a worker process; made with its first chunk, so that an error reaches the caller."""
    return Items(_recipes[0])


def _work(chunk: range) -> list[Line | Skipped]:
    return [_items().make(index) for index in chunk]
