"""Word n-grams: counting them, and lines drawn from them."""

from collections import Counter

import numpy as np
import pytest

from scriven.base import SettingsError, TextError
from scriven.jobs import texts as jobs
from scriven.language.texts import TextSettings, source, text_at
from scriven.language.texts.word_ngrams import NGramSource, WordNGrams, count_ngrams
from toy_corpus import ENGLISH, FRENCH, folder  # noqa: F401


@pytest.fixture
def ngram_source():
    def make(lines, order=4, **changes):
        return NGramSource(count_ngrams(lambda: lines, order), TextSettings(order=order, **changes))

    return make


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_ngram_lines_never_hold_a_token_of_the_model(ngram_source, order):
    """Earlier system: 40 of 40 samples held <UNK>, <s> or </s>; a context past the last one crashed."""
    texts = ngram_source(FRENCH + ["fin"], order)
    known = set("".join(FRENCH) + "fin")
    for i in range(500):
        text = text_at(texts, 0, i)
        assert text and set(text) <= known and "<" not in text and text == " ".join(text.split())


def test_ngram_lines_resemble_their_corpus(ngram_source):
    texts = ngram_source(ENGLISH * 5, sentence_start=1.0, min_tokens=4, max_tokens=4)
    starts = Counter(text_at(texts, 0, i).split()[0] for i in range(300))
    assert sum(starts[w] for w in ("The", "What", "It's")) > 200
    assert sum(text_at(texts, 0, i).startswith("The cat sat on") for i in range(300)) > 10
    assert not any(" ;" in text_at(texts, 0, i) for i in range(300))
    french = ngram_source(FRENCH)
    assert not any("t;" in text_at(french, 0, i) for i in range(300))


def test_ngram_back_off_reaches_every_word(ngram_source):
    texts = ngram_source(["a b c", "d e f"], 3, exponent=0.0)
    words = {word for i in range(400) for word in text_at(texts, 0, i).split()}
    assert words == set("abcdef")
    assert any("a e" in text_at(texts, 0, i) or "b f" in text_at(texts, 0, i) for i in range(2000))


def test_a_small_vocabulary_leaves_rare_words_out(ngram_source):
    grams = count_ngrams(lambda: ["le chat et le chien et le chat"], 2, max_vocabulary=3)
    texts = NGramSource(grams, TextSettings())
    assert set(" ".join(text_at(texts, 0, i) for i in range(100)).split()) == {"le", "chat", "et"}


def test_ngrams_are_counted_the_same_in_blocks(monkeypatch):
    whole = count_ngrams(lambda: FRENCH * 3, 4)
    monkeypatch.setattr("scriven.language.texts.word_ngrams.BLOCK_WORDS", 5)
    blocks = count_ngrams(lambda: FRENCH * 3, 4)
    for k in range(4):
        assert np.array_equal(whole.keys[k], blocks.keys[k]) and np.array_equal(whole.counts[k], blocks.counts[k])


def test_ngrams_leave_one_file_and_nothing_else(tmp_path):
    """Earlier system: `learn_ngrams` left its temporary file behind."""
    (tmp_path / "c.txt").write_text("\n".join(FRENCH), "utf-8")
    (tmp_path / "out").mkdir()
    made, skipped = jobs.ngrams([str(tmp_path / "c.txt")], tmp_path / "out" / "n.npz")
    assert made.size > 0 and skipped == []
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["n.npz"]
    fresh, saved = source(f"ngram:{tmp_path / 'c.txt'}"), source(f"ngram:{tmp_path / 'out' / 'n.npz'}")
    assert [text_at(fresh, 0, i) for i in range(50)] == [text_at(saved, 0, i) for i in range(50)]
    (tmp_path / "cut.npz").write_bytes((tmp_path / "out" / "n.npz").read_bytes()[:200])
    with pytest.raises(TextError, match="cut.npz"):
        WordNGrams.load(tmp_path / "cut.npz")


def test_invalid_ngram_settings_are_refused(folder):
    with pytest.raises(SettingsError, match="order 5"):
        count_ngrams(lambda: FRENCH, 5)
    with pytest.raises(TextError, match="no words"):
        count_ngrams(lambda: ["..."], 2)
