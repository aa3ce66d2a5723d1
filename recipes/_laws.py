"""The law of error rates estimated without labels, fitted to readings whose errors are known; see `estimate`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from _common import Row

from scriven.estimate.cer import (
    CerRegression,
    Estimate,
    LineFeatures,
    bundled_law,
    cer_estimate_bias,
    estimate,
    fit,
    logit,
    self_training_discount,
    tallied,
)


def taught(file: Path) -> Iterator[Row]:
    """The readings of adapted models in the rows of `recipes/adapt`, with and without their language model.

    `before` and `after`: the greedy readings of the same lines by the parent and by the adapted model.
    """
    for row in json.loads(file.read_text("utf-8")):
        about = {"model": f"{Path(row['model']).name}, adapted", "fingerprint": row["fingerprint"]}
        about |= {"collection": row["collection"], "level": row["level"]}
        about |= {"before": row["before"], "after": row["after"]}
        for way, read in (("as it is", row["after"]), ("language model", row["with_lm"])):
            if read and row["helped"]:
                yield {**about, "way": way, **read}


def law_of(rows: Sequence[Row]) -> CerRegression:
    """The law of the signs and the true error rates of rows; adapted models tell what their gains are worth."""
    plain, learnt = ([row for row in rows if ("before" in row) == adapted] for adapted in (False, True))
    counts = np.stack([tallied([LineFeatures(*one) for one in row["signs"]]).sum(axis=0) for row in plain])
    law = fit(counts, np.array([row["cer"] for row in plain]), [row["collection"] for row in plain])
    learnt = [row for row in learnt if row["way"] == "as it is"]
    if not learnt:
        return replace(law, self_training_discount=bundled_law().self_training_discount)
    true = [logit(np.array([row[when]["cer"] for when in ("before", "after")])) for row in learnt]
    seeming = [logit(np.array([guessed(row[when], law) for when in ("before", "after")])) for row in learnt]
    share = self_training_discount(
        *(-np.diff(some)[:, 0] for some in (true, seeming)), [row["collection"] for row in learnt]
    )
    return replace(law, self_training_discount=share)


def guess(read: Row, law: CerRegression) -> Estimate | None:
    """What the law makes of the signs of one reading."""
    return estimate([LineFeatures(*one) for one in read["signs"]], law=law)


def guessed(read: Row, law: CerRegression) -> float:
    found = guess(read, law)
    return found.cer if found else 1.0


def compared(rows: Sequence[Row]) -> list[Row]:
    """The rows with the estimate by the law of the other collections."""
    found = []
    for name in sorted({row["collection"] for row in rows}):
        law = law_of([row for row in rows if row["collection"] != name])
        for row in (row for row in rows if row["collection"] == name):
            told = guess(row, law)
            if told and "before" in row:
                told = told.raised(cer_estimate_bias(guess(row["before"], law), guess(row["after"], law), law))
            if told:
                found.append({**row, "guess": told.cer, "reach": told.interval})
    return found
