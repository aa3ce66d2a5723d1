"""The number of parameters of a model, from its files alone: without torch, and without reading the weights."""

import json
import math
from pathlib import Path
from typing import Any

WEIGHTS = "weights.safetensors"
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # of batch norm: stored, but not trained
HEADER = 100_000_000  # bytes: the limit of the format


def count_parameters(folder: Path) -> int | None:
    """How many trained numbers a model has, from the header of its weights; None if they cannot be read."""
    try:
        return _of_weights(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def weights_header(file: Path) -> tuple[int, dict[str, Any]]:
    """Where the tensors of a file of safetensors begin, bytes, and its header: their types, shapes and places.

    The file is the length of the header in 8 bytes, the header in JSON, and the tensors. Raises ValueError for another.
    """
    with open(file, "rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > HEADER:
            raise ValueError("not a file of safetensors")
        return 8 + length, json.loads(opened.read(length))


def _of_weights(file: Path) -> int:
    """The parameters in the header of a file of safetensors."""
    _, header = weights_header(file)
    tensors = {name: one for name, one in header.items() if name != "__metadata__"}
    return sum(math.prod(one["shape"]) for name, one in tensors.items() if not name.endswith(STATISTICS))
