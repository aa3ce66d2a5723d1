"""A list of `writer,name text` for each split: the ground truth of GANwriting, WordStylist and DiffusionHTR."""

from contextlib import ExitStack
from pathlib import Path
from typing import IO

from scriven.base import Skipped
from scriven.exporters.common import FOLDERS, Lines, PictureWriter
from scriven.importers.common import COLUMN_SAFE, file_name


def writers(lines: Lines, out: Path) -> list[Skipped]:
    """Write PNG pictures into folders by split, and `train.txt`, `val.txt`, `test.txt` beside the folders.

    The name of a picture is its path below the folder of its split, without `.png`. Writers and names have no spaces
    and no commas: these characters become %XX. Lines without a writer (`hand`) are skipped: the programs that read
    such a list would take all of them for one writer.
    """
    pictures = PictureWriter(out, safe=COLUMN_SAFE, formats=["png"])
    files: dict[str, IO[str]] = {}
    nobody = list[Skipped]()

    def with_hand() -> Lines:
        for split, line in lines:
            if line.hand:
                yield split, line
            else:
                nobody.append(Skipped(line.id, "it has no hand, which this list needs; give its writer as its hand"))

    with ExitStack() as opened:
        for split, line, path in pictures.saved(with_hand()):
            if split not in files:
                name = out / f"{FOLDERS[split]}.txt"
                files[split] = opened.enter_context(open(name, "w", newline="\n", encoding="utf-8"))
            name_of_picture = path.relative_to(FOLDERS[split]).as_posix().removesuffix(".png")
            files[split].write(f"{file_name(line.hand, safe=COLUMN_SAFE)},{name_of_picture} {line.text}\n")
    return [*nobody, *pictures.skipped]
