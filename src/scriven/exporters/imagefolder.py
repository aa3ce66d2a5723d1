"""A Hugging Face imagefolder: `load_dataset("imagefolder", data_dir=OUT)` loads image, text and the other columns."""

import json
from pathlib import Path
from typing import IO

from scriven.base import Skipped
from scriven.exporters.common import FOLDERS, Lines, PictureWriter

COLUMNS = ("id", "text", "hand", "page", "origin", "confidence")


def imagefolder(lines: Lines, out: Path) -> list[Skipped]:
    """Write pictures into folders by split, with a `metadata.jsonl` in each."""
    pictures, files = PictureWriter(out), dict[str, IO[str]]()
    try:
        for split, line, path in pictures.saved(lines):
            if split not in files:
                files[split] = open(out / FOLDERS[split] / "metadata.jsonl", "w", newline="\n", encoding="utf-8")
            row = {"file_name": path.relative_to(FOLDERS[split]).as_posix()} | {
                name: getattr(line, name) for name in COLUMNS
            }
            files[split].write(json.dumps(row, ensure_ascii=False) + "\n")
    finally:
        for file in files.values():
            file.close()
    return pictures.skipped
