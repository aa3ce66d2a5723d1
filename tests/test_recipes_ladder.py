"""recipes/ladder: the commands of its rungs, what is done once only, and the table."""

from pathlib import Path
from types import ModuleType

import pytest

from scriven.lines import Line, LinesFolder, LinesWriter
from toy_recipes import _recipes_on_the_path, module  # noqa: F401
from toy_rungs import Commands, run, stubbed

CER = {"base": 0.5, "augmentation": 0.4, "blots": 0.38, "stackmix": 0.35, "all": 0.3}


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
    return stubbed("ladder", CER, monkeypatch)


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
