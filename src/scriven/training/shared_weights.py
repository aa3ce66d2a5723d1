"""Graphs whose weights are those of the file of weights beside them, so that a model folder holds them once.

ONNX lets a tensor lie in another file, at an offset ("external data"); safetensors is plain tensors after a header, so
that the graphs can point into it (https://github.com/huggingface/safetensors#format).
"""

from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from scriven.base import atomic
from scriven.reader.parameters import WEIGHTS, weights_header

PREFIX = "module."  # of the names of parameters in the graph of a method
KINDS = {"F32": TensorProto.FLOAT, "F16": TensorProto.FLOAT16}


def share_weights(graph: Path, folder: Path) -> onnx.ModelProto:
    """The graph in the file `graph`, to be stored in `folder`, with the parameters in the WEIGHTS of that folder.

    Parameters in 16 bits are cast to 32 where the graph is loaded. Constants that are no parameters stay in the graph.
    """
    model = onnx.load(graph)
    start, header = weights_header(folder / WEIGHTS)
    kept, casts = [], []
    for tensor in model.graph.initializer:
        entry = header.get(tensor.name.removeprefix(PREFIX))
        if entry is None or entry["dtype"] not in KINDS or list(tensor.dims) != entry["shape"]:
            kept.append(tensor)
            continue
        half = entry["dtype"] == "F16"
        name = f"{tensor.name}_half" if half else tensor.name
        kept.append(_external(name, entry, start))
        if half:
            casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    return model


def write_shared(graph: Path, target: Path) -> None:
    """Write the graph in the file `graph` to `target`, which shares the weights of its folder. Raises OutputError."""
    content = share_weights(graph, target.parent).SerializeToString()
    with atomic(target) as file:
        file.write(content)


def _external(name: str, entry: dict[str, Any], start: int) -> TensorProto:
    first, last = entry["data_offsets"]
    tensor = TensorProto(
        name=name, dims=entry["shape"], data_type=KINDS[entry["dtype"]], data_location=TensorProto.EXTERNAL
    )
    for key, value in (("location", WEIGHTS), ("offset", start + first), ("length", last - first)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
