"""A picture and a text file for each line: `train/x.png` and `train/x.gt.txt`."""

from pathlib import Path

from scriven.base import Skipped
from scriven.exporters.common import Lines, PictureWriter


def pairs(lines: Lines, out: Path) -> list[Skipped]:
    """Write every picture, with its text beside it as `NAME.gt.txt`."""
    pictures = PictureWriter(out)
    for _, line, path in pictures.saved(lines):
        picture = out / path
        text = picture.with_name(picture.name[: -len(picture.suffix)] + ".gt.txt")
        text.write_text(f"{line.text}\n", "utf-8", newline="\n")
    return pictures.skipped
