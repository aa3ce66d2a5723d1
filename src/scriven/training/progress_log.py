"""Rows of the training log as sentences."""

from typing import Any

from scriven.training.validation import ATTENTION_CER

WAITING = 0.05  # share of the time spent waiting for pictures from which the log mentions it


def format_log_row(row: dict[str, Any], validated_on: str) -> str:
    """A row of the log as a sentence; `validated_on` says what its CER was measured on."""
    best = " (best so far)" if row["best"] else ""
    waiting = f", {row['waiting']:.0%} of the time waiting for pictures" if row["waiting"] > WAITING else ""
    replayed = f", {100 * row['replay_cer']:.2f} % on what is replayed" if "replay_cer" in row else ""
    attention = f" ({100 * row[ATTENTION_CER]:.2f} % by attention)" if ATTENTION_CER in row else ""
    cer = f"CER {100 * row['cer']:.2f} %{attention} on {validated_on}{replayed}{best}"
    return f"step {row['step']}, {row['minutes']:.1f} min: loss {row['loss']:.3f}, {cer}{waiting}"
