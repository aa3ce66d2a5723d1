"""CSV tables of pictures: StackMix's `marking.csv` (sample_id,path,stage,text) and its like."""

import csv as tables
from collections.abc import Iterator
from os.path import isfile
from pathlib import Path
from typing import Any

from scriven.base import LinesError, Skipped
from scriven.importers.common import Ids, Item, from_file, item, not_utf8
from scriven.lines import ALIASES, Line

PATHS = ("path", "file_name", "filename", "image", "file")
TEXTS = ("text", "transcription", "transcript", "label", "words")
STAGES = ("stage", "split", "subset")
IDS = ("sample_id", "id")


def csv(source: Path, *, images: str = "") -> Iterator[Item]:
    """Lines of a CSV file, or of the marking.csv in a folder; a stage that is not train, valid or test is refused.

    Paths are looked up beside the file and then in the folder above it, as StackMix writes them; `images` names
    another folder. Raises LinesError for a file that is no such table.
    """
    ids = Ids()
    file = source / "marking.csv" if source.is_dir() else source
    roots = [Path(images)] if images else [file.parent, file.parent.parent]
    for row in table(file):
        if isinstance(row, Skipped):
            yield row
            continue
        path = Path(pick(row, PATHS))
        id = pick(row, IDS) or ids(path)
        stage = pick(row, STAGES)
        split = ALIASES.get(stage.lower()) if stage else "train"
        if split is None:
            yield Skipped(id, f"its stage {stage!r} is none of train, valid and test; it is never trained on")
            continue
        picture = next((root / path for root in roots if isfile(root / path)), roots[0] / path)
        yield item(split, of_row(row, id, picture, pick(row, TEXTS)))


def table(file: Path, texts: tuple[str, ...] = TEXTS) -> Iterator[dict[str, str] | Skipped]:
    """The rows of a CSV file with a header that names pictures and texts; commas, semicolons or tabs between fields.

    Every field stays text: NaN, NA and null are words like others. Raises LinesError for a file that is no such table.
    """
    try:
        with open(file, newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            head = stream.readline()
            stream.seek(0)
            reader = tables.DictReader(stream, delimiter=max(",;\t", key=head.count))
            names = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = names
            if not set(PATHS) & set(names) or not set(texts) & set(names):
                have = ascii(", ".join(names)) if names else "none"
                raise LinesError(f"{file} needs the columns path and text, and has {have}; save it as CSV, UTF-8")
            for number, row in enumerate(reader, start=2):
                name = f"{file.name}:{number}"
                if None in row or None in row.values():
                    yield Skipped(name, "the row has too many or too few fields; put quotes around its text")
                elif not_utf8("".join(row[n] for n in names if n not in texts)):
                    yield Skipped(name, "the row is not UTF-8; save the table as CSV, UTF-8")
                else:
                    yield row
    except OSError as error:
        raise LinesError(f"cannot open {file}: {error.strerror or error}; check the path") from error
    except tables.Error as error:
        raise LinesError(f"{file} is no CSV table ({error}); save it as CSV, UTF-8") from error


def of_row(row: dict[str, Any], id: str, picture: Path, text: str) -> Line | Skipped:
    """A line of a table's row, with the columns of a lines folder that a foreign table may have too."""
    hand, page, origin = pick(row, ("hand", "writer")), pick(row, ("page",)), pick(row, ("origin",)) or "human"
    confidence = pick(row, ("confidence",))
    return from_file(id, picture, text, hand=hand, page=page, origin=origin, confidence=confidence)


def pick(row: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first of the named fields that is filled, else an empty string."""
    return next((str(row[n]) for n in names if row.get(n) not in (None, "")), "")
