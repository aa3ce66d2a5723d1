"""Legibility: how well a recogniser reads pictures whose text is known.

The words of the real texts are the vocabulary, in any case and without punctuation. A picture all of whose words are in
it is in-vocabulary, any other is out-of-vocabulary: an imitation that only repeats what it has seen fails on the second
kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scriven.judging.sets import JudgedSet
from scriven.language.texts.unseen import words_of
from scriven.lines import LinesFolder
from scriven.metrics import Score, groups_of, score
from scriven.reader.session import Reader


@dataclass(frozen=True)
class Legibility:
    """CER of a recogniser on real and on generated pictures; those of the parts are None where there is no picture."""

    reader: str
    real: Score | None
    generated: Score | None
    known: Score | None  # generated, in-vocabulary
    unknown: Score | None  # generated, out-of-vocabulary

    def ratio(self, part: Score | None) -> float | None:
        """The CER of a part of the generated pictures divided by that on the real ones."""
        return part.cer / self.real.cer if part and self.real and self.real.cer else None


def vocabulary(place: str | Path, level: str | None = None) -> frozenset[str]:
    """The words of all texts of a lines folder, case-folded and without signs around them."""
    folder = LinesFolder(place, level)
    texts = (text for split in folder.splits for text in folder.columns(split, ["text"])["text"] if text)
    return frozenset[str]().union(*map(words_of, texts))


def readings(reader: Reader, some: JudgedSet, place: str | Path, level: str | None) -> list[str | None]:
    """What a recogniser reads in the pictures of a set that have a text; None for the others."""
    folder = LinesFolder(place, level)
    having = [i for i, text in enumerate(some.texts) if text]
    found: list[str | None] = [None] * len(some)
    pictures = ((some.ids[i], folder.picture(folder.find(some.ids[i]))) for i in having)
    for i, reading in zip(having, reader.read(pictures), strict=True):
        found[i] = reading.text
    return found


def scored(some: JudgedSet, read: Sequence[str | None], words: frozenset[str] | None, known: bool) -> Score | None:
    """The score of the pictures with a text; with `words`, of those that are made of them (`known`) or are not."""
    chosen = [i for i, text in enumerate(some.texts) if text and read[i] is not None]
    if words is not None:
        chosen = [i for i in chosen if (words_of(some.texts[i] or "") <= words) == known]
    if not chosen:
        return None
    groups, _ = groups_of([some.hands[i] for i in chosen], [""] * len(chosen))
    return score([some.texts[i] or "" for i in chosen], [read[i] or "" for i in chosen], groups=groups)
