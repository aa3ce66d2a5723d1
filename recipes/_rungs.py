"""Shared by the recipes that train on the same lines with one thing more a rung: the lines of a seed, and the table."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _common import Row, between, markdown, written

from scriven.lines import LinesFolder

SPLITS = ("train", "valid", "test")


def drawn_lines(source: Path, out: Path, count: int, seed: int, command: str) -> Path:
    """The lines folder of `count` training lines drawn by a seed (0: all), and of all valid and test lines."""
    folder = LinesFolder(source, "lines")
    ids = [str(one) for one in folder.columns("train", ["id"])["id"]]
    if count:
        ids = [ids[i] for i in np.random.default_rng(seed).permutation(len(ids))[:count].tolist()]
    chosen = set(ids)
    splits = {name: folder.lines(name) for name in SPLITS if name in folder.splits}
    splits["train"] = (line for line in splits["train"] if line.id in chosen)
    about = {"command": command, "source": source.name, "lines": count, "seed": seed}
    return written(out / f"lines-{count or 'all'}-{seed}", splits, about)


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation in percent; of a single value only that."""
    mean = f"{100 * statistics.mean(values):.2f}"
    return f"{mean} ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else mean


def table(rows: Sequence[Row], usual: str) -> str:
    """A row for each rung, and its CER relative to the rung `usual` of the same seeds."""
    known = {row["seed"]: row["cer"] for row in rows if row["rung"] == usual}
    found = []
    for rung in dict.fromkeys(row["rung"] for row in rows):
        some = [row for row in rows if row["rung"] == rung]
        both = [row["cer"] / known[row["seed"]] - 1 for row in some if row["seed"] in known]
        found.append(
            {
                "rung": rung,
                "test CER %": spread([row["cer"] for row in some]),
                "WER %": spread([row["wer"] for row in some]),
                "exact lines %": spread([row["exact"] for row in some]),
                f"CER against {usual}": f"{100 * statistics.mean(both):+.1f} %" if both else "-",
                "seeds": len(some),
                "batches": round(statistics.mean(row["steps"] for row in some)),
            }
        )
    one, dates = rows[0], between(row["date"] for row in rows)
    lines = f"{one['lines']} training lines" if one["lines"] else "All training lines"
    about = f"{lines}, from {one['model']}, {one['budget']}, n {one['n']} test lines. Measured {dates}."
    return f"{about}\n\n{markdown(found)}"
