"""The table of published data sets: characters, rules of text, and what is reported of lines that deviate from them."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from scriven.base import SettingsError
from scriven.importers import IMPORTERS
from scriven.importers.published import as_published
from scriven.lines import Line
from scriven.lines.datasets import DATA_SETS
from scriven.reader.charsets import charset_of
from toy_imports import PNG, marking, read, save

CHARACTERS = {  # their numbers, as published
    "bentham": 87, "iam": 79, "iam_tbluche": 79, "peter": 65, "hkr": 84, "saintgall": 50, "washington": 68,
    "konzil": 70, "schiller": 62, "patzig": 68, "ricordi": 69, "schwerin": 50,
}  # fmt: skip


def test_character_sets_have_the_published_sizes() -> None:
    assert {name: len(of.characters) for name, of in DATA_SETS.items()} == CHARACTERS
    for of in DATA_SETS.values():
        assert Counter(of.characters).most_common(1)[0][1] == 1 and " " in of.characters
        assert unicodedata.normalize("NFC", of.characters) == of.characters


def test_character_sets_are_settings_of_training() -> None:
    assert charset_of("hkr").characters == tuple(DATA_SETS["hkr"].characters)
    assert "Ү" in charset_of("hkr").characters and "H" in charset_of("hkr").characters
    with pytest.raises(SettingsError, match="schwerin and no file.*repeats 'a'"):
        charset_of("aa")
    for misspelt in ("bentam", "swerin", "washingtn"):  # which would be six or so characters
        with pytest.raises(SettingsError, match="did you mean"):
            charset_of(misspelt)


@pytest.mark.parametrize(
    ("name", "text", "prepared"),
    [
        ("bentham", "Sir , it is ; so", "Sir, it is; so"),
        ("bentham", "( this [ one ] ) < x >", "(this [one] ) <x>"),
        ("bentham", "fe\u0302te à\xa0la ⊥ café", "fete a la cafe"),
        ("bentham", "why ? no !", "why? no!"),
        ("peter", "kopa/uka… з×", "коpаика зх".replace("p", "р")),
        ("peter", "ps отправлено", "р s отправлено"),
        ("peter", "непърестано і выхо|", "непърестано i выхо"),
        ("hkr", "  Шымкент  HO ", "Шымкент HO"),
        ("konzil", "daß¬ — x", "daß¬ — x"),
    ],
)
def test_rules_of_text(name: str, text: str, prepared: str) -> None:
    assert DATA_SETS[name].prepared(text) == prepared
    assert DATA_SETS[name].prepared(prepared) == prepared


@pytest.mark.parametrize("text", ["piter", "ire her mon sie", "ps точка a", "линiи e разстоянием c", "curier"])
def test_known_latin_words_are_restored(text: str) -> None:
    peter = DATA_SETS["peter"]
    read = peter.prepared(text)
    assert not peter.outside(read)
    assert peter.restored(read) == text.replace("ps", "p s").replace("curier", "сuriеr")


def test_the_rules_leave_only_published_characters_of_bentham() -> None:
    assert not DATA_SETS["bentham"].outside(DATA_SETS["bentham"].prepared("é è ê à â ⊥ § £ | _"))


def test_deviations_are_reported_and_nothing_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    items = [("train", Line(str(i), PNG, text)) for i, text in enumerate(("é", "Zx", "", None))]
    with caplog.at_level("INFO", "scriven"):
        found = list(as_published(iter(items), "bentham", "published", (4, 1, 0)))
    assert [item[1].text for item in found if isinstance(item, tuple)] == ["e", "Zx", "", None]
    assert "1 texts were changed by the rules of bentham; --set texts=original keeps them" in caplog.text
    assert "not in the published set of bentham: 'Z' (U+005A LATIN CAPITAL LETTER Z)" in caplog.text
    assert (
        "bentham has (4, 0, 0) lines of train, valid and test, unlike the published partition: (4, 1, 0)" in caplog.text
    )
    caplog.clear()
    found = list(as_published(iter(items), "bentham", "original", (4, 0, 0)))
    assert [item[1].text for item in found if isinstance(item, tuple)] == ["é", "Zx", "", None]
    assert "unlike the published" not in caplog.text


def test_a_marking_file_by_the_rules_of_its_data_set(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    marking(tmp_path, [("a", "1.png", "train", "kopa"), ("b", "1.png", "val", "NA")])
    assert read("csv", tmp_path, dataset="peter")[0] == [("train", "a", "кора"), ("valid", "b", "NA")]
    assert read("csv", tmp_path, dataset="peter", texts="original")[0][0] == ("train", "a", "kopa")
    with pytest.raises(SettingsError, match="there is no data set 'Peter'; there are: bentham"):
        list(IMPORTERS["csv"](tmp_path, dataset="Peter"))
