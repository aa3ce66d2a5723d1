"""A gt.txt of `path<TAB>text`, as Clova's `create_lmdb_dataset` and AttentionHTR read it."""

from pathlib import Path

from scriven.base import Skipped
from scriven.exporters.common import Lines, PictureWriter


def tsv(lines: Lines, out: Path) -> list[Skipped]:
    """Write pictures into folders by split, and `gt.txt`: path, tab, text."""
    pictures = PictureWriter(out)
    with open(out / "gt.txt", "w", newline="\n", encoding="utf-8") as file:
        for _, line, path in pictures.saved(lines):
            file.write(f"{path.as_posix()}\t{line.text}\n")
    return pictures.skipped
