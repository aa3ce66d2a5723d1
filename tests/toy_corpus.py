"""Lines of French and English, and a corpus of readable and unreadable files."""

import pytest

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
