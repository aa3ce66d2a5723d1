"""The student of a round: a copy of its teacher, trained on the pseudo-labels in the round's folder."""

import copy
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scriven.augment import SETS
from scriven.base import atomic
from scriven.images import Grey
from scriven.lines import LinesFolder, Reading
from scriven.reader.session import Picture
from scriven.reader.trainable import InputSpec
from scriven.recognisers.contract import Recogniser
from scriven.scribes.specs import scribe_of
from scriven.selftrain.affine import AffineSettings, tune_affine
from scriven.selftrain.context import AdaptContext
from scriven.selftrain.pictures import UnlabelledSource, share_of_lines
from scriven.selftrain.stackmix import stackmix_source
from scriven.training.checkpoint import LOG, WEIGHTS, load_tensors, save_weights
from scriven.training.consistency import VIEWED, Consistency
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
    folder: Path, number: int, context: AdaptContext, teacher: Recogniser, minutes: float, tell: ProgressCallback
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
        augmentation=settings.augmentation,
        seed=settings.seed,
    )
    student = tune_affine(teacher, pictures, labelled.texts, context.fabric, chosen, tell)
    with atomic(folder / LOG, "w") as file:
        file.write(json.dumps({"minutes": (time.monotonic() - begun) / 60}) + "\n")
    save_weights(folder, student)


def train_student(
    folder: Path, number: int, context: AdaptContext, teacher: Recogniser, minutes: float, tell: ProgressCallback
) -> None:
    """Train all weights on the pseudo-labels in the `folder` of round `number`, from the teacher's weights.

    They are mixed with synthetic pictures and, if set, with StackMix lines.
    """
    settings, begun = context.settings, time.monotonic()
    mixture = Mixture.of([_pseudo_labelled(folder, teacher)])
    if (assembled := stackmix_source(folder, number, context, teacher)) is not None:
        mixture = mixture.joined(Mixture.of([assembled]), settings.stackmix)
        minutes -= (time.monotonic() - begun) / 60
    if synthetic := _synthetic(teacher, context):
        mixture = mixture.joined(Mixture.of(synthetic), settings.synthetic_fraction)
    timed = {"steps": settings.steps} if settings.steps else {"minutes": max(minutes, MIN_MINUTES)}
    chosen = settings.training(**timed)
    fabric = fabric_of(chosen)
    run = begin(copy.deepcopy(teacher).requires_grad_(True), chosen, fabric)
    plan = Plan(mixture, settings.seed, settings.batch_width_px, fabric.device.type)
    if settings.consistency:
        run.consistency = _consistency(run, context)

    def keep(run: TrainingRun, better: bool) -> None:  # called once: there is one evaluation, at the end
        log.debug("%s", format_log_row(run.progress.rows[-1], "synthetic training pictures"))  # not of the hand
        with atomic(folder / LOG, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in run.progress.rows)
        save_weights(folder, run.average)

    checked = mixture.sources[-1]
    valid = FixedSource(checked, range(min(VALIDATED, len(checked) or VALIDATED)))
    fit(run, plan, [valid], chosen, AugmentSchedule.of(chosen), fabric, keep, tell)


def _consistency(run: TrainingRun, context: AdaptContext) -> Consistency:
    """The loss between two views of the training pictures, whether or not they have a pseudo-label."""
    settings, info = context.settings, context.info
    source = UnlabelledSource(context.train, info.stretch)
    reader = replace(context, info=info.model_copy(update={"stretch": 1.0})).reader(run.average)
    decoder = context.decoder(reader)

    def read(views: Sequence[Grey]) -> list[Reading]:
        return list(reader.read_prepared((Picture.of("", view) for view in views), decoder))

    width = max(64, round(VIEWED * settings.batch_width_px))
    return Consistency(
        Plan(Mixture.of([source]), settings.seed, width, context.fabric.device.type),
        InputSpec.of(info, info.characters),
        read,
        settings.consistency,
        settings.consistency_threshold,
        SETS[settings.consistency_augmentation],
        settings.span_mask or 0.0,
    )


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
