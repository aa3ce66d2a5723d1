"""Texts of unseen words are strict: no word of them, nor a part of one, was written, in whatever case or form."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriven.language.texts import WordDistribution
from scriven.language.texts.unseen import UnseenWords, folded, words_of

POOL = (
    "maison",
    "Maison",
    "jardin",
    "été",
    "aujourd'hui",
    "peut-être",
    "straße",
    "navire",
    "lettre",
    "mer",
    "île",
    "an",
)


def unseen(words: tuple[str, ...] = POOL, lacking: str = "") -> UnseenWords:
    able = WordDistribution(words, np.ones(len(words)))
    return UnseenWords(able, lambda text: not set(text) & set(lacking))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("La «Maison», l’été!", {"la", "maison", "l’été", "été"}),
        ("peut-être aujourd'hui", {"peut-être", "peut", "être", "aujourd'hui", "aujourd", "hui"}),
        (unicodedata.normalize("NFD", "ÉTÉ"), {"été"}),
        ("STRASSE", {"strasse"}),
        ("abc_def 12 1er — &", {"abc_def", "abc", "def", "1er", "er"}),
        ("", set()),
    ],
)
def test_the_words_of_a_text_are_its_words_and_their_parts(text: str, words: set[str]) -> None:
    assert words <= words_of(text)
    assert all(word == folded(word) and any(c.isalpha() for c in word) for word in words_of(text))


def test_a_word_is_seen_in_any_case_and_as_a_part() -> None:
    rng, source = np.random.default_rng(0), unseen()
    for wrote, never in (
        ("MAISON", "maison"), ("JARDIN.", "jardin"), ("l'ÉTÉ", "été"), ("Aujourd’hui hui", "aujourd'hui"),
        ("peut", "peut-être"), ("STRASSE", "straße"), ("porte-navire", "navire"),
    ):  # fmt: skip
        found = {folded(source.instead_of("x" * n, words_of(wrote), rng)) for n in range(1, 14) for _ in range(20)}
        assert folded(never) not in found, (wrote, never)
        assert len(found) > 3


LETTERS = st.text("abcdefgéÉAB'-", min_size=1, max_size=8)


@given(st.lists(LETTERS, min_size=1, max_size=12), st.lists(LETTERS, min_size=1, max_size=8), st.integers(0, 9))
def test_no_word_of_an_unseen_text_was_written(pool: list[str], wrote: list[str], seed: int) -> None:
    source, written = unseen(tuple(dict.fromkeys(pool))), words_of(" ".join(wrote))
    text = source.instead_of(" ".join(wrote), written, np.random.default_rng(seed))
    assert not words_of(text) & written


def test_the_new_text_has_as_many_words_of_about_their_length_in_their_case() -> None:
    rng = np.random.default_rng(3)
    old, written = "Le (PAPIER) bleu, 1914 — ici.", words_of("le papier bleu ici")
    text = unseen().instead_of(old, written, rng)
    words = text.split(" ")
    assert len(words) == 4  # the number and the dash are left out
    assert words[0][0].isupper() and words[1].startswith("(") and words[1].endswith(")") and words[1][1:-1].isupper()
    assert words[2].endswith(",") and words[3].endswith(".")
    assert len(words[0]) <= 4 and 5 <= len(words[1][1:-1]) <= 7
    same = unseen().instead_of(
        "Le (PAPIER) bleu, 1914 — ici.", words_of("le papier bleu ici"), np.random.default_rng(3)
    )
    assert text == same


def test_words_that_cannot_be_written_are_not_drawn() -> None:
    rng = np.random.default_rng(0)
    found = {unseen(lacking="éM").instead_of("Xxx", set(), rng) for _ in range(100)}
    assert found and not any(set(word) & set("éM") for word in found)
    assert unseen(("navire", "mer"), lacking="N").instead_of("Bateau", set(), rng) == "navire"  # not Navire
    assert unseen(("mer",)).instead_of("un mot", words_of("Mer"), rng) == "" == unseen().instead_of("1914", set(), rng)
