"""Shared fixtures: thread settings, the command line in this process, the folder of real handwriting."""

import getpass
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from scriven.lines import Line

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before anything imports torch
os.environ["SCRIVEN_CACHE"] = str(
    Path(tempfile.gettempdir()) / f"scriven-tests-{getpass.getuser()}"
)  # not the user's own
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # tests that import ONNX Runtime themselves report nothing either
if "PYTEST_XDIST_WORKER" in os.environ:  # one of several processes: one thread each
    os.environ.setdefault("OMP_NUM_THREADS", "1")
if os.environ.get("CI"):  # the same examples each time: what fails there fails for a change, not by chance
    hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
    hypothesis.settings.load_profile("ci")


@pytest.fixture
def scriven(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process: `scriven("read", "x.png")` -> (exit code, stdout, stderr)."""
    from scriven.cli import run

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a piece of Python in a fresh process that sees the same `scriven` as this one."""
    import scriven

    home = str(Path(scriven.__file__).parents[1])

    def call(code: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": home, **dict(options.pop("env", {}))}  # type: ignore[call-overload]
        command = [sys.executable, "-c", code, *map(str, arguments)]
        pipes = {} if {"stdout", "stderr"} & set(options) else {"capture_output": True}
        return subprocess.run(command, text=True, env=environment, timeout=300, **pipes, **options)  # type: ignore[call-overload, no-any-return]

    return call


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real handwriting named by SCRIVEN_REAL_DATA; tests that need it carry the marker `real`."""
    folder = os.environ.get("SCRIVEN_REAL_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SCRIVEN_REAL_DATA names no folder of real handwriting")
    return Path(folder)


@pytest.fixture(scope="session")
def letters() -> list["Line"]:
    """Six small labelled lines with awkward ids, drawn without typefaces."""
    import cv2
    import numpy as np

    from scriven.images import encode
    from scriven.lines import Line

    rows = (("a.b", "NaN"), ("B/ü 1", "été, œuvre"), ("100%", "null"), ("x", 'say "yes"'), ("X", "tab"), ("k", "NA"))
    made = []
    for number, (id, text) in enumerate(rows):
        grey = np.full((40, 120 + 10 * number), 240, np.uint8)
        cv2.putText(grey, f"letter {number}", (4, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 20, 2)
        format = ("png", "jpeg", "webp")[number % 3]
        made.append(
            Line(id, encode(grey, format), text, hand=f"h{number % 2}", page="p", width=grey.shape[1], height=40)
        )
    return made
