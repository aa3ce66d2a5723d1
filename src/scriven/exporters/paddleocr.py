"""PaddleOCR: a Label.txt of PPOCRLabel for each split, and the lists rec_gt_train.txt of `path<TAB>text`."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from scriven.base import Skipped
from scriven.exporters.common import FOLDERS, Lines, PictureWriter, about
from scriven.images import size


def paddleocr(lines: Lines, out: Path) -> list[Skipped]:
    """Write pictures into folders by split, `train/Label.txt` with a box as large as the picture, `rec_gt_train.txt`.

    Paths are relative to `out`, as PPOCRLabel writes them. A box has the keys hand, page, origin and confidence too if
    the line has them; PaddleOCR ignores them. Lines whose picture is damaged are skipped.
    """
    pictures = PictureWriter(out)
    files: dict[str, tuple[IO[str], IO[str]]] = {}
    with ExitStack() as opened:
        for split, line, path in pictures.saved(lines):
            if split not in files:
                names = (out / FOLDERS[split] / "Label.txt", out / f"rec_gt_{FOLDERS[split]}.txt")
                label, table = (opened.enter_context(open(n, "w", newline="\n", encoding="utf-8")) for n in names)
                files[split] = label, table
            wide, high = size(line.image, line.id)
            points = [[0, 0], [wide, 0], [wide, high], [0, high]]
            box = {"transcription": line.text, "points": points, "difficult": False} | about(line)
            files[split][0].write(f"{path.as_posix()}\t{json.dumps([box], ensure_ascii=False)}\n")
            files[split][1].write(f"{path.as_posix()}\t{line.text}\n")
    return pictures.skipped
