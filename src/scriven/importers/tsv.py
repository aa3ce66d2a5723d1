"""Text files of `path<TAB>text`: the gt.txt of Clova's text recognition benchmark and of AttentionHTR."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import LinesError, Skipped, printable
from scriven.importers.common import Ids, ImportItem, from_file, item, located, read_text, split_of
from scriven.importers.csv import TableColumns, lines_of
from scriven.lines.delimited import not_utf8


def tsv(
    source: Path, *, images: str = "", image: str = "", text: str = "", split: str = "train"
) -> Iterator[ImportItem]:
    """Lines of a file, or of every gt.txt (or *.tsv) below a folder; paths are relative to the file, or to `images`.

    A file whose first row has names of columns of pictures and texts (`image` and `text`, if unusual) is read as a
    table. Top-level folders train/, val/, test/ give the split. Raises LinesError if there is no such file.
    """
    ids = Ids()
    files = [source] if source.is_file() else sorted([*source.rglob("gt.txt"), *source.rglob("*.tsv")])
    if not files:
        raise LinesError(f"{source} has no gt.txt and no .tsv file; check the path")
    columns = TableColumns.named(image, text)
    for file in files:
        within = file.relative_to(source) if source.is_dir() else Path(file.name)
        rows = read_text(file).split("\n")
        if _has_header(rows[0], columns):
            yield from lines_of(file, [file.parent], images, columns, ids, split_of(within, split))
        else:
            yield from tab_rows(rows, file, within, images, ids, split)


def _has_header(row: str, columns: TableColumns) -> bool:
    names = {cell.strip().strip('"') for cell in row.split("\t")}
    return bool(names & set(columns.paths) and names & set(columns.texts))


def tab_rows(rows: list[str], file: Path, within: Path, images: str, ids: Ids, split: str) -> Iterator[ImportItem]:
    """The lines of rows `path<TAB>text` of a file, which is at `within` below the source."""
    for number, row in enumerate(rows, start=1):
        path, tab, text = row.strip("\r").partition("\t")
        if not path and not tab:
            continue
        if not tab or not_utf8(path):
            reason = "its path is not UTF-8; save the file as UTF-8" if tab else "it has no tab between path and text"
            yield Skipped(f"{printable(within.as_posix())}:{number}", reason)
            continue
        picture, relative = located(path, [file.parent], images)
        where = relative if relative.is_absolute() else within.parent / relative
        yield item(split_of(where, split), from_file(ids(where), picture, text))
