"""Tensors out of the weight files of other programs: never their code."""

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from scriven.base import InputError

ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch.serialization", "_get_layout"): torch.serialization._get_layout,
}
STATES = ("model_state_dict", "state_dict", "model")  # keys under which programs keep the weights


class Inert:
    """What a name of a file that is not admitted becomes: it takes any call and any state, and does nothing."""

    def __init__(self, *_: Any, **__: Any): ...

    def __setstate__(self, state: Any) -> None: ...

    def __call__(self, *_: Any, **__: Any) -> "Inert":
        return self


class Restricted(pickle.Unpickler):
    """An unpickler that finds tensors and plain containers; every other name becomes `Inert`."""

    def find_class(self, module: str, name: str) -> Any:
        return ADMITTED.get((module, name), Inert)


def load_weight_file(file: Path) -> dict[str, Any]:
    """The contents of a file of `torch.save` on the CPU: tensors and plain containers, whatever else is in it.

    Raises InputError for a file that cannot be read or is none.
    """
    try:
        found = _load(file)
    except OSError as error:
        raise InputError(f"cannot open {file} ({error.strerror or error})") from error
    except Exception as error:  # a damaged pickle raises anything
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{file} is damaged, or is not a file of weights that PyTorch saved ({reason})") from error
    if not isinstance(found, Mapping):
        raise InputError(f"{file} holds a {type(found).__name__}, not the weights of a network by name")
    return dict(found)


def _load(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # it names other classes, too
        reader: Any = SimpleNamespace(
            Unpickler=Restricted,
            load=lambda stream, **options: Restricted(stream, **options).load(),
            __name__="scriven",
        )
        return torch.load(file, map_location="cpu", weights_only=False, pickle_module=reader)


def weights_of(contents: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors by name, however the file wraps them. Raises InputError where there are none.

    Weights of several networks (`{"models": {"encoder": ...}}`) are named after them.
    """
    for key in STATES:
        if isinstance(inside := contents.get(key), Mapping):
            return weights_of(inside)
    if isinstance(models := contents.get("models"), Mapping):
        return {f"{model}.{name}": value for model, one in models.items() for name, value in one.items()}
    found = {str(name): value for name, value in contents.items() if isinstance(value, Tensor)}
    if not found:
        raise InputError(f"there are no tensors in it, only {', '.join(map(str, list(contents)[:8])) or 'nothing'}")
    return found
