"""regenerate: every line of a folder written again, or other words in the same hands, by a trained scribe."""

import dataclasses
import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scriven.base import ImageError, InputError, LinesError, SettingsError, Skipped, counted
from scriven.base.settings import Count, Natural, check, check_choice, no_setting, override, validated
from scriven.images import Grey
from scriven.jobs.drawing import Drawings
from scriven.jobs.filled import PAGE, Filled, as_data, fill
from scriven.jobs.folders import filling
from scriven.jobs.imitated import lines_known_to_reader
from scriven.jobs.imitation import Imitator, Recipe, Row, ShownLines, rows_of, shown_lines, tasks
from scriven.language.texts import TextSettings, WordDistribution, count_words, distribution
from scriven.language.texts.unseen import UnseenWords, words_of
from scriven.lines import Line, LinesFolder
from scriven.lines.sketch import digest
from scriven.reader.model import DEFAULT_MODEL, find_model
from scriven.reader.session import Reader
from scriven.scribes import SCRIBES
from scriven.scribes.flow.scribe import FlowScribe
from scriven.scribes.flow.settings import FLOW_DEFAULTS, FlowSettings
from scriven.scribes.specs import network_of
from scriven.selection import GateSettings
from scriven.selection.read_back import Imitated
from scriven.selection.settings import NO_GATE
from scriven.selection.summary import Selection
from scriven.text import normalise, visual

log = logging.getLogger("scriven")

SAME, UNSEEN, UNSEEN_BY_HAND = TEXTS = ("same", "unseen", "unseen-by-hand")


@validated
@dataclass(frozen=True)
class RegenerateSettings:
    """What is written, in whose hand, and which pictures are kept."""

    texts: str = SAME  # same: those of the lines; unseen: words that no line has; unseen-by-hand: that its hand has not
    language: str = ""  # of those words, or a file of words or texts; "": words of the other hands, for unseen-by-hand
    shown: Count = 40  # lines of a hand, at most, of which its style is taken
    level: str = ""  # lines or words, of a folder that has both
    scribe: FlowSettings = FLOW_DEFAULTS
    gate: GateSettings = NO_GATE

    def __post_init__(self) -> None:
        check_choice("texts", self.texts, TEXTS)
        if self.scribe.like or self.scribe.between:
            raise SettingsError("regenerate writes each line in its own hand; leave out like and between, or use write")
        if self.texts == UNSEEN and not self.language:
            raise SettingsError(
                "words that no line has come from a language; name it, such as --language fr, or a file"
            )
        if self.texts == SAME and self.language:
            raise SettingsError("the setting 'language' is for unseen texts; set --texts unseen or unseen-by-hand too")
        if self.texts != SAME and self.gate.selects and self.gate.by == "nmae":
            raise SettingsError("unseen texts have no real picture to compare with; choose another --by than nmae")


REGENERATE_DEFAULTS = RegenerateSettings()


@dataclass(frozen=True)
class Regenerated:
    """The result of `regenerate`: the number of lines, every line that was skipped, and what was selected."""

    out: Path
    lines: int
    hands: int
    skipped: tuple[Skipped, ...]
    selection: Selection | None = None

    def sentence(self) -> str:
        """What was written, and what was read of it."""
        said = f"{self.out}: {counted(self.lines, 'line')} written in {counted(self.hands, 'hand')}"
        return f"{said}. {self.selection.sentence()}; see {self.out}/{PAGE}" if self.selection else said

    def as_json(self) -> dict[str, Any]:
        """`out hands lines skipped`, and with a gate its numbers."""
        return as_data(Filled(self.lines, list(self.skipped), self.selection), out=self.out, hands=self.hands)


def regenerate(
    lines: str | Path,
    scribe: str | Path,
    out: str | Path,
    *,
    split: str = "",
    model: str | Path = DEFAULT_MODEL,
    seed: int = 0,
    workers: int = 1,
    settings: RegenerateSettings = REGENERATE_DEFAULTS,
) -> Regenerated:
    """Write every line of a lines folder again with the trained scribe `scribe`, into the lines folder `out`.

    Each is written in the hand of other lines of its hand, never of itself: found by the recogniser `model`, by forced
    alignment with their texts. Lines without a `hand` are grouped by page. Ids, splits, hands and pages are kept;
    unseen texts have the id of their line with `~unseen`. Lines that cannot be written are skipped with the reason.
    Raises SettingsError for a scribe that does not write like pictures, LinesError for a split that is not there,
    InputError if no hand has two usable lines, OutputError if `out` exists.

    >>> import scriven
    >>> again = scriven.regenerate("letters/", "my-scribe", "letters-again")
    >>> again.lines
    12
    """
    check("seed", seed, Natural)
    check("workers", workers, Natural)
    place = _trained(scribe)
    folder = LinesFolder(lines, settings.level or None)
    if split and split not in folder.splits:
        raise LinesError(f"{lines} has no split {split!r}; name one with --split: {', '.join(folder.splits)}")
    digests = set[str]()
    every = list(rows_of(folder, list(folder.splits), lambda line: digests.add(digest(line.image))))
    maker = Recipe(place, settings.scribe).maker()
    reader = Reader.load(model)
    shown = shown_lines(folder, every, maker.generator.charset, reader, settings.shown, seed)
    if shown.left_out:
        log.info("%s cannot be aligned and show no style", counted(len(shown.left_out), "line"))
    rows = _retexted([row for row in every if row.split == (split or row.split)], every, maker, settings, seed)
    drawings = _drawings(rows, shown, maker, folder, settings)
    if all(drawings.refusal(number) for number in range(len(rows))):
        first = drawings.refusal(0) or Skipped("", "")
        raise InputError(f"no line of {lines} can be written again; the first: {first.sentence()}")
    gate = settings.gate
    notes = lines_known_to_reader(gate.model, digests) if gate.reads else []
    command = f"scriven regenerate {lines} --scribe {scribe} --texts {settings.texts} --seed {seed}"
    chosen = {"align": str(model), "split": split, "seed": seed}
    with filling(out, _about(folder, maker, command, chosen, settings)) as writer:
        done = fill(writer, drawings, gate, workers, notes)
    return Regenerated(Path(out), done.lines, _hands(Path(out)), (*folder.skipped, *done.skipped), done.selection)


def _hands(out: Path) -> int:
    """The number of hands of a lines folder; where lines have none, of pages."""
    folder = LinesFolder(out)
    each = (folder.columns(split, ["hand", "page"]) for split in folder.splits)
    return len({(hand, hand or page) for one in each for hand, page in zip(one["hand"], one["page"], strict=True)})


def settings_with(changes: Sequence[str], settings: RegenerateSettings = REGENERATE_DEFAULTS) -> RegenerateSettings:
    """Settings with `key=value` changes: of the job, of the scribe or of the selection. Raises SettingsError."""
    groups: dict[str, Any] = {"": settings, "scribe": settings.scribe, "gate": settings.gate}
    own = {group: {f.name for f in dataclasses.fields(held)} for group, held in groups.items()}
    own[""] -= {"scribe", "gate"}
    asked = defaultdict[str, list[str]](list)
    for change in changes:
        key = change.partition("=")[0].strip().replace("-", "_")
        group = next((group for group, names in own.items() if key in names), None)
        if group is None:
            raise no_setting(key, set().union(*own.values()))
        asked[group].append(change)
    parts = {group: override(groups[group], asked[group]) for group in ("scribe", "gate")}
    plain = [change.partition("=") for change in asked[""]]
    values = {key.strip().replace("-", "_"): value.strip() for key, _, value in plain}
    return override(dataclasses.replace(settings, **parts), [f"{k}={v}" for k, v in values.items()])


def _trained(scribe: str | Path) -> Path:
    """The model folder of a scribe that writes like pictures. Raises SettingsError for any other scribe."""
    name, _, rest = str(scribe).partition(":")
    place = find_model(rest if name == "flow" and rest else scribe) if name == "flow" or name not in SCRIBES else None
    written_by = network_of(place) if place else name
    if place is None or written_by != "flow":
        raise SettingsError(
            f"the scribe {written_by} does not write in the hands of pictures; give a model of `scriven train-scribe`"
        )
    return place


def _drawings(
    rows: Sequence[Row],
    shown: ShownLines,
    maker: Imitator,
    folder: LinesFolder,
    settings: RegenerateSettings,
) -> Drawings:
    """The rows as lines to draw."""
    unseen = settings.texts != SAME
    ids = {number: row.id + ("~unseen" if unseen else "") for number, row in enumerate(rows)}
    numbers = {id: number for number, id in ids.items()}
    scribe = FlowScribe.of(maker.generator, settings.scribe)
    sizes = Counter(row.group for row in rows)
    reasons = [_refusal(row, shown, scribe, sizes[row.group], unseen) for row in rows]
    if settings.gate.selects and settings.gate.by == "nmae":
        reasons = [why or _undecoded(folder, row) for row, why in zip(rows, reasons, strict=True)]

    def number_of(id: str) -> int:
        if id not in numbers:
            raise ValueError(id)
        return numbers[id]

    def refusal(number: int) -> Skipped | None:
        return Skipped(rows[number].id, reasons[number]) if reasons[number] else None

    def picture(line: Line) -> Grey | None:
        with suppress(ImageError):  # a damaged picture: there is nothing to compare with
            return None if unseen else folder.picture(folder.find(line.id))
        return None

    imitated = Imitated(picture, lambda line: shown.style(rows[numbers[line.id]]) if settings.gate.reads else None)
    task = tasks(rows, ids, shown, refusal)
    return Drawings(len(rows), maker, refusal, number_of, lambda n: rows[n].split, task, imitated, chunk=8)


def _undecoded(folder: LinesFolder, row: Row) -> str:
    """Why a line has no real picture to be compared with; "" if it has."""
    try:
        folder.picture(folder.find(row.id))
    except ImageError as error:
        return f"{error}; correct it, or choose another --by than nmae"
    return ""


def _refusal(row: Row, shown: ShownLines, scribe: FlowScribe, size: int, unseen: bool) -> str:
    """Why a line cannot be written again; "" if it can."""
    if not row.text:
        missing = "there is no unseen word to replace those of its text" if unseen else "it has no text"
        return f"{missing}; leave it out, or give it one" if not unseen else f"{missing}; leave it out"
    if not shown.others(row):
        named = f"the hand {row.hand!r}" if row.hand else f"the {row.group}"
        if size == 1:
            return f"{named} has no other line, from which its style could be taken; give more lines of it"
        return (
            f"{named} has no other line whose characters are found in its picture; correct its texts, or align with a "
            "model that reads this hand"
        )
    return scribe.refusal(row.text) or ""


def _retexted(
    rows: Sequence[Row], every: Sequence[Row], maker: Imitator, settings: RegenerateSettings, seed: int
) -> list[Row]:
    """The rows with the texts that are to be written: None where there is no unseen word.

    Raises TextError where the words of the language, or of the other hands, are not to be had.
    """
    if settings.texts == SAME:
        return list(rows)
    by_hand = defaultdict[str, set[str]](set)
    for row in every:
        by_hand[row.group] |= words_of(row.text or "")
    everybody = set[str]().union(*by_hand.values())
    known = maker.generator.charset  # no character that would be drawn from a typeface
    words = UnseenWords(_distribution(every, settings), lambda word: not known.missing([visual(normalise(word))]))
    found = []
    for number, row in enumerate(rows):
        written = everybody if settings.texts == UNSEEN else by_hand[row.group]
        text = words.instead_of(row.text or "", written, np.random.default_rng([seed, number, 2]))
        found.append(dataclasses.replace(row, text=text or None))
    return found


def _distribution(every: Sequence[Row], settings: RegenerateSettings) -> WordDistribution:
    """The words that unseen texts are made of."""
    if settings.language:
        return distribution(settings.language, TextSettings())[0]
    return count_words(row.text for row in every if row.text)


def _about(
    folder: LinesFolder, maker: Imitator, command: str, more: dict[str, Any], settings: RegenerateSettings
) -> dict[str, Any]:
    """The record in `about.json`."""
    info, licence = maker.generator.info, str(folder.about.get("licence") or "")
    licences = [f"the lines that are imitated: {licence}"] if licence else []
    licences += [f"written by a model under {info.licence}"] if info.licence else []
    return {
        "command": command,
        "settings": {**dataclasses.asdict(settings), **more},
        "seed": more["seed"],
        "licence": "; ".join(licences),
        "licences": {"lines that are imitated": licence, "scribe": info.licence},
        "parents": [
            {"path": str(folder.path), "fingerprint": folder.fingerprint()},
            {"path": str(maker.recipe.model), "name": info.name, "kind": info.kind},
        ],
    }
