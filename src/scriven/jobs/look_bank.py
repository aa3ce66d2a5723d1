"""The page of `look` about a bank of StackMix: where its characters were cut."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scriven.base import evenly
from scriven.images import encode
from scriven.jobs.look_model import TITLE
from scriven.report import (
    AlignedLine,
    Html,
    alignments,
    as_text,
    facts,
    headline,
    page,
    section,
    short_path,
    table,
    text,
)
from scriven.text import name

if TYPE_CHECKING:
    from scriven.scribes.stackmix.bank import Bank


def is_bank(path: Path) -> bool:
    """Whether a path is a finished bank."""
    from scriven.scribes.stackmix.bank import ABOUT

    return (path / ABOUT).is_file()


def bank_page(path: Path, samples: int) -> Html:
    """Counts, `samples` lines with their cuts (0: all), and the characters of a bank. Raises InputError if damaged."""
    import pyarrow.parquet as pq

    from scriven.scribes.stackmix.bank import LINES, Bank
    from scriven.scribes.stackmix.suffixes import BREAK

    bank = Bank.open(path)
    ids = pq.read_table(path / LINES, columns=["id"])["id"].to_pylist()
    letters = Counter(bank.text.replace(BREAK, ""))
    hands = len([hand for hand in bank.hands if hand])
    lines = len(bank.measures)
    shown = [aligned_line(bank, number, ids[number]) for number in evenly(range(lines), samples or lines)]
    numbers = [
        ("lines", f"{lines:,}", ""),
        ("hands", f"{hands:,}" if hands else "unknown", "writers named in the lines"),
        ("characters", f"{sum(letters.values()):,}", f"{len(letters)} distinct"),
    ]
    rows = [{"character": c if c != " " else "␣", "times": n, "name": name(c)} for c, n in letters.most_common()]
    said = (
        f"{len(shown):,} of {lines:,} lines, evenly spread, made upright. Boxes show where each character was cut; one "
        "without a box is in no piece."
    )
    parts = [
        section("Counts", headline(numbers)),
        section("Where the characters were cut", text(said), alignments(shown)),
        section("Characters", table(rows, f"{len(letters)} characters, most frequent first")),
        section("How it was made", facts((k, as_text(v)) for k, v in bank.about.items() if k != "checksums")),
    ]
    return page(f"{TITLE}{short_path(path)}", parts, "Bank of StackMix")


def aligned_line(bank: "Bank", number: int, id: str) -> AlignedLine:
    """Line `number` of a bank: its upright picture and the places of the characters that were cut."""
    from scriven.scribes.stackmix.suffixes import BREAK

    first, last = np.searchsorted(bank.line_of, [number, number + 1]).tolist()
    characters = bank.text[first : last - 1]  # without the break at its end
    start, end = bank.starts[number : number + 2]
    edges = (bank.characters[first : last - 1] - start).tolist()
    cut = [(one, left, right) for one, (left, right) in zip(characters, edges, strict=True) if one != BREAK]
    hand = bank.hands[int(bank.hand_of[number])]
    caption = " · ".join(part for part in (id, hand, f"{len(cut)} of {len(characters)} characters") if part)
    return AlignedLine(encode(np.ascontiguousarray(bank.pixels[start:end].T)), cut, caption)
