"""Which files belong to which split, and which lines are held out for validation if there is no valid split."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

ALIASES = {  # accepted names of splits, in names of files and folders; `evaluation` has the test sets of Clova's data
    **dict.fromkeys(("train", "training", "trainset"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "valid"),
    **dict.fromkeys(("test", "testing", "testset", "evaluation"), "test"),
}
SPLITS = ("train", "valid", "test")
STAGE_COLUMNS = ("stage", "split", "subset")  # columns of tables that name the split of a row
LEVELS = ("lines", "words")
TABLE_SUFFIXES = (".csv", ".tsv")  # extensions of tables of lines
NO_SPLIT = "its name does not begin with train, valid or test; rename it or move it out of the folder"


def is_table(file: Path) -> bool:
    """Whether a file is a table of lines, by its extension."""
    return file.suffix.lower() in TABLE_SUFFIXES


def find(path: Path, level: str | None = None) -> tuple[dict[str, list[Path]], list[Path]]:
    """The files of each split in order, and the Parquet files beside them whose names do not start with a split.

    A single Parquet, CSV or TSV file is a train split. A tree `<split>/<level>.parquet` is used if no file of the
    folder (or of its `data/`) is named after a split; without `level`, lines are preferred to words.
    """
    if path.is_file():
        return ({"train": [path]} if path.suffix.lower() == ".parquet" or is_table(path) else {}), []
    splits: dict[str, list[Path]] = {}
    unnamed = []
    for file in sorted(f for pattern in ("*.parquet", "data/*.parquet") for f in path.glob(pattern)):
        split = ALIASES.get(file.name.split("-")[0].split(".")[0])
        if split:
            splits.setdefault(split, []).append(file)
        elif not file.name.startswith("."):
            unnamed.append(file)
    if not splits:
        for folder in sorted(p for p in path.iterdir() if p.is_dir() and p.name in ALIASES):
            there = [f for wanted in ((level,) if level else LEVELS) if (f := folder / f"{wanted}.parquet").is_file()]
            splits.setdefault(ALIASES[folder.name], []).extend(there[:1])
    return {s: splits[s] for s in SPLITS if splits.get(s)}, unnamed


def held_out(hands: Sequence[str], pages: Sequence[str], ids: Sequence[str]) -> list[bool]:
    """Which lines are held out for validation: one hand in ten by hash, one page or line in ten if there are few hands.

    Whole hands (pages) are held out; the choice depends on their names only, not on their order.
    """
    for keys in (hands, pages, ids):
        distinct = {k for k in keys if k}
        if len(distinct) >= 10 or keys is ids:
            break
    ranked = sorted(distinct, key=lambda k: hashlib.sha256(k.encode()).digest())
    chosen = set(ranked[: max(1, len(ranked) // 10)]) if len(ranked) > 1 else set()
    return [k in chosen for k in keys]


def usage_subset(ids: Sequence[str], fraction: float) -> set[str]:
    """The ids of a fraction (0..1) of the lines, rounded down but at least one: those with the smallest hashes.

    The choice depends on the ids only, and a smaller fraction is part of a larger one. It is independent of `held_out`.
    """
    ranked = sorted(set(ids), key=lambda id: hashlib.sha256(f"usage {id}".encode()).digest())
    return set(ranked[: max(1, int(fraction * len(ranked) + 1e-9))])
