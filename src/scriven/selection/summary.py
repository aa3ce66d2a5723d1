"""What a gate kept and rejected: in all, by the length of the text and by hand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scriven.base import counted
from scriven.selection.measured import Measured
from scriven.selection.ranking import Gate, bin_name, bin_of

CS_GRADES = (0.99, 0.8)  # of DiffusionHTR: above the first good, above the second average, else bad
NMAE_GRADES = (0.02, 0.15)  # below the first good, up to the second average, else bad
CER_GRADES = (0.0, 0.2)  # in the place of the NMAE, where there is no real picture: 0 good, up to the second average
GRADES = ("good", "average", "bad")


@dataclass(frozen=True)
class Selection:
    """The measurements of a set: of the first picture of every line, and of the picture that is kept of some."""

    model: str  # that read
    first: Sequence[Measured]
    kept: Sequence[Measured]
    gate: Gate | None  # None: nothing is rejected
    tries: int = 1
    notes: Sequence[str] = field(default_factory=tuple)  # what is to be known of the reader

    @property
    def rejected(self) -> list[Measured]:
        """The lines of which no picture is kept."""
        ids = {one.id for one in self.kept}
        return [one for one in self.first if one.id not in ids]

    def rows(self, key: Callable[[Measured], str]) -> list[dict[str, Any]]:
        """A row for each group of lines: how many, the shares rejected at first and finally, CER before and after."""
        good = {one.id: one for one in self.kept}
        groups = dict[str, list[Measured]]()
        for one in self.first:
            groups.setdefault(key(one), []).append(one)
        rows = []
        for name, some in groups.items():
            kept = [good[one.id] for one in some if one.id in good]
            at_first = sum(1 for one in kept if one.attempt == 0)
            rows.append(
                {
                    "group": name, "lines": len(some), "kept": len(kept), "rejected_first": 1 - at_first / len(some),
                    "rejected": 1 - len(kept) / len(some), "cer": cer(some), "cer_kept": cer(kept),
                }
            )  # fmt: skip
        return rows

    def by_length(self) -> list[dict[str, Any]]:
        """`rows` by bin of lengths, shortest first."""
        order = {bin_name(bin_of(one.text)): bin_of(one.text) for one in self.first}
        return sorted(self.rows(lambda one: bin_name(bin_of(one.text))), key=lambda row: order[row["group"]])

    def by_hand(self) -> list[dict[str, Any]]:
        """`rows` by hand, the most rejected first."""
        return sorted(self.rows(lambda one: one.hand), key=lambda row: (-row["rejected_first"], row["group"]))

    def as_json(self) -> dict[str, Any]:
        """The content of gate.json."""
        return {
            "reader": self.model,
            "notes": list(self.notes),
            "lines": len(self.first),
            "kept": len(self.kept),
            "kept_at_first": sum(1 for one in self.kept if one.attempt == 0),
            "tries": self.tries,
            "gate": self.gate.as_json() if self.gate else None,
            "cer": cer(self.first),
            "cer_kept": cer(self.kept),
            "confidence": mean(one.confidence for one in self.first),
            "confidence_kept": mean(one.confidence for one in self.kept),
            "nmae": mean(one.nmae for one in self.first),
            "nmae_kept": mean(one.nmae for one in self.kept),
            "style_distance": mean(one.style for one in self.first),
            "style_distance_kept": mean(one.style for one in self.kept),
            "grid": grid(self.first),
            "lengths": self.by_length(),
            "hands": self.by_hand(),
            "rejected": [{"id": one.id, "hand": one.hand, "text": one.text, **one.columns()} for one in self.rejected],
        }

    def sentence(self) -> str:
        """What was read and kept, for people."""
        before, after = cer(self.first), cer(self.kept)
        said = f"{self.model} reads the first pictures at a CER of {before:.1%}"
        if self.gate is not None:
            said += f"; {counted(len(self.kept), 'line')} of {len(self.first):,} kept, read at {after:.1%}"
            if (check := self.gate.checked) and check.precision is not None:
                low, high = check.interval()
                said += f"; of {check.n} first pictures kept apart from the choice of thresholds {check.precision:.1%} "
                said += f"are read right ({low:.1%} to {high:.1%})"
        return ". ".join([said.replace("%", " %"), *self.notes])


def cer(some: Sequence[Measured]) -> float:
    """The CER of the readings of some pictures: edits by characters of all texts; 0 without pictures."""
    edits = sum(one.cer * max(1, len(one.text)) for one in some)
    return edits / max(1, sum(len(one.text) for one in some))


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are known; None if none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def grades_of(one: Measured) -> tuple[str, str]:
    """The grade of the confidence of a picture, and that of its NMAE; of its CER where it has no real picture."""
    high, low = CS_GRADES
    first = GRADES[0] if one.product > high else GRADES[1] if one.product > low else GRADES[2]
    if one.nmae is None:
        second = GRADES[0] if one.cer <= CER_GRADES[0] else GRADES[1] if one.cer <= CER_GRADES[1] else GRADES[2]
    else:
        second = GRADES[0] if one.nmae < NMAE_GRADES[0] else GRADES[1] if one.nmae <= NMAE_GRADES[1] else GRADES[2]
    return first, second


def grid(some: Sequence[Measured]) -> dict[str, dict[str, int]]:
    """The 3 x 3 categories of DiffusionHTR: how many pictures have each grade of confidence and of NMAE (or CER)."""
    counts = {first: dict.fromkeys(GRADES, 0) for first in GRADES}
    for one in some:
        first, second = grades_of(one)
        counts[first][second] += 1
    return counts
