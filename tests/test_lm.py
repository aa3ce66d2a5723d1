"""The character language model: probabilities, ARPA, pruning, speed of a beam."""

import gzip
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriven.base import ModelError, SettingsError, TextError
from scriven.language.model import CharLM
from scriven.language.ngrams import END, UNKNOWN

TEXTS = [
    "the cat sat on the mat",
    "a dog and a cat",
    "les élèves de l'école",
    "Mr. Hooker wrote to Kew, on 12 May 1881.",
    "the dog sat there",
] * 3


@pytest.fixture(scope="module")
def lm() -> CharLM:
    return CharLM.train(TEXTS)


@pytest.fixture(scope="module")
def pruned() -> CharLM:
    return CharLM.train(TEXTS, max_ngrams=150)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_probabilities_over_the_vocabulary_sum_to_one(lm, pruned, data):
    for model in (lm, pruned):
        states = data.draw(st.lists(st.integers(0, model.states - 1), min_size=1, max_size=8))
        assert np.exp(model.scores(states).astype(float)).sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_bigrams_as_computed_by_hand():
    """ "ab" and "aa", interpolated Kneser-Ney with the discounts for small texts, 0.5 for once and 1 for twice."""
    model = CharLM.train(["ab", "aa"], order=2)
    # different symbols before a: <s> a; before b: a; before </s>: a b; 5 in all, of three kinds; V is a, b, </s>, <unk>
    a, b, end = (2 + 3 / 4) / (5 + 3), (1 + 3 / 4) / (5 + 3), (2 + 3 / 4) / (5 + 3)
    first = (2 - 1) / 2 + 1 / 2 * a  # after <s>: a twice
    b_after_a = (1 - 0.5) / 3 + 1.5 / 3 * b  # after a: a, b and </s>, once each
    end_after_b = (1 - 0.5) / 1 + 0.5 / 1 * end
    assert model.logprob("ab") == pytest.approx(np.log(first * b_after_a * end_after_b), abs=1e-9)
    unknown_after_a = 1.5 / 3 * (3 / 4) / (5 + 3)  # backs off
    assert model.logprob("aΩ") == pytest.approx(np.log(first * unknown_after_a * end), abs=1e-9)


def test_advancing_state_by_state_equals_scoring_the_whole_text(lm, pruned):
    for model in (lm, pruned):
        for text in ("the cat", "école 1881", "zzz qqq", "dΩg", ""):
            state, total = model.start(), 0.0
            for column in model.columns(text):
                total += float(model.scores([state])[0, column])
                state = model.advance(state, column)
            total += float(model.ends([state])[0])
            assert total == pytest.approx(model.logprob(text), abs=1e-3)


def test_unknown_characters_have_a_score(lm):
    assert lm.columns("aΩ").tolist() == [lm.columns("a")[0], UNKNOWN]
    assert -60 < lm.logprob("Ω") < lm.logprob("a")
    assert np.isfinite(lm.scores([lm.advance(lm.start(), UNKNOWN)])[0, 1:]).all()


def test_states_advance_in_a_batch_as_one_by_one(lm):
    states = np.arange(20)
    columns = np.tile(lm.columns("aeé "), (20, 1))
    together = lm.advances(states[:, None], columns)
    assert together.tolist() == [
        [lm.advance(int(s), int(c)) for c in row] for s, row in zip(states, columns, strict=True)
    ]


def test_a_small_cache_gives_the_same_scores(lm, monkeypatch):
    monkeypatch.setattr("scriven.language.automaton.ROW_CACHE_BYTES", 0)
    small = CharLM(lm.ngrams)
    for at in range(0, lm.states - 3, 3):
        assert np.array_equal(small.scores([at, at + 1, at + 2]), lm.scores([at, at + 1, at + 2]))


@pytest.mark.parametrize("name", ["lm.arpa", "lm.arpa.gz"])
def test_an_arpa_file_may_begin_with_a_byte_order_mark(lm, tmp_path, name):
    """As editors on Windows save it."""
    lm.to_arpa(tmp_path / "plain.arpa")
    data = b"\xef\xbb\xbf" + (tmp_path / "plain.arpa").read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert CharLM.from_arpa(tmp_path / name).characters == CharLM.from_arpa(tmp_path / "plain.arpa").characters


def test_threads_share_a_model(lm, monkeypatch):
    monkeypatch.setattr("scriven.language.automaton.ROW_CACHE_BYTES", 0)  # rows are replaced all the time
    shared, column = CharLM(lm.ngrams), int(lm.columns("e")[0])
    expected = lm.scores(np.arange(lm.states)).copy()
    follows = lm.advances(np.arange(lm.states), np.full(lm.states, column))

    def wrong(seed: int) -> int:
        rng, found = np.random.default_rng(seed), 0
        for _ in range(400):
            states = rng.integers(0, lm.states, 12)
            found += not np.array_equal(shared.scores(states), expected[states])
            found += shared.advance(int(states[0]), column) != follows[states[0]]
        return found

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert sum(threads.map(wrong, range(4))) == 0
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("name", ["lm.arpa", "lm.arpa.gz", "lm.npz"])
def test_round_trips_give_the_same_scores(lm, tmp_path, name):
    (lm.save if name.endswith("npz") else lm.to_arpa)(tmp_path / name)
    again = CharLM.load(tmp_path / name)
    assert again.characters == lm.characters and again.order == lm.order
    held_out = ["the cat wrote", "l'école", "Ωmega", "12 dogs"]
    assert again.logprobs(held_out) == pytest.approx(lm.logprobs(held_out), abs=1e-4)


def test_arpa_files_have_the_standard_format(lm, tmp_path):
    lm.to_arpa(tmp_path / "lm.arpa")
    lines = (tmp_path / "lm.arpa").read_text("utf-8").splitlines()
    assert lines[1] == "\\data\\" and lines[-1] == "\\end\\"
    assert any(line.split("\t")[:2] == ["-99", "<s>"] for line in lines)
    assert any(line.split("\t")[1:2] == ["<space>"] for line in lines)
    assert f"ngram 6={sum(len(line.split(chr(9))[1].split()) == 6 for line in lines if chr(9) in line)}" in lines


FOREIGN = """
\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-99 <s> -0.3
-1.0 </s>
-0.5 a -0.2
-0.7 {space} -0.1
-0.9 é

\\2-grams:
-0.1 <s> a
-0.4 a {space}
-0.6 {space} é

\\end\\
"""


@pytest.mark.parametrize("space", ["<space>", "▁", "|", "_"])
def test_foreign_arpa_is_read_with_its_back_off_weights(tmp_path, space):
    path = tmp_path / "foreign.arpa"
    path.write_text(FOREIGN.format(space=space), "utf-8")
    model = CharLM.from_arpa(path)
    assert " " in model.characters
    # a|<s>, space|a, é|space, and </s> after é, which is no context: its one-gram
    assert model.logprob("a é") == pytest.approx((-0.1 - 0.4 - 0.6 - 1.0) * np.log(10))
    # é|<s> backs off: -0.3 - 0.9; a|é -0.5; </s>|a backs off: -0.2 - 1.0
    assert model.logprob("éa") == pytest.approx((-0.3 - 0.9 - 0.5 - 0.2 - 1.0) * np.log(10))


def test_an_underscore_beside_a_space_token_stays_an_underscore(tmp_path):
    path = tmp_path / "foreign.arpa"
    path.write_text(FOREIGN.format(space="<space>").replace("é", "_"), "utf-8")
    assert set(CharLM.from_arpa(path).characters) == {"a", " ", "_"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("nothing", "not an ARPA file"),
        (FOREIGN.format(space="▁").replace("\\end\\", ""), "is truncated"),
        (FOREIGN.format(space="▁").replace("ngram 2=3", "ngram 2=4"), "is truncated"),
        (FOREIGN.format(space="▁").replace("ngram 2=3", "ngram 2=many"), "does not declare a number"),
        (FOREIGN.format(space="▁").replace("é", "été"), "words or syllables"),
        (FOREIGN.format(space="▁").replace("-0.4 a", "oops a"), "line 15"),
    ],
)
def test_a_bad_arpa_file_is_refused_with_a_reason(tmp_path, content, says):
    path = tmp_path / "bad.arpa"
    path.write_text(content, "utf-8")
    with pytest.raises(ModelError, match=says):
        CharLM.from_arpa(path)


def test_a_damaged_compressed_arpa_file_is_refused_with_a_reason(lm, tmp_path):
    lm.to_arpa(tmp_path / "lm.arpa.gz")
    data = bytearray((tmp_path / "lm.arpa.gz").read_bytes())
    data[30:60] = bytes(value ^ 0x5A for value in data[30:60])
    (tmp_path / "lm.arpa.gz").write_bytes(data)
    with pytest.raises(ModelError, match="cannot read the ARPA file"):
        CharLM.load(tmp_path / "lm.arpa.gz")


def test_a_bad_model_file_is_refused_with_a_reason(lm, tmp_path):
    with pytest.raises(ModelError, match="there is no language model"):
        CharLM.load(tmp_path / "none.npz")
    lm.save(tmp_path / "lm.npz")
    whole = (tmp_path / "lm.npz").read_bytes()
    for cut in (0, 20, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.npz").write_bytes(whole[:cut])
        with pytest.raises(ModelError, match="cut.npz"):
            CharLM.load(tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with pytest.raises(ModelError, match="not a language model"):
        CharLM.load(tmp_path / "other.npz")


def test_pruning_bounds_the_size(pruned):
    assert sum(map(len, pruned.ngrams.keys)) <= max(150, sum(map(len, pruned.ngrams.keys[:2])))
    assert pruned.perplexity(["the cat sat"]) < CharLM.train(TEXTS, order=1).perplexity(["the cat sat"])


def test_counting_in_blocks_changes_nothing(lm, monkeypatch):
    monkeypatch.setattr("scriven.language.ngrams.BLOCK_SYMBOLS", 30)
    blocks = CharLM.train(TEXTS)
    assert blocks.logprobs(["the cat wrote", "école"]) == pytest.approx(lm.logprobs(["the cat wrote", "école"]))


def test_dropping_rare_ngrams_keeps_a_normalised_model(lm, monkeypatch):
    monkeypatch.setattr("scriven.language.ngrams.BLOCK_SYMBOLS", 30)
    monkeypatch.setattr("scriven.language.ngrams.MAX_HELD_NGRAMS", 10)
    small = CharLM.train(TEXTS + ["quite another line, seen once"])
    assert small.states < CharLM(lm.ngrams).states
    assert np.exp(small.scores(np.arange(small.states)).astype(float)).sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_higher_orders_have_lower_perplexity_on_held_out_text():
    held_out = ["the dog sat on a mat", "Mr. Cat wrote to the school"]
    by_order = {order: CharLM.train(TEXTS, order=order).perplexity(held_out) for order in (1, 3, 6)}
    assert by_order[3] < 0.7 * by_order[1] and by_order[6] < 0.7 * by_order[1]


def test_from_words_models_words_and_their_contexts():
    model = CharLM.from_words(["maison", "école", "de", "la"], [5, 2, 50, 40])
    assert model.bits_per_char("la maison de la école") < 0.5 * model.bits_per_char("al noisam ed al eloce")
    assert model.logprob("École, la maison.") > model.logprob("Ecolx, la maixon.")
    assert np.exp(model.scores(np.arange(model.states)).astype(float)).sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_words_add_to_texts():
    texts = ["the cat sat"] * 20
    with_words = CharLM.train(texts, words={"zebra": 5.0, "quagga": 1.0})
    assert with_words.logprob("the zebra") > CharLM.train(texts).logprob("the zebra")


def test_empty_texts_and_invalid_orders_are_refused():
    with pytest.raises(TextError, match="no text"):
        CharLM.train(["  ", ""])
    with pytest.raises(SettingsError, match="order 0"):
        CharLM.train(TEXTS, order=0)


def test_control_characters_in_texts_are_ignored():
    assert np.isfinite(CharLM.train(["a\x02b\x03c"]).logprob("abc"))


def test_language_model_lookups_of_a_beam_are_fast(lm):
    """Beam 12, 250 frames: the look-ups of a line take far less than 15 ms."""
    rng = np.random.default_rng(0)
    states = np.full(12, lm.start())
    lm.scores(np.arange(lm.states))  # warm, as after the first lines
    started = time.process_time()
    for _ in range(250):
        scores = lm.scores(states)
        columns = rng.integers(END, lm.size, 12)
        states = lm.advances(states, columns)
    assert scores.shape == (12, lm.size)
    assert time.process_time() - started < 0.1
