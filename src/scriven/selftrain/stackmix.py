"""StackMix without labels: lines of new texts, assembled from the best-ranked pseudo-labels of a round."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from scriven.language.texts.sources import FileSource, MixedSource
from scriven.lines import Line, LinesFolder
from scriven.reader.labelled import Lines
from scriven.reader.trainable import InputSpec
from scriven.recognisers.contract import Recogniser
from scriven.scribes.stackmix import stackmix_scribe
from scriven.scribes.stackmix.bank import ABOUT
from scriven.scribes.stackmix.cutting import Cut, cut_lines
from scriven.scribes.stackmix.writer import BankWriter
from scriven.selftrain.context import AdaptContext
from scriven.selftrain.pictures import share_of_lines
from scriven.selftrain.state import BANK
from scriven.training.sources import ScribeSource

log = logging.getLogger("scriven.adapt")

TRUSTED = 0.5  # share of the pseudo-labels, best first, that are cut
FIRST_ROUND = 2  # the readings of earlier rounds are too often wrong to be cut
FEWEST = 20  # lines; a bank of fewer repeats the same letters


def stackmix_source(folder: Path, number: int, context: AdaptContext, teacher: Recogniser) -> ScribeSource | None:
    """Lines assembled from the TRUSTED share of the pseudo-labels in the `folder` of round `number`.

    Half of them show their texts, half the texts of the other synthetic pictures.

    None before FIRST_ROUND, if the share of them is 0, and if too few pseudo-labels can be cut, which is logged.
    A bank that an interrupted process finished is used again.
    """
    settings = context.settings
    if not settings.stackmix or number < FIRST_ROUND:
        return None
    if not (folder / BANK / ABOUT).is_file() and _cut(folder, context, teacher) < FEWEST:
        log.warning("round %d trains without StackMix: fewer than %d pseudo-labels can be cut", number, FEWEST)
        return None
    spec, lines = InputSpec.of(teacher, teacher.charset), share_of_lines(context.train)
    scribe = stackmix_scribe(str(folder / BANK))
    own = FileSource(line.text or "" for line in _trusted(folder))  # what the bank can write, however small it is
    texts = MixedSource([context.prior.texts, own])
    return ScribeSource(scribe, texts, spec, seed=settings.seed + number, lines=lines)


def _trusted(folder: Path) -> Iterator[Line]:
    """The TRUSTED share of the pseudo-labels in a folder, whose lines are sorted, best first."""
    labelled = LinesFolder(folder)
    return islice(labelled.lines("train"), round(TRUSTED * labelled.count("train")))


def _cut(folder: Path, context: AdaptContext, teacher: Recogniser) -> int:
    """Cut the best-ranked pseudo-labels into a bank; the number of lines that could be cut."""
    labelled = LinesFolder(folder)
    lines: Lines = ((line, partial(labelled.picture, line)) for line in _trusted(folder))
    # the pictures of pseudo-labels are as wide as the network reads them
    reader = replace(context, info=context.info.model_copy(update={"stretch": 1.0})).reader(teacher)
    with BankWriter(folder / BANK, reader.info.height) as bank:
        cut = sum(isinstance(made, Cut) for made in cut_lines(reader, lines, bank))
        if cut >= FEWEST:
            bank.finish({"model": "the teacher of this round", "source": "pseudo-labels", "licence": ""})
    return cut
