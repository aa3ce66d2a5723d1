"""Texts: word lists, corpora, sources of words and lines, and the report on characters."""

import csv
import json
import time
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriven.base import SettingsError, TextError
from scriven.cli import run
from scriven.jobs import texts as jobs
from scriven.language import train
from scriven.language.model import CharLM
from scriven.language.texts import TextSettings, WordDistribution, charset_of, count_words, languages, source, text_at
from scriven.language.texts import special as specials
from scriven.language.texts import words as words_module
from scriven.language.texts.corpora import corpus_files, corpus_lines
from scriven.language.texts.languages import Language, language_of
from scriven.language.texts.tokens import join, spaced_as_french, tokenise
from scriven.language.texts.word_ngrams import NGramSource, WordNGrams, count_ngrams
from scriven.language.texts.word_source import WordSource

FRENCH = [
    "Le chat est assis sur le tapis ; il dort.",
    "Que dit l'homme de la maison ? « Rien du tout ! »",
    "M. Dupont arriva le 12 mai 1914, à 3,50 fr. la livre.",
    "Le chat dort ; l'homme arriva à la maison.",
]
ENGLISH = [
    "The cat sat on the mat; it sleeps.",
    'What does Mr. Hooker say? "Nothing at all!"',
    "It's the dog's dinner (on 12 May 1881), isn't it?",
    "The dog sat on the mat, and the cat slept.",
]


@pytest.fixture
def folder(tmp_path):
    """A corpus with two readable files and four that are not."""
    (tmp_path / "in").mkdir()
    (tmp_path / "a.txt").write_text("\ufeffLe chat dort.\r\nLe chien, lui, mange du « pain ».\r\n", "utf-8")
    (tmp_path / "in" / "b.md").write_text("un chat\n\n<s> un <UNK> chien </s>\n", "utf-8")
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    (tmp_path / "zero.txt").write_bytes(b"ab\0c")
    (tmp_path / "empty.txt").write_bytes(b" \n")
    (tmp_path / "page.xml").write_text("<a/>")
    return tmp_path


# --- words ------------------------------------------------------------------------------------------------------------


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


def test_filtered_words_of_a_language_are_one_line_of_output_and_no_failure(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        words_module, "word_frequencies", lambda code: {"maison": 0.5, "00": 0.2, "l'eau": 0.1, "ŵŵ": 0.1}
    )
    assert run(["texts", "words", "fr", "-o", str(tmp_path / "w.csv"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"words": 2, "out": str(tmp_path / "w.csv")}
    assert said.err.count("\n") == 1 and "2 entries" in said.err


def test_only_letters_is_not_for_ngrams(folder, capsys):
    out = folder.parent / "n.npz"
    assert run(["texts", "words", str(folder / "a.txt"), "-o", str(out), "--ngrams", "--only-letters"]) == 2
    assert "not both" in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("command", [["words"], ["words", "--ngrams"], ["lm"]])
def test_an_existing_file_is_not_overwritten(folder, capsys, command):
    out = folder.parent / f"{folder.name}.npz"
    out.write_text("mine")
    assert run(["texts", *command, str(folder / "a.txt"), "-o", str(out)]) == 2
    assert "exists" in capsys.readouterr().err and out.read_text() == "mine"


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
    german = set(words_module.language_words("de", 5000).words)
    assert {"straße", "groß", "weiß", "heißt", "größe", "aussehen", "wissen", "muss", "dass"} <= german
    assert not {"strasse", "gross", "weiss", "heisst", "grösse"} & german
    greek = words_module.language_words("el", 20_000).words
    assert {"της", "τους", "στους", "σε"} <= set(greek)
    assert not [word for word in greek if word.endswith("σ") or "ς" in word[:-1]]
    assert "ς" in charset_of("el")


# --- corpora ----------------------------------------------------------------------------------------------------------


def test_a_corpus_names_skipped_files(folder):
    skipped = []
    lines = list(corpus_lines(corpus_files([folder], skipped)))
    assert lines == ["Le chat dort.", "Le chien, lui, mange du « pain ».", "un chat", "un chien"]
    reasons = {item.id.rpartition("/")[2]: item.reason for item in skipped}
    assert set(reasons) == {"latin.txt", "zero.txt", "empty.txt", "page.xml", "b.md"}
    assert "not UTF-8" in reasons["latin.txt"] and "zero bytes" in reasons["zero.txt"]


def test_special_tokens_of_other_tools_are_removed_and_counted(tmp_path):
    (tmp_path / "c.txt").write_text("eins <?> zwei <?>\n<UNK>\na < b > c\ndrei <pad>\n", "utf-8")
    skipped = []
    texts = source(str(tmp_path / "c.txt"), skipped=skipped)
    assert texts.texts == ["eins zwei", "a < b > c", "drei"]
    assert [item.id for item in skipped] == [f"<?> (2), <UNK> (1), <pad> (1) in {tmp_path / 'c.txt'}"]
    assert "removed from 3 of its lines; 1 lines had nothing else" in skipped[0].reason


def test_invisible_characters_are_removed_and_counted(tmp_path):
    (tmp_path / "c.txt").write_text("vor\u00adher\n\u200b\nein\u00ad \ufeffHaus\nzwei\n", "utf-8")
    skipped = []
    assert source(str(tmp_path / "c.txt"), skipped=skipped).texts == ["vorher", "ein Haus", "zwei"]
    (item,) = skipped
    assert "(U+00AD SOFT HYPHEN) (2)" in item.id and "U+200B" in item.id and "U+FEFF" in item.id
    assert "removed from 3 of its lines; 1 lines had nothing else" in item.reason
    assert tokenise("vor\u00adher") == ["vorher"] and count_words(["vor\u00adher"]).words == ("vorher",)


def test_a_corpus_ignores_hidden_files_and_folders(tmp_path):
    for name in ("letters/.git/HEAD", "letters/.notes.txt", "letters/a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n", "utf-8")
    skipped = []
    assert corpus_files([tmp_path / "letters"], skipped) == [tmp_path / "letters" / "a.txt"] and not skipped


def test_a_corpus_without_readable_files_is_refused(folder):
    with pytest.raises(TextError, match="latin.txt.*not UTF-8"):
        corpus_files([folder / "latin.txt"], [])
    with pytest.raises(TextError, match="no text file or folder"):
        corpus_files([folder / "none"], [])


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lines", "french"), [(FRENCH, True), (ENGLISH, False)])
def test_joining_tokens_restores_the_spacing_of_punctuation(lines, french):
    assert spaced_as_french(lines) is french
    for line in lines:
        assert join(tokenise(line), french) == line


# --- sources ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["words:fr", "lines:fr", "fonts:fr+en", "lines:cs"])
def test_texts_are_clean_and_of_their_language(spec):
    texts = source(spec)
    allowed = {c for code in spec.partition(":")[2].split("+") for c in charset_of(code).characters}
    for i in range(400):
        text = text_at(texts, 7, i)
        assert text == unicodedata.normalize("NFC", " ".join(text.split())) and text
        assert set(text) <= allowed


def test_a_text_is_determined_by_seed_and_index():
    texts, again = source("lines:en"), source("lines:en")
    assert [text_at(texts, 3, i) for i in range(20)] == [text_at(again, 3, i) for i in reversed(range(20))][::-1]
    assert text_at(texts, 3, 0) != text_at(texts, 4, 0)


def test_lines_have_the_length_asked_for():
    texts = source("lines:fr", TextSettings(min_tokens=3, max_tokens=3, number=0, date=0, amount=0, abbreviation=0))
    lengths = Counter(len(text_at(texts, 0, i).replace(" :", ":").split()) for i in range(300))
    assert lengths[3] > 200
    texts = source("lines:fr", TextSettings(min_chars=30, max_chars=40))
    lengths = [len(text_at(texts, 0, i)) for i in range(300)]
    assert max(lengths) <= 40 and np.median(lengths) > 25


def test_words_lines_and_mixed_sources_differ(tmp_path):
    words = tmp_path / "words.csv"
    words.write_text("word,count\ncommon,10000\nrare,1\n", "utf-8")
    off = dict(number=0, date=0, amount=0, abbreviation=0, initials=0, balanced=0, title=0, upper=0)
    off |= dict(punctuation=0, compound=0, hyphenated=0)
    share = {}
    for exponent in (0.0, 0.5, 1.0):
        texts = source(f"words:{words}", TextSettings(exponent=exponent, **off))
        share[exponent] = sum(text_at(texts, 0, i) == "rare" for i in range(2000)) / 2000
    assert share[0.0] == pytest.approx(0.5, abs=0.05)
    assert share[0.5] == pytest.approx(1 / 101, abs=0.01)
    assert share[1.0] < 0.005


def test_capitals_punctuation_and_numbers_are_mixed_in():
    texts = source("words:fr", TextSettings(balanced=0))
    drawn = [text_at(texts, 0, i) for i in range(4000)]
    assert sum(t[:1].isupper() for t in drawn) > 200
    assert sum(t.isupper() and len(t) > 3 for t in drawn) > 20
    assert sum(t.endswith(" ?") or t.endswith(" ;") for t in drawn) > 20
    assert not any(t.endswith(("é?", "e;", "s!")) for t in drawn if len(t) > 8)
    assert sum(any(c.isdigit() for c in t) for t in drawn) > 150
    assert sum(t.endswith("-") for t in drawn) > 20
    assert any(t in language_of("fr").titles for t in drawn)
    assert any("'" in t for t in drawn) and not any(t in language_of("fr").elisions for t in drawn)


def test_an_elision_is_joined_to_a_word_that_may_follow_it(tmp_path):
    words = "l d c j qu s homme house haut heures heurts est et être onze yacht en ami table il".split()
    (tmp_path / "words.csv").write_text("word,count\n" + "".join(f"{word},1\n" for word in words), "utf-8")
    off = dict(number=0, date=0, amount=0, abbreviation=0, initials=0, balanced=0, title=0, upper=0)
    off |= dict(punctuation=0, compound=0, hyphenated=0)
    made = WordSource(WordDistribution.load(tmp_path / "words.csv"), language_of("fr"), charset_of("fr"),
                      TextSettings(**off))  # fmt: skip
    drawn = {text_at(made, 0, i) for i in range(5000)}
    free = {f"{word}'{follower}" for word in ("l", "d", "qu") for follower in "homme heures est être en ami".split()}
    assert {text for text in drawn if "'" in text} == free | {"qu'il", "c'est", "j'en", "s'est", "s'en", "s'il"}
    assert drawn >= {"house", "haut", "table"} and not drawn & {"l", "d", "c", "j", "qu", "s"}
    alone = WordSource(WordDistribution.of({"j": 9.0, "table": 1.0}), language_of("fr"), charset_of("fr"),
                       TextSettings(**off))  # fmt: skip
    assert {text_at(alone, 0, i) for i in range(50)} <= {"table", "j"}


@pytest.mark.parametrize("code", [code for code, language in languages().items() if language.elisions])
def test_every_elided_word_of_a_language_has_words_that_follow(code):
    found = source(f"words:{code}").followers
    assert found.keys() == language_of(code).elisions and all(len(words) > 3 for words, _ in found.values())
    assert all(shares[-1] == pytest.approx(1) for _, shares in found.values())


@pytest.mark.parametrize("code", sorted(languages()))
def test_special_texts_use_characters_of_their_language(code):
    language, allowed = language_of(code), set(charset_of(code).characters)
    rng = np.random.default_rng(0)
    for make in (specials.number, specials.date, specials.amount, specials.initials, specials.abbreviation):
        drawn = {make(rng, language) for _ in range(200)}
        outside = {c for text in drawn for c in text} - allowed
        assert not outside, (make.__name__, outside)
        assert len(drawn) > 3 and not any("{" in text or text != text.strip() for text in drawn)


def test_numerals():
    assert [specials.roman(n) for n in (4, 9, 14, 1914, 1999)] == ["IV", "IX", "XIV", "MCMXIV", "MCMXCIX"]
    assert [f"{n}{specials.english_ordinal(n)}" for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 112)] == (
        "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 112th".split()
    )
    assert specials.grouped(np.random.default_rng(0), 12500, Language("x", thousands=(".",))) == "12.500"


@pytest.mark.parametrize("spec", ["words:fr", "lines:fr"])
def test_every_character_of_the_set_is_written(spec):
    report = jobs.balance(spec, 6000)
    assert not report.absent and not report.outside
    assert min(report.counts.values()) >= 3


def test_only_the_given_characters_are_written():
    texts = source("lines:fr", TextSettings(characters="abcdefghijklmnopqrstuvwxyz"))
    assert set("".join(text_at(texts, 0, i) for i in range(300))) <= set(" abcdefghijklmnopqrstuvwxyz")
    with pytest.raises(SettingsError, match="no word can be written"):
        source("words:fr", TextSettings(characters="0123"))


def test_only_texts_with_the_given_characters_are_used_from_a_file(tmp_path):
    (tmp_path / "t.txt").write_text("abba\nabc\nab ba\n", "utf-8")
    skipped = []
    assert source(str(tmp_path / "t.txt"), TextSettings(characters="ab"), skipped).texts == ["abba", "ab ba"]
    assert [item.id for item in skipped] == ["'abc'"] and "'c' (U+0063" in skipped[0].reason
    with pytest.raises(SettingsError, match="no text can be written with the characters 'xyz'"):
        source(str(tmp_path / "t.txt"), TextSettings(characters="xyz"))


@pytest.mark.parametrize(
    "changes",
    [{"min_tokens": 9, "max_tokens": 3}, {"min_chars": 30}, {"min_chars": 50, "max_chars": 40}, {"number": 1.5}],
)
def test_impossible_settings_are_refused(changes):
    with pytest.raises(SettingsError):
        TextSettings(**changes)


def test_unknown_sources_and_languages_list_the_valid_ones():
    with pytest.raises(TextError, match="words:..."):
        source("nothing/here")
    with pytest.raises(TextError, match="'xx'; there are ar, bg"):
        source("words:xx")
    with pytest.raises(TextError, match="no language is given"):
        source("words:")
    with pytest.raises(TextError, match="no language 'french'; did you mean 'fr'"):
        source("words:french")
    for make in (lambda: source("words:la"), lambda: train.train_lm(["la"])):  # letters and dates, but no words
        with pytest.raises(TextError, match="no word list for the language 'la'.*words:FOLDER.*texts lm FOLDER"):
            make()


def test_the_letters_of_a_language_without_an_entry_are_those_of_its_words():
    assert set("åäö") <= set(charset_of("sv").characters)
    assert "♥" not in charset_of("sv").characters


def test_words_of_a_file_without_an_extension(tmp_path):
    (tmp_path / "corpus").write_text("quill ink paper\n", "utf-8")
    texts = source(f"words:{tmp_path / 'corpus'}", TextSettings(exponent=0.0, title=0.0))
    assert {"quill", "ink", "paper"} <= {text_at(texts, 0, i) for i in range(200)}


def test_texts_of_a_file_are_used_in_order(folder):
    texts = source(str(folder / "a.txt"))
    assert [text_at(texts, 0, i) for i in range(3)] == [
        "Le chat dort.",
        "Le chien, lui, mange du « pain ».",
        "Le chat dort.",
    ]
    assert texts.draw(np.random.default_rng(0), "word") in "Le chat dort. Le chien, lui, mange du « pain »."
    skipped = []
    source(str(folder), skipped=skipped)
    assert len(skipped) == 5


# --- word n-grams -----------------------------------------------------------------------------------------------------


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


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_a_language_model_of_a_language_prefers_its_words(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "SAMPLED_LINES", 1000)
    monkeypatch.setattr(train, "LANGUAGE_WORDS", 3000)
    model, _ = jobs.lm(["fr"], tmp_path / "fr.npz", order=3)
    assert model.bits_per_char("la petite maison de la rue") + 1.5 < model.bits_per_char("al etitep nosiam ed al eur")


def test_a_language_model_of_texts_names_skipped_files(folder):
    model, skipped = jobs.lm([str(folder)], folder / "lm.arpa", order=3)
    assert len(skipped) == 5 and model.logprob("un chat") > model.logprob("nu thac")
    assert (folder / "lm.arpa").read_text("utf-8").startswith("\n\\data\\")


def test_a_language_model_is_written_in_the_format_of_its_extension(folder):
    for name in ("m.npz", "m.arpa", "m.arpa.gz", "m.lm"):
        model, _ = jobs.lm([str(folder)], folder.parent / name, order=3)
        assert CharLM.load(folder.parent / name).logprob("un chat") == pytest.approx(model.logprob("un chat"), abs=1e-3)


def test_balance_lists_rare_and_missing_characters(tmp_path):
    (tmp_path / "t.txt").write_text("aab\n", "utf-8")
    report = jobs.balance(str(tmp_path / "t.txt"), 10, "abc", least=15)
    assert report.counts == {"a": 20, "b": 10, " ": 0, "c": 0}
    assert report.rare == ("b",) and set(report.absent) == {" ", "c"}
    narrow = jobs.balance(str(tmp_path / "t.txt"), 5, "a")
    assert narrow.outside == {"b": 5} and narrow.report().endswith("outside the set: b (5)")
    assert report.report().endswith("outside the set: none")


def test_drawing_is_fast():
    """A sixth of the target (50,000 words or 8,000 lines per second), so that the test passes on a busy machine."""
    for spec, least in (("words:fr", 8_000), ("lines:fr", 1_300)):
        texts = source(spec)
        text_at(texts, 0, 0)
        started = time.process_time()
        for i in range(500):
            text_at(texts, 0, i)
        assert 500 / (time.process_time() - started) > least
