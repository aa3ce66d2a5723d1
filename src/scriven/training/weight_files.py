"""Tensors out of the weight files of other programs: never their code."""

import pickle
from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from scriven.base import InputError

ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("collections", "deque"): deque,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch.serialization", "_get_layout"): torch.serialization._get_layout,
}
DEPTH = 8  # at most so many mappings are one in another
STATES = ("model_state_dict", "state_dict", "model")  # keys under which programs keep the weights


class Inert:
    """What a name of a file that is not admitted becomes: it takes any call, state and element, and does nothing."""

    def __init__(self, *_: Any, **__: Any): ...

    def __setstate__(self, state: Any) -> None: ...

    def __call__(self, *_: Any, **__: Any) -> "Inert":
        return self

    def _ignore(self, *_: Any, **__: Any) -> None: ...

    __setitem__ = append = extend = add = update = _ignore  # an unpickler fills mappings, lists and sets by these


class Restricted(pickle.Unpickler):
    """An unpickler that finds tensors and plain containers; every other name becomes `Inert`."""

    def find_class(self, module: str, name: str) -> Any:
        return ADMITTED.get((module, name), Inert)


def load_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of a file of `torch.save` by name, on the CPU. Raises InputError; see the functions below."""
    return weights_of(load_weight_file(file), file)


def load_weight_file(file: Path) -> dict[str, Any]:
    """The contents of a file of `torch.save` on the CPU: tensors and plain containers, whatever else is in it.

    Raises InputError for a file that cannot be read or is none.
    """
    try:
        found = _load(file)
    except OSError as error:
        raise InputError(f"cannot open {file} ({error.strerror or error}); give a file of weights") from error
    except Exception as error:  # a damaged pickle raises anything
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{file} is damaged, or is not a file of weights that PyTorch saved ({reason}); copy or download it again"
        ) from error
    if not isinstance(found, Mapping):
        what = "an object of a Python class" if isinstance(found, Inert) else f"a {type(found).__name__}"
        raise InputError(
            f"{file} holds {what}, not the weights of a network by name; save `network.state_dict()` and give that file"
        )
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


def weights_of(contents: Mapping[str, Any], file: str | Path) -> dict[str, Tensor]:
    """The dense tensors by name in the contents of `file`, however it wraps them.

    Weights of several networks (`{"models": {"encoder": ...}}`) are named after them. Whatever else there is is left
    out. Raises InputError where there are no such tensors.
    """
    for _ in range(DEPTH):
        inside = next((one for key in STATES if isinstance(one := contents.get(key), Mapping)), None)
        if inside is None:
            break
        contents = inside
    if isinstance(models := contents.get("models"), Mapping):
        parts = {model: one for model, one in models.items() if isinstance(one, Mapping)}
        named = {f"{model}.{name}": value for model, one in parts.items() for name, value in one.items()}
    else:
        named = {str(name): value for name, value in contents.items()}
    if not (found := {name: value for name, value in named.items() if _dense(value)}):
        has = ", ".join(map(str, list(contents)[:8])) or "nothing"
        raise InputError(f"there are no tensors in {file}, only {has}; give a file with the weights of a network")
    return found


def _dense(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized
