"""Recipes whose rungs train and score, with commands that write next to nothing and are noted."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from toy_recipes import module


class Result(NamedTuple):
    out: str


Commands = list[list[str]]


def stubbed(
    name: str, cer: Mapping[str, float], monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], object] | None = None
) -> tuple[ModuleType, Commands]:
    """A recipe and the commands that it calls. `cer`: of each rung, 0.02 more a seed; `write`: its `write` instead."""
    made, ran = module(name), Commands()

    def scriven(*given: str | Path, quiet: bool = True) -> Result:
        command = [str(part) for part in given]
        ran.append(command)
        if command[0] == "score":
            rung, _, seed, *_ = Path(command[1]).name.split("-")
            rate = cer[rung] + 0.02 * int(seed)
            return Result(json.dumps({"cer": rate, "wer": 2 * rate, "exact": 0.1, "n": 4, "interval": [rate, rate]}))
        out = Path(command[command.index("-o") + 1])
        if command[0] == "write" and write is not None:
            write(out)
            return Result("")
        out.mkdir(parents=True)
        (out / ("bank.json" if command[0] == "cut" else "model.json")).write_text("{}")
        (out / "log.jsonl").write_text(json.dumps({"step": 100, "minutes": 1.0}) + "\n")
        return Result("")

    monkeypatch.setattr(made, "scriven", scriven)
    monkeypatch.setattr(made, "fingerprint", lambda model: "f")
    return made, ran


def run(recipe: ModuleType, monkeypatch: pytest.MonkeyPatch, *given: object) -> None:
    """Call a recipe with these arguments."""
    monkeypatch.setattr(sys, "argv", [recipe.__name__, *map(str, given)])
    recipe.main()
