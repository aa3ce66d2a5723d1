"""Writing direction: conversion between logical and visual order."""

import random
import re
import unicodedata

import pytest
from bidi import get_display
from hypothesis import given
from hypothesis import strategies as st

from scriven.text import direction_runs, display_order, logical, logical_characters, normalise, right_to_left, visual

HEBREW, ARABIC, LATIN = "אבגדהוזחטי", "ابتثجحخد", "abcdeé"
NUMBERS = ("7", "12", "1914", "3.5", "1,200", "12:30", "1/2", "50%", "10-20", "$5")


def line(rng: random.Random, letters: str, other: str, crowded: bool) -> str:
    """Words with numbers, punctuation and brackets; `crowded`: these also beside words of the other direction."""
    words = []
    for _ in range(rng.randint(1, 8)):
        kind = rng.random()
        previous = words[-1] if words else ""
        if kind < 0.2 and (crowded or not any(c.isdigit() for c in previous)):
            word = "".join(rng.choices(other, k=rng.randint(1, 4)))
        elif kind < 0.4 and (crowded or not set(previous) & set(other)):
            word = rng.choice(NUMBERS)
        else:
            word = "".join(rng.choices(letters, k=rng.randint(2, 6)))
        if rng.random() < 0.1 and (crowded or set(word) <= set(letters)):
            word = f"({word})"
        words.append(word + (rng.choice(",.:;!?") if rng.random() < 0.15 and set(word) & set(letters) else ""))
    return " ".join(words)


@given(st.text(max_size=40))
def test_left_to_right_text_is_unchanged(text: str) -> None:
    if not any(unicodedata.bidirectional(c) in ("R", "AL") for c in text):
        assert visual(text) == logical(text) == text and not right_to_left(text)


@given(
    st.text(st.characters(whitelist_categories=["L", "N", "P", "Z", "M"]), max_size=30),
    st.text(HEBREW + " 1a(", max_size=12),
)
def test_no_character_is_lost(text: str, more: str) -> None:
    line = normalise(text + more)
    seen = visual(line)
    assert sorted(index for _, index in logical_characters(seen)) == list(range(len(line)))
    brackets = (
        set("()[]{}<>«»") | {c for c in line if unicodedata.mirrored(c)} | {c for c in seen if unicodedata.mirrored(c)}
    )
    for back in (seen, logical(seen)):
        assert sorted(c for c in back if c not in brackets) == sorted(c for c in line if c not in brackets)
    assert right_to_left(line) == right_to_left(seen)


@given(st.text(HEBREW + ARABIC + LATIN + "0123456789١٢٣" + " " * 8 + ".,:/+-%$()[]{}<>«»「」⁅⁆!'\"", max_size=30))
def test_visual_order_is_that_of_another_implementation(text: str) -> None:
    """`get_display` is the bidirectional algorithm of the Rust crate unicode-bidi; it mirrors no brackets."""
    line = normalise(text)
    if line:
        order = display_order(line)
        assert "".join(line[i] for i, _ in order) == get_display(line, base_dir="LR"[right_to_left(line)])
        runs = [(range(start, end), odd) for start, end, odd in direction_runs(line)]
        assert order == [(i, odd) for run, odd in runs for i in (reversed(run) if odd else run)]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("שלום עולם", "םלוע םולש"),
        ("שלום (עולם), 12.5 שקל", "לקש 12.5 ,(םלוע) םולש"),
        ("עמוד iPhone 15 שלי", "ילש iPhone 15 דומע"),
        ("the word שלום means peace", "the word םולש means peace"),
        ("سعر ١٢٣ ريال", "لاير ١٢٣ رعس"),
        ("سعر 50% ريال", "لاير %50 رعس"),
        ("שָׁלוֹם", "םוֹלשָׁ"),
        ("abc (def) שלום עולם", "םלוע םולש abc (def)"),
    ],
)
def test_visual_order_of_known_lines(text: str, seen: str) -> None:
    assert visual(text) == seen and logical(seen) == text
    assert [seen[i] for _, i in logical_characters(seen)] != [] and len(logical_characters(seen)) == len(text)


@pytest.mark.parametrize("letters", [HEBREW, ARABIC])
@given(seed=st.integers(0, 2**32))
def test_logical_inverts_visual_for_ordinary_lines(letters: str, seed: int) -> None:
    rng = random.Random(seed)
    for main, other in ((letters, LATIN), (LATIN, letters)):
        text = line(rng, main, other, False)
        if right_to_left(text) == right_to_left(main):
            assert logical(visual(text)) == text


def recoverable(text: str) -> bool:
    """Whether the logical order of a text without explicit directional controls follows from its visual order.

    Not so where several texts look alike: with letters of both directions beside numbers or punctuation, with both
    kinds of digits, with `%`, `$` and the like between two numbers that no space or letter separates, and with a mark
    before the first letter. Right-to-left letters, one kind of digits, spaces and punctuation are recoverable in any
    order.
    """
    kinds = [unicodedata.bidirectional(character) for character in text]
    if not {"R", "AL"} & set(kinds):
        return "AN" not in kinds
    code = "".join({"R": "a", "AL": "a", "EN": "1", "AN": "1", "ET": "%", "WS": " "}.get(kind, ".") for kind in kinds)
    one_kind = "L" not in kinds and not {"EN", "AN"} <= set(kinds)
    return one_kind and kinds[0] != "NSM" and not re.search(r"1\.*%[.%]*1", code)


@pytest.mark.parametrize("letters", [HEBREW + "\u05b8\u05bc", ARABIC + "\u064e\u0651", "ܐܒܓܕ"])
@given(data=st.data())
def test_text_of_one_direction_comes_back_from_visual_order(letters: str, data: st.DataObject) -> None:
    digits = data.draw(st.sampled_from(["0123456789", "٠١٢٣٤٥٦٧٨٩"]))
    text = normalise(data.draw(st.text(letters + digits + "   .,:;!?/+-%$€#()[]{}<>«»\"'", max_size=30)))
    if recoverable(text):
        assert logical(visual(text)) == text


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Cn", "Co"]), max_size=30))
def test_any_text_that_is_recoverable_comes_back(text: str) -> None:
    line = normalise(text)
    if recoverable(line):
        assert logical(visual(line)) == line


@pytest.mark.parametrize(("one", "other"), [("שלום 15 km", "שלום km 15"), ("ב1/2%1", "ב1%2/1")])
def test_what_is_not_recoverable_is_refused(one: str, other: str) -> None:
    assert not recoverable(one) and not recoverable(other)
    assert (visual(one) == visual(other)) == (logical(visual(one)) == logical(visual(other)))


def test_only_numbers_and_brackets_beside_the_other_direction_are_ambiguous() -> None:
    """`15 km` and `km 15` look alike in a right-to-left line; the order returned has the same visual order."""
    rng = random.Random(1)
    for letters in (HEBREW, ARABIC):
        lines = [line(rng, letters, LATIN, True) for _ in range(2000)]
        back = [logical(visual(text)) for text in lines]
        assert sum(a == b for a, b in zip(lines, back, strict=True)) > 0.8 * len(lines)
        assert sum(visual(a) == visual(b) for a, b in zip(lines, back, strict=True)) > 0.99 * len(lines)
    assert visual("שלום 15 km") == visual("שלום km 15") and logical(visual("שלום 15 km")) == "שלום km 15"
