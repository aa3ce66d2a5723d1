"""Pictures without any text: what `scriven adapt` learns a hand from."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import Skipped
from scriven.images.others import SAVE, not_readable
from scriven.importers.common import Item, every_picture, folder, from_file, item, pictures_under


def pictures(source: Path, *, split: str = "train") -> Iterator[Item]:
    """Unlabelled lines of all pictures below a folder, sorted by path. Raises LinesError when there are none.

    Pictures of a kind that cannot be read are refused by name.
    """
    others = not_readable(folder(source, "pictures"))
    yield from (Skipped(str(file.relative_to(source)), SAVE) for file in others)
    if others and not pictures_under(source):
        return
    for part, id, file in every_picture(source, split):
        yield item(part, from_file(id, file, None))
