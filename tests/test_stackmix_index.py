"""The index of a bank: sorted suffixes and searches, against a slow search of the texts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriven.lines import Line
from scriven.scribes.stackmix.bank import MOST, Bank
from scriven.scribes.stackmix.measures import Measures
from scriven.scribes.stackmix.suffixes import BREAK, LONGEST, Alphabet, sorted_suffixes
from scriven.scribes.stackmix.writer import BankWriter
from scriven.text import normalise
from toy_bank import toy_bank

SOME = Measures(32.0, 0.0, 20.0, 0.0, 3.0, 20.0, 235.0, 0.0)
LINES = st.lists(
    st.tuples(st.text("abc \n", max_size=12), st.integers(0, 2)).filter(lambda one: one[0].strip(BREAK)),
    min_size=1, max_size=8,
)  # fmt: skip


def bank_of(lines: list[tuple[str, int]]) -> Bank:
    """A bank in memory of texts, with breaks, by numbered hands."""
    text = "".join(one + BREAK for one, _ in lines)
    hands = list(dict.fromkeys(hand for _, hand in lines))
    hand_of = np.array([hands.index(hand) for _, hand in lines])
    line_of = np.repeat(np.arange(len(lines)), [len(one) + 1 for one, _ in lines])
    order, keys = sorted_suffixes(text, hand_of[line_of])
    return Bank(
        folder=Path(), about={}, text=text, hands=tuple(map(str, hands)), measures=np.zeros((len(lines), 8)),
        line_of=line_of, hand_of=hand_of, pixels=np.zeros((1, 64), np.uint8), characters=np.zeros((len(text), 2)),
        order=order, keys=keys, starts=(0,),
    )  # fmt: skip


def occurrences(bank: Bank, text: str, hand: int | None) -> set[int]:
    """The places of a string, by looking at every one."""
    return {
        place
        for place in range(len(bank.text))
        if bank.text.startswith(text, place) and hand in (None, bank.hand_of[bank.line_of[place]])
    }


def check(bank: Bank, text: str, longest: int, hand: int | None) -> None:
    """That tokens of a text are the longest matches, with all their occurrences."""
    at = 0
    try:
        tokens = bank.tokens(text, longest, hand)
    except KeyError as error:
        assert not occurrences(bank, error.args[0], hand) and error.args[0] in text
        return
    for begin, length, start, stop in zip(
        *(one.tolist() for one in tokens if isinstance(one, np.ndarray)), strict=True
    ):
        assert begin == at and 1 <= length <= longest
        found = bank.order[tokens.row, start:stop].tolist()
        assert set(found) == occurrences(bank, text[at : at + length], hand) and len(found) == len(set(found)) > 0
        assert length == longest or at + length == len(text) or not occurrences(bank, text[at : at + length + 1], hand)
        at += length
    assert at == len(text)


@given(LINES, st.text("abcd ", min_size=1, max_size=20), st.integers(1, LONGEST), st.booleans())
@settings(max_examples=300)
def test_tokens_are_the_longest_matches_of_all_hands_and_of_one(lines, text, longest, of_hand) -> None:
    bank = bank_of(lines)
    for hand in range(len(bank.hands)) if of_hand else [None]:
        check(bank, text, longest, hand)


@pytest.mark.parametrize("size", [100, 254, 255, 256, 300, 66_000])
def test_any_number_of_characters_can_be_told_apart(size: int) -> None:
    """One byte a character up to 255 characters, then two, then three; the highest numbers are searched too."""
    rng = np.random.default_rng(size)
    characters = [chr(c) for c in range(0x20, 0x20 + 2 * size) if not 0xD800 <= c < 0xE000 and c != 0x7F][:size]
    lines = [("".join(characters), 0)]
    lines += [("".join(rng.choice(characters[-4:], 12)), hand) for hand in (0, 1, 1)]
    bank = bank_of(lines)
    assert len(bank.alphabet) == size and Alphabet.of(bank.text).width == (
        1 if size < 256 else 2 if size < 65536 else 3
    )
    for text in ("".join(rng.choice(characters[-4:], 20)), "".join(characters[-9:]), "".join(characters[:9])):
        check(bank, text, LONGEST, None)


@given(LINES)
def test_both_orders_are_sorted_and_leave_out_breaks(lines) -> None:
    bank = bank_of(lines)
    padded = bank.text + BREAK * LONGEST
    cut = [place for place in range(len(bank.text)) if bank.text[place] != BREAK]
    suffixes = [[padded[p : p + LONGEST] for p in row.tolist()] for row in bank.order]
    hands = bank.hand_of[bank.line_of[bank.order[1]]].tolist()
    assert suffixes[0] == sorted(suffixes[0]) and hands == sorted(hands)
    assert list(zip(hands, suffixes[1], strict=True)) == sorted(zip(hands, suffixes[1], strict=True))
    assert sorted(bank.order[0].tolist()) == sorted(bank.order[1].tolist()) == cut


@given(LINES)
def test_the_alphabets_of_the_hands(lines) -> None:
    bank = bank_of(lines)
    for number, hand in enumerate(bank.hands):
        assert bank.alphabets[number] == {c for text, of in lines if str(of) == hand for c in text} - {BREAK}
    assert frozenset().union(*bank.alphabets) == bank.alphabet


def test_at_most_a_hundred_occurrences_are_considered_evenly_spaced() -> None:
    bank = bank_of([("ab", n % 2) for n in range(1000)])
    tokens = bank.tokens("abab", 2)
    first, firsts = bank.sample(tokens, None)
    assert firsts.tolist() == [0, MOST] and len(first) == 2 * MOST and len(set(first[:MOST].tolist())) == MOST
    ordered = bank.order[0, tokens.start[0] : tokens.stop[0]].tolist()
    assert [ordered.index(p) for p in first[:MOST].tolist()] == list(range(0, 1000, 10))
    drawn = {int(p) for seed in range(200) for p in bank.sample(tokens, np.random.default_rng(seed))[0]}
    assert drawn == {3 * n for n in range(1000)}  # every one has its turn
    few = tokens._replace(stop=tokens.start + 7)
    assert sorted(set(bank.sample(few, np.random.default_rng(0))[0].tolist())) == sorted(
        set(bank.order[0, tokens.start[0] : tokens.start[0] + 7].tolist())
    )


def test_every_character_of_every_line_is_cut_the_last_one_too(tmp_path: Path) -> None:
    bank = Bank.open(toy_bank(tmp_path / "bank", ["paper and ink", "wax"], hands=1))
    for text in ("paper and ink", "wax"):
        ends = [bank.tokens(text[-n:], LONGEST) for n in range(1, min(len(text), LONGEST) + 1)]
        assert all(len(tokens.begins) == 1 for tokens in ends)
    assert bank.about["characters"] == len("paper and ink") + len("wax")


ODD = (
    "a/b",
    "..",
    "NA",
    "null",
    "nan",
    ".",
    "A a",
    "AaA",
    "../../etc/passwd",
    "None",
    "C:\\",
    "con",
    "NUL",
    "a\u0301 é",
)


def test_odd_labels_survive_and_stay_apart(tmp_path: Path) -> None:
    with BankWriter(tmp_path / "bank", 64) as writer:
        for number, text in enumerate(ODD):
            size = len(normalise(text))
            edges = np.arange(size)[:, None] * 10.0 + [0, 10]
            picture = np.full((64, 10 * size), 230, np.uint8)
            writer.add(Line(f"{number}", b"", text), picture, edges, np.ones(size, bool), SOME)
        writer.finish({})
    bank = Bank.open(tmp_path / "bank")
    assert bank.text.split(BREAK)[:-1] == [normalise(text) for text in ODD]
    assert {file.name for file in tmp_path.rglob("*")} <= {"bank", *(f.name for f in (tmp_path / "bank").iterdir())}
    for text in map(normalise, ODD):
        tokens = bank.tokens(text, LONGEST)
        places, firsts = bank.sample(tokens, None)
        for first, begin, length in zip(firsts, tokens.begins, tokens.lengths, strict=True):
            assert bank.text[places[first] : places[first] + length] == text[begin : begin + length]
    lower, upper = bank.tokens("a", 1), bank.tokens("A", 1)
    assert not set(range(lower.start[0], lower.stop[0])) & set(range(upper.start[0], upper.stop[0]))
