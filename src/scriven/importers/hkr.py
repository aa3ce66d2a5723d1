"""HKR: handwritten Kazakh and Russian in Cyrillic, words and lines of poems by about 200 writers (Nurseitov 2021).

The partition is the authors': `HKR_splitting.csv` (`id,stage` with train, val, test1 and test2). test1 has words that
are not in train; test2 has words of train by other writers.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from scriven.base import LinesError, Skipped
from scriven.importers.common import ImportItem, folder, from_file, item, read_text
from scriven.importers.partition import read_columns
from scriven.importers.published import as_published
from scriven.lines.datasets import DATA_SETS

STAGES = {"train": "train", "val": "valid", "valid": "valid", "test1": "test", "test2": "test"}
SPLITTING = "HKR_splitting.csv"


def hkr(source: Path, *, test: Literal["all", "test1", "test2"] = "all", partition: str = "") -> Iterator[ImportItem]:
    """Pictures (`img/ID.jpg`) with the texts of `ann/ID.json`, below the source or one of its folders.

    `test`: the lines of the test split, all or those of one list. `partition`: the file HKR_splitting.csv, if it is
    not in the source. Rows with another stage are skipped. Raises LinesError if a folder or that file is missing.
    """
    sizes = DATA_SETS["hkr"].sizes if test == "all" else None
    yield from as_published(_lines(source, test, partition), "hkr", sizes=sizes)


def _lines(source: Path, test: str, partition: str) -> Iterator[ImportItem]:
    places = [folder(source, "the HKR data set"), *sorted(p for p in source.iterdir() if p.is_dir())]
    root = next((p for p in places if (p / "ann").is_dir() and (p / "img").is_dir()), None)
    if root is None:
        raise LinesError(f"{source} should have img/ with the pictures and ann/ with the texts; check the path")
    table = Path(partition) if partition else next((f for p in places if (f := p / SPLITTING).is_file()), None)
    if table is None:
        raise LinesError(f"{source} should have {SPLITTING}, the partition of its authors; give it as partition=FILE")
    for row in read_columns(table, frozenset(("id", "stage"))):
        if isinstance(row, Skipped):
            yield row
            continue
        id, stage = row["id"], row["stage"]
        if stage not in STAGES:
            yield Skipped(id, f"its stage {stage!r} is not {', '.join(STAGES)}; correct {table.name} to import it")
        elif STAGES[stage] == "test" and test not in ("all", stage):
            continue
        else:
            text = _text(root / "ann" / f"{id}.json")
            made = text if isinstance(text, Skipped) else from_file(id, root / "img" / f"{id}.jpg", text)
            yield item(STAGES[stage], made)


def _text(file: Path) -> str | Skipped:
    """The `description` in an annotation, or why it cannot be used."""
    try:
        found: Any = json.loads(read_text(file))
    except LinesError as error:
        return Skipped(file.stem, str(error))
    except (ValueError, RecursionError) as error:
        return Skipped(file.stem, f"{file.name} is not JSON ({error}); get it again")
    text = found.get("description") if isinstance(found, dict) else None
    if not isinstance(text, str):
        return Skipped(file.stem, f"{file.name} has no text as `description`; get it again")
    return text
