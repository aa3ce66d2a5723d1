"""Training of character language models on texts, and on languages by lines sampled from word frequencies."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scriven.base import Skipped
from scriven.language import texts
from scriven.language.model import MAX_NGRAMS, CharLM
from scriven.language.texts import TextSettings
from scriven.language.texts.languages import is_language

LANGUAGE_WORDS = 50_000  # most frequent words of a language that are used
SAMPLED_LINES = 15_000  # lines sampled from a word list, for spaces, punctuation and capitals


def train_lm(inputs: Sequence[str], order: int = 6, max_ngrams: int = MAX_NGRAMS) -> tuple[CharLM, list[Skipped]]:
    """A language model of languages (their codes) and of files and folders of texts, and what was skipped of these.

    A language contributes its vocabulary and, if no texts are given, sampled lines. Raises TextError, MissingExtra.
    """
    lines: Iterable[str] = ()
    vocabulary, skipped = dict[str, float](), list[Skipped]()
    codes = [name for name in inputs if is_language(name)]
    paths = [Path(name) for name in inputs if name not in codes]
    if paths:
        files, skipped = texts.corpus_files(paths)
        lines = texts.corpus_lines(files)
    for code in codes:
        found, _ = texts.language_words(code, LANGUAGE_WORDS)
        for word, probability in zip(found.words, found.probabilities.tolist(), strict=True):
            vocabulary[word] = vocabulary.get(word, 0.0) + probability
        lines = lines if paths else itertools.chain(lines, _sampled(code))
    return CharLM.train(lines, order, words=vocabulary or None, max_ngrams=max_ngrams), skipped


def _sampled(code: str) -> Iterator[str]:
    source = texts.source(f"lines:{code}", TextSettings(exponent=1.0, balanced=0.0, hyphenated=0.02))
    for index in range(SAMPLED_LINES):
        yield texts.text_at(source, 0, index)
