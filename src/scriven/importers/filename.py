"""Pictures with the label in the file name, before the first underscore: `word_0012.png`."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import SettingsError, Skipped
from scriven.importers.common import ImportItem, every_picture, from_file, item


def filename(source: Path, *, separator: str = "_", split: str = "train") -> Iterator[ImportItem]:
    """Lines of all pictures below a folder, sorted; the text is the part of the name before the first `separator`.

    Top-level folders train/, val/, test/ give the split. Raises LinesError if there are no pictures, SettingsError for
    an empty `separator`.
    """
    if not separator:
        raise SettingsError(
            "the setting 'separator' is empty; give the character that follows the text, such as separator=_"
        )
    for part, id, file in every_picture(source, split):
        if text := file.name[: -len(file.suffix)].partition(separator)[0].strip():
            yield item(part, from_file(id, file, text))
        else:
            yield Skipped(id, f"its name has no text before {separator!r}; rename it or move it out of the folder")
