"""Language models and word lists by their names."""

from pathlib import Path

import pytest

import scriven as package
from scriven.base import InputError, SettingsError, TextError
from scriven.jobs.read import ReadSettings, read
from scriven.language import load as knowledge
from scriven.language.load import language_model, word_list
from scriven.language.model import CharLM
from scriven.text import Charset
from toy_reader import LETTERS
from toy_scans import model, scans, texts  # noqa: F401


def test_words_and_language_models(model, scans, tmp_path, texts):
    (tmp_path / "words.txt").write_text("\n".join(texts), "utf-8")
    assert (
        read([scans], model, settings=ReadSettings(threads=1, words=tmp_path / "words.txt")).text.splitlines() == texts
    )
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        word_list(tmp_path / "latin.txt", Charset(LETTERS))
    (tmp_path / "none.txt").write_text("\n")
    with pytest.raises(InputError, match="no words"):
        word_list(tmp_path / "none.txt", Charset(LETTERS))
    with pytest.raises(SettingsError, match="no language model 'nowhere.npz'"):
        language_model("nowhere.npz")


def test_a_language_is_made_from_its_frequent_words_and_kept(monkeypatch, tmp_path, caplog):
    pytest.importorskip("wordfreq")
    monkeypatch.setenv("SCRIVEN_CACHE", str(tmp_path))
    monkeypatch.setattr("scriven.language.train.LANGUAGE_WORDS", 3000)
    monkeypatch.setattr("scriven.language.train.SAMPLED_LINES", 300)
    lm = language_model("fr")
    assert lm.bits_per_char("avec les") < lm.bits_per_char("xqzv wkj")
    with pytest.raises(TextError, match="no word list for the language 'xx'"):
        language_model("xx")
    (kept,) = (tmp_path / "language-models").iterdir()
    monkeypatch.setattr("scriven.language.train.train_lm", lambda inputs: CharLM.train(["zzz"], 2))
    assert language_model("fr").bits_per_char("avec les") == lm.bits_per_char("avec les")
    kept.write_bytes(kept.read_bytes()[:900])
    with caplog.at_level("WARNING", "scriven"):
        assert language_model("fr").bits_per_char("zzz") < 3 and "is damaged" in caplog.text
    monkeypatch.setenv("SCRIVEN_CACHE", str(kept / "no folder"))  # where nothing can be kept
    assert language_model("fr").bits_per_char("zzz") < 3


def test_what_a_language_model_is_made_of_decides_which_one_is_read_again(monkeypatch, tmp_path):
    root = Path(package.__file__).parent
    for file in ("language/texts/languages.json", "language/texts/words.py", "text.py", "language/train.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((root / file).read_bytes())
    monkeypatch.setattr(knowledge, "MAKERS", ("text.py", "language/train.py"))
    monkeypatch.setattr(package, "__file__", str(tmp_path / "__init__.py"))
    before = knowledge._recipe()
    for file in ("language/texts/languages.json", "text.py"):
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes() + b" ")
        assert knowledge._recipe() != before
        before = knowledge._recipe()
