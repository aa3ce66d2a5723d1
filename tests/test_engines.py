"""Errors of inference engines: only a fault of the graph file is blamed on it, and the cause is kept."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest
import torch
from onnxruntime.capi import onnxruntime_pybind11_state as state

from scriven.base import InputError, ModelError
from scriven.reader.model import ModelInfo
from scriven.reader.session import Reader
from scriven.selftrain.metrics import reader_of
from scriven.text import Charset
from scriven.training.devices import fabric_of
from scriven.training.settings import FitSettings
from toy_reader import picture, write_model
from toy_recogniser import ToyNetwork

OUT_OF_MEMORY = "CUDA failure 2: out of memory ; GPU=0"
PROPAGATE = [MemoryError("no room"), KeyError("images"), AttributeError("a typing error in Scriven"), TypeError("x")]
NO_MEMORY = [RuntimeError(OUT_OF_MEMORY), state.RuntimeException("Failed to allocate memory for requested buffer")]
DEVICE = [RuntimeError("an error of the driver"), state.RuntimeException("CUDA failure 700"), state.EPFail("lost")]
GRAPH = [state.RuntimeException("Non-zero status code returned while running Reshape"), state.InvalidArgument("rank"),
         ValueError("Required inputs (['x']) are missing")]  # fmt: skip


@pytest.fixture(params=["load", "run"])
def raising(request: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """Loads the toy model and reads with it, while ONNX Runtime raises an error as it loads or as it runs."""
    folder = write_model(tmp_path / "toy")

    def read(error: Exception) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        name = {"load": "__init__", "run": "run"}[request.param]
        monkeypatch.setattr(onnxruntime.InferenceSession, name, fail)
        list(Reader.load(folder, threads=1).read([("a", picture("abc"))]))

    return read


@pytest.mark.parametrize("error", PROPAGATE, ids=lambda error: type(error).__name__)
def test_errors_that_are_none_of_the_engine_reach_the_caller(raising: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        raising(error)
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "said"),
    [*((error, "there is not enough memory") for error in NO_MEMORY), *((e, "on cpu.*another device") for e in DEVICE)],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value[:8],
)
def test_errors_that_are_none_of_the_graph_are_named(raising: Any, error: Exception, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        raising(error)
    assert not isinstance(caught.value, ModelError) and caught.value.__cause__ is error
    assert str(error) in str(caught.value) and "copy the model" not in str(caught.value)


@pytest.mark.parametrize("error", GRAPH, ids=lambda error: type(error).__name__)
def test_a_graph_that_is_refused_is_to_be_copied_again(raising: Any, error: Exception) -> None:
    with pytest.raises(ModelError, match=r"reader\.onnx is damaged .*copy the model folder again") as caught:
        raising(error)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("error", "kind"),
    [(MemoryError("no room"), MemoryError), (KeyError("x"), KeyError),
     (RuntimeError("[GPU] CL_OUT_OF_RESOURCES"), InputError), (RuntimeError("Check 'shape' failed"), ModelError)],
)  # fmt: skip
def test_openvino_errors_name_what_failed(
    error: Exception, kind: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    openvino = pytest.importorskip("openvino")

    def fail(*_: Any) -> None:
        raise error

    compiled = SimpleNamespace(create_infer_request=lambda: SimpleNamespace(infer=fail))
    monkeypatch.setattr(openvino.Core, "compile_model", lambda *_: compiled)
    reader = Reader.load(write_model(tmp_path / "toy"), engine="openvino", threads=1)
    with pytest.raises(kind) as caught:
        list(reader.read([("a", picture("abc"))]))
    assert type(caught.value) is kind
    assert error in (caught.value, caught.value.__cause__)


@pytest.mark.parametrize("error", [*PROPAGATE, torch.OutOfMemoryError(OUT_OF_MEMORY), RuntimeError("sizes differ")])
def test_what_torch_raises_is_not_blamed_on_the_model_folder(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks of `adapt` are read by torch."""

    def fail(*_: Any) -> Mapping[str, Any]:
        raise error

    monkeypatch.setattr(ToyNetwork, "forward", fail)
    net = ToyNetwork(Charset(tuple("abc ")))
    info = ModelInfo(network="toy", charset=tuple("abc "), height=net.height, stride=net.stride)
    with pytest.raises(type(error)) as caught:
        list(reader_of(net, info, fabric_of(FitSettings(steps=1))).read([("a", picture("abc"))]))
    assert caught.value is error
