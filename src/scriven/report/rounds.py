"""The rounds of self-training as a table and a curve, from the log of `adapt`; no transcriptions are needed."""

from collections.abc import Mapping, Sequence
from typing import Any

from scriven.report.chart import curve
from scriven.report.document import Html
from scriven.report.pieces import prose, table

EXPLAINED = """
Round 0 is the parent model. In each round the model is trained on its own most confident readings (pseudo-labels) and
then evaluated on held-out pictures, without transcriptions. In an affine round only the affine parameters of the
normalisation layers are trained, less than 1 % of all parameters.

- kept: whether the round improved the model. A round that did not is discarded and training stops; after an affine
  round it continues.
- pseudo-labels: number of readings that the model was trained on.
- view disagreement: every held-out picture is read twice, as it is and slightly narrower; the share of characters in
  which the two readings differ. Lower is better.
- language-model bits per character: how unlikely the readings are under a language model. Lower is better.
- characters per line: mean length of a reading. A large change means that text is skipped or invented.

None of these is an error rate: a model can agree with itself and be wrong.
"""

RENAMED_KEYS = {  # keys in logs of version 0.1
    "disagreement": "view_disagreement",
    "surprise": "lm_bits_per_char",
    "believed": "pseudo_labels",
}


def rounds_kept(rows: Sequence[Mapping[str, Any]]) -> int:
    """Number of rounds that improved the model; the first row is the parent model."""
    return sum(bool(row["accepted"]) for row in rows[1:])


def rounds(rows: Sequence[Mapping[str, Any]]) -> Html:
    """A table of all rounds, an explanation of its columns, and the curve of the view disagreement."""
    differ = [(row["round"], row["view_disagreement"]) for row in map(_present, rows) if "view_disagreement" in row]
    drawn = curve({"two views": differ}, x="round", y="view disagreement", percent=True) if len(differ) > 1 else ""
    return Html("\n".join((prose(EXPLAINED), table([_row(row) for row in rows]), drawn)))


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the keys of this version."""
    return {RENAMED_KEYS.get(key, key): value for key, value in row.items()}


def _row(row: Mapping[str, Any]) -> dict[str, object]:
    row = _present(row)
    return {
        "round": f"{row.get('round')}{', affine parameters only' if row.get('moved') else ''}",
        "kept": "yes" if row.get("accepted") else "no",
        "pseudo-labels": row.get("pseudo_labels"),
        "view disagreement": _number(row.get("view_disagreement"), 100, 1, " %"),
        "language-model bits per character": _number(row.get("lm_bits_per_char"), 1, 2),
        "characters per line": _number(row.get("characters"), 1, 1),
    }


def _number(value: Any, times: float, digits: int, unit: str = "") -> str | None:
    return f"{value * times:.{digits}f}{unit}" if isinstance(value, int | float) else None
