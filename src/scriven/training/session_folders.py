"""Session folders of the label-free HTR learner (Wolf & Fink 2022): their newest checkpoint and their characters.

A session has `config.json` and `checkpoints/<number>/checkpoint.pt`; after self-training also `tuning_checkpoints/`.
"""

import json
from pathlib import Path

from scriven.base import InputError

STAGES = ("tuning_checkpoints", "checkpoints")  # the later one first
CHECKPOINT, CONFIG = "checkpoint.pt", "config.json"


def newest_checkpoint(session: Path) -> Path:
    """The checkpoint with the highest number: of self-training, or of pre-training where there is none of it.

    Raises InputError for a folder without checkpoints.
    """
    for stage in STAGES:
        found = [file for file in session.glob(f"{stage}/*/{CHECKPOINT}") if file.parent.name.isdecimal()]
        if found:
            return max(found, key=lambda file: int(file.parent.name))
    expected = " or ".join(f"{stage}/<number>/{CHECKPOINT}" for stage in STAGES)
    raise InputError(
        f"the folder {session} is no session of the label-free HTR learner ({expected} is expected in it); give a "
        "session, or a file of weights"
    )


def configured_characters(checkpoint: Path) -> str:
    """The characters of a checkpoint by the `config.json` beside it or of its session; "" where there is none.

    Raises InputError for one that cannot be read or has no characters.
    """
    folders = [checkpoint.absolute().parent]
    if folders[0].parent.name in STAGES:
        folders.append(folders[0].parent.parent)  # the session
    for file in (folder / CONFIG for folder in folders):
        if file.is_file():
            return _characters(file)
    return ""


def _characters(file: Path) -> str:
    try:
        read = json.loads(file.read_text("utf-8"))
        fields = read.get("fields", read)
        characters = "".join(fields["charset"])  # a text, or a list of characters
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{_unreadable(file)} ({type(error).__name__})") from error
    if not characters:
        raise InputError(f"{_unreadable(file)} (it is empty)")
    return characters


def _unreadable(file: Path) -> str:
    return f"give the characters of the checkpoint with --chars, or mend {file}: its `charset` cannot be read"
