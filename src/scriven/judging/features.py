"""Features of pictures of writing by an ONNX network: the bundled one, or a file such as Inception or VGG.

The bundled network sees pictures 64 px high of any width, with the widths before padding: a picture has the same
features alone and in company. The network of a file has one input, pictures (N, 1 or 3, H, W) with values 0..1 and 1
paper; what else its weights expect, such as subtracted means, must be in its graph. Where H and W are fixed, pictures
are scaled to them; where they are not, to 64 px of height. Feature maps (N, D, h, w) are averaged over h and w.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from scriven.base import ModelError, cores
from scriven.judging.pictures import HEIGHT, Floats
from scriven.reader.engines import Array, load_graph
from scriven.reader.model import BUNDLED
from scriven.reader.runtime import onnxruntime

OWN = BUNDLED / "scriven-hands" / "features.onnx"
OWN_INPUTS, OWN_OUTPUT = {"images", "widths"}, "embeddings"
AREA = 4096  # px of width that are run at a time, padding included
BUCKET = 32  # px: widths of batches are multiples of it


@dataclass(frozen=True)
class Features:
    """A network that makes features: its name and a function of inks (64, W), 1 ink, to features (N, D)."""

    name: str
    of: Callable[[Sequence[Floats]], Floats]


def load_features(file: str | Path | None = None, threads: int | None = None) -> Features:
    """The bundled network, or that of an ONNX file. Raises ModelError for a file that makes no features of pictures."""
    path = Path(file) if file else OWN
    if not path.is_file():
        raise ModelError(f"there is no file {path}; give an ONNX network, or none for the bundled one")
    try:
        run = load_graph(path, "onnxruntime", "cpu", threads or cores())
    except ModelError as error:
        raise ModelError(
            f"{str(error).rpartition(';')[0]}; give an ONNX network, or none for the bundled one"
        ) from error
    inputs = onnxruntime().InferenceSession(str(path), providers=["CPUExecutionProvider"]).get_inputs()
    if {one.name for one in inputs} == OWN_INPUTS:
        return Features(path.stem if file else "scriven-hands", lambda inks: _own(run, inks))
    shapes = ", ".join(f"{one.name} {' x '.join(map(str, one.shape))}" for one in inputs)
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[1] not in (1, 3):
        raise ModelError(
            f"{path} takes {shapes or 'nothing'}, not pictures (N, 1 or 3, height, width); give a network of pictures"
        )
    name, (_, channels, high, wide) = inputs[0].name, inputs[0].shape
    fixed = (int(high) if isinstance(high, int) else None, int(wide) if isinstance(wide, int) else None)

    def foreign(inks: Sequence[Floats]) -> Floats:
        rows = [_pooled(run({name: _scaled(ink, channels, *fixed)}), path) for ink in inks]
        return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)

    return Features(path.stem, foreign)


def _own(run: Callable[[dict[str, Array]], dict[str, Array]], inks: Sequence[Floats]) -> Floats:
    """The features (N, D) of inks of the bundled network, in batches of similar width."""
    order = sorted(range(len(inks)), key=lambda i: inks[i].shape[1])
    found: list[Floats] = [np.zeros(0, np.float32)] * len(inks)
    start = 0
    for stop in range(1, len(order) + 1):
        if stop < len(order) and (stop + 1 - start) * _bucket(inks[order[stop]].shape[1]) <= AREA:
            continue
        chosen = order[start:stop]
        widths = np.array([inks[i].shape[1] for i in chosen], np.int64)
        images = np.zeros((len(chosen), 1, HEIGHT, _bucket(int(widths.max()))), np.float32)
        for image, i in zip(images[:, 0], chosen, strict=True):
            image[:, : inks[i].shape[1]] = inks[i]
        for i, row in zip(chosen, run({"images": images, "widths": widths})[OWN_OUTPUT], strict=True):
            found[i] = np.asarray(row, np.float32)
        start = stop
    return np.stack(found) if found else np.zeros((0, 0), np.float32)


def _bucket(width: int) -> int:
    return -(-width // BUCKET) * BUCKET


def _scaled(ink: Floats, channels: int, high: int | None, wide: int | None) -> Floats:
    """One picture (1, C, H, W), 1 paper, in the size that a network asks for."""
    high = high or HEIGHT
    wide = wide or max(8, round(ink.shape[1] * high / HEIGHT))
    shrinks = high * wide < ink.size
    picture = cv2.resize(1 - ink, (wide, high), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.repeat(np.asarray(picture, np.float32)[None, None], channels, axis=1)


def _pooled(outputs: dict[str, Array], path: Path) -> Floats:
    """The first output of a network as features (1, D). Raises ModelError for other than vectors or feature maps."""
    first = np.asarray(next(iter(outputs.values())), np.float32)
    if first.ndim == 4:
        first = first.mean((2, 3))
    if first.ndim != 2 or len(first) != 1:
        raise ModelError(
            f"{path} makes {first.shape}, not features (N, D) or (N, D, h, w); cut it before its last layer"
        )
    return first
