"""Recipes as modules and as programs, and a data folder of one collection."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

import scriven
from scriven.images import encode
from scriven.lines import Line, LinesWriter
from toy_reader import picture

RECIPES = Path(__file__).parents[1] / "recipes"
PYTHON = ("test-scores", "side-by-side", "learning-curve", "adapt", "estimate", "pick", "transfer", "speed")
SHELL = ("scriven-general", "scriven-hand", "scriven-synthetic")
Recipe = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _recipes_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def module(name: str) -> ModuleType:
    """A recipe as a module, though its file has no ending."""
    loader = SourceFileLoader(name.replace("-", "_"), str(RECIPES / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    found = module_from_spec(spec)
    sys.modules[loader.name] = found  # dataclasses look there
    loader.exec_module(found)
    return found


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Run a recipe in a fresh process that sees this scriven, and of other programs only those in `bin`."""

    def call(name: str, *arguments: object, kraken: str = "") -> subprocess.CompletedProcess[str]:
        home = str(Path(scriven.__file__).parents[1])
        own = {"PYTHONPATH": home, "PATH": str(tmp_path / "bin"), "KRAKEN_MODEL": kraken}
        command = [sys.executable, "-B", str(RECIPES / name), *map(str, arguments)]
        done = subprocess.run(command, text=True, capture_output=True, env={**os.environ, **own}, timeout=300)
        assert done.returncode == 0, done.stderr
        return done

    return call


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of one collection that the toy reader reads: two pages of lines, every second text wrong."""
    folder = tmp_path / "data"
    with LinesWriter(tmp_path / "made", {}) as writer:
        for i in range(6):
            text = ("abc", "gfed", "ba dc")[i % 3]
            said = text if i % 2 else text + "g"
            writer.write(
                Line(f"p/{i}", encode(picture(text)), said, page=f"p{i // 3}", extra={"language": "fr"}), "test"
            )
    place = folder / "toys_fr" / "test" / "lines.parquet"
    place.parent.mkdir(parents=True)
    (tmp_path / "made" / "test-00000.parquet").rename(place)
    return folder


def ran(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash"] if name in SHELL else [sys.executable, "-B"]
    return subprocess.run([*command, str(RECIPES / name), *arguments], text=True, capture_output=True, timeout=300)
