"""Which characters are taken for which."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from scriven.metrics.rates import check
from scriven.text import normalise


@dataclass(frozen=True)
class Confusion:
    """One kind of mistake: `reference` read as `prediction`; empty where a character was lost, or added."""

    reference: str
    prediction: str
    count: int
    occurrences: int  # of the reference character; for additions, of the predicted one among all predictions


def confusions(references: Sequence[str], predictions: Sequence[str], top: int = 30) -> list[Confusion]:
    """The most frequent substitutions, deletions and insertions of characters, most frequent first."""
    check(references, predictions, None)
    mistakes: Counter[tuple[str, str]] = Counter()
    written: Counter[str] = Counter()
    read: Counter[str] = Counter()
    for truth, guess in zip(map(normalise, references), map(normalise, predictions), strict=True):
        written.update(truth)
        read.update(guess)
        for edit in Levenshtein.editops(truth, guess):
            lost = "" if edit.tag == "insert" else truth[edit.src_pos]
            mistakes[lost, "" if edit.tag == "delete" else guess[edit.dest_pos]] += 1
    ordered = sorted(mistakes.items(), key=lambda item: (-item[1], item[0]))[:top]
    return [Confusion(t, p, count, written[t] if t else read[p]) for (t, p), count in ordered]
