"""publish: a lines folder or a model is checked and gets its card. Files are written; nothing is sent anywhere."""

import json
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from scriven.base import ImageError, InputError, LinesError, ModelError, OutputError, Skipped, atomic, counted
from scriven.base.progress import progress
from scriven.images import decode
from scriven.jobs.data_card import CARD, WRITTEN, data_card
from scriven.jobs.filled import NUMBERS, PAGE
from scriven.jobs.write import GENERATED
from scriven.lines import LinesFolder
from scriven.reader.model import (
    BUNDLED,
    RECOGNISER,
    FolderInfo,
    find_model,
    is_model,
    read_info,
    read_json,
    validated_as,
    write_info,
    write_model,
)
from scriven.scribes.specs import scribe_of

NAMED = 3  # damaged lines in the message
NOTE_BYTES = 512  # of a picture, in which the note of `with_note` lies
REPORT = "report.html"  # of a training
SHOWN = "leave it out, or give it only to those who may have them"


@dataclass(frozen=True)
class PublishedFolder:
    """The result of `publish`: the card, and what is to be known before the folder is given away."""

    card: Path
    licence: str
    notes: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Where the card is, and the notes."""
        return ". ".join([f"{self.card}: the card, under {self.licence}", *self.notes])

    def as_json(self) -> dict[str, Any]:
        """`card licence notes`."""
        return {"card": str(self.card), "licence": self.licence, "notes": list(self.notes)}


@dataclass
class SplitCounts:
    """What a split of a lines folder holds. `files`: names or a pattern, relative to the folder."""

    files: list[str]
    lines: int = 0
    texts: int = 0
    characters: int = 0
    hands: set[str] = field(default_factory=set)
    origins: Counter[str] = field(default_factory=Counter)
    noted: int = 0  # pictures that say in their metadata that they were generated


def publish(what: str | Path, *, licence: str = "", name: str = "", languages: tuple[str, ...] = ()) -> PublishedFolder:
    """Check a lines folder or a model folder, and write its card, `README.md`, into it.

    `licence`: of the folder, where it states none; `name` and `languages`: for the card. A card that was not written by
    this command is not overwritten. Raises InputError for an unknown licence, LinesError for damaged or unfinished
    lines, ModelError for a damaged model, OutputError.

    >>> import scriven
    >>> published = scriven.publish("letters/", licence="CC-BY-4.0")
    >>> published.card.name
    'README.md'
    """
    if is_model(what):
        return _model(find_model(what), licence)
    return _lines(LinesFolder(what), licence, name or Path(what).resolve().name, languages)


def _lines(folder: LinesFolder, licence: str, name: str, languages: tuple[str, ...]) -> PublishedFolder:
    card = folder.path / CARD
    if not folder.path.is_dir():
        raise InputError(f"{folder.path} is a table; make a lines folder of it with `scriven import parquet` first")
    if folder.about.get("finished") is False:
        raise LinesError(f"{folder.path} is unfinished; run the command that began it again: {folder.about['command']}")
    if card.is_file() and WRITTEN not in card.read_text("utf-8", errors="replace"):
        raise OutputError(f"{card} exists and was not written by `scriven publish`; move it away first")
    chosen = licence or _stated(folder)
    counts = _counted(folder)
    gate = _numbers(folder.path / NUMBERS)
    text = data_card(name, chosen, languages, folder.about, counts, gate)
    with atomic(card, "w") as file:
        file.write(text)
    generated = sum(one.origins["generated"] for one in counts.values())
    notes = [f"{counted(generated, 'line')} generated, which the card says"] if generated else []
    if missing := sum(one.lines - one.texts for one in counts.values()):
        notes.append(f"{counted(missing, 'line')} without a text")
    if gate.get("nmae") is not None and (folder.path / PAGE).is_file():
        notes.append(f"{PAGE} shows pictures of the real lines: {SHOWN}")
    return PublishedFolder(card, chosen, tuple(notes))


def _stated(folder: LinesFolder) -> str:
    """The licence that about.json states. Raises InputError if a part of it is unknown."""
    parts = folder.about.get("licences")
    if isinstance(parts, dict) and (unknown := [what for what, stated in parts.items() if not stated]):
        raise InputError(
            f"the licence of the {' and of the '.join(unknown)} of {folder.path} is unknown; name that of the folder "
            "with --licence, such as CC-BY-4.0"
        )
    stated = str(folder.about.get("licence") or "")
    if not stated:
        raise InputError(f"the licence of {folder.path} is unknown; name it with --licence, such as CC-BY-4.0")
    return stated


def _counted(folder: LinesFolder) -> dict[str, SplitCounts]:
    """What each split holds; every picture is decoded. Raises LinesError for damaged lines, naming the first."""
    counts, damaged = dict[str, SplitCounts](), list[Skipped]()
    total, seen = sum(folder.count(split) for split in folder.splits), 0
    for split in folder.splits:
        one = counts[split] = SplitCounts(_files(folder, split))
        for line in folder.lines(split):
            progress("checking", seen := seen + 1, total)
            try:
                decode(line.image, line.id)
            except ImageError as error:
                damaged.append(Skipped(line.id, str(error)))
            one.lines += 1
            one.texts += line.text is not None
            one.characters += len(line.text or "")
            one.hands |= {line.hand} - {""}
            one.origins[line.origin] += 1
            one.noted += GENERATED.encode("latin1") in line.image[:NOTE_BYTES]
    damaged += folder.skipped
    if damaged:
        first = "; ".join(one.sentence() for one in damaged[:NAMED])
        raise LinesError(
            f"{counted(len(damaged), 'line')} of {folder.path} cannot be used, so it is not published: {first}; "
            "see all with `scriven doctor`"
        )
    return counts


def _files(folder: LinesFolder, split: str) -> list[str]:
    """The files of a split; one pattern for those that `scriven` writes."""
    names = [file.relative_to(folder.path).as_posix() for file in folder.splits[split]]
    plain = all(fnmatch(name, f"{split}-*.parquet") for name in names)
    return [f"{split}-*.parquet"] if plain else names


def _numbers(file: Path) -> dict[str, Any]:
    """The numbers of a gate; empty without one. Raises LinesError if they are damaged."""
    if not file.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LinesError(f"{file} is damaged ({error}); delete it, or write the folder again") from error
    return found


def _model(folder: Path, licence: str) -> PublishedFolder:
    """Check a model, and write its card again if the licence is given or there is none."""
    kind, notes, hands = str(read_json(folder).get("kind")), list[str](), 0
    if kind == RECOGNISER:
        from scriven.reader.session import Reader

        stated = Reader.load(folder).info.licence
    elif kind == "scribe":
        scribe = scribe_of(str(folder))
        stated, hands, shown = _info(folder).licence, scribe.hands, len(getattr(scribe, "shown", ()))
        held = f"It holds pictures of the writing of {counted(shown, 'hand')}: give it only to those who may have them"
        notes += [held] if shown else []
        if (folder / REPORT).is_file() and _info(folder).settings.get("pictures") is not False:
            notes.append(f"{REPORT} shows pictures of the lines it was trained on: {SHOWN}")
    else:
        raise ModelError(f"{folder} is a model of the kind {kind!r}, which has no card; give a recogniser or a scribe")
    chosen = licence or stated
    if not chosen:
        raise InputError(f"the licence of the model {folder} is unknown; name it with --licence, such as MIT")
    if chosen != stated and folder.parent == BUNDLED:
        raise InputError(f"{folder.name} comes with scriven under {stated}; leave --licence out, or copy its folder")
    if chosen != stated or not (folder / CARD).is_file():
        text = _card_again(folder, kind, chosen, hands)
        with atomic(folder / CARD, "w") as file:
            file.write(text)
    return PublishedFolder(folder / CARD, chosen, tuple(notes))


def _card_again(folder: Path, kind: str, licence: str, hands: int) -> str:
    """The card of a model with a licence, which is written into its model.json."""
    if kind == RECOGNISER:
        from scriven.training.publish import card

        recogniser = read_info(folder).model_copy(update={"licence": licence})
        write_info(folder, recogniser)
        return card(recogniser)
    from scriven.training import flow_publish

    scribe = _info(folder).model_copy(update={"licence": licence})
    write_model(folder, scribe)
    return flow_publish.card(scribe, hands)


def _info(folder: Path) -> FolderInfo:
    """What the model.json of every kind of model says."""
    return validated_as(FolderInfo, read_json(folder), folder / "model.json")
