"""Pseudo-labels: readings of unlabelled pictures, ranked, selected, and written as a lines folder to train on.

Readings are ranked, and the best fraction of each length bin is kept, so that short words do not dominate. A fixed
threshold on the confidence (Wolf & Fink 2022, arXiv:2206.03149) accepts all or none as soon as the calibration shifts.
"""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scriven.images import Grey, encode, widened
from scriven.lines import Line, LinesFolder, LinesWriter, Reading
from scriven.lines.folder import read_about
from scriven.reader.decoder_contract import Decoder, Frames
from scriven.reader.session import Picture, Reader
from scriven.reader.trainable import InputSpec, unusable
from scriven.selftrain.context import AdaptContext

LENGTH_BINS = (3, 5, 8, 13, 21, 34, 55)  # upper ends of the bins of length, in characters
MAX_REPEATED = 0.02  # share of the selected labels that may have the same text; one always may
MIN_READ = 100  # pictures that are read regardless of the time


@dataclass(frozen=True)
class PseudoLabel:
    """A reading, and its score: log-probability plus log-posterior among all hypotheses, per character."""

    reading: Reading
    score: float


def pseudo_label(reader: Reader, pictures: Iterable[tuple[str, Grey]], decoder: Decoder) -> Iterator[PseudoLabel]:
    """Read every picture by beam search with the language model of `decoder`; a pseudo-label for each, in order.

    The score is high if the language model expects the text and no other hypothesis is nearly as probable. It ranks
    better than the confidence or the agreement of two views, above all for words
    (docs/experiments/2026-11-26-pseudo-label-ranking.md).
    """
    for picture, frames in reader.frames(Picture.of(id, ink) for id, ink in pictures):
        yield _pseudo_label(decoder, picture, frames)


def _pseudo_label(decoder: Decoder, picture: Picture, frames: Frames) -> PseudoLabel:
    found = decoder.hypotheses(frames)
    best = found[0]
    reading = decoder.explain(picture.id, frames, best.classes, picture.scale, picture.width)
    log_posterior = best.score - float(np.logaddexp.reduce([h.score for h in found]))
    return PseudoLabel(reading, (best.score + log_posterior) / len(best.classes) if best.classes else -np.inf)


def select(pseudo_labels: Sequence[PseudoLabel], keep_fraction: float) -> list[PseudoLabel]:
    """The best `keep_fraction` (0..1) of each length bin, best first; no empty labels, no text beyond MAX_REPEATED."""
    bins: dict[int, list[PseudoLabel]] = {}
    for label in pseudo_labels:
        if label.reading.text:
            bins.setdefault(int(np.searchsorted(LENGTH_BINS, len(label.reading.text))), []).append(label)
    kept = [b for some in bins.values() for b in sorted(some, key=_rank)[: max(1, round(keep_fraction * len(some)))]]
    most = max(1, round(MAX_REPEATED * len(kept)))
    count: dict[str, int] = {}
    chosen = []
    for label in sorted(kept, key=_rank):
        count[label.reading.text] = count.get(label.reading.text, 0) + 1
        if count[label.reading.text] <= most:
            chosen.append(label)
    return chosen


def _rank(label: PseudoLabel) -> tuple[float, str]:
    return -label.score, label.reading.id


def in_time(pseudo_labels: Iterator[PseudoLabel], seconds: float | None) -> list[PseudoLabel]:
    """The pseudo-labels made within `seconds` (None: all), but at least MIN_READ."""
    begun, found = time.monotonic(), []
    for label in pseudo_labels:
        found.append(label)
        if seconds is not None and len(found) >= MIN_READ and time.monotonic() - begun >= seconds:
            break
    return found


def write_pseudo_labels(
    folder: Path, context: AdaptContext, teacher: Reader, order: Sequence[int], keep_fraction: float, seconds: float
) -> int:
    """Read the training pictures in `order` for at most `seconds`, write the selected labels, return their number.

    They are written as a lines folder (origin pseudo, with confidences) whose pictures have the width at which the
    network reads them. A finished folder is not written again. Labels too long for their picture are dropped.
    """
    if (read_about(folder / "about.json") or {}).get("finished"):
        return LinesFolder(folder).count("train")
    begun = time.monotonic()
    pictures = context.train.some(order)
    limit = None if context.settings.steps else seconds
    labels = in_time(pseudo_label(teacher, pictures, context.prior_decoder(teacher)), limit)
    chosen, spec = select(labels, keep_fraction), InputSpec.of(context.info, context.info.characters)
    place = {id: number for number, id in enumerate(pictures.ids)}
    shutil.rmtree(folder, ignore_errors=True)  # left by an interrupted process, which may have read other pictures
    count = 0
    about = {"command": "adapt", "what": "pseudo-labels", "seconds": time.monotonic() - begun}
    with LinesWriter(folder, about) as writer:
        for reading in (label.reading for label in chosen):
            ink = widened(pictures[place[reading.id]][1], context.info.stretch)
            if unusable(reading.text, ink.shape[1], spec):
                continue
            count += 1
            writer.write(
                Line(
                    reading.id, encode(ink), reading.text, origin="pseudo",
                    confidence=reading.confidence, width=ink.shape[1], height=ink.shape[0],
                )
            )  # fmt: skip
    return count
