r"""Paths of other systems: `\` for `/`, and any Unicode normal form."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scriven.base.paths import existing

NAME = "événement à Noël"


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_paths_of_other_systems_are_found(tmp_path: Path, stored: str, written: str, separator: str) -> None:
    file = tmp_path / unicodedata.normalize(stored, NAME) / "a.png"  # type: ignore[arg-type]
    file.parent.mkdir()
    file.write_bytes(b"x")
    told = unicodedata.normalize(written, f"{NAME}{separator}a.png")  # type: ignore[arg-type]
    found = existing(tmp_path / told)
    assert found.read_bytes() == b"x"


def test_mixed_normal_forms_in_one_name(tmp_path: Path) -> None:
    mixed = unicodedata.normalize("NFC", "é") + unicodedata.normalize("NFD", "è")
    (tmp_path / mixed).write_bytes(b"x")
    for form in ("NFC", "NFD"):
        assert existing(tmp_path / unicodedata.normalize(form, mixed)).read_bytes() == b"x"  # type: ignore[arg-type]


def test_a_file_whose_name_has_a_backslash_is_preferred(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("folder")
    (tmp_path / "a\\b").write_text("name")
    assert existing(tmp_path / "a\\b").read_text() == "name"


@given(st.text(max_size=30))
@example("a\0b")
@example("x" * 300)
@example("")
def test_a_missing_path_is_returned_unchanged(name: str) -> None:
    folder = Path("/nowhere-at-all")
    assert existing(folder / name) == folder / name
