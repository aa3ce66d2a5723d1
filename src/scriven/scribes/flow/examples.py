"""A hand from pictures of its writing, read and aligned by a recogniser."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scriven.base import ImageError, InputError, Skipped
from scriven.images import PICTURE_SUFFIXES, Grey, open_image, prepare
from scriven.lines import LinesFolder
from scriven.reader.boundaries import aligned_edges
from scriven.reader.ctc_decoder import ctc_posteriors
from scriven.reader.ctc_paths import greedy_text
from scriven.reader.session import Picture, Reader
from scriven.scribes.flow.columns import HEIGHT, Classes, Floats, ink_of
from scriven.scribes.flow.model import REFERENCE_COLUMNS, Hand, joined
from scriven.text import Charset

MOST = 15  # pictures of a hand that are used


def hand_of(place: str | Path, charset: Charset, model: str | Path = "scriven-general") -> tuple[Hand, list[Skipped]]:
    """The hand of up to MOST pictures of lines or words: a picture, a folder of them, or a lines folder.

    Their characters are read by `model`. With the hand, the pictures that are unusable. Raises InputError if all are,
    or if the model does not decode by CTC.
    """
    reader, skipped = Reader.load(model, threads=1), list[Skipped]()
    if "ctc" not in reader.info.decoders:
        raise InputError(f"{model} does not decode by CTC, by which characters are found; choose another model")
    waiting: list[Grey] = []  # pictures, HEIGHT px high, not stretched

    def prepared() -> Iterator[Picture]:
        for one in _pictures(Path(place)):
            if isinstance(one, Skipped):
                skipped.append(one)
                continue
            try:
                ready, ink = reader.prepare(*one), prepare(one[1], HEIGHT)
            except ImageError as error:
                skipped.append(Skipped(one[0], str(error)))
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
        edges, _ = aligned_edges(reader.info, reader.charset, read, picture.ink, log_probs, ink)
        found.append((ink_of(ink), classes_of(read, charset), edges))
        if len(found) == MOST:
            break
    if not found:
        why = f"; the first of {len(skipped)}: {skipped[0].sentence()}" if skipped else ""
        raise InputError(f"{place} holds no picture of handwriting that can be used{why}")
    each = REFERENCE_COLUMNS // len(found) * 8
    return joined(Path(place).name, [(ink[: max(each, 24)], classes, edges) for ink, classes, edges in found]), skipped


def classes_of(text: str, charset: Charset) -> Classes:
    """The classes (K,) of a text; 0 for characters that the set lacks."""
    return np.array([charset.encode(c)[0] if c in charset else 0 for c in text], np.int64)


def _pictures(place: Path) -> Iterator[tuple[str, Grey] | Skipped]:
    """The grey pictures of a lines folder, a folder of pictures, or a single one, with their names."""
    if place.is_dir() and any(place.rglob("*.parquet")):
        folder = LinesFolder(place)
        for line in folder.lines():
            try:
                yield line.id, folder.picture(line)
            except ImageError as error:
                yield Skipped(line.id, str(error))
        return
    files: Sequence[Path] = sorted(p for p in place.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    for file in files if place.is_dir() else [place]:
        try:
            yield file.name, open_image(file)
        except ImageError as error:
            yield Skipped(file.name, str(error))
