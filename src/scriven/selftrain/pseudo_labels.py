"""What a network believes about pictures without labels, and how far it can be believed.

Readings are ranked, never cut off at a fixed confidence, and kept by quota inside bins of length, so that short words
do not take over (Wolf & Fink 2022, arXiv:2206.03149, keep by threshold; a threshold accepts all or nothing as soon as
the calibration of the model shifts).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scriven.images import Grey
from scriven.lines import Reading
from scriven.reader.decoding import Decoder, Frames
from scriven.reader.session import Picture, Reader

LENGTHS = (3, 5, 8, 13, 21, 34, 55)  # upper ends of the bins of length, in characters
REPEATED = 0.02  # the share of the kept readings that one and the same text may have, beyond one


@dataclass(frozen=True)
class PseudoLabel:
    """A reading and its rank among others of its length: how likely it is, and how far ahead of other texts."""

    reading: Reading
    trust: float


def pseudo_label(reader: Reader, pictures: Iterable[tuple[str, Grey]], decoder: Decoder) -> Iterator[PseudoLabel]:
    """Read every picture with `decoder`, which knows the language; a belief each, in order.

    Trusted is what the language expects and no other text comes near: the log score of the best hypothesis and its log
    share of all of them, a character. That sorts far better than confidence or than how alike two views are read, most
    of all words (docs/experiments/2026-11-26-pseudo-label-ranking.md).
    """
    for picture, frames in reader.frames(Picture.of(id, ink) for id, ink in pictures):
        yield _pseudo_label(decoder, picture, frames)


def _pseudo_label(decoder: Decoder, picture: Picture, frames: Frames) -> PseudoLabel:
    found = decoder.hypotheses(frames)
    best = found[0]
    reading = decoder.explain(picture.id, frames, best.classes, picture.scale, picture.width)
    share = best.score - float(np.logaddexp.reduce([h.score for h in found]))
    return PseudoLabel(reading, (best.score + share) / len(best.classes) if best.classes else -np.inf)


def select(pseudo_labels: Sequence[PseudoLabel], keep_fraction: float) -> list[PseudoLabel]:
    """The best `keep_fraction` (0..1) of each length bin; never empty readings, no text more often than its share."""
    bins: dict[int, list[PseudoLabel]] = {}
    for belief in pseudo_labels:
        if belief.reading.text:
            bins.setdefault(int(np.searchsorted(LENGTHS, len(belief.reading.text))), []).append(belief)
    kept = [b for some in bins.values() for b in sorted(some, key=_rank)[: max(1, round(keep_fraction * len(some)))]]
    most = max(1, round(REPEATED * len(kept)))
    seen: dict[str, int] = {}
    chosen = []
    for belief in sorted(kept, key=_rank):
        seen[belief.reading.text] = seen.get(belief.reading.text, 0) + 1
        if seen[belief.reading.text] <= most:
            chosen.append(belief)
    return chosen


def _rank(belief: PseudoLabel) -> tuple[float, str]:
    return -belief.trust, belief.reading.id
