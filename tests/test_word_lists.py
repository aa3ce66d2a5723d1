"""Word lists: reading and writing them, counting words, the words of a language."""

import csv
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriven.base import TextError
from scriven.jobs import texts as jobs
from scriven.language.texts import WordDistribution, charset_of, count_words
from scriven.language.texts import words as words_module
from scriven.language.texts.languages import language_of


def test_a_word_list_file_yields_clean_words(tmp_path):
    """In an earlier system line ends stayed in the words of a list, so that `--only-letters` dropped every word."""
    path = tmp_path / "dict.txt"
    path.write_text("maison\nécole\r\n\nmaison\n", "utf-8", newline="")
    words = WordDistribution.load(path)
    assert words.words == ("maison", "école") and words.counts.tolist() == [2, 1]
    found, skipped = jobs.words([str(path)], tmp_path / "out.csv", only_letters=True)
    assert set(found.words) == {"maison", "école"} and not skipped
    assert (tmp_path / "out.csv").read_text("utf-8") == "word,count\nmaison,2\nécole,1\n"


words_with_counts = st.dictionaries(
    st.text(st.characters(exclude_categories=["Z", "C", "M"]), min_size=1, max_size=8).map(
        lambda t: unicodedata.normalize("NFC", t)
    ),
    st.integers(1, 1000),
    min_size=1,
    max_size=20,
)


@given(words_with_counts)
@settings(max_examples=40, deadline=None)
def test_a_distribution_survives_its_csv_whatever_the_characters(tmp_path_factory, counts):
    path = tmp_path_factory.mktemp("csv") / "words.csv"
    words = WordDistribution.of({word: float(n) for word, n in counts.items()})
    words.save(path)
    again = WordDistribution.load(path)
    assert again.words == words.words and again.counts.tolist() == words.counts.tolist()
    assert len(list(csv.reader(path.read_text("utf-8").splitlines(keepends=True)))) == len(words.words) + 1


def test_only_letters_keeps_the_words():
    words = count_words(["l'école a 3 chats, 2 rouges - vraiment"], only_letters=True)
    assert set(words.words) == {"l", "école", "a", "chats", "rouges", "vraiment"}
    assert "3" in count_words(["3 chats"]).words


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no words"),
        ("a,b\n", "line 1 has no count"),
        ("word,count\na,-1\n", "line 2"),
        ("a,1,2\n", "line 1 is not"),
    ],
)
def test_a_bad_word_list_is_refused_with_a_reason(tmp_path, content, says):
    path = tmp_path / "words.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(TextError, match=says):
        WordDistribution.load(path)


def test_letters_lost_by_case_folding_are_restored():
    """wordfreq folds ß to ss and final ς to σ; both were once written so."""
    right = (
        "straße straßenbahn hauptstraße groß größe vergrößern fuß fußball maß maßnahmen regelmäßig spaß süß gruß grüße"
    )
    right += (
        " stoß bloß fließt schließen ließ außer außerdem draußen außenminister äußern weiß heiß heißt dreißig preußen"
    )
    kept = (
        "aussehen aussage aussenden ausschuss voraussetzung hausschuhe preissegment kreisstadt hinweisschild diesseits"
    )
    kept += (
        " wissen wissenschaft muss müssen lassen dass russland masse massiv passagier reisepass essen fluss schlüssel"
    )
    kept += " wassermassen johannespassion weissagung chaussee grossist fussel insassen zuverlässig"
    spelt = language_of("de").spelt
    assert [spelt(word.replace("ß", "ss")) for word in right.split()] == right.split()
    assert [spelt(word) for word in kept.split()] == kept.split()
    german = set(words_module.language_words("de", 5000)[0].words)
    assert {"straße", "groß", "weiß", "heißt", "größe", "aussehen", "wissen", "muss", "dass"} <= german
    assert not {"strasse", "gross", "weiss", "heisst", "grösse"} & german
    greek = words_module.language_words("el", 20_000)[0].words
    assert {"της", "τους", "στους", "σε"} <= set(greek)
    assert not [word for word in greek if word.endswith("σ") or "ς" in word[:-1]]
    assert "ς" in charset_of("el")
