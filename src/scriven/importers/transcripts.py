"""Numbered pictures and a transcripts.txt: the labelled folder of the label-free HTR learner (lafhterlearn)."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import LinesError, Skipped, printable
from scriven.images import PICTURE_SUFFIXES
from scriven.importers.common import Ids, ImportItem, folder, from_file, item, read_text, split_of


def transcripts(source: Path, *, split: str = "train") -> Iterator[ImportItem]:
    """Lines of every transcripts.txt below a folder: its n-th line is the text of the n-th picture by number.

    Pictures without a number, or with that of another one, are skipped. Raises LinesError if there are more or fewer
    pictures than lines, since every label might then belong to another picture.
    """
    ids = Ids()
    files = sorted(folder(source, "transcripts").rglob("transcripts.txt"))
    if not files:
        raise LinesError(f"{source} has no transcripts.txt; check the path")
    for file in files:
        texts = read_text(file).split("\n")
        if texts and not texts[-1].strip():
            texts.pop()
        numbered: dict[int, Path] = {}
        for picture in sorted(file.parent.iterdir()):
            name = printable(picture.relative_to(source))
            if picture.suffix.lower() not in PICTURE_SUFFIXES or picture.name.startswith("."):
                continue
            if not picture.stem.isdecimal():
                yield Skipped(
                    name, "its name is not a number, so it has no text; number it or move it out of the folder"
                )
            elif numbered.setdefault(int(picture.stem), picture) != picture:
                yield Skipped(name, f"it shares its number with {numbered[int(picture.stem)].name}; keep one")
        numbers = sorted(numbered)
        if len(numbers) != len(texts):
            raise LinesError(
                f"{file} has {len(texts)} lines for {len(numbers)} numbered pictures, so labels may be assigned to "
                "wrong pictures (a program that ran twice appends its lines); make the folder again"
            )
        if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise LinesError(
                f"the numbers of the pictures beside {file} have gaps, so labels may be assigned to wrong pictures; "
                "make the folder again"
            )
        for number, text in zip(numbers, texts, strict=True):
            relative = numbered[number].relative_to(source)
            yield item(split_of(relative, split), from_file(ids(relative), numbered[number], text))
