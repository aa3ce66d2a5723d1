"""The number of parameters of a model, from its files alone: without torch, and without reading the weights."""

import json
import math
from pathlib import Path

WEIGHTS = "weights.safetensors"
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # of batch norm: stored, but not trained
HEADER = 100_000_000  # bytes: the limit of the format


def count_parameters(folder: Path) -> int | None:
    """How many trained numbers a model has, from the header of its weights; None if they cannot be read."""
    try:
        return _of_weights(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _of_weights(file: Path) -> int:
    """The parameters in the header of a file of safetensors: its length in 8 bytes, then JSON with every shape."""
    with open(file, "rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > HEADER:
            raise ValueError("not a file of safetensors")
        header = json.loads(opened.read(length))
    tensors = {name: one for name, one in header.items() if name != "__metadata__"}
    return sum(math.prod(one["shape"]) for name, one in tensors.items() if not name.endswith(STATISTICS))
