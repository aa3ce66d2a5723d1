"""The pictures of a demo, and their transcriptions if known."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from scriven.base import InputError, LinesError, Skipped, counted
from scriven.lines import LinesFolder
from scriven.page.inputs import LinePicture, find_inputs, line_pictures
from scriven.page.names import STANDARD_INPUT
from scriven.selftrain.pictures import MIN_PICTURES
from scriven.selftrain.settings import AdaptSettings

BESIDE = (".gt.txt", ".txt")  # endings of the file with the transcription of a picture of the same name
Key = tuple[str, str]  # the name of an input and the id of a picture in it


def listed(inputs: Sequence[str | Path]) -> tuple[dict[Key, LinePicture], list[Skipped]]:
    """The pictures that `adapt` uses, without their pixels, and what was skipped.

    `text` of a picture is a transcription by a person, or None. Raises InputError for standard input and for fewer
    pictures than `adapt` needs.
    """
    if any(str(given) == STANDARD_INPUT for given in inputs):
        raise InputError("the demo reads its pictures several times; save standard input to a file and give its path")
    found, skipped = dict[Key, LinePicture](), list[Skipped]()
    for item in opened(inputs):
        if isinstance(item, Skipped):
            skipped.append(item)
        else:
            found[key_of(item)] = replace(item, picture=None, text=_transcription(item))
    if len(found) < MIN_PICTURES:
        why = f" (skipped: {skipped[0].sentence()})" if skipped else ""
        raise InputError(
            f"{counted(len(found), 'picture')} can be read, but adapting to a hand needs at least {MIN_PICTURES}; give "
            f"more pictures of lines{why}"
        )
    return found, skipped


def opened(inputs: Sequence[str | Path], wanted: Collection[Key] | None = None) -> Iterator[LinePicture | Skipped]:
    """The pictures with their pixels, only the `wanted` ones if given, and what cannot be opened, in order.

    In a lines folder, the pictures are those of the train split.
    """
    found, missing = find_inputs(inputs)
    yield from missing
    for source in found:
        try:
            split = (
                "train" if source.lines and "train" in LinesFolder(source.path, AdaptSettings.level).splits else None
            )
            for item in line_pictures(source, AdaptSettings.level, split):
                if isinstance(item, Skipped) or wanted is None or key_of(item) in wanted:
                    yield item
        except LinesError as error:  # affects the rest of this folder only
            yield Skipped(str(source.path), str(error))


def key_of(item: LinePicture) -> Key:
    return item.input.name, item.id


def _transcription(item: LinePicture) -> str | None:
    """The transcription by a person: the text of a lines folder or CSV, or of a file beside the picture."""
    if item.input.lines:
        return None if item.by_model else item.text
    for ending in BESIDE:
        file = item.source.with_name(item.source.stem + ending)
        if not item.part and file.is_file():
            return " ".join(file.read_text("utf-8-sig", errors="replace").split()) or None
    return None
