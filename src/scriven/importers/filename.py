"""Pictures whose label is in the file name, before the first underscore: `word_0012.png`."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import SettingsError
from scriven.importers.common import Item, every_picture, from_file, item


def filename(source: Path, *, separator: str = "_", split: str = "train") -> Iterator[Item]:
    """Lines of all pictures below a folder, sorted; the text is the name before the first `separator`.

    Folders train/, val/, test/ at its top give the split. Raises LinesError when there are no pictures, SettingsError.
    """
    if not separator:
        raise SettingsError("the setting 'separator' is empty; give what stands after the text, such as separator=_")
    for part, id, file in every_picture(source, split):
        yield item(part, from_file(id, file, file.name[: -len(file.suffix)].partition(separator)[0]))
