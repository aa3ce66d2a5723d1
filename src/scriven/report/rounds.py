"""The rounds of an adaptation in plain words: what `adapt` wrote down of each of them, without any transcription."""

from collections.abc import Mapping, Sequence
from typing import Any

from scriven.report.chart import curve
from scriven.report.document import Html
from scriven.report.pieces import prose, table

WORDS = """
Round 0 is the model as it came. In each round it learns from the readings of its own that it trusts most. Then it is
judged by pictures that it does not learn from, still without a transcription. Where the first round is gentle, only
scales and shifts move, under one in a hundred of the model's numbers.

- kept: whether the round made the model better. A round that did not is thrown away, and the learning ends; after the
  gentle round it goes on.
- readings learnt from: how many of its own readings the model trusted.
- readings of two views that differ: every picture is read twice, once as it is and once a little narrower; how much
  the two readings differ. Less is better.
- surprise: how odd the readings look to a language model, in bits a character. Less is more like the language.
- characters a line: the mean length of a reading. A large change would mean that text is skipped or made up.

None of these is an error rate: a model can agree with itself and be wrong.
"""

RENAMED = {
    "disagreement": "view_disagreement",
    "surprise": "lm_bits_per_char",
    "believed": "pseudo_labels",
}  # since 0.1


def rounds_kept(rows: Sequence[Mapping[str, Any]]) -> int:
    """How many rounds made the model better; the first row is the model as it came."""
    return sum(bool(row["accepted"]) for row in rows[1:])


def rounds(rows: Sequence[Mapping[str, Any]]) -> Html:
    """A curve, a table of all rounds and a sentence for each of its columns."""
    differ = [(row["round"], row["view_disagreement"]) for row in map(_present, rows) if "view_disagreement" in row]
    drawn = curve({"two views": differ}, x="round", y="readings that differ", percent=True) if len(differ) > 1 else ""
    return Html("\n".join((prose(WORDS), table([_row(row) for row in rows]), drawn)))


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the keys of this version."""
    return {RENAMED.get(key, key): value for key, value in row.items()}


def _row(row: Mapping[str, Any]) -> dict[str, object]:
    row = _present(row)
    return {
        "round": f"{row.get('round')}{', affine_steps' if row.get('moved') else ''}",
        "kept": "yes" if row.get("accepted") else "no",
        "readings learnt from": row.get("pseudo_labels"),
        "readings of two views that differ": _number(row.get("view_disagreement"), 100, 1, " %"),
        "surprise, bits a character": _number(row.get("lm_bits_per_char"), 1, 2),
        "characters a line": _number(row.get("characters"), 1, 1),
    }


def _number(value: Any, times: float, digits: int, unit: str = "") -> str | None:
    return f"{value * times:.{digits}f}{unit}" if isinstance(value, int | float) else None
