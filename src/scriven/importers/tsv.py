"""Text files of `path<TAB>text`: the gt.txt of Clova's text recognition benchmark and of AttentionHTR."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import LinesError, Skipped
from scriven.importers.common import Ids, Item, from_file, item, not_utf8, read_text, split_of


def tsv(source: Path, *, images: str = "", split: str = "train") -> Iterator[Item]:
    """Lines of a file, or of every gt.txt (or *.tsv) below a folder; paths are relative to it, or to `images`.

    Folders train/, val/, test/ at the top of the source give the split. Raises LinesError when there is no such file.
    """
    ids = Ids()
    files = [source] if source.is_file() else sorted([*source.rglob("gt.txt"), *source.rglob("*.tsv")])
    if not files:
        raise LinesError(f"{source} holds no gt.txt and no .tsv file; check the path")
    for file in files:
        within = file.relative_to(source) if source.is_dir() else Path(file.name)
        root = Path(images) if images else file.parent
        for number, row in enumerate(read_text(file).split("\n"), start=1):
            if not row.strip("\r"):
                continue
            path, tab, text = row.strip("\r").partition("\t")
            if not tab or not_utf8(path):
                yield Skipped(f"{within.as_posix()}:{number}", "the row is no UTF-8 `path<TAB>text`; correct it")
                continue
            where = within.parent / path if not Path(path).is_absolute() else Path(path)
            yield item(split_of(where, split), from_file(ids(where), root / path, text))
