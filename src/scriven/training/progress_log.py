"""Rows of the training log in words."""

from typing import Any

WAITING = 0.05  # of the time, that training may wait for pictures before the log says so


def format_log_row(row: dict[str, Any], validated_on: str) -> str:
    """An evaluation in words: its row of the log, and what its CER was measured on."""
    best = " (best so far)" if row["best"] else ""
    waiting = f", {row['waiting']:.0%} of the time waiting for pictures" if row["waiting"] > WAITING else ""
    cer = f"CER {100 * row['cer']:.2f} % on {validated_on}{best}"
    return f"step {row['step']}, {row['minutes']:.1f} min: loss {row['loss']:.3f}, {cer}{waiting}"
