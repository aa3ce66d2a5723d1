"""docTR's recognition data set: a folder `images/` and a `labels.json` of file name and text for each split."""

import json
from pathlib import Path

from scriven.base import Skipped
from scriven.exporters.common import FOLDERS, Lines, PictureWriter


def doctr(lines: Lines, out: Path) -> list[Skipped]:
    """Write pictures into `train/images/` (`val`, `test`), and `train/labels.json` beside the folder.

    Lines whose picture is damaged are skipped.
    """
    pictures = PictureWriter(out, below="images")
    labels: dict[str, dict[str, str]] = {}
    for split, line, path in pictures.saved(lines):
        name = path.relative_to(Path(FOLDERS[split], "images")).as_posix()
        labels.setdefault(split, {})[name] = line.text or ""
    for split, texts in labels.items():
        content = json.dumps(texts, ensure_ascii=False, indent=0)
        (out / FOLDERS[split] / "labels.json").write_text(f"{content}\n", "utf-8", newline="\n")
    return pictures.skipped
