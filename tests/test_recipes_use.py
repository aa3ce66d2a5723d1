"""recipes/use: what its rungs are trained on, what is done once only, and the table; in miniature from end to end."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from scriven.images import encode
from scriven.lines import Line, LinesFolder, LinesWriter
from toy_pictures import drawn
from toy_recipes import _recipes_on_the_path, module  # noqa: F401
from toy_rungs import Commands, run, stubbed

CER = {"real": 0.5, "generated": 0.6, "real+generated": 0.4, "real+fonts": 0.45, "real+stackmix": 0.42}


def folder(place: Path, splits: dict[str, int], origin: str = "human", texts: Sequence[str] = ("text",)) -> Path:
    with LinesWriter(place, {}) as writer:
        for split, count in splits.items():
            for n in range(count):
                text = f"{texts[n % len(texts)]} {n}"
                extra = {"language": "fr"}
                writer.write(Line(f"{split}{n}", encode(drawn(text, n)), text, origin=origin, extra=extra), split)
    return place


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return folder(tmp_path / "toys", {"train": 20, "valid": 3, "test": 4})


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, Commands]:
    """The recipe, whose commands write next to nothing and are noted."""
    return stubbed("use", CER, monkeypatch, lambda out: folder(out, {"train": 6}, "generated"))


def test_rungs_differ_only_in_what_they_are_trained_on(recipe, lines, tmp_path, monkeypatch, capsys) -> None:
    made, ran = recipe
    out = tmp_path / "out"
    given = (lines, out, "--lines", 5, "--seeds", "0,1", "--steps", 7, "--set", "lr=0.1")
    run(made, monkeypatch, *given)
    kinds = ("train", "cut", "score", "write")
    trained, cut, scored, wrote = ([c for c in ran if c[0] == kind] for kind in kinds)
    assert (len(trained), len(cut), len(scored), len(wrote)) == (10, 2, 10, 2)
    assert all({"--steps", "7", "lr=0.1", "gate=no"} <= set(c) for c in trained)
    for seed in (0, 1):
        real, generated = str(out / f"lines-5-{seed}"), ""
        some = [c[1 : c.index("-o")] for c in trained if f"seed={seed}" in c]
        weights = [next(one for one in c if one.startswith("weights=")) for c in trained if f"seed={seed}" in c]
        generated = some[1][0]
        assert some == [[real], [generated], [real, generated], [real, "fonts:fr"], [real, some[4][1]]]
        assert weights == ["weights=1", "weights=1", "weights=1,1", "weights=1,1", "weights=1,1"]
        assert some[4][1].startswith(f"stackmix:{out / 'bank'}-5-{seed}") and some[4][1].endswith("@fr")
        assert cut[seed][1].startswith(str(out / f"real-5-{seed}")) and cut[seed][2] == real
        held = LinesFolder(generated)
        assert {line.origin for line in held.lines("train")} == {"generated"}
        assert [line.id for line in held.lines("valid")] == [line.id for line in LinesFolder(real).lines("valid")]
        shown = LinesFolder(wrote[seed][wrote[seed].index("--like") + 1])
        assert list(shown.splits) == ["train"] and shown.count("train") == 5  # the scribe sees no test line
        assert str(seed) == wrote[seed][wrote[seed].index("--seed") + 1]
    assert all(c[2].startswith(str(out / "lines-5-")) and c[c.index("--split") + 1] == "test" for c in scored)
    text = (out / "use.md").read_text()
    assert "| real+generated | 41.00 ± 1.41 | 82.00 ± 2.83 | 10.00 ± 0.00 | -19.6 % | 2 | 100 |" in text
    assert "| generated | 61.00" in text and "5 training lines" in text and capsys.readouterr().out.strip()
    before = len(ran)
    run(made, monkeypatch, *given)
    assert len(ran) == before  # nothing is measured again
    run(
        made,
        monkeypatch,
        *given,
        "--generate",
        "write --scribe other --texts lines:fr -n 6",
        "--rungs",
        "generated,real",
    )
    assert [c[0] for c in ran[before:]] == ["write", "train", "score"] * 2  # only what depends on it


def test_what_cannot_be_measured_is_named(recipe, lines, tmp_path, monkeypatch, capsys) -> None:
    made, ran = recipe
    with pytest.raises(SystemExit):
        run(made, monkeypatch, lines, tmp_path / "out", "--rungs", "real,wordstylist")
    assert "there is no rung wordstylist; there are real, generated," in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(made, monkeypatch, lines, tmp_path / "out", "--language", "")
    assert "give --language" in capsys.readouterr().err and not ran


SENTENCES = (
    "The five boxing wizards jump quickly",
    "Pack my box with a dozen jugs",
    "Sphinx of black quartz, judge my vow.",
)


@pytest.mark.slow
def test_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rungs of a few batches each, with typefaces in the place of the generator."""
    made = module("use")
    generate = "write --texts lines:{language} --count 8 --seed {seed} --set plain=1"
    lines = folder(tmp_path / "toys", {"train": 24, "valid": 4, "test": 4}, texts=SENTENCES)
    given = ["--lines", 12, "--seeds", 0, "--steps", 2, "--language", "en", "--generate", generate]
    given += ["--set", "batch_width_px=2048", "--rungs", "real+generated,real+stackmix"]
    run(made, monkeypatch, lines, tmp_path / "out", *given)
    text = (tmp_path / "out" / "use.md").read_text()
    assert "| real+generated |" in text and "| real+stackmix |" in text and text.count("| 1 | 2 |") == 2
