"""The recipes that compare networks, and the decoders of networks with two heads."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from scriven.lines import Reading
from scriven.selftrain.pseudo_labels import PseudoLabel
from toy_recipes import _recipes_on_the_path, data, module  # noqa: F401


def test_pseudo_labels_are_compared_by_the_errors_of_those_kept() -> None:
    recipe = module("pseudo-labels")
    labels = [PseudoLabel(Reading(str(i), "abc", 0.5), -float(i)) for i in range(10)]
    texts = {str(i): "abc" if i < 5 else "abx" for i in range(10)}
    rates = recipe.kept_rates(labels, texts)
    assert rates["0.15"] == rates["0.5"] == 0 and rates["1.0"] == pytest.approx(5 / 30)
    better = {fraction: rate / 2 for fraction, rate in rates.items()}
    row = {"collection": "toys_fr", "level": "lines", "n": 10, "date": "2026-11-30"}
    table = recipe.table([{**row, "decoder": "ctc", "cer": rates}, {**row, "decoder": "both", "cer": better}])
    assert "-50.0 % of the best 100 %" in table and "| toys_fr | lines | 10 | both |" in table


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, list[list[str]]]:
    """The recipe; its commands are recorded. A batch of trba has 8 words, one of convtext 5."""
    found, ran = module("networks"), list[list[str]]()

    def scriven(*arguments: object, quiet: bool = True) -> SimpleNamespace:
        command = [str(part) for part in arguments]
        ran.append(command)
        if command[0] == "score":
            cer = 0.9 if "trba" in command[1] else 0.5
            return SimpleNamespace(out=json.dumps({"cer": cer, "wer": 1, "interval": [cer, cer], "n": 6}), cpu=2.0)
        out = Path(command[command.index("-o") + 1])
        out.mkdir(parents=True)
        (out / "model.json").write_text("{}")
        steps = int(command[command.index("--steps") + 1]) if "--steps" in command else 100
        row = {"cer": 0.9, "minutes": 3.0, "pictures": steps * (8 if "trba" in command else 5)}
        (out / "log.jsonl").write_text(json.dumps(row) + "\n")
        return SimpleNamespace(out="")

    monkeypatch.setattr(found, "scriven", scriven)
    return found, ran


def test_networks_are_compared_at_equal_minutes_and_at_equal_words(
    networks: tuple[ModuleType, list[list[str]]],
    tmp_path: Path,
    data: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe, ran = networks
    train = data / "toys_fr" / "train"
    train.mkdir()
    (train / "lines.parquet").write_bytes((data / "toys_fr" / "test" / "lines.parquet").read_bytes())
    arguments = [str(data), str(tmp_path / "out"), "--collections", "toys_fr", "--minutes", "3", "--level", "lines"]
    monkeypatch.setattr(sys, "argv", ["networks", *arguments])
    recipe.main()
    lengths = [c[c.index("--level") + 2 :][:2] for c in ran if c[0] == "train"]
    assert lengths == [["--minutes", "3"], ["--minutes", "3"], ["--steps", "4"], ["--steps", "160"]]  # 800 words of 5
    table = (tmp_path / "out" / "networks.md").read_text()
    assert "| trba | minutes | 3 | 800 | 4.4 | 3 | 90.00" in table and "| convtext small | words | 3 | 800 |" in table
    count = len(ran)
    recipe.main()
    assert len(ran) == count  # nothing is trained or scored again
