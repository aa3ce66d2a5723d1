"""Graphs of torch networks that are run without being exported."""

from collections.abc import Mapping

import torch
from lightning_fabric import Fabric

from scriven.reader.engines import Array, RunGraph
from scriven.recognisers.contract import GraphSpec


def torch_run(graph: GraphSpec, fabric: Fabric) -> RunGraph:
    """A graph as an engine runs it, by its module, on the device and with the precision of `fabric`."""

    @torch.inference_mode()
    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        given = [torch.from_numpy(inputs[name]).to(fabric.device) for name in graph.inputs]
        with fabric.autocast():
            found = graph.module(*given)
        values = (v.float() if v.is_floating_point() else v for v in found)
        return {name: v.cpu().numpy() for name, v in zip(graph.outputs, values, strict=True)}

    return run
