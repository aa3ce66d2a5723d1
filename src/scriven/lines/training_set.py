"""What training takes of a path with lines: its folders, and the characters of their texts.

`scriven train` and the forecast of `scriven doctor` both use these functions.
"""

from pathlib import Path

from scriven.base import LinesError
from scriven.lines.folder import LinesFolder
from scriven.text import Charset, normalise, visual

LEARNT = ("train", "valid")  # the splits that a network learns from and is validated on


def training_folders(path: str | Path, level: str) -> list[LinesFolder]:
    """The lines folder at a path; with the level `both` two of a tree that holds words and lines. Raises LinesError."""
    if level != "both":
        return [LinesFolder(path, level or None)]
    found: list[LinesFolder] = []
    for one in ("lines", "words"):
        try:
            folder = LinesFolder(path, one)
        except LinesError:
            continue
        if not found or folder.splits != found[0].splits:
            found.append(folder)
    return [f for f in found if any(f.count(s) for s in f.splits)] or [LinesFolder(path)]


def training_characters(folder: LinesFolder) -> set[str]:
    """All characters of the texts that are learnt or validated on, as they are seen, the space among them."""
    texts = (text for split in LEARNT if split in folder.splits for text in folder.columns(split, ["text"])["text"])
    return set(Charset.of(visual(normalise(text)) for text in texts if text).characters)
