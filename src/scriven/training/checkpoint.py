"""Weights, training log and resume state of a model folder, as safetensors and JSON; never a pickle."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import safetensors
import torch
from lightning_fabric import Fabric
from safetensors.torch import save
from torch import Tensor, nn

import scriven
from scriven.base import MissingExtra, ModelError, OutputError, SettingsError, atomic
from scriven.reader.model import ModelInfo, read_info
from scriven.reader.parameters import WEIGHTS as WEIGHTS
from scriven.recognisers import build
from scriven.recognisers.contract import Recogniser
from scriven.tensors import load_tensors as load_tensors

STATE, LOG = "state/run.safetensors", "log.jsonl"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any] | None = None) -> None:
    """Write a safetensors file atomically, with `about` as JSON in its header. Raises OutputError."""
    plain = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    data = save(plain, metadata={"about": json.dumps(about)} if about is not None else None)
    with atomic(path) as file:
        file.write(data)


def save_weights(folder: Path, net: Recogniser | nn.Module, half: bool = False) -> None:
    """Write the weights of a network into a model folder.

    `half` stores matrices and kernels in 16 bits, as in the bundled models; vectors and statistics stay in 32 bits.
    """
    tensors = net.state_dict()
    if half:
        tensors = {k: v.half() if v.is_floating_point() and v.ndim > 1 else v for k, v in tensors.items()}
    save_tensors(folder / WEIGHTS, tensors)


def build_network(info: ModelInfo, folder: Path) -> Recogniser:
    """The network that model.json describes, with random weights.

    Raises ModelError if this version has no such network or size, or if its height or stride differs from model.json.
    """
    try:
        net = build(info.network, info.characters, **info.sizes)
    except SettingsError as error:
        raise ModelError(f"model.json in {folder} cannot be used: {error}; update scriven") from error
    if (net.height, net.stride, net.frames) != (info.height, info.stride, info.frames):
        raise ModelError(
            f"the network {info.network} has a height of {net.height} px and a stride of {net.stride} px; "
            f"model.json in {folder} gives {info.height} and {info.stride}; copy the folder again"
        )
    return net


def load_net(folder: Path) -> tuple[Recogniser, ModelInfo]:
    """The network of a model folder, in evaluation mode on the CPU. Raises ModelError."""
    info = read_info(folder)
    net = build_network(info, folder)
    tensors = {k: v.float() if v.dtype == torch.half else v for k, v in load_tensors(Path(folder) / WEIGHTS).items()}
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise ModelError(
            f"the weights in {folder} do not fit its model.json ({detail}); copy the folder again"
        ) from error
    return net.eval(), info


def versions() -> dict[str, str]:
    """Versions of scriven, torch and Python, for model.json."""
    return {"scriven": scriven.__version__, "torch": torch.__version__, "python": platform.python_version()}


class Resumable(Protocol):
    """A run of a training loop: its progress, a record with `rows` of the log, and all other state as tensors."""

    @property
    def progress(self) -> Any: ...
    def tensors(self) -> dict[str, Tensor]: ...
    def restore(self, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None: ...


def save_state(folder: Path, run: Resumable, settings: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Write all that is needed to resume exactly, in one file, and the log so far; see `resume` for `data`."""
    about = {"settings": dict(settings), "data": dict(data), "progress": asdict(run.progress)}
    save_tensors(folder / STATE, run.tensors(), about)
    with atomic(folder / LOG, "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in run.progress.rows)


def unfinished_run(folder: Path) -> dict[str, Any]:
    """The settings, data and progress of an unfinished run; empty if there is none.

    Raises OutputError if the file is damaged.
    """
    path = folder / STATE
    if not path.is_file():
        return {}
    try:
        with safetensors.safe_open(path, "pt") as file:
            about: dict[str, Any] = json.loads(file.metadata()["about"])
    except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise OutputError(f"{path} is damaged ({error}); delete {folder} and start again") from error
    return about


def resume(
    folder: Path,
    run: Resumable,
    settings: Mapping[str, Any],
    data: Mapping[str, Any],
    fabric: Fabric,
    defaults: Mapping[str, Any] | None = None,
    renamed: Mapping[str, str] | None = None,
) -> bool:
    """Restore the state of an interrupted run into `run`; False if there is none.

    `defaults`: the values of settings that the version which began it did not have; `renamed`: the present names of
    settings that have changed. Raises OutputError if that run had
    other settings or other `data` (fingerprints, characters).
    """
    if not (about := unfinished_run(folder)):
        return False
    tensors = load_tensors(folder / STATE)
    before = {(renamed or {}).get(key, key): value for key, value in about["settings"].items()}
    old, new = json.loads(json.dumps([{**(defaults or {}), **some} for some in (before, settings)]))
    if different := sorted(k for k in new if old.get(k) != new[k]):
        raise OutputError(
            f"{folder} was begun with other settings ({', '.join(different)}); choose another -o or use those again"
        )
    if about.get("data") != json.loads(json.dumps(dict(data))):
        raise OutputError(
            f"{folder} was begun with other training data: lines, pictures or characters of its inputs have changed "
            "since; choose another -o, or restore the inputs"
        )
    run.restore({k: v.to(fabric.device) if k != "rng" else v for k, v in tensors.items()}, about["progress"])
    return True


def write_tensorboard(folder: Path, row: Mapping[str, Any]) -> None:
    """Write one row of the log as TensorBoard events. Raises MissingExtra without the extra `track`."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("the setting track", "track") from None
    with SummaryWriter(str(folder / "tensorboard")) as writer:
        for key in ("loss", "lr", "cer", "wer"):
            writer.add_scalar(key, row[key], row["step"])
