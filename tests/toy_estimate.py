"""A known regression, the texts of toy lines and lines folders of them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scriven.estimate.regression import (
    CerRegression,
)
from scriven.images import encode
from scriven.jobs.read import ReadSettings
from scriven.lines import Line, LinesWriter
from toy_reader import LETTERS, picture, write_model

Command = Callable[..., tuple[int, str, str]]
Python = Callable[..., subprocess.CompletedProcess[str]]

ONE = ReadSettings(threads=1)
KNOWN = CerRegression(0.7, {"change": 0.9, "length": 0.2, "length x change": 0.1, "advance": 0.8}, 0.2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("toy") / "model")


def texts(count: int, seed: int = 0) -> list[str]:
    draw = np.random.default_rng(seed)
    return ["".join(draw.choice(LETTERS[:-1], draw.integers(3, 9))) for _ in range(count)]


def folder(path: Path, count: int, labelled: int = 0, wrong: bool = False) -> Path:
    """Lines of which the first are labelled, with an extra letter if `wrong`."""
    with LinesWriter(path, {}) as writer:
        for i, text in enumerate(texts(count)):
            said = text + "g" * wrong if i < labelled else None
            writer.write(Line(f"l{i}", encode(picture(text)), said), "test")
    return path
