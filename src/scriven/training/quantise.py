"""Smaller and faster graphs: static int8 (QDQ) or weights stored in 16 bits, if their CER is about that of fp32.

Int8 needs the range of every activation, which is measured by running the graph on real pictures (static calibration).
Weights have one scale per channel (Jacob et al. 2017, arXiv:1712.05877; Krishnamoorthi 2018, arXiv:1806.08342).
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from pydantic import Field

from scriven.base import InputError, ModelError, atomic
from scriven.base.settings import Count, validated
from scriven.metrics import score
from scriven.reader.engines import RunGraph
from scriven.reader.model import Graph, ModelInfo, read_info, write_info
from scriven.reader.runtime import onnxruntime
from scriven.reader.session import BATCH, Picture, Reader

Feeds = dict[str, npt.NDArray[Any]]


@validated
@dataclass(frozen=True)
class QuantiseSettings:
    """What is quantised to int8, and by how much the CER may rise."""

    operators: tuple[str, ...] = ("Conv",)  # Add and Mul made it no faster, and sums lose the most in 8 bits
    keep_first: bool = True  # the first convolution, whose input is the picture, stays fp32
    keep_last: bool = True  # the output layer stays fp32
    pictures: Count = 256  # for calibration
    loss: Annotated[float, Field(le=1)] = 0.002  # largest rise in CER, a fraction


@dataclass(frozen=True)
class StoredGraphs:
    """The graphs of a model stored in one precision, and the score of the model with them."""

    precision: str
    megabytes: float
    cer: float  # a fraction, on the lines that decide
    same: float  # share of these lines read exactly as by the fp32 graphs


@dataclass(frozen=True)
class PrecisionReport:
    """The precisions that were tried and the one that was kept, decided on `n` lines."""

    kept: str
    n: int
    tried: tuple[StoredGraphs, ...]


def calibration_feeds(reader: Reader, pictures: Iterable[Picture], count: int = 256) -> dict[str, list[Feeds]]:
    """The inputs of every graph, by role, recorded while the first `count` pictures are read.

    Pictures wider than a batch are not used. Raises InputError if there are no pictures.
    """
    prepared = list(islice((p for p in pictures if p.ink.shape[1] <= BATCH), count))
    if not prepared:
        raise InputError("there are no pictures to calibrate int8 on; give a lines folder")
    feeds: dict[str, list[Feeds]] = {role: [] for role in reader.runs}

    def recording(role: str, run: RunGraph) -> RunGraph:
        def record(inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
            feeds[role].append(dict(inputs))
            return run(inputs)

        return record

    recorders = {role: recording(role, run) for role, run in reader.runs.items()}
    for _ in Reader(reader.info, recorders).read_prepared(prepared):
        pass
    return feeds


def quantise(source: Path, target: Path, feeds: Sequence[Feeds], settings: QuantiseSettings | None = None) -> None:
    """Write an int8 copy of the graph `source`, calibrated on the inputs `feeds` of `calibration_feeds`.

    Raises ModelError for a graph without layers that have weights.
    """
    onnxruntime()  # must come before any of its modules is imported
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
        add_pre_process_metadata(model)  # otherwise the quantiser warns that the graph was not preprocessed
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
    """The model with a name for every node, so that nodes can be excluded by name."""
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"node{i}"
    return model


def _excluded(model: onnx.ModelProto, settings: QuantiseSettings) -> list[str]:
    """Names of the nodes that stay fp32: the first and the last layer, if the settings say so.

    Add and Mul of masks and lengths, which are not activations, stay fp32 too.
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
    """Names of the nodes that depend on the output of a layer."""
    tensors, names = set(layer.output), set()
    for node in model.graph.node:
        if tensors & set(node.input):
            names.add(node.name)
            tensors.update(node.output)
    return names


def store_fp16(source: Path, target: Path) -> None:
    """Write a copy of the graph whose weights are stored in 16 bits and cast to 32 when it runs.

    Raises ModelError for weights outside the range of 16-bit floats.
    """
    model = onnx.load(source)
    casts, kept = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1:
            values = numpy_helper.to_array(tensor)
            if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
                raise ModelError(f"{source} has weights outside the range of 16-bit floats; keep it in fp32")
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


def reduce_precision(
    folder: Path,
    calibrate: Iterable[Picture],
    lines: Sequence[Picture],
    texts: Sequence[str] | None,
    settings: QuantiseSettings | None = None,
) -> PrecisionReport:
    """Replace the fp32 graphs of a model folder by int8 ones or 16-bit weights, and record it in model.json.

    Beside int8, a graph without the operators of the settings, or that reading did not run, has 16-bit weights.
    `calibrate`: pictures to calibrate int8 on. Int8, else 16-bit weights, is kept if the CER on `lines` with `texts`
    rises by at most `settings.loss`; if `texts` is None, the readings of the fp32 graphs are the reference. Raises
    ModelError for graphs that are not fp32.
    """
    chosen = settings or QuantiseSettings()
    info = read_info(folder)
    sources = {role: folder / graph.file for role, graph in info.graphs.items()}
    if (
        not sources
        or any(g.precision != "fp32" for g in info.graphs.values())
        or any(map(_is_reduced, sources.values()))
    ):
        raise ModelError(f"{folder} has no fp32 reading graph to quantise; export it again first")
    reader = Reader.load(folder, threads=1)
    plain = [reading.text for reading in reader.read_prepared(lines)]
    if texts is None:
        texts = plain
    best = score(texts, plain).cer
    tried = [StoredGraphs("fp32", _megabytes(sources.values()), best, 1.0)]
    feeds = calibration_feeds(reader, calibrate, chosen.pictures)
    for precision in ("int8", "fp16"):
        with tempfile.TemporaryDirectory() as temporary:
            other = Path(temporary)
            made = {role: other / source.name for role, source in sources.items()}
            own = {}
            for role, target in made.items():
                in_int8 = precision == "int8" and feeds[role] and _has_operators(sources[role], chosen.operators)
                own[role] = "int8" if in_int8 else "fp16"
                if in_int8:
                    quantise(sources[role], target, feeds[role], chosen)
                else:
                    store_fp16(sources[role], target)
            smaller = _in_precision(info, own)
            write_info(other, smaller)
            read = [reading.text for reading in Reader.load(other, threads=1).read_prepared(lines)]
            cer = score(texts, read).cer
            same = sum(a == b for a, b in zip(plain, read, strict=True)) / len(plain)
            tried.append(StoredGraphs(precision, _megabytes(made.values()), cer, same))
            if cer <= best + chosen.loss:
                for role, source in sources.items():
                    _put(made[role], source)
                write_info(folder, smaller)
                return PrecisionReport(precision, len(plain), tuple(tried))
    return PrecisionReport("fp32", len(plain), tuple(tried))


def _megabytes(files: Iterable[Path]) -> float:
    return sum(file.stat().st_size for file in files) / 1e6


def _is_reduced(graph: Path) -> bool:
    """Whether a graph is stored in fewer than 32 bits, from its nodes rather than from model.json."""
    made = onnx.load(graph).graph
    halves = any(tensor.data_type == TensorProto.FLOAT16 for tensor in made.initializer)
    return halves or any(node.op_type == "QuantizeLinear" for node in made.node)


def _has_operators(graph: Path, operators: Sequence[str]) -> bool:
    return any(node.op_type in operators for node in onnx.load(graph).graph.node)


def _in_precision(info: ModelInfo, precisions: Mapping[str, str]) -> ModelInfo:
    graphs = {r: Graph.model_validate({"file": g.file, "precision": precisions[r]}) for r, g in info.graphs.items()}
    return info.model_copy(update={"graphs": graphs})


def _put(source: Path, target: Path) -> None:
    with atomic(target) as file, open(source, "rb") as data:
        shutil.copyfileobj(data, file)
