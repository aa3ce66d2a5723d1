"""Forecast of a training run: time from the measured speed of this machine, memory and disk from measured runs."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np

from scriven.base import cores
from scriven.base.settings import check_choice
from scriven.images import one_thread
from scriven.jobs.doctor.records import Row
from scriven.reader.model import HEIGHT, ModelInfo

_log = logging.getLogger("scriven")

# Measured on one core of an AMD EPYC (Zen 4, bf16 mixed precision).
TRAIN_SPEED = {"tiny": 27_000.0, "small": 15_300.0, "base": 6_000.0}  # px of width per CPU-second: a training step
LOOP_FRACTION = 0.84  # fraction of that speed with loading, augmentation, gradient clipping and weight averaging
MEMORY = {"tiny": 2.5, "small": 2.8, "base": 3.3}  # peak GB, batches of 12,288 px, partly synthetic pictures
CONVOLUTIONS = 4_500.0  # result of `_convolutions_per_second` on the same core


@dataclass(frozen=True)
class TrainingForecast:
    """The forecast of training one network on the usable lines of train. n cores take about 1/n of the time of one."""

    size: str
    lines: int
    width_px: int  # of all lines, at the height of the recogniser
    width_px_per_second: float  # of one core
    measured: str  # how the speed was measured
    minutes_per_epoch: float  # on one core
    epochs_per_hour: float  # on all cores of this machine
    cores: int
    memory_gb: float
    disk_gb: float  # of decoded pictures, temporary

    def sentence(self) -> str:
        """The forecast in words, as the command prints it."""
        one_epoch = f"{self.minutes_per_epoch:.1f} minutes" if self.minutes_per_epoch >= 0.1 else "a few seconds"
        lines = "the one line" if self.lines == 1 else f"the {self.lines:,} lines"
        here = "the one core" if self.cores == 1 else f"the {self.cores} cores"
        epochs = f"{self.epochs_per_hour:,.{0 if self.epochs_per_hour >= 10 else 1}f}"
        disk = f"{self.disk_gb:.2f} GB" if self.disk_gb >= 0.01 else "less than 0.01 GB"
        return (
            f"One epoch of training the {self.size} network on {lines} of train takes {one_epoch} on one core; "
            f"{here} of this machine can compute about {epochs} epochs per hour. (One core trains on "
            f"{self.width_px_per_second:,.0f} px of line width per second, {self.measured}.) Training needs up to "
            f"{self.memory_gb:.1f} GB of memory and {disk} of temporary disk space."
        )


def forecast(rows: Sequence[Row], size: str, calibrate: bool, info: ModelInfo | None = None) -> TrainingForecast | None:
    """The forecast for the usable lines of train; None where there are none.

    It is for the network of `info` if given, else for one of a size. Raises SettingsError for an unknown size.
    """
    check_choice("size", size, TRAIN_SPEED)
    widths = [r.width for r in rows if r.split == "train"]
    if not widths:
        return None
    network, sizes = (info.network, info.sizes) if info else ("", {"size": size})
    rate, how = speed(network, sizes, calibrate)
    width = sum(widths)
    return TrainingForecast(
        size=info.size if info else size,
        lines=len(widths),
        width_px=width,
        width_px_per_second=rate,
        measured=how,
        minutes_per_epoch=width / rate / 60,
        epochs_per_hour=3600 * rate * cores() / width,
        cores=cores(),
        memory_gb=MEMORY.get(sizes.get("size", ""), max(MEMORY.values())),
        disk_gb=width * HEIGHT / 1e9,
    )


def speed(network: str, sizes: Mapping[str, Any], calibrate: bool) -> tuple[float, str]:
    """px of line width per CPU-second of one core, and how it was measured: by training, or by a benchmark."""
    if calibrate and find_spec("torch") and find_spec("lightning_fabric"):
        from scriven.jobs.bench import training_columns

        return LOOP_FRACTION * training_columns(network, sizes), "measured by training a few batches"
    usual = TRAIN_SPEED.get(sizes.get("size", ""), min(TRAIN_SPEED.values()))
    return (
        LOOP_FRACTION * usual * _convolutions_per_second() / CONVOLUTIONS,
        "the speed of a reference machine, scaled by a short benchmark of this one",
    )


def _convolutions_per_second(seconds: float = 0.25) -> float:
    """Convolutions of a picture per CPU-second, a rough measure of the speed of this machine for networks."""
    picture = np.random.default_rng(0).random((64, 1024), np.float32)
    kernel = np.full((11, 11), 1 / 121, np.float32)
    with one_thread():
        begun, count = time.process_time(), 0
        while time.process_time() - begun < seconds or not count:
            cv2.filter2D(picture, cv2.CV_32F, kernel)
            count += 1
        return count / (time.process_time() - begun)
