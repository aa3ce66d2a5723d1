"""Pictures of text lines drawn with OpenCV's stroke font: no typeface and no handwriting is needed."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from scriven.images import Grey, encode
from scriven.lines import Line, LinesWriter


def drawn(text: str, seed: int = 0, height: int = 64) -> Grey:
    """A grey picture (height, W) of a text in a slightly random size; 255 paper."""
    rng = np.random.default_rng(seed)
    scale = height / 64 * rng.uniform(0.9, 1.1)
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 2)
    picture = np.full((height, width + height // 2), 255, np.uint8)
    place = (height // 4, round(0.68 * height))
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 40, 2, cv2.LINE_AA)
    return picture


def drawn_line(file: Path, text: str, seed: int = 0) -> Path:
    """A picture file of a text."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encode(drawn(text, seed)))
    return file


def drawn_folder(path: Path, texts: Sequence[str], split: str = "train", hand: str = "") -> Path:
    """A lines folder of drawn pictures with their texts."""
    with LinesWriter(path, {"command": "test"}) as writer:
        for number, text in enumerate(texts):
            writer.write(Line(f"line-{number}", encode(drawn(text, number)), text, hand=hand), split)
    return path
