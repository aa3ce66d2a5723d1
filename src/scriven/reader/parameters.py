"""The number of parameters of a model, from its files alone: without torch, and without reading the weights."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from scriven.reader.model import ModelInfo

WEIGHTS = "weights.safetensors"
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # of batch norm: stored, but not trained
HEADER = 100_000_000  # bytes: the limit of the format
FLOAT, UINT8, INT8, INT32, FLOAT16, DOUBLE, BFLOAT16 = 1, 2, 3, 6, 10, 11, 16  # numbers of types in ONNX
WEIGHT_TYPES = {FLOAT, UINT8, INT8, INT32, FLOAT16, DOUBLE, BFLOAT16}
NO_WEIGHTS = ("_scale", "_zero_point")  # ends of the names of what a quantised graph has beside its weights


def count_parameters(folder: Path, info: ModelInfo) -> int | None:
    """How many trained numbers a model has: those in the header of its weights, else the constants of its graphs.

    In a graph batch norm is part of the kernels, so the constants are a few fewer. None if neither can be read.
    """
    try:
        if (folder / WEIGHTS).is_file():
            return _of_weights(folder / WEIGHTS)
        found = dict(one for graph in info.graphs.values() for one in _constants((folder / graph.file).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
    return sum(found.values()) if found else None


def _of_weights(file: Path) -> int:
    """The parameters in the header of a file of safetensors: its length in 8 bytes, then JSON with every shape."""
    with open(file, "rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > HEADER:
            raise ValueError("not a file of safetensors")
        header = json.loads(opened.read(length))
    tensors = {name: one for name, one in header.items() if name != "__metadata__"}
    return sum(math.prod(one["shape"]) for name, one in tensors.items() if not name.endswith(STATISTICS))


def _constants(graph: bytes) -> Iterator[tuple[str, int]]:
    """Name and size of the constant tensors of an ONNX file that hold weights.

    ModelProto.graph is field 7, GraphProto.initializer 5; TensorProto has dims 1, data_type 2, name 8.
    """
    for number, model_field in _fields(memoryview(graph)):
        if number != 7 or isinstance(model_field, int):
            continue
        for inner, tensor in _fields(model_field):
            if inner != 5 or isinstance(tensor, int):
                continue
            shape, kind, name = list[int](), 0, ""
            for key, value in _fields(tensor):
                if key == 1:
                    shape += [value] if isinstance(value, int) else _varints(value)
                elif key == 2 and isinstance(value, int):
                    kind = value
                elif key == 8 and not isinstance(value, int):
                    name = bytes(value).decode("utf-8", "replace")
            if shape and kind in WEIGHT_TYPES and not name.endswith(NO_WEIGHTS):
                yield name, math.prod(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of the fields of a message of Protocol Buffers: an integer, or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == 2:
            length, at = _varint(message, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"a field of the type {wire}")
        yield number, message[at : at + length]
        at += length


def _varints(packed: memoryview) -> list[int]:
    found, at = list[int](), 0
    while at < len(packed):
        value, at = _varint(packed, at)
        found.append(value)
    return found


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """An integer in groups of 7 bits, lowest first, and the place behind it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
