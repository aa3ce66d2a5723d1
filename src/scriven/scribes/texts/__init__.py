"""What the scribes write: words, lines and everything between, by language or from a user's own texts."""

from scriven.scribes.texts.corpora import corpus_files, corpus_lines
from scriven.scribes.texts.languages import charset_of, languages
from scriven.scribes.texts.settings import TextSettings
from scriven.scribes.texts.sources import TextSource, distribution, source, text_at
from scriven.scribes.texts.words import WordDistribution, count_words, language_words

__all__ = [
    "TextSettings",
    "TextSource",
    "WordDistribution",
    "charset_of",
    "corpus_files",
    "corpus_lines",
    "count_words",
    "distribution",
    "language_words",
    "languages",
    "source",
    "text_at",
]
