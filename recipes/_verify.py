"""Verification of hands by their features: pairs of pictures of one hand and of two, never trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scriven.judging.features import Features, load_features
from scriven.judging.sets import Chosen, JudgedSet, judged_set

Floats = npt.NDArray[np.floating]
MOST = 250  # pictures of a collection


@dataclass(frozen=True)
class Scored:
    """One row: what was measured on n pictures; the accuracy of the nearest hand, and the equal-error rate of pairs."""

    what: str
    n: int
    accuracy: float
    error: float | None = None

    def row(self) -> dict[str, object]:
        error = "-" if self.error is None else f"{100 * self.error:.1f}"
        return {"pictures": self.what, "n": self.n, "right hand %": f"{100 * self.accuracy:.1f}", "EER %": error}


def equal_error_rate(away: Floats, same: npt.NDArray[np.bool_]) -> float:
    """The rate at which as many pairs of one hand are refused as of two are accepted; `away`: distance of each pair."""
    order = np.argsort(away, kind="stable")
    accepted = np.cumsum(~same[order]) / max(1, int((~same).sum()))  # of two hands
    refused = 1 - np.cumsum(same[order]) / max(1, int(same.sum()))  # of one hand
    at = int(np.argmin(np.abs(accepted - refused)))
    return float((accepted[at] + refused[at]) / 2)


def retrieved(features: Floats, hands: Sequence[str]) -> tuple[float, float]:
    """The share of pictures whose nearest other picture is of the same hand, and the equal-error rate of all pairs."""
    names = np.array(hands)
    away = np.sqrt(np.clip(2 - 2 * features @ features.T, 0, None))  # of vectors of unit length
    same = names[:, None] == names[None]
    upper = np.triu_indices(len(names), 1)
    error = equal_error_rate(away[upper], same[upper])
    np.fill_diagonal(away, np.inf)
    return float((names[away.argmin(1)] == names).mean()), error


def verified(data: Path, graph: Path, unseen: Sequence[str], others: Sequence[str]) -> list[Scored]:
    """Retrieval and verification among test lines, and words, of hands never trained on.

    `unseen`: collections of one hand; `others`: those whose test hands are not in train.
    """
    network, found = load_features(graph, 1), []
    for level in ("lines", "words"):
        sets = [_test_set(data / name, network, level) for name in (*unseen, *others)]
        some = [one for one in sets if one is not None]
        features = np.concatenate([one.features for one in some])
        hands = [f"{one.name}/{hand}" for one in some for hand in one.hands]
        found.append(
            Scored(f"test {level} of {len(set(hands))} hands never trained on", len(hands), *retrieved(features, hands))
        )
        for one in some:
            if one.name in others:
                count = len(set(one.hands))
                name = f"of these, the {count} of {one.name} among themselves"
                found.append(Scored(name, len(one), *retrieved(one.features, one.hands)))
    return found


def _test_set(folder: Path, network: Features, level: str) -> JudgedSet | None:
    if not (folder / "test" / f"{level}.parquet").is_file():
        return None
    return judged_set(folder, network, Chosen("test", level, MOST))[0]
