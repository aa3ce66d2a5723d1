"""Room text: normalisation, and character sets that keep their classes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriven.base import TextError
from scriven.text import Charset, name, normalise

SPACES = " \t\n\r\x0b\x0c\x1c\x85\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"
MARKS = "e\u0301a\u0308\u0323\u0307o\u0328\u1100\u1161\u11a8\u212b\u2126"  # combining, Hangul, letters NFC replaces
TEXTS = st.one_of(st.text(max_size=40), st.text(alphabet=SPACES + MARKS + "xyz", max_size=40))


@given(TEXTS)
def test_normalise_gives_nfc_with_single_spaces_and_is_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == " ".join(once.split(" ")).strip() and not any(c.isspace() and c != " " for c in once)
    assert [c for c in unicodedata.normalize("NFC", text) if not c.isspace()] == [c for c in once if c != " "]


@given(TEXTS)
def test_composed_and_decomposed_forms_are_equal(text: str) -> None:
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(text)


@pytest.mark.parametrize("space", SPACES)
def test_every_kind_of_white_space_becomes_one_space(space: str) -> None:
    assert normalise(f"{space}a{space}{space}b{space}") == "a b"


def test_other_characters_are_unchanged() -> None:
    for text in ("NaN", "¬", "…", "ſ", "ﬁ", "a\u200db", "½", "’"):
        assert normalise(text) == text


@given(st.lists(TEXTS, max_size=5), TEXTS)
def test_encode_and_decode_are_inverse(texts: list[str], other: str) -> None:
    charset = Charset.of([*texts, other])
    text = normalise(other)
    classes = charset.encode(text)
    assert charset.decode(classes) == text and all(1 <= c <= len(charset) for c in classes)
    assert not charset.missing([text]) and " " in charset
    assert list(charset.characters) == sorted(charset.characters)


@given(st.text(max_size=20), st.text(max_size=20))
def test_growing_keeps_every_class(old: str, new: str) -> None:
    charset = Charset.of([old])
    grown = charset.grow([new])
    assert grown.characters[: len(charset)] == charset.characters
    assert grown.encode("".join(charset.characters)) == list(range(1, len(charset) + 1))
    assert set(grown.characters) == set(charset.characters) | set(new)
    assert grown.grow([new]) == grown


def test_classes_start_after_the_blank() -> None:
    charset = Charset(("b", "a", " "))
    assert charset.encode("ab a") == [2, 1, 3, 2] and charset.decode([2, 1, 3, 2]) == "ab a"
    assert charset.encode("") == [] and charset.decode([]) == ""
    assert "a" in charset and "c" not in charset and len(charset) == 3
    assert charset.grow("zc").characters == ("b", "a", " ", "c", "z")


@pytest.mark.parametrize("text", ["[s]", "[GO]", "[PAD]", "a [s] b[GO]", "\\", "C:\\new\\u0041", "<blank>", "~-"])
def test_no_character_has_a_special_meaning(text: str) -> None:
    """Brackets and backslashes are ordinary characters: no text is cut, padded or escaped."""
    assert normalise(text) == text
    charset = Charset.of([text])
    assert set(charset.characters) == set(text) | {" "}
    classes = charset.encode(text)
    assert len(classes) == len(text) and 0 not in classes
    assert charset.decode(classes) == text
    assert Charset.of(["abc"]).grow([text]).missing([text]) == {}


def test_unknown_characters_are_named() -> None:
    with pytest.raises(TextError) as skipped:
        Charset.of(["ab"]).encode("aéb\u0416é")
    assert "U+00E9 LATIN SMALL LETTER E WITH ACUTE" in str(skipped.value)
    assert "U+0416 CYRILLIC CAPITAL LETTER ZHE" in str(skipped.value) and "'aéb" in str(skipped.value)
    assert name("\x01") == "'\\x01' (U+0001 unnamed)"


def test_missing_characters_are_counted_most_frequent_first() -> None:
    missing = Charset.of(["ab"]).missing(["axx", "y", "xb"])
    assert list(missing.items()) == [("x", 3), ("y", 1)]


def test_a_character_set_holds_single_characters_once() -> None:
    with pytest.raises(TextError, match="twice"):
        Charset(("a", "a"))
    for wrong in (("ab",), ("",)):
        with pytest.raises(TextError, match="single"):
            Charset(wrong)
