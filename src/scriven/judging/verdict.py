"""What is measured of generated pictures against real ones: distances, hands, legibility, as rows of a table.

Beside each number of the generated pictures stands the same number of real ones: of the second half of the pictures of
each hand, measured against the first half. That is what a perfect imitation would reach.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scriven.base import evenly
from scriven.judging.distances import LEAST, Distance, check, frechet, kernel
from scriven.judging.hands import Floats, Mean, Positions, apart, halves, means, positions, rank, recognised
from scriven.judging.legibility import Legibility
from scriven.judging.sets import JudgedSet
from scriven.metrics import Score


@dataclass(frozen=True)
class Compared:
    """One number of the generated pictures, and the same of real ones; None where it cannot be measured."""

    generated: Distance | Mean | None
    real: Distance | Mean | None

    def as_json(self) -> dict[str, Any]:
        both = {"generated": self.generated, "real": self.real}
        return {name: one.as_json() if one else None for name, one in both.items()}


@dataclass(frozen=True)
class Verdict:
    """All that is measured by features."""

    frechet: Compared  # of equally many pictures
    kernel: Compared
    hands_apart: Compared
    recognised: Compared
    rank: Compared

    def as_json(self) -> dict[str, Any]:
        names = ("frechet", "kernel", "hands_apart", "recognised", "rank")
        return {name: getattr(self, name).as_json() for name in names}


def verdict_on(generated: JudgedSet, real: JudgedSet, others: Sequence[JudgedSet] = ()) -> Verdict:
    """Measure generated pictures against real ones. `others`: pictures of further hands to tell hands apart from.

    Raises InputError for fewer than two pictures on either side.
    """
    check(generated.features, real.features)
    first, second = halves(real.hands)
    near, held = _parts(real, first, second)
    known = means(real.features, first)
    every = {**known, **_of_others(others)}
    real_again = means(real.features, second)
    made = means(generated.features, positions(generated.hands))
    probes = replaced(real, np.concatenate(list(second.values()))) if second else None
    return Verdict(
        _distances(frechet, generated, near, held),
        _distances(kernel, generated, near, held),
        Compared(apart(made, known), apart(real_again, known)),
        Compared(*(_told(recognised, one, every) for one in (generated, probes))),
        Compared(*(_told(rank, one, every) for one in (generated, probes))),
    )


def replaced(some: JudgedSet, places: Positions) -> JudgedSet:
    """The pictures at some positions of a set."""
    own: dict[str, Any] = {n: tuple(getattr(some, n)[i] for i in places) for n in ("ids", "texts", "hands", "images")}
    return replace(some, features=some.features[places], **own)


def _parts(
    real: JudgedSet, first: Mapping[str, Positions], second: Mapping[str, Positions]
) -> tuple[JudgedSet, JudgedSet]:
    """The halves of the real pictures: of each hand, or, without hands, the pictures of even and of odd number."""
    if first:
        return tuple(replaced(real, np.concatenate(list(part.values()))) for part in (first, second))  # type: ignore[return-value]
    number = np.arange(len(real))
    return replaced(real, number[::2]), replaced(real, number[1::2])


def _distances(measure: Any, generated: JudgedSet, near: JudgedSet, held: JudgedSet) -> Compared:
    """The distance of equally many generated and held pictures to the real ones `near`."""
    if min(len(near), len(held)) < LEAST:
        return Compared(measure(generated.features, near.features, generated.hands, near.hands), None)
    count = min(len(generated), len(held))
    pair = [replaced(one, np.array(evenly(range(len(one)), count))) for one in (generated, held)]
    return Compared(*(measure(one.features, near.features, one.hands, near.hands) for one in pair))


def _of_others(others: Sequence[JudgedSet]) -> dict[str, Floats]:
    """The mean features of the hands of other folders; a folder without hands is one hand."""
    found: dict[str, Floats] = {}
    for one in others:
        named = one if any(one.hands) else one.of_hand(one.name)
        own = means(named.features, positions(named.hands))
        found |= {f"{one.name}/{hand}": mean for hand, mean in own.items()}
    return found


def _told(measure: Any, some: JudgedSet | None, known: Mapping[str, Floats]) -> Mean | None:
    found: Mean | None = measure(some.features, some.hands, known) if some and len(known) > 1 else None
    return found


# Tables


def rows_of(verdict: Verdict, legibility: Legibility | None) -> list[dict[str, str]]:
    """The rows of the table: the measure, its value for generated and for real pictures, n, and their ratio."""
    rows = [
        _row("Frechet distance x 100", verdict.frechet, 100),
        _row("kernel distance x 10,000", verdict.kernel, 10_000),
        _row("distance of hands x 100", verdict.hands_apart, 100),
        _row("nearest hand is its own %", verdict.recognised, 100),
        _row("other hands that are farther %", verdict.rank, 100),
    ]
    rows = [row for row in rows if row["generated"] != "-"]
    return rows + _legible(legibility) if legibility else rows


def _row(name: str, pair: Compared, unit: float) -> dict[str, str]:
    ratio = pair.generated.value / pair.real.value if pair.generated and pair.real and pair.real.value > 0 else None
    return {
        "measure": name,
        "generated": _shown(pair.generated, unit),
        "real": _shown(pair.real, unit),
        "n": _count(pair.generated),
        "generated / real": f"{ratio:.2f}" if ratio is not None else "-",
    }


def _legible(found: Legibility) -> list[dict[str, str]]:
    named = (("", found.generated), (", words of the real texts", found.known), (", other words", found.unknown))
    rows = []
    for name, part in named:
        if part is None:
            continue
        ratio = found.ratio(part)
        rows.append(
            {
                "measure": f"CER %{name}",
                "generated": _cer(part),
                "real": _cer(found.real) if found.real else "-",
                "n": f"{part.n}",
                "generated / real": f"{ratio:.2f}" if ratio is not None else "-",
            }
        )
    return rows


def _cer(some: Score) -> str:
    return f"{100 * some.cer:.1f} ({100 * some.interval[0]:.1f}-{100 * some.interval[1]:.1f})"


def _shown(value: Distance | Mean | None, unit: float) -> str:
    if value is None:
        return "-"
    low, high = value.interval
    return f"{unit * value.value:.2f} ({unit * low:.2f}-{unit * high:.2f})"


def _count(value: Distance | Mean | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mean):
        return f"{value.n} of {value.hands} hands" if value.hands > 1 else f"{value.n} of one hand"
    return f"{value.n[0]} and {value.n[1]}"
