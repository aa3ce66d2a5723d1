"""PaddleOCR: a Label.txt of PPOCRLabel for each split, and the lists rec_gt_train.txt of `path<TAB>text`."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from scriven.base import ImageError, Skipped
from scriven.exporters.common import FOLDERS, Lines, PictureWriter
from scriven.images import size


def paddleocr(lines: Lines, out: Path) -> list[Skipped]:
    """Write pictures into folders by split, `train/Label.txt` with a box as large as the picture, `rec_gt_train.txt`.

    Paths are relative to `out`, as PPOCRLabel writes them. Lines whose picture has no readable size are skipped.
    """
    pictures = PictureWriter(out)
    files: dict[str, tuple[IO[str], IO[str]]] = {}
    skipped: list[Skipped] = []
    with ExitStack() as opened:
        for split, line in lines:
            try:
                wide, high = size(line.image, line.id)
            except ImageError as error:
                skipped.append(Skipped(line.id, str(error)))
                continue
            path = pictures.save(split, line).as_posix()
            if split not in files:
                names = (out / FOLDERS[split] / "Label.txt", out / f"rec_gt_{FOLDERS[split]}.txt")
                label, table = (opened.enter_context(open(n, "w", newline="\n", encoding="utf-8")) for n in names)
                files[split] = label, table
            points = [[0, 0], [wide, 0], [wide, high], [0, high]]
            box = {"transcription": line.text, "points": points, "difficult": False}
            files[split][0].write(f"{path}\t{json.dumps([box], ensure_ascii=False)}\n")
            files[split][1].write(f"{path}\t{line.text}\n")
    return skipped
