"""The pictures of a lines folder with their features."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scriven.base import ImageError, InputError, LinesError, Skipped, evenly
from scriven.base.progress import progress
from scriven.judging.features import Features
from scriven.judging.pictures import Floats, judged
from scriven.lines import LinesFolder

AT_ONCE = 256  # pictures that are held before their features are made


@dataclass(frozen=True)
class JudgedSet:
    """N pictures: features (N, D); id, text, hand and encoded picture of each."""

    name: str
    features: Floats
    ids: tuple[str, ...]
    texts: tuple[str | None, ...]
    hands: tuple[str, ...]
    images: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def of_hand(self, hand: str) -> "JudgedSet":
        """The same set with every picture in one hand."""
        return replace(self, hands=(hand,) * len(self))


@dataclass(frozen=True)
class Chosen:
    """Which pictures of a folder are judged: those of a split (None: all), at most `most`, evenly over the folder."""

    split: str | None = None
    level: str | None = None
    most: int = 2000


def judged_set(place: str | Path, features: Features, chosen: Chosen) -> tuple[JudgedSet, list[Skipped]]:
    """The pictures of a lines folder with their features, and those that cannot be used.

    Raises LinesError for a folder that cannot be read or lacks the split, InputError if no picture can be used.
    """
    folder = LinesFolder(place, chosen.level)
    if chosen.split and chosen.split not in folder.splits:
        raise LinesError(f"{place} has no split {chosen.split!r}; it has {', '.join(folder.splits)}")
    splits = [chosen.split] if chosen.split else list(folder.splits)
    total = sum(folder.count(split) for split in splits)
    wanted = set(evenly(range(total), chosen.most))
    kept: list[tuple[str, str | None, str, bytes]] = []
    made: list[Floats] = []
    waiting: list[Floats] = []
    skipped = list[Skipped]()
    for number, line in enumerate(folder.lines(chosen.split)):
        if number not in wanted:
            continue
        try:
            waiting.append(judged(folder.picture(line)))
        except ImageError as error:
            skipped.append(Skipped(line.id, str(error)))
            continue
        kept.append((line.id, line.text, line.hand, line.image))
        if len(waiting) == AT_ONCE:
            made.append(features.of(waiting))
            waiting = []
        progress(f"judge {folder.path.name}", number + 1, total)
    if waiting:
        made.append(features.of(waiting))
    skipped += folder.skipped
    if not kept:
        why = f": {skipped[0].sentence()}" if skipped else ""
        raise InputError(f"{place} has no picture that can be judged{why}; give lines or words of handwriting")
    ids, texts, hands, images = zip(*kept, strict=True)
    name = folder.path.name or str(place)
    return JudgedSet(name, np.concatenate(made), ids, texts, hands, images), skipped
