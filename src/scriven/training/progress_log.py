"""Rows of the training log as sentences."""

from typing import Any

WAITING = 0.05  # share of the time spent waiting for pictures from which the log mentions it


def format_log_row(row: dict[str, Any], validated_on: str) -> str:
    """A row of the log as a sentence; `validated_on` says what its CER was measured on."""
    best = " (best so far)" if row["best"] else ""
    waiting = f", {row['waiting']:.0%} of the time waiting for pictures" if row["waiting"] > WAITING else ""
    replayed = f", {100 * row['replay_cer']:.2f} % on what is replayed" if "replay_cer" in row else ""
    by_ctc = f" ({100 * row['ctc_cer']:.2f} % by CTC)" if "ctc_cer" in row else ""
    cer = f"CER {100 * row['cer']:.2f} %{by_ctc} on {validated_on}{replayed}{best}"
    return f"step {row['step']}, {row['minutes']:.1f} min: loss {row['loss']:.3f}, {cer}{waiting}"
