"""judge: generated handwriting measured against real handwriting.

Distances of features, hands that are recognised, legibility: see `scriven.judging` and docs/judge.md.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scriven.base import InputError, Skipped
from scriven.base.settings import Count, Threads, validated
from scriven.jobs.filled import NUMBERS
from scriven.jobs.imitated import lines_known_to_reader
from scriven.jobs.judge_page import check_place, judge_page
from scriven.judging.features import load_features
from scriven.judging.hands import positions
from scriven.judging.legibility import Legibility, readings, scored, vocabulary
from scriven.judging.sets import Chosen, JudgedSet, judged_set
from scriven.judging.verdict import Verdict, rows_of, verdict_on
from scriven.lines.sketch import digest
from scriven.metrics import table
from scriven.reader import DEFAULT_MODEL
from scriven.reader.session import Reader
from scriven.report import save

log = logging.getLogger("scriven.judging")

NO_READER = "none"  # as a model: legibility is not measured


@validated
@dataclass(frozen=True)
class JudgeSettings:
    """Which pictures are judged."""

    split: str | None = None  # of the generated lines; None: all
    real_split: str | None = None  # of the real lines, and of the others; None: all
    level: str | None = None  # lines or words, of folders that hold both
    most: Count = 2000  # pictures of each folder, evenly over it
    threads: Threads | None = None  # None: one per core


@dataclass(frozen=True)
class Judgement:
    """The result of `judge`."""

    generated: JudgedSet
    real: JudgedSet
    features: str  # name of the network that made the features
    verdict: Verdict
    legibility: Legibility | None
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()  # what makes the numbers doubtful

    def rows(self) -> list[dict[str, str]]:
        """The rows of the table."""
        return rows_of(self.verdict, self.legibility)

    def text(self) -> str:
        """The table, with a line above it on what was judged, and notes below."""
        return "\n\n".join([self.about(), table(self.rows()), *self.notes])

    def about(self) -> str:
        """What was judged by what."""
        reader = f", read by {self.legibility.reader}" if self.legibility else ""
        return (
            f"{self.generated.name}: {len(self.generated)} generated pictures in {_hands(self.generated)}; "
            f"{self.real.name}: {len(self.real)} real ones in {_hands(self.real)}; features of {self.features}{reader}"
        )

    def as_json(self) -> dict[str, Any]:
        """All numbers; error rates are fractions."""
        found: dict[str, Any] = {"generated": len(self.generated), "real": len(self.real), "features": self.features}
        found |= self.verdict.as_json()
        if self.legibility:
            parts = {name: getattr(self.legibility, name) for name in ("real", "generated", "known", "unknown")}
            found["legibility"] = {name: part.as_json() if part else None for name, part in parts.items()}
            found["legibility"]["reader"] = self.legibility.reader
        return found | {"skipped": len(self.skipped), "notes": list(self.notes)}


def judge(
    generated: str | Path,
    real: str | Path,
    *,
    model: str | Path = DEFAULT_MODEL,
    features: str | Path | None = None,
    hand: str | None = None,
    others: Sequence[str | Path] = (),
    page: str | Path | None = None,
    settings: JudgeSettings | None = None,
) -> Judgement:
    """Measure the pictures of the lines folder `generated` against those of `real`.

    `model` reads them for the CER ("none": legibility is not measured); choose one that was not trained on the real
    lines. `features`: an ONNX file in place of the bundled network. `hand`: the hand of `real` that all generated
    pictures imitate; None: that in their column `hand`, or the only hand of `real`. `others`: lines folders of further
    hands, from which hands are told apart. `page`: an HTML file to write. Raises ScrivenError.

    >>> import scriven
    >>> judgement = scriven.judge("generated/", "letters/")
    >>> judgement.verdict.frechet.generated.n
    (6, 6)
    """
    settings = settings or JudgeSettings()
    if page is not None:
        check_place(Path(page))
    network = load_features(features, settings.threads)
    reader = None if str(model) == NO_READER else Reader.load(model, threads=settings.threads)
    made, skipped = judged_set(generated, network, Chosen(settings.split, settings.level, settings.most))
    of_real = Chosen(settings.real_split, settings.level, settings.most)
    true, more = judged_set(real, network, of_real)
    skipped += more
    made = _in_hand(made, true, hand)
    further = []
    for place in others:
        one, more = judged_set(place, network, of_real)
        further.append(one)
        skipped += more
    verdict = verdict_on(made, true, further)
    legibility = None
    if reader is not None:
        legibility = _legibility(reader, str(model), (made, generated), (true, real), settings.level)
    notes = _notes(str(model), Path(generated), true) if legibility else ()
    result = Judgement(made, true, network.name, verdict, legibility, tuple(skipped), notes)
    if page is not None:
        save(Path(page), judge_page(" ".join([result.about(), *notes]), result.rows(), made, true, result.skipped))
    return result


def _notes(model: str, generated: Path, true: JudgedSet) -> tuple[str, ...]:
    """What makes the legibility that a recogniser measures doubtful: it knows the real lines, or chose the pictures."""
    notes = lines_known_to_reader(model, map(digest, true.images))
    gate = generated / NUMBERS
    if gate.is_file() and json.loads(gate.read_text("utf-8")).get("reader") == model:
        notes.append(f"Note that {model} also read these pictures back when they were selected; judge by another (-m)")
    return tuple(notes)


def _hands(some: JudgedSet) -> str:
    count = len(positions(some.hands))
    return "no named hand" if not count else "one hand" if count == 1 else f"{count} hands"


def _in_hand(made: JudgedSet, true: JudgedSet, hand: str | None) -> JudgedSet:
    """The generated pictures, in the hand that they imitate. Raises InputError for a hand without real pictures."""
    known, prefix = positions(true.hands), f"{true.name}/"  # which a scribe of several folders sets before its hands
    if not any(one in known for one in made.hands):
        made = replace(made, hands=tuple(one.removeprefix(prefix) for one in made.hands))
    if hand is not None and hand not in known:
        some = ", ".join(list(known)[:5]) + (" ..." if len(known) > 5 else "")
        raise InputError(f"{true.name} has no hand {hand!r}; it has {some or 'no named hand'}")
    if hand is not None:
        return made.of_hand(hand)
    if len(known) == 1 and not set(made.hands) & set(known):
        return made.of_hand(next(iter(known)))
    strange = sorted(set(made.hands) - set(known))
    if known and strange:
        log.warning("%d of %d generated hands are not in %s, the first: %r; they count in the distances only",
                    len(strange), len(set(made.hands)), true.name, strange[0])  # fmt: skip
    return made


def _legibility(
    reader: Reader, name: str, made: tuple[JudgedSet, str | Path], true: tuple[JudgedSet, str | Path], level: str | None
) -> Legibility | None:
    """The legibility of both sets; None if no generated picture has a text."""
    if not any(made[0].texts):
        return None
    read_made, read_true = (readings(reader, some, place, level) for some, place in (made, true))
    words = vocabulary(true[1], level)
    return Legibility(
        name,
        scored(true[0], read_true, None, True),
        scored(made[0], read_made, None, True),
        scored(made[0], read_made, words, True) if words else None,
        scored(made[0], read_made, words, False) if words else None,
    )
