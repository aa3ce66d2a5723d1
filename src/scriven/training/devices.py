"""Devices and precision of training, by Lightning Fabric."""

import logging
from typing import Any

import torch
from lightning_fabric import Fabric

from scriven.base import SettingsError
from scriven.training.memory import limit_memory
from scriven.training.precision import precision_of
from scriven.training.settings import FitSettings


def check_available(settings: FitSettings) -> None:
    """Raises SettingsError if this machine lacks what `device`, `devices` or `precision` ask for."""
    device, here = settings.device, {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here.get(device, True):
        raise SettingsError(f"the setting 'device' is {device}, which torch does not find here; use cpu or auto")
    gpu = device == "cuda" or (device == "auto" and here["cuda"])
    most = torch.cuda.device_count() if gpu else 1 if device == "mps" else settings.devices
    if settings.devices > most:
        raise SettingsError(
            f"the setting 'devices' is {settings.devices}, but this machine has {most}; set at most that"
        )
    if settings.precision == "16-mixed" and not gpu:
        raise SettingsError("the setting 'precision' is 16-mixed, which needs device=cuda; use bf16-mixed or auto")


def fabric_of(settings: FitSettings) -> Fabric:
    """A Fabric with the devices and precision of `settings`. It seeds torch's generators, not Python's or numpy's.

    Raises SettingsError as `check_available` does.
    """
    check_available(settings)
    lightning = logging.getLogger("lightning_fabric")  # it reports precision and processes on standard error
    lightning.setLevel(max(lightning.level, logging.WARNING))
    limit_memory()
    torch.manual_seed(settings.seed)
    precision: Any = resolved_precision(settings)
    return Fabric(accelerator=_device(settings), devices=settings.devices, precision=precision)


def resolved_precision(settings: FitSettings) -> str:
    """The precision of these settings on this machine, with `auto` resolved."""
    return precision_of(_device(settings)) if settings.precision == "auto" else settings.precision


def _device(settings: FitSettings) -> str:
    return settings.device if settings.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
