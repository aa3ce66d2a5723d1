r"""Paths written on other systems: with `\` between folders, or in another Unicode normal form."""

import os
import unicodedata
from pathlib import Path

FORMS = ("NFC", "NFD")


def existing(path: str | Path) -> Path:
    r"""The existing file or folder that a path refers to; the path unchanged if there is none.

    Tried in this order: the path itself; its names in any Unicode normal form (macOS stores `é` as two characters);
    the same with `/` for `\`, the separator of Windows.
    """
    given = Path(path)
    if _exists(given):
        return given
    for spelling in (str(path), str(path).replace("\\", "/")):
        if (found := _equivalent(Path(spelling))) is not None:
            return found
    return given


def _equivalent(path: Path) -> Path | None:
    """An existing path whose names equal the given ones up to their normal form; None if there is none."""
    found = Path(path.anchor)
    for name in path.parts[1:] if path.anchor else path.parts:
        there = next((p for p in (found / name, *(found / _form(f, name) for f in FORMS)) if _exists(p)), None)
        if there is None and not name.isascii():  # an ASCII name has one form only
            try:
                there = next((found / n for n in os.listdir(found) if _form("NFC", n) == _form("NFC", name)), None)
            except (OSError, ValueError):
                return None
        if there is None:
            return None
        found = there
    return found


def _form(form: str, name: str) -> str:
    return unicodedata.normalize(form, name)  # type: ignore[arg-type]


def _exists(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):  # a name that no file can have
        return False
