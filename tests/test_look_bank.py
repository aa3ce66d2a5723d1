"""`look` about a bank of StackMix: its lines with the places where their characters were cut."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scriven.base import InputError
from scriven.jobs.look import look
from scriven.jobs.look_bank import aligned_line
from scriven.lines import Line
from scriven.scribes.stackmix.bank import KEYS, Bank
from scriven.scribes.stackmix.measures import Measures
from scriven.scribes.stackmix.writer import BankWriter

SOME = Measures(32.0, 0.0, 20.0, 0.0, 3.0, 20.0, 235.0, 0.0)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Three lines, 10 px a character; the second letter of each is not cut."""
    with BankWriter(tmp_path / "bank", 64) as writer:
        for number, text in enumerate(("ab é", "<i>", "xyz")):
            edges = np.arange(len(text))[:, None] * 10.0 + [1, 10]
            usable = np.arange(len(text)) != 1
            picture = np.full((64, 10 * len(text)), 230, np.uint8)
            writer.add(Line(f"l{number}", b"", text, hand="h" if number else ""), picture, edges, usable, SOME)
        writer.finish({"model": "my-hand", "licence": "CC0-1.0"})
    return tmp_path / "bank"


def test_boxes_are_where_the_characters_were_cut(bank: Path) -> None:
    opened = Bank.open(bank)
    first, second = (aligned_line(opened, number, f"l{number}") for number in (0, 1))
    assert first.spans == [("a", 1, 10), (" ", 21, 30), ("é", 31, 40)] and first.caption == "l0 · 3 of 4 characters"
    assert second.spans == [("<", 1, 10), (">", 21, 30)] and second.caption == "l1 · h · 2 of 3 characters"


def test_a_bank_is_shown_as_one_page(bank: Path, tmp_path: Path, scriven: Callable[..., tuple]) -> None:
    code, out, err = scriven("look", bank, "-o", tmp_path / "page.html")
    assert code == 0, err
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<image") == 3 and "Where the characters were cut" in page and "checksums" not in page
    for expected in ("my-hand", "CC0-1.0", "l2 · h · 2 of 3 characters", "&lt;</text>", "U+00E9"):
        assert expected in page, expected
    look(bank, tmp_path / "page.html", samples=2)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<image") == 2 and "2 of 3 lines" in page and "l1 ·" not in page


def test_a_damaged_bank_is_named(bank: Path, tmp_path: Path) -> None:
    (bank / KEYS).unlink()
    with pytest.raises(InputError, match="bank is damaged"):
        look(bank, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
