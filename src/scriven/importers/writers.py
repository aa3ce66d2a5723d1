"""Lists of `writer,name text`, one word a row: the ground truth of GANwriting, WordStylist and DiffusionHTR."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import LinesError, Skipped, printable
from scriven.importers.common import Ids, ImportItem, from_file, item, read_text, restored
from scriven.importers.named import NamedPictures
from scriven.lines import ALIASES
from scriven.lines.delimited import not_utf8

LISTS = (".txt", ".filter27")  # endings of lists; those of GANwriting end in .filter27


def writers(source: Path, *, images: str = "", split: str = "train") -> Iterator[ImportItem]:
    """Lines of a list, or of every list of a folder whose name is a split (train.txt, val.txt, test.txt).

    The pictures are in the folder `images`, else in the folder named like the list, else beside it; a name is a path
    below that folder without extension, or the name of a picture in one of its folders. The writer becomes the hand.
    Raises LinesError if there is no such list.
    """
    if source.is_dir():
        lists = [file for file in sorted(source.iterdir()) if file.suffix in LISTS and file.stem.lower() in ALIASES]
        if not lists:
            raise LinesError(
                f"{source} should have lists of `writer,name text` named train.txt, val.txt or test.txt, but has none; "
                "give the list itself, and the folder of its pictures as --set images=FOLDER"
            )
    else:
        lists = [source]
    ids = Ids()
    for file in lists:
        part = ALIASES.get(file.stem.lower(), split)
        roots = [Path(images)] if images else [file.with_suffix(""), file.parent]
        yield from _rows(file, NamedPictures(next((root for root in roots if root.is_dir()), file.parent)), part, ids)


def _rows(file: Path, pictures: NamedPictures, part: str, ids: Ids) -> Iterator[ImportItem]:
    for number, row in enumerate(read_text(file).split("\n"), start=1):
        row = row.rstrip("\r")
        if not row.strip():
            continue
        key, space, text = row.partition(" ")
        writer, comma, name = key.partition(",")
        if not space or not comma or not name or not_utf8(key):
            yield Skipped(f"{file.name}:{number}", f"{printable(row)[:40]!r} should be `writer,name text`; correct it")
            continue
        found = pictures.find(name)
        if isinstance(found, str):
            yield Skipped(printable(name), found)
        else:
            yield item(part, from_file(ids(Path(part, pictures.path(name, found))), found, text, hand=restored(writer)))
