"""The lines folders and characters of a training set, for `scriven train` and for the forecast of `scriven doctor`."""

from pathlib import Path

from scriven.base import LinesError
from scriven.lines.folder import LinesFolder
from scriven.lines.splits import held_out
from scriven.text import Charset, normalise, visual

TRAINING_SPLITS = ("train", "valid")  # the splits that training uses


def training_folders(path: str | Path, level: str) -> list[LinesFolder]:
    """The lines folder at a path; for the level `both`, those of the lines and words of a tree. Raises LinesError."""
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


def held_out_ids(folder: LinesFolder) -> set[str]:
    """The ids of the lines of the train split that training holds out for validation; none if there is a valid split.

    They are one hand in ten; where there are too few hands, pages; where there are too few pages, lines.
    """
    if "valid" in folder.splits:
        return set()
    rows = folder.columns("train", ["hand", "page", "id"])
    hands, pages, ids = ([str(value or "") for value in rows[key]] for key in ("hand", "page", "id"))
    return {id for id, held in zip(ids, held_out(hands, pages, ids), strict=True) if held}


def training_characters(folder: LinesFolder) -> set[str]:
    """All characters of the texts of the splits that training uses, in their visual form, including the space."""
    texts = (
        text for split in TRAINING_SPLITS if split in folder.splits for text in folder.columns(split, ["text"])["text"]
    )
    return set(Charset.of(visual(normalise(text)) for text in texts if text).characters)
