"""Language models made in memory: of texts as they are, of languages as lines drawn by word frequency."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scriven.base import Skipped
from scriven.language import texts
from scriven.language.model import MAX_NGRAMS, CharLM
from scriven.language.texts import TextSettings
from scriven.language.texts.languages import is_language

LANGUAGE_WORDS = 50_000  # words of a language that a language model learns
SAMPLED_LINES = 15_000  # lines drawn from a word list to teach a language model how words stand in lines


def train_lm(
    inputs: Sequence[str], order: int = 6, max_ngrams: int = MAX_NGRAMS, skipped: list[Skipped] | None = None
) -> CharLM:
    """A language model in memory: of texts as they are, of languages as lines drawn by word frequency."""
    lines: Iterable[str] = ()
    vocabulary: dict[str, float] = {}
    codes = [name for name in inputs if is_language(name)]
    paths = [Path(name) for name in inputs if name not in codes]
    if paths:
        lines = texts.corpus_lines(texts.corpus_files(paths, skipped if skipped is not None else []))
    for code in codes:
        found = texts.language_words(code, LANGUAGE_WORDS)
        for word, probability in zip(found.words, found.probabilities.tolist(), strict=True):
            vocabulary[word] = vocabulary.get(word, 0.0) + probability
        lines = _then(lines, _drawn(code)) if not paths else lines
    return CharLM.train(lines, order, words=vocabulary or None, max_ngrams=max_ngrams)


def _drawn(code: str) -> Iterator[str]:
    source = texts.source(f"lines:{code}", TextSettings(exponent=1.0, balanced=0.0, hyphenated=0.02))
    for index in range(SAMPLED_LINES):
        yield texts.text_at(source, 0, index)


def _then(first: Iterable[str], second: Iterable[str]) -> Iterator[str]:
    yield from first
    yield from second
