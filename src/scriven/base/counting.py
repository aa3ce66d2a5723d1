"""Counts in messages, and even samples of sequences."""

from collections.abc import Sequence
from typing import TypeVar

Thing = TypeVar("Thing")


def counted(n: int, what: str) -> str:
    """A number with its noun: `1 line`, `2 lines`, `1,000 lines`."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def evenly(things: Sequence[Thing], most: int) -> list[Thing]:
    """At most `most` items of a sequence, evenly spaced from the first to the last."""
    if len(things) <= most:
        return list(things)
    return [things[round(i * (len(things) - 1) / max(1, most - 1))] for i in range(most)]
