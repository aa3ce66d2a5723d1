"""Bad input to commands: one sentence (what, where, what next), the right exit code, nothing lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scriven.images import encode
from scriven.lines import Line, LinesFolder, LinesWriter
from toy_bad_input import PNG, Scriven, cut, lines_folder, told, toy  # noqa: F401
from toy_reader import picture


def test_one_bad_line_in_a_thousand_skips_only_itself(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    folder = lines_folder(tmp_path / "thousand", 1_000, bad=500, apart=True)
    result = scriven("read", folder, "-m", toy)
    told(result, 1, "l500: ", "scriven: 1 skipped")
    assert len(result[1].splitlines()) == 999
    told(scriven("import", "parquet", folder, "-o", tmp_path / "in"), 1, "l500: ", "scriven: 1 skipped")
    assert LinesFolder(tmp_path / "in").count("train") == 999
    result = scriven("doctor", folder, "--set", "calibrate=no")
    told(result, 1, "l500: ", "scriven: 1 skipped")
    assert "1,000 lines checked, 1 would be lost" in result[1]
    result = scriven("score", toy, folder, "--json")
    told(result, 1, "l500: ")
    assert json.loads(result[1])["n"] == 999


@pytest.mark.slow
def test_adapt_names_one_bad_line_in_a_thousand(scriven: Scriven, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder, model = lines_folder(tmp_path / "thousand", 1_000, bad=500, apart=True), tmp_path / "model"
    damaged = lines_folder(tmp_path / "damaged", 4)
    cut(damaged / "train-00000.parquet")
    small = ("--size", "tiny", "--steps", 1, "--set", "evaluations=1", "--set", "batch_width_px=2048")
    told(scriven("train", folder, "-o", model, *small), 1, "l500: ", "scriven: 1 skipped")
    told(scriven("train", damaged, "-o", tmp_path / "none", "--from", model, *small), 2, "not a complete Parquet")
    told(scriven("train", folder, "-o", folder, *small), 2, "not a model begun by this command")
    told(scriven("train", folder, "-o", folder / "about.json", *small), 2, "is a file")
    asked = ("-m", model, "--lang", "en", "--rounds", 1, "--set", "steps=1", "--set", "synthetic_fraction=0")
    told(scriven("adapt", damaged, "-o", tmp_path / "hand", *asked), 2, "not a complete Parquet")
    told(scriven("adapt", folder, "-o", folder / "about.json", *asked), 2, "is a file")
    result = scriven(
        "adapt", folder, damaged, "-o", tmp_path / "hand", *asked
    )  # the failed run left the output path free
    told(result, 1, "l500: ", "not a complete Parquet", "scriven: 2 skipped")
    cut(model / "weights.safetensors")
    told(
        scriven("train", folder, "-o", tmp_path / "none", "--from", model, *small), 2, "weights.safetensors is damaged"
    )
    told(scriven("adapt", folder, "-o", tmp_path / "none", *asked), 2, "weights.safetensors is damaged")
    assert not (tmp_path / "none").exists()


def wrong_kind(model: Path) -> None:
    facts = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**facts, "kind": "scribe"}))


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "graph": (lambda model: cut(model / "reader.onnx"), "reader.onnx is damaged"),
    "card": (lambda model: cut(model / "model.json"), "model.json is damaged"),
    "kind": (wrong_kind, "of the kind 'scribe'"),
    "bare": (lambda model: (model / "model.json").unlink(), "is not a model folder"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_damaged_models_are_refused(scriven: Scriven, toy: Path, tmp_path: Path, what: str) -> None:
    spoil, why = SPOILT[what]
    model = tmp_path / "model"
    shutil.copytree(toy, model)
    spoil(model)
    (tmp_path / "x.png").write_bytes(PNG)
    lines = lines_folder(tmp_path / "lines", 4)
    told(scriven("read", tmp_path / "x.png", "-m", model), 2, why)
    told(scriven("read", tmp_path / "x.png", "-m", model, "-o", tmp_path / "out"), 2, why)
    told(scriven("score", model, lines), 2, why)
    if what != "graph":
        told(scriven("models", "show", model), 2, why)
        told(scriven("doctor", lines, "-m", model), 2, why)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("what", ["empty", "cut", "nowhere", "latin.csv", "huge.csv"])
def test_other_folders_give_exit_code_2_in_every_command(
    scriven: Scriven, toy: Path, tmp_path: Path, what: str
) -> None:
    (tmp_path / "empty").mkdir()
    cut(lines_folder(tmp_path / "cut", 20) / "train-00000.parquet")
    (tmp_path / "latin.csv").write_bytes(b"id,image,text\n1,x.png,\xe9t\xe9\n")
    (tmp_path / "huge.csv").write_text(f"id,image,text\n1,x.png,{'a' * 200_000}\n")
    before, given = sorted(tmp_path.rglob("*")), tmp_path / what
    for command in (
        ("read", given, "-m", toy),
        ("read", given, "-m", toy, "-o", tmp_path / "out.json"),
        ("score", toy, given),
        ("doctor", given),
        *(
            [] if given.suffix else [("look", given, "-o", tmp_path / "look.html")]
        ),  # which also shows folders without lines
        ("export", "pairs", given, "-o", tmp_path / "out"),
        ("import", "csv" if given.suffix == ".csv" else "parquet", given, "-o", tmp_path / "out"),
    ):
        told(scriven(*command), 2, given.name if given.suffix else str(given))
    assert sorted(tmp_path.rglob("*")) == before


def test_text_that_is_not_utf8_skips_its_line(scriven: Scriven, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    for n in range(4):
        (pairs / f"{n}.png").write_bytes(PNG)
        (pairs / f"{n}.gt.txt").write_bytes(b"\xe9t\xe9" if n == 2 else b"abc d")
    told(scriven("import", "pairs", pairs, "-o", tmp_path / "out"), 1, "2: its text is not UTF-8", "1 skipped")
    assert LinesFolder(tmp_path / "out").count("train") == 3


@pytest.mark.parametrize("spec", ["{}", "words:{}", "ngram:{}"])
def test_skipped_files_of_a_corpus_are_named(scriven: Scriven, tmp_path: Path, spec: str) -> None:
    pytest.importorskip("uharfbuzz")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text("bad cab dab\nabc def\n")
    (corpus / "b.txt").write_bytes(b"\xe9t\xe9")
    source, why = spec.format(corpus), f"{corpus / 'b.txt'}: it is not UTF-8"
    told(scriven("texts", "sample", source), 1, why, "1 skipped")
    told(scriven("texts", "balance", source, "--json"), 1, why, "1 skipped")
    told(scriven("write", "-o", tmp_path / "out", "--texts", source, "--count", 2), 1, why, "1 skipped")
    (corpus / "a.txt").unlink()
    told(scriven("write", "-o", tmp_path / "none", "--texts", source, "--count", 2), 2, why)
    told(scriven("texts", "words", corpus, "-o", tmp_path / "none"), 2, why)
    assert not (tmp_path / "none").exists()


def test_unknown_characters_are_named(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for n, text in enumerate(("abc", "aЖb", "de")):
            writer.write(Line(f"l{n}", encode(picture("abc d")), text))
    code, out, _ = scriven("doctor", tmp_path / "lines", "-m", toy, "--set", "calibrate=no")
    assert code == 0 and "Ж" in out, out  # training from the model adds the character
    told(scriven("score", toy, tmp_path / "lines"), 0, "characters that the model cannot write", "Ж 1")


def test_repeated_ids_are_named(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(PNG)
    (tmp_path / "twice.csv").write_text("id,image,text\na,x.png,abc\nb,x.png,abc\na,x.png,abd\n")
    why = "a: its id occurs more than once; only the first is used"
    told(scriven("import", "csv", tmp_path / "twice.csv", "-o", tmp_path / "out"), 1, why)
    told(scriven("read", tmp_path / "twice.csv", "-m", toy), 1, why)
    told(scriven("score", toy, tmp_path / "twice.csv"), 1, why)
