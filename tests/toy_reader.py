"""A recogniser without training: each letter is a bar at its own height, and the graph detects where the ink is."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from scriven.reader.engines import Array, RunGraph
from scriven.reader.model import Graph, ModelInfo, write_info
from scriven.reader.session import Reader

LETTERS = tuple("abcdefg ")  # eight bars of 8 px


def picture(text: str, height: int = 64, advance: int = 16, margin: int = 8) -> np.ndarray:
    """The text as bars: uint8 (height, W), letter i inked over px [margin + i * advance, + advance / 2)."""
    image = np.full((64, 2 * margin + advance * len(text)), 255, np.uint8)
    for i, letter in enumerate(text):
        row, left = 8 * LETTERS.index(letter), margin + i * advance
        image[row : row + 8, left : left + advance // 2] = 0
    if height != 64:
        image = np.kron(image, np.ones((height // 64, height // 64), np.uint8))
    return image


def graph(context: int = 1) -> onnx.ModelProto:
    """The reading graph: bands of ink per 4-px frame, masked, a little context along the line, logits."""
    classes = len(LETTERS) + 1
    bands = np.zeros((classes, 1, 64, 4), np.float32)
    for i in range(len(LETTERS)):
        bands[i + 1, 0, 8 * i : 8 * i + 8] = 1 / 32
    offset = np.full(classes, 0.05, np.float32)  # not 0 on paper: an unmasked padding would leak into the line
    along = np.zeros((classes, classes, 2 * context + 1), np.float32)
    for i in range(classes):
        along[i, i] = 0.02
        along[i, i, context] = 20
    bias = np.zeros(classes, np.float32)
    bias[0] = 8
    constants = {"bands": bands, "offset": offset, "along": along, "bias": bias}
    numbers = {"three": 3, "four": 4, "zero": 0, "one": 1, "two": [2], "first": [1]}
    tensors = [numpy_helper.from_array(v, k) for k, v in constants.items()]
    tensors += [numpy_helper.from_array(np.array(v, np.int64), k) for k, v in numbers.items()]
    node = helper.make_node
    nodes = [
        node("Conv", ["images", "bands", "offset"], ["seen"], strides=[4, 4], pads=[0, 0, 0, 3]),
        node("Squeeze", ["seen", "two"], ["row"]),  # (N, C, T)
        node("Add", ["widths", "three"], ["more"]),
        node("Div", ["more", "four"], ["steps"]),
        node("Shape", ["row"], ["shape"]),
        node("Gather", ["shape", "last"], ["frames"]),
        node("Range", ["zero", "frames", "one"], ["places"]),
        node("Unsqueeze", ["steps", "first"], ["limits"]),
        node("Less", ["places", "limits"], ["inside"]),
        node("Cast", ["inside"], ["ones"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["ones", "first"], ["keep"]),  # (N, 1, T)
        node("Mul", ["row", "keep"], ["kept"]),
        node("Conv", ["kept", "along", "bias"], ["scores"], pads=[context, context]),
        node("Transpose", ["scores"], ["logits"], perm=[0, 2, 1]),
    ]
    tensors.append(numpy_helper.from_array(np.array(2, np.int64), "last"))
    value = helper.make_tensor_value_info
    inputs = [value("images", TensorProto.FLOAT, ["N", 1, 64, "W"]), value("widths", TensorProto.INT64, ["N"])]
    outputs = [value("logits", TensorProto.FLOAT, ["N", "T", classes]), value("steps", TensorProto.INT64, ["N"])]
    made = helper.make_graph(nodes, "toy", inputs, outputs, tensors)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def write_model(folder: Path, **changes: object) -> Path:
    """A model folder whose recogniser reads `picture`s."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reader.onnx").write_bytes(graph().SerializeToString())
    info = ModelInfo(name="toy", network="toy", sizes={"size": "toy"}, charset=LETTERS, graphs={"reader": Graph()})
    write_info(folder, info.model_copy(update=changes))
    return folder


Logits = Callable[[Array, Array], Array]  # images (N, 1, H, W), widths (N,) -> logits (N, T, C)


def runs_of(logits: Logits) -> dict[str, RunGraph]:
    """The graphs of a CTC model by role, for a Reader."""

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        return {"logits": logits(inputs["images"], inputs["widths"])}

    return {"reader": run}


def logits_of(reader: Reader) -> Logits:
    """The graph of a CTC model as a function."""
    run = reader.runs["reader"]
    return lambda images, widths: run({"images": images, "widths": widths})["logits"]
