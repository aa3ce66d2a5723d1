"""Language models and word lists by name: trained once and cached, refused with a suggestion."""

import logging
from pathlib import Path

import pytest

import scriven
from scriven.base import InputError, SettingsError, TextError
from scriven.jobs.read import ReadSettings, read
from scriven.language.load import LM_SOURCE_FILES, digest, language_model, word_list
from scriven.language.model import CharLM
from scriven.language.names import NAMES, OTHER_NAMES, code_of
from scriven.language.texts import languages
from scriven.text import Charset
from toy_reader import LETTERS
from toy_scans import model, scans, texts  # noqa: F401


def test_expected_words_are_read(model, scans, tmp_path, texts):
    (tmp_path / "words.txt").write_text("\n".join(texts), "utf-8")
    settings = ReadSettings(threads=1, words=tmp_path / "words.txt")
    assert read([scans], model, settings=settings).text.splitlines() == texts


def test_unusable_word_lists_are_refused(tmp_path):
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        word_list(tmp_path / "latin.txt", Charset.of("abc"))
    (tmp_path / "none.txt").write_text("\n")
    with pytest.raises(InputError, match="has no words"):
        word_list(tmp_path / "none.txt", Charset.of("abc"))
    (tmp_path / "some.txt").write_text("cab\nbad\n")
    assert word_list(tmp_path / "some.txt", Charset.of("abc")) == ["cab"]
    with pytest.raises(InputError, match="none of the words .* lacks 'b'"):
        word_list(tmp_path / "some.txt", Charset.of("a"))


def test_a_language_model_is_trained_on_frequent_words_and_cached(monkeypatch, tmp_path, caplog):
    pytest.importorskip("wordfreq")
    monkeypatch.setenv("SCRIVEN_CACHE", str(tmp_path))
    monkeypatch.setattr("scriven.language.train.LANGUAGE_WORDS", 3000)
    monkeypatch.setattr("scriven.language.train.SAMPLED_LINES", 300)
    lm = language_model("fr")
    assert lm.bits_per_char("avec les") < lm.bits_per_char("xqzv wkj")
    (kept,) = (tmp_path / "language-models").iterdir()
    monkeypatch.setattr("scriven.language.train.train_lm", lambda inputs: (CharLM.train(["zzz"], 2), []))
    assert language_model("fr").bits_per_char("avec les") == lm.bits_per_char("avec les")
    kept.write_bytes(kept.read_bytes()[:900])
    with caplog.at_level("WARNING", "scriven"):
        assert language_model("fr").bits_per_char("zzz") < 3 and "is damaged" in caplog.text
    monkeypatch.setenv("SCRIVEN_CACHE", str(kept / "no folder"))  # where nothing can be kept
    assert language_model("fr").bits_per_char("zzz") < 3


def test_the_digest_of_a_cached_model_covers_what_it_depends_on(tmp_path):
    root = Path(scriven.__file__).parent
    assert digest() == digest(root)
    for file in [*LM_SOURCE_FILES, "language/texts/languages.json", "language/texts/words.py"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((root / file).read_bytes())
    before = digest(tmp_path)
    for file in ("language/texts/languages.json", "text.py", "language/frequencies.py"):
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes() + b" ")
        assert digest(tmp_path) != before
        before = digest(tmp_path)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("nowhere.npz", SettingsError, "no language model 'nowhere.npz'; give a file, or a language such as fr"),
        ("English", SettingsError, "no language model 'English'; did you mean 'en'"),
        ("xx", TextError, "no word list for the language 'xx'; there are ar, bg"),
    ],
)
def test_an_unknown_language_model_gets_a_suggestion(name, error, said):
    with pytest.raises(error, match=said):
        language_model(name)


def test_every_language_with_conventions_or_words_has_a_name():
    wordfreq = pytest.importorskip("wordfreq")
    assert set(NAMES) == set(languages()) | set(wordfreq.available_languages())
    assert code_of("Français") == "fr" and code_of("klingon") is None and set(OTHER_NAMES.values()) <= set(NAMES)


def test_words_the_model_cannot_write_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "words.txt"
    file.write_text("abc\nжжж\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "scriven"):
        assert word_list(file, Charset(LETTERS)) == ["abc"]
    assert "1 of the 2 words" in caplog.text and "CYRILLIC SMALL LETTER ZHE" in caplog.text
    file.write_text("жжж\n", encoding="utf-8")
    with pytest.raises(InputError, match="can write none of the words"):
        word_list(file, Charset(LETTERS))
