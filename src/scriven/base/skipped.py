"""Skipped inputs, each with its reason, and how error messages list them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

NAMED = 10  # most inputs listed in an error message
ITEM = "\n  "  # separates several listed inputs


@dataclass(frozen=True)
class Skipped:
    """An input that was skipped, and the reason. Every skipped input is reported as one of these."""

    id: str
    reason: str

    def sentence(self) -> str:
        """The id and the reason on one line; an id that begins the reason, or a path inside it, is not repeated."""
        again = re.match(re.escape(self.id) + r"(?:: | (?=(?:is|has|holds) ))", self.reason) if self.id else None
        sentence = f"{self.id}: {self.reason[again.end() if again else 0 :]}"
        if not again and set("/.") & set(self.id) and re.search(rf"\s{re.escape(self.id)}[\s;]", self.reason):
            sentence = self.reason
        return " ".join(sentence.split())


def listed(skipped: Iterable[Skipped]) -> str:
    """Skipped inputs as the end of an error message: a single one on the same line, several on one line each."""
    named = [one.sentence() for one in skipped]
    if len(named) < 2:
        return "".join(f" {one}" for one in named)
    more = [f"and {len(named) - NAMED:,} more"] if len(named) > NAMED else []
    return ITEM + ITEM.join([*named[:NAMED], *more])
