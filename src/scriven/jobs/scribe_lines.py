"""The lines that a generator of handwriting is trained on: of lines folders, and written with typefaces."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from scriven.base import Skipped, TextError
from scriven.images import Grey
from scriven.language.texts import source, text_at
from scriven.lines import Line, LinesFolder
from scriven.lines.training_set import training_folders
from scriven.reader.labelled import Lines
from scriven.scribes.specs import SyntheticInput, scribe_of, synthetic_input
from scriven.training.aligned_lines import hand_name


class LineSettings(Protocol):
    """The settings of a training by which its lines are chosen."""

    @property
    def level(self) -> Literal["lines", "words", "both"]: ...
    @property
    def lines_per_hand(self) -> int | None: ...
    @property
    def font_lines(self) -> int: ...
    @property
    def font_hands(self) -> int: ...
    @property
    def seed(self) -> int: ...


def lines_of(given: str | Path, settings: LineSettings) -> Iterator[tuple[dict[str, Any], int, Lines]]:
    """The lines of an input, with a record of it and their number: of a folder, or written with typefaces."""
    if synthetic := synthetic_input(given):
        yield {"path": str(given)}, settings.font_lines, _written(synthetic, settings)
        return
    for folder in training_folders(given, settings.level):
        record = {"path": str(given), "level": folder.level or "lines", "fingerprint": folder.fingerprint()}
        ids = _drawn(folder, settings)
        lines = (line for line in folder.lines("train") if line.id in ids)
        yield record, len(ids), ((line, partial(folder.picture, line)) for line in lines)


def _drawn(folder: LinesFolder, settings: LineSettings) -> set[str]:
    """The ids of the training lines that are used, at most `lines_per_hand` of a hand, or of a page without hands."""
    columns = folder.columns("train", ["id", "hand", "page"])
    rows = list(zip(columns["id"], columns["hand"], columns["page"], strict=True))
    used, drawn = Counter[str](), set[str]()
    for index in np.random.default_rng(settings.seed).permutation(len(rows)).tolist():
        id, hand, page = rows[index]
        key = hand_name(id, hand, page)
        used[key] += 1
        if used[key] <= (settings.lines_per_hand or len(rows)):
            drawn.add(id)
    return drawn


def _written(given: SyntheticInput, settings: LineSettings) -> Lines:
    """Words and lines that a scribe writes, in `font_hands` hands."""
    scribe, texts = scribe_of(given.scribe), source(f"mixed:{given.texts}")
    hands = np.random.default_rng(settings.seed).integers(scribe.hands, size=settings.font_hands).tolist()
    for number in range(settings.font_lines):
        text, rng = text_at(texts, settings.seed, number), np.random.default_rng([settings.seed, number])
        id = f"{given.scribe}-{number}"
        try:
            made = scribe.write(text, rng, hand=hands[number % len(hands)])
        except TextError as error:
            yield Skipped(id, str(error))
            continue
        yield Line(id, b"", made.text, hand=made.hand), partial(_same, made.picture)


def _same(picture: Grey) -> Grey:
    return picture


def above(first: Grey, second: Grey) -> Grey:
    """Two pictures, one above the other, with paper to the right of the narrower one."""
    wide = max(first.shape[1], second.shape[1])
    padded = [np.pad(one, ((0, 0), (0, wide - one.shape[1])), constant_values=255) for one in (first, second)]
    return np.asarray(np.vstack(padded), np.uint8)
