"""Texts to write as synthetic handwriting: words and lines, of languages or of a user's own texts."""

from scriven.language.texts.corpora import corpus_files, corpus_lines
from scriven.language.texts.languages import charset_of, languages
from scriven.language.texts.settings import TextSettings
from scriven.language.texts.sources import TextSource, distribution, source, text_at
from scriven.language.texts.words import WordDistribution, count_words, language_words

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
