"""Smaller, faster reading graphs: static int8 (QDQ) or weights stored in 16 bits, kept only where they read as well.

Int8 wants to know how large every activation gets: it is run over real pictures first (static calibration). Weights get
one scale a channel (Jacob et al. 2017, arXiv:1712.05877; Krishnamoorthi 2018, arXiv:1806.08342).
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from scriven.base import InputError, ModelError, atomic
from scriven.base.settings import Count, Share, validated
from scriven.metrics import score
from scriven.reader.model import Graph, ModelInfo, read_info, write_info
from scriven.reader.runtime import onnxruntime
from scriven.reader.session import BATCH, Picture, Reader

Feeds = dict[str, npt.NDArray[Any]]


@validated
@dataclass(frozen=True)
class QuantiseSettings:
    """What becomes int8, and how good it must be."""

    operators: tuple[str, ...] = ("Conv",)  # with Add and Mul it was no faster, and sums lose the most in 8 bits
    keep_first: bool = True  # the first convolution sees the picture itself and stays fp32
    keep_last: bool = True  # the layer that names characters stays fp32
    pictures: Count = 256  # for calibration
    loss: Share = 0.002  # CER, a fraction, that a smaller graph may lose


@dataclass(frozen=True)
class Candidate:
    """One way to store the graph, and what it is worth."""

    precision: str
    megabytes: float
    cer: float
    same: float  # share of lines read exactly as by the fp32 graph


@dataclass(frozen=True)
class Report:
    """What was tried and what was kept. `n` lines decided."""

    kept: str
    n: int
    candidates: tuple[Candidate, ...]


def calibration_batches(reader: Reader, pictures: Iterable[Picture], count: int = 256) -> list[Feeds]:
    """Inputs of the graph for the first `count` pictures that are no wider than a batch, sorted by width."""
    prepared = list(islice((p for p in pictures if p.ink.shape[1] <= BATCH), count))
    if not prepared:
        raise InputError("there are no pictures to calibrate int8 on; give a lines folder")
    fed: list[Feeds] = []

    def record(images: npt.NDArray[np.float32], widths: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        fed.append({"images": images, "widths": widths})
        return reader.run(images, widths)

    for _ in Reader(reader.info, record).frames(prepared):
        pass
    return fed


def quantise(source: Path, target: Path, feeds: Sequence[Feeds], settings: QuantiseSettings | None = None) -> None:
    """Write an int8 copy of the graph `source`, calibrated on `feeds` (see `calibration_batches`)."""
    onnxruntime()  # before any part of it is imported
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    chosen = settings or QuantiseSettings()

    class Feed(CalibrationDataReader):
        def __init__(self) -> None:
            self.rest: Iterator[Feeds] = iter(feeds)

        def get_next(self) -> Feeds | None:
            return next(self.rest, None)

    with tempfile.TemporaryDirectory() as folder:
        plain, made = Path(folder) / "named.onnx", Path(folder) / "int8.onnx"
        model = _named(onnx.shape_inference.infer_shapes(onnx.load(source)))
        add_pre_process_metadata(model)  # else the quantiser warns that nobody has prepared the graph
        onnx.save(model, plain)
        quantize_static(
            str(plain),
            str(made),
            Feed(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(chosen.operators),
            nodes_to_exclude=_excluded(model, chosen),
        )
        _put(made, target)


def _named(model: onnx.ModelProto) -> onnx.ModelProto:
    """Every node with a name, so that it can be left out by it."""
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"node{i}"
    return model


def _excluded(model: onnx.ModelProto, settings: QuantiseSettings) -> list[str]:
    """The layer that sees the picture and the one that names characters, as far as they stay fp32.

    With Add or Mul among the operators, so do those that do not work on activations: masks and lengths.
    """
    weights = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) > 1}
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "MatMul", "Gemm")]
    layers = [node for node in layers if weights & set(node.input)]
    if not layers:
        raise ModelError("the graph has no layers with weights to turn into int8; keep it in fp32")
    seen = _after(model, layers[0])
    out = {node.name for node in model.graph.node if node.op_type in ("Add", "Mul") and node.name not in seen}
    if settings.keep_first:
        out.add(layers[0].name)
    if settings.keep_last:
        out |= {layers[-1].name, *_after(model, layers[-1])}
    return sorted(out)


def _after(model: onnx.ModelProto, layer: onnx.NodeProto) -> set[str]:
    """Names of the nodes that depend on a layer."""
    tensors, names = set(layer.output), set()
    for node in model.graph.node:
        if tensors & set(node.input):
            names.add(node.name)
            tensors.update(node.output)
    return names


def halve(source: Path, target: Path) -> None:
    """Write a copy of the graph whose weights are stored in 16 bits and widened when it is loaded."""
    model = onnx.load(source)
    casts, kept = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1:
            values = numpy_helper.to_array(tensor)
            if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
                raise ModelError(f"{source} has weights beyond 16 bits; keep it in fp32")
            kept.append(numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}_half"))
            casts.append(helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=TensorProto.FLOAT))
        else:
            kept.append(tensor)
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    with atomic(target) as file:
        file.write(model.SerializeToString())


def shrink(
    folder: Path,
    calibrate: Iterable[Picture],
    lines: Sequence[Picture],
    texts: Sequence[str] | None,
    settings: QuantiseSettings | None = None,
) -> Report:
    """Replace the fp32 graph of a model folder by the smallest that reads `lines` as well, and say so in model.json.

    `calibrate` are pictures for int8; `lines`, pictures with their `texts`, decide: int8, else 16-bit
    weights, stays where CER loses at most `settings.loss`. Where `texts` is None, what the fp32 graph reads is the
    text. Raises ModelError for a graph that is not fp32.
    """
    chosen = settings or QuantiseSettings()
    info = read_info(folder)
    if info.graph is None or info.graph.precision != "fp32" or _is_small(folder / info.graph.file):
        raise ModelError(f"{folder} has no fp32 reading graph to make smaller; export it again first")
    source = folder / info.graph.file
    reader = Reader.load(folder, threads=1)
    plain = [reading.text for reading in reader.read_prepared(lines)]
    if texts is None:
        texts = plain
    best = score(texts, plain).cer
    tried = [Candidate("fp32", source.stat().st_size / 1e6, best, 1.0)]
    feeds = calibration_batches(reader, calibrate, chosen.pictures)
    ways: dict[str, Callable[[Path], None]] = {
        "int8": lambda target: quantise(source, target, feeds, chosen),
        "fp16": lambda target: halve(source, target),
    }
    for precision, make in ways.items():
        with tempfile.TemporaryDirectory() as temporary:
            other = Path(temporary)
            make(other / "reader.onnx")
            write_info(other, _with_graph(info, "reader.onnx", precision))
            read = [reading.text for reading in Reader.load(other, threads=1).read_prepared(lines)]
            cer = score(texts, read).cer
            same = sum(a == b for a, b in zip(plain, read, strict=True)) / len(plain)
            tried.append(Candidate(precision, (other / "reader.onnx").stat().st_size / 1e6, cer, same))
            if cer <= best + chosen.loss:
                _put(other / "reader.onnx", source)
                write_info(folder, _with_graph(info, info.graph.file, precision))
                return Report(precision, len(plain), tuple(tried))
    return Report("fp32", len(plain), tuple(tried))


def _is_small(graph: Path) -> bool:
    made = onnx.load(graph).graph
    halves = any(tensor.data_type == TensorProto.FLOAT16 for tensor in made.initializer)
    return halves or any(node.op_type == "QuantizeLinear" for node in made.node)


def _with_graph(info: ModelInfo, file: str, precision: str) -> ModelInfo:
    return info.model_copy(update={"graph": Graph.model_validate({"file": file, "precision": precision})})


def _put(source: Path, target: Path) -> None:
    with atomic(target) as file, open(source, "rb") as data:
        shutil.copyfileobj(data, file)
