"""Sources of texts: words and lines of a language or a file: reproducible, clean, with numbers and capitals."""

import time
import unicodedata
from collections import Counter

import numpy as np
import pytest

from scriven.base import SettingsError, TextError
from scriven.jobs import texts as jobs
from scriven.language import train
from scriven.language.texts import TextSettings, WordDistribution, charset_of, languages, source, text_at
from scriven.language.texts import special as specials
from scriven.language.texts.languages import Language, language_of
from scriven.language.texts.word_source import WordSource
from toy_corpus import folder  # noqa: F401


@pytest.mark.parametrize("spec", ["words:fr", "lines:fr", "fonts:fr+en", "lines:cs"])
def test_texts_are_clean_and_of_their_language(spec):
    texts = source(spec)
    allowed = {c for code in spec.partition(":")[2].split("+") for c in charset_of(code).characters}
    for i in range(400):
        text = text_at(texts, 7, i)
        assert text == unicodedata.normalize("NFC", " ".join(text.split())) and text
        assert set(text) <= allowed


def test_a_text_is_determined_by_seed_and_index():
    texts, again = source("lines:en"), source("lines:en")
    assert [text_at(texts, 3, i) for i in range(20)] == [text_at(again, 3, i) for i in reversed(range(20))][::-1]
    assert text_at(texts, 3, 0) != text_at(texts, 4, 0)


def test_lines_have_the_length_asked_for():
    texts = source("lines:fr", TextSettings(min_tokens=3, max_tokens=3, number=0, date=0, amount=0, abbreviation=0))
    lengths = Counter(len(text_at(texts, 0, i).replace(" :", ":").split()) for i in range(300))
    assert lengths[3] > 200
    texts = source("lines:fr", TextSettings(min_chars=30, max_chars=40))
    lengths = [len(text_at(texts, 0, i)) for i in range(300)]
    assert max(lengths) <= 40 and np.median(lengths) > 25


def test_words_lines_and_mixed_sources_differ(tmp_path):
    words = tmp_path / "words.csv"
    words.write_text("word,count\ncommon,10000\nrare,1\n", "utf-8")
    off = dict(number=0, date=0, amount=0, abbreviation=0, initials=0, balanced=0, title=0, upper=0)
    off |= dict(punctuation=0, compound=0, hyphenated=0)
    share = {}
    for exponent in (0.0, 0.5, 1.0):
        texts = source(f"words:{words}", TextSettings(exponent=exponent, **off))
        share[exponent] = sum(text_at(texts, 0, i) == "rare" for i in range(2000)) / 2000
    assert share[0.0] == pytest.approx(0.5, abs=0.05)
    assert share[0.5] == pytest.approx(1 / 101, abs=0.01)
    assert share[1.0] < 0.005


def test_capitals_punctuation_and_numbers_are_mixed_in():
    texts = source("words:fr", TextSettings(balanced=0))
    drawn = [text_at(texts, 0, i) for i in range(4000)]
    assert sum(t[:1].isupper() for t in drawn) > 200
    assert sum(t.isupper() and len(t) > 3 for t in drawn) > 20
    assert sum(t.endswith(" ?") or t.endswith(" ;") for t in drawn) > 20
    assert not any(t.endswith(("é?", "e;", "s!")) for t in drawn if len(t) > 8)
    assert sum(any(c.isdigit() for c in t) for t in drawn) > 150
    assert sum(t.endswith("-") for t in drawn) > 20
    assert any(t in language_of("fr").titles for t in drawn)
    assert any("'" in t for t in drawn) and not any(t in language_of("fr").elisions for t in drawn)


def test_an_elision_is_joined_to_a_word_that_may_follow_it(tmp_path):
    words = "l d c j qu s homme house haut heures heurts est et être onze yacht en ami table il".split()
    (tmp_path / "words.csv").write_text("word,count\n" + "".join(f"{word},1\n" for word in words), "utf-8")
    off = dict(number=0, date=0, amount=0, abbreviation=0, initials=0, balanced=0, title=0, upper=0)
    off |= dict(punctuation=0, compound=0, hyphenated=0)
    made = WordSource(WordDistribution.load(tmp_path / "words.csv"), language_of("fr"), charset_of("fr"),
                      TextSettings(**off))  # fmt: skip
    drawn = {text_at(made, 0, i) for i in range(5000)}
    free = {f"{word}'{follower}" for word in ("l", "d", "qu") for follower in "homme heures est être en ami".split()}
    assert {text for text in drawn if "'" in text} == free | {"qu'il", "c'est", "j'en", "s'est", "s'en", "s'il"}
    assert drawn >= {"house", "haut", "table"} and not drawn & {"l", "d", "c", "j", "qu", "s"}
    alone = WordSource(WordDistribution.of({"j": 9.0, "table": 1.0}), language_of("fr"), charset_of("fr"),
                       TextSettings(**off))  # fmt: skip
    assert {text_at(alone, 0, i) for i in range(50)} <= {"table", "j"}


@pytest.mark.parametrize("code", [code for code, language in languages().items() if language.elisions])
def test_every_elided_word_of_a_language_has_words_that_follow(code):
    found = source(f"words:{code}").followers
    assert found.keys() == language_of(code).elisions and all(len(words) > 3 for words, _ in found.values())
    assert all(shares[-1] == pytest.approx(1) for _, shares in found.values())


@pytest.mark.parametrize("code", sorted(languages()))
def test_special_texts_use_characters_of_their_language(code):
    language, allowed = language_of(code), set(charset_of(code).characters)
    rng = np.random.default_rng(0)
    for make in (specials.number, specials.date, specials.amount, specials.initials, specials.abbreviation):
        drawn = {make(rng, language) for _ in range(200)}
        outside = {c for text in drawn for c in text} - allowed
        assert not outside, (make.__name__, outside)
        assert len(drawn) > 3 and not any("{" in text or text != text.strip() for text in drawn)


def test_numerals():
    assert [specials.roman(n) for n in (4, 9, 14, 1914, 1999)] == ["IV", "IX", "XIV", "MCMXIV", "MCMXCIX"]
    assert [f"{n}{specials.english_ordinal(n)}" for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 112)] == (
        "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 112th".split()
    )
    assert specials.grouped(np.random.default_rng(0), 12500, Language("x", thousands=(".",))) == "12.500"


@pytest.mark.parametrize("spec", ["words:fr", "lines:fr"])
def test_every_character_of_the_set_is_written(spec):
    report = jobs.balance(spec, 6000)
    assert not report.absent and not report.outside
    assert min(report.counts.values()) >= 3


def test_only_the_given_characters_are_written():
    texts = source("lines:fr", TextSettings(characters="abcdefghijklmnopqrstuvwxyz"))
    assert set("".join(text_at(texts, 0, i) for i in range(300))) <= set(" abcdefghijklmnopqrstuvwxyz")
    with pytest.raises(SettingsError, match="no word can be written"):
        source("words:fr", TextSettings(characters="0123"))


def test_only_texts_with_the_given_characters_are_used_from_a_file(tmp_path):
    (tmp_path / "t.txt").write_text("abba\nabc\nab ba\n", "utf-8")
    texts = source(str(tmp_path / "t.txt"), TextSettings(characters="ab"))
    assert texts.texts == ["abba", "ab ba"]
    assert [item.id for item in texts.skipped] == ["'abc'"] and "'c' (U+0063" in texts.skipped[0].reason
    with pytest.raises(SettingsError, match="no text can be written with the characters 'xyz'"):
        source(str(tmp_path / "t.txt"), TextSettings(characters="xyz"))


@pytest.mark.parametrize(
    "changes",
    [{"min_tokens": 9, "max_tokens": 3}, {"min_chars": 30}, {"min_chars": 50, "max_chars": 40}, {"number": 1.5}],
)
def test_impossible_settings_are_refused(changes):
    with pytest.raises(SettingsError):
        TextSettings(**changes)


def test_unknown_sources_and_languages_list_the_valid_ones():
    with pytest.raises(TextError, match="words:..."):
        source("nothing/here")
    with pytest.raises(TextError, match="'xx'; there are ar, bg"):
        source("words:xx")
    with pytest.raises(TextError, match="no language is given"):
        source("words:")
    with pytest.raises(TextError, match="no language 'french'; did you mean 'fr'"):
        source("words:french")
    for make in (lambda: source("words:la"), lambda: train.train_lm(["la"])):  # letters and dates, but no words
        with pytest.raises(TextError, match="no word list for the language 'la'.*words:FOLDER.*texts lm FOLDER"):
            make()


def test_the_letters_of_a_language_without_an_entry_are_those_of_its_words():
    assert set("åäö") <= set(charset_of("sv").characters)
    assert "♥" not in charset_of("sv").characters


def test_words_of_a_file_without_an_extension(tmp_path):
    (tmp_path / "corpus").write_text("quill ink paper\n", "utf-8")
    texts = source(f"words:{tmp_path / 'corpus'}", TextSettings(exponent=0.0, title=0.0))
    assert {"quill", "ink", "paper"} <= {text_at(texts, 0, i) for i in range(200)}


def test_texts_of_a_file_are_used_in_order(folder):
    texts = source(str(folder / "a.txt"))
    assert [text_at(texts, 0, i) for i in range(3)] == [
        "Le chat dort.",
        "Le chien, lui, mange du « pain ».",
        "Le chat dort.",
    ]
    assert texts.draw(np.random.default_rng(0), "word") in "Le chat dort. Le chien, lui, mange du « pain »."


@pytest.mark.parametrize("kind", ["", "words:", "lines:", "mixed:", "ngram:"])
def test_every_source_of_texts_has_the_files_that_were_skipped(folder, kind):
    assert len(source(f"{kind}{folder}").skipped) == 5


def test_drawing_is_fast():
    """A sixth of the target (50,000 words or 8,000 lines per second), so that the test passes on a busy machine."""
    for spec, least in (("words:fr", 8_000), ("lines:fr", 1_300)):
        texts = source(spec)
        text_at(texts, 0, 0)
        started = time.process_time()
        for i in range(500):
            text_at(texts, 0, i)
        assert 500 / (time.process_time() - started) > least
