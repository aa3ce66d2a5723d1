"""A hand from pictures of its writing, read and aligned by a recogniser."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scriven.base import ImageError, InputError, Skipped
from scriven.images import Grey, prepare
from scriven.page.inputs import find_inputs, line_pictures
from scriven.reader import DEFAULT_MODEL
from scriven.reader.boundaries import aligned_edges
from scriven.reader.ctc_decoder import ctc_posteriors
from scriven.reader.ctc_paths import greedy_text
from scriven.reader.labelled import require_ctc
from scriven.reader.session import Picture, Reader
from scriven.scribes.flow.columns import COLUMN, HEIGHT, Classes, Floats, ink_of
from scriven.scribes.flow.model import REFERENCE_COLUMNS, Hand, joined
from scriven.text import Charset

MOST = 15  # pictures of a hand that are used
SHORTEST = 3 * COLUMN  # px of each of them, at least
# Mean posterior of the emitted characters. The 1st percentile of 60 validation lines: 0.61 to 0.83 in five collections
# and 0.36 in a sixth; scans of pages, noise and clouds are at 0 to 0.46, but for one read as a single character.
LEAST_CERTAINTY = 0.45


def hand_of(place: str | Path, charset: Charset, model: str | Path = DEFAULT_MODEL) -> tuple[Hand, list[Skipped]]:
    """The hand of up to MOST pictures of lines or words: pictures, folders and lines folders, as `read` takes them.

    Their characters are read by `model`. With the hand, the pictures that are unusable. Raises InputError if all are,
    or if the model does not decode by CTC.
    """
    reader = Reader.load(model, threads=1)
    require_ctc(reader)
    inputs, skipped = find_inputs([place])
    waiting: list[Grey] = []  # pictures, HEIGHT px high, not stretched

    def prepared() -> Iterator[Picture]:
        for one in chain.from_iterable(map(line_pictures, inputs)):
            if isinstance(one, Skipped):
                skipped.append(one)
                continue
            assert one.picture is not None
            try:
                ready, ink = reader.prepare(one.id, one.picture), prepare(one.picture, HEIGHT)
            except ImageError as error:
                skipped.append(Skipped(one.id, str(error)))
                continue
            waiting.append(ink)
            yield ready

    found = list[tuple[Floats, Classes, npt.NDArray[np.float64]]]()
    for picture, frames in reader.frames(prepared()):
        ink, log_probs = waiting.pop(0), ctc_posteriors(reader.info, frames)
        read = greedy_text(log_probs, reader.charset)
        if not read.strip():
            skipped.append(Skipped(picture.id, "no writing is read in this picture; give one of a line or a word"))
            continue
        if (sure := certainty(log_probs)) < LEAST_CERTAINTY:
            why = f"this is hardly a picture of a line or a word: its reading {read!r} has a confidence of {sure:.0%}"
            skipped.append(Skipped(picture.id, f"{why}; give one that shows writing alone"))
            continue
        edges, _ = aligned_edges(reader.info, reader.charset, read, picture.ink, log_probs, ink)
        found.append((ink_of(ink), classes_of(read, charset), edges))
        if len(found) == MOST:
            break
    if not found:
        why = f"; the first of {len(skipped)}: {skipped[0].sentence()}" if skipped else ""
        raise InputError(f"{place} holds no picture of handwriting that can be used{why}")
    each = REFERENCE_COLUMNS // len(found) * COLUMN
    return joined(
        Path(place).name, [(ink[: max(each, SHORTEST)], classes, edges) for ink, classes, edges in found]
    ), skipped


def classes_of(text: str, charset: Charset) -> Classes:
    """The classes (K,) of a text; 0 for characters that the set lacks."""
    return np.array([charset.encode(c)[0] if c in charset else 0 for c in text], np.int64)


def certainty(log_probs: npt.NDArray[np.floating]) -> float:
    """The mean posterior of the frames (T, C) that emit a character rather than the blank, class 0; 0 without any."""
    classes, best = log_probs.argmax(1), np.exp(log_probs.max(1))
    return float(best[classes > 0].mean()) if (classes > 0).any() else 0.0
