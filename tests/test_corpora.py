"""Corpora: files read and skipped, what is removed from their lines, tokens and their spacing."""

import pytest

from scriven.base import TextError
from scriven.language.texts import count_words, source
from scriven.language.texts.corpora import corpus_files, corpus_lines
from scriven.language.texts.tokens import join, spaced_as_french, tokenise
from toy_corpus import ENGLISH, FRENCH, folder  # noqa: F401


def test_a_corpus_names_skipped_files(folder):
    files, skipped = corpus_files([folder])
    assert list(corpus_lines(files)) == ["Le chat dort.", "Le chien, lui, mange du « pain ».", "un chat", "un chien"]
    reasons = {item.id.rpartition("/")[2]: item.reason for item in skipped}
    assert set(reasons) == {"latin.txt", "zero.txt", "empty.txt", "page.xml", "b.md"}
    assert "not UTF-8" in reasons["latin.txt"] and "zero bytes" in reasons["zero.txt"]


def test_special_tokens_of_other_tools_are_removed_and_counted(tmp_path):
    (tmp_path / "c.txt").write_text("eins <?> zwei <?>\n<UNK>\na < b > c\ndrei <pad>\n", "utf-8")
    texts = source(str(tmp_path / "c.txt"))
    assert texts.texts == ["eins zwei", "a < b > c", "drei"]
    assert [item.id for item in texts.skipped] == [f"<?> (2), <UNK> (1), <pad> (1) in {tmp_path / 'c.txt'}"]
    assert "removed from 3 of its lines; 1 lines had nothing else" in texts.skipped[0].reason


def test_invisible_characters_are_removed_and_counted(tmp_path):
    (tmp_path / "c.txt").write_text("vor\u00adher\n\u200b\nein\u00ad \ufeffHaus\nzwei\n", "utf-8")
    texts = source(str(tmp_path / "c.txt"))
    assert texts.texts == ["vorher", "ein Haus", "zwei"]
    (item,) = texts.skipped
    assert "(U+00AD SOFT HYPHEN) (2)" in item.id and "U+200B" in item.id and "U+FEFF" in item.id
    assert "removed from 3 of its lines; 1 lines had nothing else" in item.reason
    assert tokenise("vor\u00adher") == ["vorher"] and count_words(["vor\u00adher"]).words == ("vorher",)


def test_a_corpus_ignores_hidden_files_and_folders(tmp_path):
    for name in ("letters/.git/HEAD", "letters/.notes.txt", "letters/a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n", "utf-8")
    assert corpus_files([tmp_path / "letters"]) == ([tmp_path / "letters" / "a.txt"], [])


def test_a_corpus_without_readable_files_is_refused(folder):
    with pytest.raises(TextError, match="latin.txt.*not UTF-8"):
        corpus_files([folder / "latin.txt"])
    with pytest.raises(TextError, match="no text file or folder"):
        corpus_files([folder / "none"])


@pytest.mark.parametrize(("lines", "french"), [(FRENCH, True), (ENGLISH, False)])
def test_joining_tokens_restores_the_spacing_of_punctuation(lines, french):
    assert spaced_as_french(lines) is french
    for line in lines:
        assert join(tokenise(line), french) == line
