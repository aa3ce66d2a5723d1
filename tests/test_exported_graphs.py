"""Exported graphs on other inputs than those they were traced with: batches, widths, and texts step by step."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from scriven.reader.attention_decoder import FIRST, RENEWED, START
from scriven.recognisers import build
from scriven.recognisers.contract import GraphSpec, Recogniser
from scriven.recognisers.export import export, inference_graphs
from scriven.recognisers.trba.features import FEATURES
from scriven.recognisers.trba.network import PREDICTIONS, SEQUENCES, TRANSFORMATIONS
from scriven.tensors import Batch, collate, length_mask
from scriven.text import Charset
from toy_networks import SMALL

CHARSET = Charset.of(["ink quill"])
STAGES = ("transformation", "features", "sequence", "prediction", "width")
FEW = (
    ("tps", "resnet", "bilstm", "attention", "variable"),
    ("none", "vgg", "none", "attention", "variable"),
)
FIXED = ("tps", "resnet", "bilstm", "attention", "fixed")
OTHERS = (FIXED, *itertools.product(TRANSFORMATIONS, FEATURES, SEQUENCES, PREDICTIONS, ["variable"]))
STEPS = 5  # characters that are written


def pictures(height: int, *widths: int) -> Batch:
    """Noise of these widths in px; the texts are as short as any."""
    noise = np.random.default_rng(sum(widths))
    return collate([noise.integers(0, 256, (height, w), np.uint8) for w in widths], ["ink"] * len(widths))


def network(name: str, sizes: Mapping[str, Any]) -> Recogniser:
    """A network whose every part depends on its input: no weight is zero, and the norms have seen pictures."""
    torch.manual_seed(0)
    net = build(name, CHARSET, **sizes)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
        for widths in ((150, 90), (64, 130), (200, 170)):
            net.loss(pictures(net.height, *widths))
    return net.eval()


def compared(graph: GraphSpec, path: Path) -> Iterator[Any]:
    """Exports a graph; then takes inputs and gives what torch makes of them, after comparing it with the graph."""
    export(graph, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found: tuple[Tensor, ...] = ()
    while True:
        inputs = yield found
        with torch.no_grad():
            found = graph.module(*inputs)
        named = {name: value.numpy() for name, value in zip(graph.inputs, inputs, strict=True)}
        for name, got, want in zip(graph.outputs, session.run(list(graph.outputs), named), found, strict=True):
            assert got.shape == tuple(want.shape), name
            inside = length_mask(found[1], got.shape[1]).numpy() if "images" in named and got.ndim == 3 else ...
            np.testing.assert_allclose(got[inside], want.numpy()[inside], atol=1e-3, rtol=1e-3, err_msg=name)


def check(net: Recogniser, folder: Path) -> None:
    """Every graph of a network equals torch on batches of one and of three pictures."""
    graphs = inference_graphs(net)
    runs = {role: compared(graph, folder / f"{role}.onnx") for role, graph in graphs.items()}
    for run in runs.values():
        next(run)
    for widths in ((61,), (96, 352, 33), (333, 40, 257)):
        batch = pictures(net.height, *widths)
        first = next(iter(runs))
        made = dict(zip(graphs[first].outputs, runs[first].send((batch.images, batch.widths)), strict=True))
        frames, steps = made.get("frames"), made["steps"]
        if "start" in runs:
            written(graphs, runs, frames, steps)
        if "rank" in runs:
            texts = torch.randint(FIRST, FIRST + len(CHARSET), (len(widths) + 3, sum(widths) % 9 + 1))
            runs["rank"].send((frames[:1], steps[:1], texts))


def written(graphs: Mapping[str, GraphSpec], runs: Mapping[str, Any], frames: Tensor, steps: Tensor) -> None:
    """Writes STEPS characters after these frames, each from the one before."""
    begun = dict(zip(graphs["start"].outputs, runs["start"].send((frames, steps)), strict=True))
    previous = torch.full_like(steps, START)
    for _ in range(STEPS):
        given = {"previous": previous} | begun
        found = runs["step"].send(tuple(given[name] for name in graphs["step"].inputs))
        made = dict(zip(graphs["step"].outputs, found, strict=True))
        begun = {name: made.get(RENEWED + name, value) for name, value in begun.items()}
        previous = made["logits"][:, FIRST:].argmax(1) + FIRST


@pytest.mark.parametrize(
    "stages", [*FEW, *(pytest.param(s, marks=pytest.mark.slow) for s in OTHERS if s not in FEW)], ids="-".join
)
def test_every_combination_is_exported_for_other_sizes(stages: tuple[str, ...], tmp_path: Path) -> None:
    check(network("trba", {**dict(zip(STAGES, stages, strict=True)), **SMALL["trba"]}), tmp_path)


@pytest.mark.parametrize("kind", ["convtext, two heads", "lafhtr", pytest.param("resnet34", marks=pytest.mark.slow)])
def test_every_network_is_exported_for_other_sizes(kind: str, tmp_path: Path) -> None:
    check(network(kind.partition(",")[0], SMALL[kind]), tmp_path)
