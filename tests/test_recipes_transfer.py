"""The recipe of transfer learning: what it trains, from what, and its table."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from scriven.images import encode
from scriven.lines import Line, LinesWriter
from toy_reader import picture
from toy_recipes import _recipes_on_the_path, data, module  # noqa: F401


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, list[list[str]]]:
    """The recipe, whose commands are recorded and write what later ones need; attention and transfer read better."""
    found, ran = module("transfer"), list[list[str]]()

    def scriven(*arguments: object, quiet: bool = True) -> SimpleNamespace:
        command = [str(part) for part in arguments]
        ran.append(command)
        if command[0] == "score":
            cer = 0.5 - 0.2 * ("transfer" in command[1]) - 0.1 * ("attention" in command[1])
            cer += 0.01 * int(Path(command[1]).name.split("-")[2])
            return SimpleNamespace(out=json.dumps({"cer": cer, "wer": 2 * cer, "exact": 0.1, "n": 6}))
        folder = output(command)
        if command[0] == "write":
            with LinesWriter(folder, {}) as writer:
                writer.write(Line("a", encode(picture("abc")), "abc"))
        else:
            folder.mkdir(parents=True)
            (folder / "model.json").write_text("{}")
            rows = ({"cer": 0.9, "minutes": 1.0}, {"cer": 0.4, "minutes": 2.0})
            (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return SimpleNamespace(out="")

    monkeypatch.setattr(found, "scriven", scriven)
    return found, ran


@pytest.fixture
def words(data: Path) -> Path:  # noqa: F811
    """The toy collection as words of three splits."""
    lines = data / "toys_fr" / "test" / "lines.parquet"
    for split in ("train", "val", "test"):
        (data / "toys_fr" / split).mkdir(exist_ok=True)
        (data / "toys_fr" / split / "words.parquet").write_bytes(lines.read_bytes())
    return data


SETTINGS = ("--first-steps", "5", "--set", "lr=0.1", "--tune", "freeze=features")


def output(command: list[str]) -> Path:
    return Path(command[command.index("-o") + 1])


def run(recipe: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    given = ["transfer", *map(str, arguments), "--collections", "toys_fr", "--seeds", "0,1", "--words", "50"]
    monkeypatch.setattr(sys, "argv", given)
    recipe.main()


def test_every_combination_is_trained_once_with_each_seed(recipe, words, tmp_path, monkeypatch, capsys) -> None:
    made, ran = recipe
    out = tmp_path / "out"
    given = ("--steps", "7", "--first-steps", "5", "--set", "lr=0.1", "--tune", "freeze=features")
    run(made, monkeypatch, words, out, *given)
    trainings = [command for command in ran if command[0] == "train"]
    first, scratch, tuned = (
        [c for c in trainings if Path(c[c.index("-o") + 1]).name.startswith(name)]
        for name in ("first", "scratch", "tran")
    )
    assert (len(first), len(scratch), len(tuned), len(trainings)) == (4, 4, 4, 12)
    assert all(c[1] == str(out / "print-fr-50") and "steps=5" in c for c in first)
    assert all(c[1] == str(words / "toys_fr") and "steps=7" in c and "freeze=features" not in c for c in scratch)
    assert all(c[1] == str(words / "toys_fr") and "steps=7" in c and "freeze=features" in c for c in tuned)
    for command in tuned:
        name = Path(command[command.index("--from") + 1]).name
        prediction, seed = name.split("-")[1:3]
        assert {f"sizes.prediction={prediction}", f"seed={seed}", "gate=no", "lr=0.1", "model=trba"} <= set(command)
        assert name.startswith("first-")
    (write,) = (command for command in ran if command[0] == "write")
    assert write[-1] == "tags=print,marker" and "words:fr" in write
    text = (out / "transfer.md").read_text()
    assert "| no | ctc | 2 | 40.00 ± 0.00 | 50.50 ± 0.71 | 101.00 ± 1.41 | 2.0 | 7.12 / 19.77 |" in text
    assert "| yes | attention | 2 | 40.00 ± 0.00 | 20.50 ± 0.71 | 41.00 ± 1.41 | 2.0 | 4.84 / 11.97 |" in text
    assert len(json.loads((out / "transfer.json").read_text())) == 8 and capsys.readouterr().out.strip() == text.strip()
    before = len(ran)
    run(made, monkeypatch, words, out, *given)
    assert len(ran) == before  # rows are not measured again
    run(made, monkeypatch, words, out, "--steps", "8", *SETTINGS, "--predictions", "ctc")
    again = [command for command in ran[before:] if command[0] == "train"]
    assert len(again) == 4 and all("steps=8" in command for command in again)  # the first stages are not repeated


def test_a_single_seed_has_no_deviation() -> None:
    spread = module("transfer").spread
    assert spread([0.1234]) == "12.34" and spread([0.1, 0.2, 0.3]) == "20.00 ± 10.00"
