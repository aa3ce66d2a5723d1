"""Fits the regression of estimated CERs, and compares its estimates with known CERs; see `estimate`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from _common import Row

from scriven.estimate.cer import CerEstimate, cer_estimate_bias, estimate_from
from scriven.estimate.regression import (
    CerRegression,
    LineFeatures,
    bundled_regression,
    fit,
    logit,
    self_training_discount,
    tally,
)

UNSEEN = ("czech16_cs", "hooker_en", "peraire_fr")  # their published test scores must depend on nothing fitted to them


def adapted_rows(file: Path) -> Iterator[Row]:
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


def regression_of(rows: Sequence[Row]) -> CerRegression:
    """The regression fitted to rows with line features and true CERs; adapted models give the discount of their gains.

    Rows of UNSEEN collections are not used.
    """
    rows = [row for row in rows if row["collection"] not in UNSEEN]
    plain, adapted = ([row for row in rows if ("before" in row) == wanted] for wanted in (False, True))
    counts = np.stack([tally([LineFeatures(*one) for one in row["features"]]).sum(axis=0) for row in plain])
    found = fit(counts, np.array([row["cer"] for row in plain]), [row["collection"] for row in plain])
    adapted = [row for row in adapted if row["way"] == "as it is"]
    if not adapted:
        return replace(found, self_training_discount=bundled_regression().self_training_discount)
    real = [logit(np.array([row[when]["cer"] for when in ("before", "after")])) for row in adapted]
    apparent = [logit(np.array([_cer(row[when], found) for when in ("before", "after")])) for row in adapted]
    gains = (-np.diff(some)[:, 0] for some in (real, apparent))
    return replace(found, self_training_discount=self_training_discount(*gains, [row["collection"] for row in adapted]))


def estimate_of(read: Row, regression: CerRegression) -> CerEstimate | None:
    """The estimate from the line features of one row."""
    return estimate_from([LineFeatures(*one) for one in read["features"]], regression=regression)


def _cer(read: Row, regression: CerRegression) -> float:
    found = estimate_of(read, regression)
    return found.cer if found else 1.0


def compared(rows: Sequence[Row]) -> list[Row]:
    """The rows with `estimate` and `estimate_interval`, by a regression fitted without their collection."""
    found = []
    for name in sorted({row["collection"] for row in rows}):
        regression = regression_of([row for row in rows if row["collection"] != name])
        for row in (row for row in rows if row["collection"] == name):
            estimate = estimate_of(row, regression)
            if estimate and "before" in row:
                before, after = (estimate_of(row[when], regression) for when in ("before", "after"))
                estimate = estimate.raised(cer_estimate_bias(before, after, regression))
            if estimate:
                found.append({**row, "estimate": estimate.cer, "estimate_interval": estimate.interval})
    return found
