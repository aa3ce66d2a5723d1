"""Character confusions: substitutions, deletions and insertions, counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from scriven.metrics.rates import check
from scriven.text import normalise


@dataclass(frozen=True)
class Confusion:
    """A kind of error: `reference` read as `prediction`; "" stands for nothing (an insertion, or a deletion)."""

    reference: str
    prediction: str
    count: int
    occurrences: int  # of the reference character; for insertions, of the predicted one in all predictions

    def __str__(self) -> str:
        written, read = (c.replace(" ", "␣") or "nothing" for c in (self.reference, self.prediction))
        return f"{written} > {read} {self.count} of {self.occurrences}"


def confusions(references: Sequence[str], predictions: Sequence[str], top: int = 30) -> list[Confusion]:
    """The most frequent substitutions, deletions and insertions of characters, most frequent first."""
    check(references, predictions, None)
    errors: Counter[tuple[str, str]] = Counter()
    written: Counter[str] = Counter()
    read: Counter[str] = Counter()
    for truth, guess in zip(map(normalise, references), map(normalise, predictions), strict=True):
        written.update(truth)
        read.update(guess)
        for edit in Levenshtein.editops(truth, guess):
            lost = "" if edit.tag == "insert" else truth[edit.src_pos]
            errors[lost, "" if edit.tag == "delete" else guess[edit.dest_pos]] += 1
    ordered = sorted(errors.items(), key=lambda item: (-item[1], item[0]))[:top]
    return [Confusion(t, p, count, written[t] if t else read[p]) for (t, p), count in ordered]
