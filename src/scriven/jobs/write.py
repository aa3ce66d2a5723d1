"""write: texts and a scribe in, a lines folder of synthetic handwriting out.

Item i of seed s is the same picture with any number of workers. The same command continues an interrupted job, with the
same bytes as an uninterrupted one.
"""

import dataclasses
import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scriven.base import SettingsError, Skipped, TextError
from scriven.base.settings import Count, Natural, check, no_setting, override, validated
from scriven.images import encode, with_note
from scriven.jobs.drawing import Drawings, Try
from scriven.jobs.filled import PAGE, Filled, as_data, fill
from scriven.jobs.folders import filling
from scriven.jobs.imitated import hands_of_scribe, known_to_reader
from scriven.language.texts import TextSettings, source, text_at
from scriven.language.texts.sources import TextSource
from scriven.lines import Line
from scriven.scribes import MakeScribe, Scribe
from scriven.scribes.specs import default_settings, maker_of
from scriven.selection import GateSettings
from scriven.selection.ranking import unmeasured
from scriven.selection.read_back import Imitated
from scriven.selection.settings import NO_GATE
from scriven.selection.summary import Selection

GENERATED = "Generated handwriting, written by Scriven; no person wrote this."


@validated
@dataclass(frozen=True)
class WriteSettings:
    """The settings that `--set` changes: those of the scribe, of the texts, and of the selection of pictures."""

    scribe: Any = None  # such as FontSettings; None: the defaults of the scribe
    texts: TextSettings = field(default_factory=TextSettings)
    gate: GateSettings = NO_GATE


@dataclass(frozen=True)
class Written:
    """The result of `write`: the number of lines, every skipped text or font file, and what was selected, if it was."""

    out: Path
    lines: int
    skipped: tuple[Skipped, ...]
    selection: Selection | None = None

    def sentence(self) -> str:
        """What was written, and what was read of it."""
        said = f"{self.out}: {self.lines} lines written"
        return f"{said}. {self.selection.sentence()}; see {self.out}/{PAGE}" if self.selection else said

    def as_json(self) -> dict[str, Any]:
        """`out lines skipped`, and with a gate its numbers."""
        return as_data(Filled(self.lines, list(self.skipped), self.selection), out=self.out)


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
    ordered = getattr(items.source, "texts", None)
    if count is None and ordered is None:
        raise SettingsError(f"{texts} is endless; give the number of pictures with --count")
    total = count if count is not None else len(ordered or ())
    if total < 1:
        raise TextError(f"{texts} has no text that can be written; give a file of UTF-8 text, one per line")
    options = f"--scribe {scribe} --texts {texts} --count {total} --seed {seed} --split {split}"
    drawing = _drawing(items, total, split)
    if workers > 1 and items.scribe.origin == "generated":
        for index in range(total):  # characters that are drawn from typefaces are named here: workers log nothing
            items.refusal(index)
    with filling(out, _about(items, f"scriven write {options}")) as writer:
        done = fill(writer, drawing, settings.gate, workers, _notes(items))
    return Written(Path(out), done.lines, (*items.skipped, *done.skipped), done.selection)


def settings_with(
    changes: Sequence[str], scribe: str = "fonts", settings: WriteSettings | None = None
) -> WriteSettings:
    """Settings with `key=value` changes: of the scribe, the texts or the selection. Raises SettingsError."""
    settings = settings or WriteSettings()
    groups = {"scribe": settings.scribe or default_settings(scribe), "texts": settings.texts, "gate": settings.gate}
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

    def maker(self) -> "Items":
        """The items of this recipe."""
        return Items(self)


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

    def number(self, id: str) -> int:
        """The number of the item with an id. Raises ValueError."""
        return int(id.rpartition("-")[2])

    def make(self, task: Try) -> Line | Skipped:
        """Item `task.number`: a line, or a skipped text. A further attempt is in the same hand, if it has a number."""
        index, seed = task.number, [self.recipe.seed, task.number, *([task.attempt] if task.attempt else [])]
        text = text_at(self.source, self.recipe.seed, index)
        if skipped := self._refusal(index, text):
            return skipped
        names: Sequence[str] = getattr(self.scribe, "names", ()) if task.attempt else ()
        number = names.index(task.hand) if task.hand in names else None
        try:
            picture, text, hand = self.scribe.write(text, np.random.default_rng(seed), hand=number)
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
            scribe.origin: dataclasses.asdict(scribe.settings), "texts": dataclasses.asdict(recipe.settings.texts),
            **({"gate": dataclasses.asdict(recipe.settings.gate)} if recipe.settings.gate.reads else {}),
        },
        "seed": recipe.seed,
        "licence": "; ".join([*licences, "the texts keep the licence of their source"]),
        **({"licences": {"scribe": scribe.licence}} if scribe.origin == "generated" else {}),
        "parents": [{"path": str(f), "sha256": hashlib.sha256(f.read_bytes()).hexdigest()} for f in files],
    }  # fmt: skip


def _drawing(items: Items, total: int, split: str) -> Drawings:
    """The items as lines to draw, in the hands of the scribe. Raises SettingsError for a score that has no measure."""
    gate = items.recipe.settings.gate
    styles = hands_of_scribe(items.scribe) if gate.reads else {}
    if gate.selects and (gate.by == "nmae" or (gate.by == "style" and not styles)):
        raise unmeasured(gate.by)
    imitated = Imitated(style=lambda line: styles.get(line.hand))
    return Drawings(total, items, items.refusal, items.number, lambda number: split, imitated=imitated)


def _notes(items: Items) -> list[str]:
    """What is to be said of the recogniser that reads."""
    gate = items.recipe.settings.gate
    info = getattr(getattr(items.scribe, "generator", items.scribe), "info", None)
    return known_to_reader(gate.model, info) if gate.reads and info is not None else []
