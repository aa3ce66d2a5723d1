"""The file of predictions of `score`: one row per transcribed line, as CSV or as JSON lines.

An empty prediction of a text counts as an error of 100 %. Without a transcription that is not empty, insertions are
divided by 1.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from scriven.base import OutputError, SettingsError, atomic
from scriven.lines.delimited import write_row
from scriven.lines.records import geometric_mean, product
from scriven.metrics import distance
from scriven.text import normalise

log = logging.getLogger("scriven")

COLUMNS = (
    "set", "id", "text", "prediction", "confidence", "confidence_product", "confidence_mean",
    "edits", "characters", "cer",
)  # fmt: skip
SUFFIXES = (".csv", ".jsonl")


class Predicted(Protocol):
    """The readings of a lines folder and its transcriptions, all lists of the same length."""

    name: str
    ids: list[str]
    references: list[str]
    predictions: list[str]
    line_confidences: list[float]
    characters_of_lines: list[list[float]]


def check_place(file: Path) -> None:
    """Raises SettingsError for another suffix than those of SUFFIXES, OutputError if the file exists."""
    if file.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"predictions are written as {' or '.join(SUFFIXES)}; name a file that ends so, not {file}")
    if file.exists():
        raise OutputError(f"{file} exists; choose another --predictions or delete it")


def save(sets: Sequence[Predicted], file: Path) -> None:
    """Write the predictions of some sets. Raises OutputError as `check_place` does, and if it cannot be written."""
    check_place(file)
    with atomic(file, "w") as out:
        if file.suffix.lower() == ".jsonl":
            out.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows(sets))
        else:
            out.write(write_row(COLUMNS))
            cells = ([None if row[key] is None else str(row[key]) for key in COLUMNS] for row in rows(sets))
            out.writelines(map(write_row, cells))
    log.info("predictions: %s", file)


def rows(sets: Sequence[Predicted]) -> Iterator[dict[str, Any]]:
    """A row for each line with a transcription, in order, with the keys COLUMNS; rates are fractions.

    `confidence` is the calibrated one of the whole line; `confidence_product` and `confidence_mean` are the product and
    the geometric mean of those of the characters, None for an empty prediction.
    """
    for one in sets:
        every = (one.ids, one.references, one.predictions, one.line_confidences, one.characters_of_lines)
        for id, reference, prediction, confidence, characters in zip(*every, strict=True):
            text, read = normalise(reference), normalise(prediction)
            edits = distance(text, read)
            yield {
                "set": one.name,
                "id": id,
                "text": text,
                "prediction": read,
                "confidence": round(confidence, 6),
                "confidence_product": product(characters),
                "confidence_mean": geometric_mean(characters),
                "edits": edits,
                "characters": len(text),
                "cer": edits / max(len(text), 1),
            }
