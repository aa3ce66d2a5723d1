"""Rounds of self-training: pseudo-label, train a student, gate. Results are stored, so that runs can be resumed."""

import json
import logging
import time
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from scriven.base import atomic, evenly
from scriven.estimate.cer import MAX_VIEWED
from scriven.recognisers.contract import Recogniser
from scriven.selftrain.context import AdaptContext
from scriven.selftrain.gates import drift, rejection
from scriven.selftrain.metrics import UnsupervisedMetrics, assess, unsupervised_metrics
from scriven.selftrain.pseudo_labels import write_pseudo_labels
from scriven.selftrain.state import DONE_FILE, read_state, round_folder, seconds_spent
from scriven.selftrain.students import MIN_MINUTES, load_student, train_student, tune_affine_student
from scriven.selftrain.time_budget import TimeBudget
from scriven.training.checkpoint import WEIGHTS

log = logging.getLogger("scriven.adapt")

AFFINE_PICTURES = 600  # pictures that are read for the affine round
READING_SHARE = 1 / 3  # largest share of the time of a round for pseudo-labelling
HIGH_CER = 0.4  # estimated CER of the parent from which transcribing some lines first helps more
NOTHING_READ = "the model reads nothing in these pictures"


@dataclass(frozen=True)
class Baseline:
    """The parent: its metrics, its estimated CER, and the fraction of readings to keep as labels."""

    metrics: UnsupervisedMetrics
    cer: float | None  # of readings decoded with the language prior; None if nothing is read
    keep_fraction: float


@dataclass(frozen=True)
class RoundsResult:
    """The best network, a row per round (the parent's first), and why the rounds ended ("": all were done)."""

    net: Recogniser
    rows: list[dict[str, Any]]
    why: str
    baseline: Baseline


def run_rounds(context: AdaptContext, net: Recogniser, begun: float) -> RoundsResult:
    """Run all rounds from the parent `net`. `begun`: when this process began, on the clock of time.monotonic.

    Rounds finished by an interrupted process are loaded from their folders, and their time counts.
    """
    settings, budget = context.settings, TimeBudget(context.settings, begun)
    base = _baseline(context, net, budget)
    best, ended = base.metrics, begun  # of the round before
    rows: list[dict[str, Any]] = [{"round": 0, "accepted": True, **asdict(best)}]
    for number in range(1, settings.all_rounds + 1):
        budget.report(number)
        folder = round_folder(context.out, number)
        if (folder / DONE_FILE).is_file():
            done = read_state(folder / DONE_FILE, context.out)
            budget.count_earlier(done["seconds"])
        else:
            before = seconds_spent(folder)
            budget.count_earlier(before)
            tried = number > 1 and (rows[-1]["accepted"] or not settings.is_affine_round(number - 1))
            if tried and settings.steps is None and budget.left <= MIN_MINUTES + budget.gating:
                return RoundsResult(net, rows, f"the time limit of {settings.minutes:g} min was reached", base)
            row = _round(number, context, net, best, base, budget)
            if row is None:
                return RoundsResult(net, rows, NOTHING_READ, base)
            now = time.monotonic()
            done, ended = {"row": row, "seconds": now - ended + before}, now
            with atomic(folder / DONE_FILE, "w") as file:
                json.dump(done, file)
        row = done["row"]
        rows.append(row)
        log.info("round %d: %s", number, f"rejected, {row['why']}" if row["why"] else "accepted")
        if not row["accepted"]:
            if settings.is_affine_round(number):
                continue
            return RoundsResult(net, rows, row["why"], base)
        net = load_student(folder, net)
        best = UnsupervisedMetrics(**{f.name: row[f.name] for f in fields(UnsupervisedMetrics)})
    return RoundsResult(net, rows, "", base)


def _baseline(context: AdaptContext, net: Recogniser, budget: TimeBudget) -> Baseline:
    begun = time.monotonic()
    metrics = held_out_metrics(context, net)
    budget.gating = (time.monotonic() - begun) / 60
    reader = context.reader(net)
    found = assess(reader, evenly(context.held_out, MAX_VIEWED), context.prior_decoder(reader)).estimate
    cer = found.cer if found else None
    if cer is not None and cer >= HIGH_CER:
        log.warning("estimated CER %.0f %%: transcribing about 30 lines and training on them first helps more than "
                    "adapting (scriven pick, scriven train)", 100 * cer)  # fmt: skip
    return Baseline(metrics, cer, context.settings.keep_fraction_for(cer))


def _round(
    number: int,
    context: AdaptContext,
    teacher: Recogniser,
    best: UnsupervisedMetrics,
    base: Baseline,
    budget: TimeBudget,
) -> dict[str, Any] | None:
    """Pseudo-label, train, gate; returns the round's row of the log, or None if the teacher reads nothing.

    Each step stores its result in the round's folder; a step finished by an interrupted process is not repeated.
    """
    folder, settings = round_folder(context.out, number), context.settings
    minutes = budget.left / settings.rounds_left(number, budget.left, len(context.train))
    ends = budget.spent + minutes - budget.gating
    order, reader = _reading_order(context, number), context.reader(teacher)
    labels = write_pseudo_labels(folder, context, reader, order, base.keep_fraction, 60 * READING_SHARE * minutes)
    if not labels:
        return None
    affine = settings.is_affine_round(number)
    if not (folder / WEIGHTS).is_file():
        train = tune_affine_student if affine else train_student
        train(folder, number, context, teacher, ends - budget.spent, partial(budget.report, number))
    metrics = held_out_metrics(context, load_student(folder, teacher))
    why = rejection(metrics, best) or drift(metrics, base.metrics)
    row = {"round": number, "accepted": why is None, "why": why or "", "keep_fraction": round(base.keep_fraction, 3)}
    moved = {"moved": "affine parameters"} if affine else {}
    return {**row, **moved, "pseudo_labels": labels, **asdict(metrics)}


def held_out_metrics(context: AdaptContext, net: Recogniser) -> UnsupervisedMetrics:
    """The metrics of a network on the held-out pictures, read without a language model."""
    reader = context.reader(net)
    return unsupervised_metrics(reader, context.held_out, context.prior.lm, context.decoder(reader))


def _reading_order(context: AdaptContext, number: int) -> list[int]:
    """A random order of the training pictures, so that those read within the time are a random sample."""
    rng = np.random.default_rng([context.settings.seed, number])
    order: list[int] = rng.permutation(len(context.train)).tolist()
    return order[: AFFINE_PICTURES if context.settings.is_affine_round(number) else None]
