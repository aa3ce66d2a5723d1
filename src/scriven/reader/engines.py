"""The engines that run exported graphs: ONNX Runtime and OpenVINO."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scriven.base import InputError, MissingExtra, ModelError, ScrivenError, SettingsError
from scriven.reader.runtime import onnxruntime

Array = npt.NDArray[Any]
RunGraph = Callable[[Mapping[str, Array]], dict[str, Array]]  # the inputs of a graph by name to its outputs by name

OUT_OF_MEMORY = re.compile(
    r"out of memory|bad.?alloc|failed to allocate|OUT_OF_(HOST|DEVICE)_MEMORY|MEM_OBJECT_ALLOC|CL_OUT_OF_RESOURCES",
    re.IGNORECASE,
)
DEVICE_FAILED = re.compile(
    r"(CUDA|CUDNN|CUBLAS) (failure|error)|(CUDNN|CUBLAS)_STATUS|\bCL_[A-Z]|\bZE_RESULT", re.IGNORECASE
)
GRAPH_REFUSED = (  # the exceptions of ONNX Runtime for a graph that it cannot load, or that its inputs do not fit
    "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile", "NotFound", "NotImplemented",
    "RuntimeException", "ValueError",
)  # fmt: skip


def load_graph(file: Path, engine: str, device: str, threads: int) -> RunGraph:
    """A graph, ready to run. Raises SettingsError for an engine or a device that is not there, ModelError otherwise."""
    if engine not in ENGINES:
        raise SettingsError(f"there is no engine {engine!r}; use one of {', '.join(ENGINES)}")
    return ENGINES[engine](file, device, threads)


def _onnxruntime(file: Path, device: str, threads: int) -> RunGraph:
    ort = onnxruntime()
    providers = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    kind = device.partition(":")[0]
    if kind not in providers or providers[kind] not in ort.get_available_providers():
        raise SettingsError(
            f"ONNX Runtime has no device {device!r} here; use cpu"
            + (", or install onnxruntime-gpu" if kind == "cuda" else "")
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # shapes change from batch to batch
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not _has_vnni():
        options.add_session_config_entry("session.x64quantprecision", "1")  # int8 sums must not overflow; slower
    chosen: list[object] = [providers[kind]]
    if kind == "cuda":
        chosen = [(providers[kind], {"device_id": device.partition(":")[2] or "0"}), providers["cpu"]]
    errors = _onnxruntime_errors()
    try:
        session = ort.InferenceSession(str(file), options, providers=chosen)
    except errors as error:
        raise _failed(file, "load it", device, error, type(error).__name__ in GRAPH_REFUSED) from error
    names = [value.name for value in session.get_outputs()]

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        try:
            found = session.run(names, dict(inputs))
        except errors as error:
            refused = type(error).__name__ in GRAPH_REFUSED
            raise _failed(file, f"run it with {_shapes(inputs)}", device, error, refused) from error
        return dict(zip(names, found, strict=True))

    return run


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """The exceptions of ONNX Runtime itself, which have no common base class and are not documented.

    ValueError is what it raises for inputs and outputs that the graph does not have, RuntimeError for what its C++
    libraries throw. Others, MemoryError and KeyError among them, are none of them and reach the caller.
    """
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*kinds, RuntimeError, ValueError)


def _has_vnni() -> bool:
    """Whether this processor sums 8-bit products in 32 bits; False if unknown."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return "vnni" in file.read(1 << 14)
    except OSError:
        return False


def _openvino(file: Path, device: str, threads: int) -> RunGraph:
    try:
        import openvino
    except ModuleNotFoundError:
        raise MissingExtra("the engine openvino", "openvino") from None
    core = openvino.Core()
    if device.upper().partition(".")[0] not in {name.partition(".")[0] for name in core.available_devices}:
        raise SettingsError(
            f"OpenVINO has no device {device!r} here; it has {', '.join(core.available_devices).lower()}"
        )
    settings = {"PERFORMANCE_HINT": "LATENCY"}
    if device == "cpu" and threads:
        settings["INFERENCE_NUM_THREADS"] = str(threads)
    try:
        compiled = core.compile_model(str(file), device.upper(), settings)
    except RuntimeError as error:  # OpenVINO's own exceptions derive from it
        raise _failed(file, "load it", device, error, refused=True) from error
    request = compiled.create_infer_request()

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        try:
            found = request.infer(dict(inputs))
        except RuntimeError as error:
            raise _failed(file, f"run it with {_shapes(inputs)}", device, error, refused=True) from error
        return {output.any_name: np.array(found[output]) for output in compiled.outputs}

    return run


def _failed(file: Path, tried: str, device: str, error: Exception, refused: bool) -> ScrivenError:
    """What an engine could not do with a graph: for want of memory, of a working device, or of a graph that fits.

    `refused`: the kind of the error is that of a graph which the engine does not take.
    """
    said = f"the engine cannot {tried} on {device}: {_reason(error)}"
    if OUT_OF_MEMORY.search(str(error)):
        advice = "free some memory, use fewer threads, or read on another device"
        return InputError(f"there is not enough memory for {file} ({said}); {advice}")
    if not refused or DEVICE_FAILED.search(str(error)):
        return InputError(f"{file} cannot be run here ({said}); run the command again, or on another device")
    return ModelError(f"{file} is damaged or of an unknown kind ({said}); copy the model folder again")


def _shapes(inputs: Mapping[str, Array]) -> str:
    return ", ".join(f"{name} {' x '.join(map(str, value.shape))}" for name, value in inputs.items())


def _reason(error: Exception) -> str:
    """The first 200 characters of what an engine said, on one line; its kind where it said nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


ENGINES: dict[str, Callable[[Path, str, int], RunGraph]] = {"onnxruntime": _onnxruntime, "openvino": _openvino}
