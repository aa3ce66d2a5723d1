"""The command `texts`: words, n-grams, language models and the balance of characters."""

import json

import pytest

from scriven.cli import run
from scriven.jobs import texts as jobs
from scriven.language import train
from scriven.language.model import CharLM
from scriven.language.texts import words as words_module
from toy_corpus import folder  # noqa: F401


def test_filtered_words_of_a_language_are_one_line_of_output_and_no_failure(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        words_module, "word_frequencies", lambda code: {"maison": 0.5, "00": 0.2, "l'eau": 0.1, "ŵŵ": 0.1}
    )
    assert run(["texts", "words", "fr", "-o", str(tmp_path / "w.csv"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"words": 2, "out": str(tmp_path / "w.csv")}
    assert said.err.count("\n") == 1 and "2 entries" in said.err


def test_only_letters_is_not_for_ngrams(folder, capsys):
    out = folder.parent / "n.npz"
    assert run(["texts", "words", str(folder / "a.txt"), "-o", str(out), "--ngrams", "--only-letters"]) == 2
    assert "not both" in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("command", [["words"], ["words", "--ngrams"], ["lm"]])
def test_an_existing_file_is_not_overwritten(folder, capsys, command):
    out = folder.parent / f"{folder.name}.npz"
    out.write_text("mine")
    assert run(["texts", *command, str(folder / "a.txt"), "-o", str(out)]) == 2
    assert "exists" in capsys.readouterr().err and out.read_text() == "mine"


def test_a_language_model_of_a_language_prefers_its_words(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "SAMPLED_LINES", 1000)
    monkeypatch.setattr(train, "LANGUAGE_WORDS", 3000)
    model, _ = jobs.lm(["fr"], tmp_path / "fr.npz", order=3)
    assert model.bits_per_char("la petite maison de la rue") + 1.5 < model.bits_per_char("al etitep nosiam ed al eur")


def test_a_language_model_of_texts_names_skipped_files(folder):
    model, skipped = jobs.lm([str(folder)], folder / "lm.arpa", order=3)
    assert len(skipped) == 5 and model.logprob("un chat") > model.logprob("nu thac")
    assert (folder / "lm.arpa").read_text("utf-8").startswith("\n\\data\\")


def test_a_language_model_is_written_in_the_format_of_its_extension(folder):
    for name in ("m.npz", "m.arpa", "m.arpa.gz", "m.lm"):
        model, _ = jobs.lm([str(folder)], folder.parent / name, order=3)
        assert CharLM.load(folder.parent / name).logprob("un chat") == pytest.approx(model.logprob("un chat"), abs=1e-3)


def test_balance_lists_rare_and_missing_characters(tmp_path):
    (tmp_path / "t.txt").write_text("aab\n", "utf-8")
    report = jobs.balance(str(tmp_path / "t.txt"), 10, "abc", least=15)
    assert report.counts == {"a": 20, "b": 10, " ": 0, "c": 0}
    assert report.rare == ("b",) and set(report.absent) == {" ", "c"}
    narrow = jobs.balance(str(tmp_path / "t.txt"), 5, "a")
    assert narrow.outside == {"b": 5} and narrow.report().endswith("outside the set: b (5)")
    assert report.report().endswith("outside the set: none")
