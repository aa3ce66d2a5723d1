"""docTR's recognition data set: a folder `images/` and a `labels.json` of file name and text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scriven.base import LinesError, Skipped
from scriven.importers.common import Ids, ImportItem, folder, from_file, item, located, read_text, split_of


def doctr(source: Path, *, images: str = "", split: str = "train") -> Iterator[ImportItem]:
    """Lines of a labels.json, or of every one below a folder; top-level folders train/, val/, test/ give the split.

    Pictures are in `images/` beside the file, else beside it, or else in the folder `images`. The text null is unknown:
    its line has none. Raises LinesError for a
    file that is not such an object, or if there is none.
    """
    files = [source] if source.is_file() else sorted(folder(source, "a docTR data set").rglob("labels.json"))
    if not files:
        raise LinesError(f"{source} should have a labels.json beside a folder images/, but has none; check the path")
    ids = Ids()
    for file in files:
        within = file.relative_to(source).parent if source.is_dir() else Path()
        for name, text in _labels(file):
            picture, relative = located(name, [file.parent / "images", file.parent], images)
            where = relative if relative.is_absolute() else within / relative
            if text is None or isinstance(text, str):
                yield item(split_of(where, split), from_file(ids(where), picture, text))
            else:
                kind = "an object" if isinstance(text, _Pairs) else "a list" if isinstance(text, list) else str(text)
                wrong = f"its label in {file} is {kind}, not a text"
                yield Skipped(ids(where), f"{wrong}; write its transcription in quotation marks, or null if unknown")


def _labels(file: Path) -> list[tuple[str, Any]]:
    """The pairs of an object of names and texts, repeated ones too. Raises LinesError."""
    try:
        found = json.loads(read_text(file), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise LinesError(f"{file} is not a JSON file ({error}); copy it again") from error
    if not isinstance(found, _Pairs):
        raise LinesError(f'{file} should hold an object {{"picture.png": "text", ...}}; give the labels.json of docTR')
    return found


class _Pairs(list[tuple[str, Any]]):
    """The pairs of a JSON object in order."""
