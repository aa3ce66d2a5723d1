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
Run = Callable[[Mapping[str, Array]], dict[str, Array]]  # the inputs of a graph by name to its outputs by name

OUT_OF_MEMORY = re.compile(
    r"out of memory|bad.?alloc|failed to allocate|OUT_OF_(HOST|DEVICE)_MEMORY|MEM_OBJECT_ALLOC", re.IGNORECASE
)


def load_graph(file: Path, engine: str, device: str, threads: int) -> Run:
    """A graph, ready to run. Raises SettingsError for an engine or a device that is not there, ModelError otherwise."""
    if engine not in ENGINES:
        raise SettingsError(f"there is no engine {engine!r}; use one of {', '.join(ENGINES)}")
    return ENGINES[engine](file, device, threads)


def _onnxruntime(file: Path, device: str, threads: int) -> Run:
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
        raise _not_loaded(file, error) from error
    names = [value.name for value in session.get_outputs()]

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        try:
            return dict(zip(names, session.run(names, dict(inputs)), strict=True))
        except errors as error:
            raise _not_run(file, inputs, error) from error

    return run


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """The exceptions of ONNX Runtime itself, which have no common base class and are not documented.

    ValueError is what it raises for inputs and outputs that the graph does not have.
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


def _openvino(file: Path, device: str, threads: int) -> Run:
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
        raise _not_loaded(file, error) from error
    request = compiled.create_infer_request()

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        try:
            found = request.infer(dict(inputs))
        except RuntimeError as error:
            raise _not_run(file, inputs, error) from error
        return {output.any_name: np.array(found[output]) for output in compiled.outputs}

    return run


def _not_loaded(file: Path, error: Exception) -> ScrivenError:
    if OUT_OF_MEMORY.search(str(error)):
        return InputError(f"there is not enough memory to load {file} ({_reason(error)}); use a smaller model")
    return ModelError(f"{file} is damaged or of an unknown kind ({_reason(error)}); copy the model folder again")


def _not_run(file: Path, inputs: Mapping[str, Array], error: Exception) -> ScrivenError:
    shapes = ", ".join(f"{name} {' x '.join(map(str, value.shape))}" for name, value in inputs.items())
    if OUT_OF_MEMORY.search(str(error)):
        return InputError(
            f"there is not enough memory to read {shapes} ({_reason(error)}); "
            "free some memory, use fewer threads, or read on another device"
        )
    return ModelError(f"{file} cannot be run with {shapes} ({_reason(error)}); copy the model folder again")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


ENGINES: dict[str, Callable[[Path, str, int], Run]] = {"onnxruntime": _onnxruntime, "openvino": _openvino}
