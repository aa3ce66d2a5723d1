"""recipes/ladder: the commands of its rungs, what is done once only, and the table."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from scriven.lines import Line, LinesFolder, LinesWriter
from toy_recipes import _recipes_on_the_path, module  # noqa: F401


class Result(NamedTuple):
    out: str


CER = {"base": 0.5, "augmentation": 0.4, "blots": 0.38, "stackmix": 0.35, "all": 0.3}
Commands = list[list[str]]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    with LinesWriter(tmp_path / "toys", {}) as writer:
        for split, count in (("train", 20), ("valid", 3), ("test", 4)):
            for n in range(count):
                writer.write(Line(f"{split}{n}", b"png", f"text {n}", extra={"language": "fr"}), split)
    return tmp_path / "toys"


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, Commands]:
    """The recipe, whose commands write next to nothing and are noted."""
    made, ran = module("ladder"), Commands()

    def scriven(*given: str | Path, quiet: bool = True) -> Result:
        command = [str(part) for part in given]
        ran.append(command)
        if command[0] == "score":
            rung, seed = Path(command[1]).name.split("-")[0], int(Path(command[1]).name.split("-")[2])
            cer = CER[rung] + 0.02 * seed
            found = {"cer": cer, "wer": 2 * cer, "exact": 0.1, "n": 4, "interval": [cer, cer]}
            return Result(json.dumps(found))
        out = Path(command[command.index("-o") + 1])
        out.mkdir(parents=True)
        (out / ("bank.json" if command[0] == "cut" else "model.json")).write_text("{}")
        (out / "log.jsonl").write_text(json.dumps({"step": 100, "minutes": 1.0}) + "\n")
        return Result("")

    monkeypatch.setattr(made, "scriven", scriven)
    monkeypatch.setattr(made, "fingerprint", lambda model: "f")
    return made, ran


def run(recipe: ModuleType, monkeypatch: pytest.MonkeyPatch, *given: object) -> None:
    monkeypatch.setattr(sys, "argv", ["ladder", *map(str, given)])
    recipe.main()


def test_every_rung_is_trained_on_the_same_lines_and_scored_once(recipe, lines, tmp_path, monkeypatch, capsys) -> None:
    made, ran = recipe
    out = tmp_path / "out"
    given = (lines, out, "--lines", 5, "--seeds", "0,1", "--set", "lr=0.1")
    run(made, monkeypatch, *given)
    trained, cut, scored = ([c for c in ran if c[0] == name] for name in ("train", "cut", "score"))
    assert (len(trained), len(cut), len(scored)) == (10, 2, 10)
    assert all({"--minutes", "10", "lr=0.1", "gate=no"} <= set(c) and c[c.index("--from") + 1] for c in trained)
    assert all(c[c.index("--split") + 1] == "test" for c in scored)  # and of no other command
    for seed in (0, 1):
        folder = out / f"lines-5-{seed}"
        assert {name: LinesFolder(folder).count(name) for name in LinesFolder(folder).splits} == {
            "train": 5, "valid": 3, "test": 4,
        }  # fmt: skip
        some = [c for c in trained if f"seed={seed}" in c]
        assert {c[1] for c in some} == {str(folder)} and len(some) == 5
        mixed = {next(one for one in c if one.startswith("augmentation=")): "--mix" in c for c in some[3:]}
        assert mixed == {"augmentation=default": True, "augmentation=blots": True}
        assert not any("--mix" in c for c in some[:3])
        bank = cut[seed]
        assert bank[1] == str(out / f"augmentation-5-{seed}-minutes-10") and bank[2] == str(folder)
    ids = [{str(one) for one in LinesFolder(out / f"lines-5-{seed}").columns("train", ["id"])["id"]} for seed in (0, 1)]
    assert ids[0] != ids[1]
    text = (out / "ladder.md").read_text()
    assert "| all | 31.00 ± 1.41 | 62.00 ± 2.83 | 10.00 ± 0.00 | -24.4 % | 2 | 100 |" in text
    assert "| base | 51.00 ± 1.41 |" in text and "5 training lines" in text and capsys.readouterr().out.strip()
    before = len(ran)
    run(made, monkeypatch, *given)
    assert len(ran) == before  # nothing is measured again


def test_one_rung_alone_has_what_it_needs(recipe, lines, tmp_path, monkeypatch) -> None:
    """StackMix needs the bank, and the bank the model of the rung `augmentation`; `--lines 0` takes all lines."""
    made, ran = recipe
    run(made, monkeypatch, lines, tmp_path / "out", "--lines", 0, "--seeds", 0, "--rungs", "stackmix", "--steps", 7)
    assert [c[0] for c in ran] == ["train", "cut", "train", "score"]
    assert "--steps" in ran[2] and any(one.endswith("@fr") for one in ran[2])
    assert LinesFolder(tmp_path / "out" / "lines-all-0").count("train") == 20
    text = (tmp_path / "out" / "ladder.md").read_text()
    assert "All training lines" in text and "| stackmix | 35.00 | 70.00 | 10.00 | - | 1 | 100 |" in text
