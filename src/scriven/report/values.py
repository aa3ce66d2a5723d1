"""Values of JSON and paths as text for tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def value_of(key: str, value: Any) -> str | float | None:
    """A value for display: error rates in percent, fingerprints shortened."""
    if key in ("cer", "wer") and isinstance(value, int | float):
        return f"{100 * value:.1f} %"
    return value[:12] if key in ("fingerprint", "sha256") and isinstance(value, str) else as_text(value)


def as_text(value: Any) -> str | float | None:
    """Any JSON value as text; lists are joined by commas."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {value_of(k, v)}" for k, v in value.items())
    return ", ".join(str(as_text(v)) for v in value) if isinstance(value, list | tuple) else str(value)


def short_path(path: Path) -> str:
    """The last three parts of the path of a folder, as it was given."""
    given = path if path.name and ".." not in path.parts else path.resolve()
    return "/".join([part for part in given.parts if part != given.anchor][-3:])
