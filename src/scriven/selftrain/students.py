"""The student of a round: a copy of its teacher, trained on the pseudo-labels in the round's folder."""

import copy
import json
import logging
import time
from pathlib import Path

from scriven.base import atomic
from scriven.lines import LinesFolder
from scriven.reader.trainable import InputSpec
from scriven.recognisers.contract import Recogniser
from scriven.scribes.specs import scribe_of
from scriven.selftrain.affine import AffineSettings, tune_affine
from scriven.selftrain.context import AdaptContext
from scriven.selftrain.pictures import share_of_lines
from scriven.training.checkpoint import LOG, WEIGHTS, load_tensors, save_weights
from scriven.training.devices import fabric_of
from scriven.training.fit import ProgressCallback, TrainingRun, begin, fit
from scriven.training.loader import AugmentSchedule, Mixture, Plan
from scriven.training.progress_log import format_log_row
from scriven.training.sources import FixedSource, FolderSource, ScribeSource

log = logging.getLogger("scriven.adapt")

AFFINE_LR = 3e-3
AFFINE_MINUTES = 0.7  # of an affine round, even if rounds are shorter: it gains more than a short full round
MIN_MINUTES = 0.2  # of training all weights
VALIDATED = 40  # synthetic pictures to validate on, for the training log only


def tune_affine_student(
    folder: Path, context: AdaptContext, teacher: Recogniser, minutes: float, tell: ProgressCallback
) -> None:
    """Tune only the affine parameters on the pseudo-labels in `folder`; they are too few to fit many errors."""
    settings, begun = context.settings, time.monotonic()
    labelled = _pseudo_labelled(folder, teacher)
    pictures = [labelled.picture(i) for i in range(len(labelled))]
    seconds = None if settings.steps else 60 * max(minutes, min(AFFINE_MINUTES, settings.minutes / 2))
    chosen = AffineSettings(
        steps=min(settings.affine_steps, settings.steps or settings.affine_steps),
        seconds=seconds,
        lr=AFFINE_LR,
        batch_width_px=min(settings.batch_width_px, AffineSettings.batch_width_px),
        seed=settings.seed,
    )
    student = tune_affine(teacher, pictures, labelled.texts, context.fabric, chosen, tell)
    with atomic(folder / LOG, "w") as file:
        file.write(json.dumps({"minutes": (time.monotonic() - begun) / 60}) + "\n")
    save_weights(folder, student)


def train_student(
    folder: Path, context: AdaptContext, teacher: Recogniser, minutes: float, tell: ProgressCallback
) -> None:
    """Train all weights on the pseudo-labels in `folder`, mixed with synthetic pictures, from the teacher's weights."""
    settings = context.settings
    mixture = Mixture.of([_pseudo_labelled(folder, teacher)])
    if synthetic := _synthetic(teacher, context):
        mixture = mixture.joined(Mixture.of(synthetic), settings.synthetic_fraction)
    timed = {"steps": settings.steps} if settings.steps else {"minutes": max(minutes, MIN_MINUTES)}
    chosen = settings.training(**timed)
    fabric = fabric_of(chosen)
    run = begin(copy.deepcopy(teacher).requires_grad_(True), chosen, fabric)
    plan = Plan(mixture, settings.seed, settings.batch_width_px, fabric.device.type)

    def keep(run: TrainingRun, better: bool) -> None:  # called once: there is one evaluation, at the end
        log.debug("%s", format_log_row(run.progress.rows[-1], "synthetic training pictures"))  # not of the hand
        with atomic(folder / LOG, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in run.progress.rows)
        save_weights(folder, run.average)

    checked = mixture.sources[-1]
    valid = FixedSource(checked, range(min(VALIDATED, len(checked) or VALIDATED)))
    fit(run, plan, [valid], chosen, AugmentSchedule.of(chosen), fabric, keep, tell)


def load_student(folder: Path, teacher: Recogniser) -> Recogniser:
    """The student in a round's folder; its architecture is the teacher's."""
    student = copy.deepcopy(teacher)
    student.load_state_dict(load_tensors(folder / WEIGHTS))
    return student


def _pseudo_labelled(folder: Path, teacher: Recogniser) -> FolderSource:
    return FolderSource(LinesFolder(folder), "train", _spec(teacher))


def _spec(net: Recogniser) -> InputSpec:
    return InputSpec.of(net, net.charset)


def _synthetic(teacher: Recogniser, context: AdaptContext) -> tuple[ScribeSource, ...]:
    """Synthetic pictures, lines and words in the proportion of the training pictures; none if their share is 0."""
    if not context.settings.synthetic_fraction:
        return ()
    scribe, texts, lines = scribe_of(context.settings.scribe), context.prior.texts, share_of_lines(context.train)
    return (ScribeSource(scribe, texts, _spec(teacher), seed=context.settings.seed, lines=lines),)
