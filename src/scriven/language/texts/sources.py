"""Text sources by name: `words:fr`, `lines:fr+en`, `mixed:de`, `ngram:FOLDER`, or a file of texts.

A source is any object with `draw(rng, kind) -> str` and `skipped`; `text_at(source, s, i)` is text i of seed s,
always the same.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from scriven.base import SettingsError, Skipped, TextError
from scriven.language.texts.corpora import corpus_files, corpus_lines
from scriven.language.texts.languages import charset_of, is_language, language_of, languages_of
from scriven.language.texts.settings import TEXT_DEFAULTS, TextSettings
from scriven.language.texts.word_ngrams import NGramSource, WordNGrams, count_ngrams
from scriven.language.texts.word_source import WordSource
from scriven.language.texts.words import WordDistribution, count_words, language_words
from scriven.text import Charset, name

log = logging.getLogger("scriven")
TextKind = Literal["word", "line"]


class TextSource(Protocol):
    """Samples texts."""

    @property
    def skipped(self) -> Sequence[Skipped]:
        """The files, parts of files and texts of its material that are left out, with reasons."""
        ...

    def draw(self, rng: np.random.Generator, kind: TextKind | None = None) -> str:
        """Sample one text, NFC and single-spaced: of the given kind, or of the kind in the name of the source."""
        ...


Make = Callable[[str, TextSettings], TextSource]


class FileSource:
    """The lines of files, one text each: `texts` in order, `draw` at random.

    `skipped`: what was skipped of the files; texts with characters that are not among `characters`, if given, are
    added. Raises SettingsError if no text is left.
    """

    def __init__(self, texts: Iterable[str], characters: str = "", *, skipped: Sequence[Skipped] = ()):
        self.texts, self.skipped = list[str](), list(skipped)
        allowed = {*characters, " "}
        for text in texts:
            if characters and (others := sorted(set(text) - allowed)):
                why = f"has {', '.join(map(name, others))}, which the setting characters does not allow; add to it"
                self.skipped.append(Skipped(repr(text), why))
            else:
                self.texts.append(text)
        if characters and not self.texts:
            raise SettingsError(
                f"no text can be written with the characters {characters!r} only; add to the setting or leave it empty"
            )

    def draw(self, rng: np.random.Generator, kind: TextKind | None = None) -> str:
        """A random line, or a word of it."""
        text = self.texts[int(rng.random() * len(self.texts))]
        if kind != "word":
            return text
        words = text.split(" ")
        return words[int(rng.random() * len(words))]


class MixedSource:
    """Several sources with equal shares; if `word_share` is given, words and lines are mixed."""

    def __init__(self, sources: Sequence[TextSource], word_share: float | None = None):
        self.sources, self.word_share = list(sources), word_share
        self.skipped = tuple(one for source in sources for one in source.skipped)

    def draw(self, rng: np.random.Generator, kind: TextKind | None = None) -> str:
        source = self.sources[int(rng.random() * len(self.sources))]
        if kind is None and self.word_share is not None:
            kind = "word" if rng.random() < self.word_share else "line"
        return source.draw(rng, kind)


def source(spec: str, settings: TextSettings = TEXT_DEFAULTS) -> TextSource:
    """The text source of a name; its `skipped` has the files of a corpus that cannot be read.

    `words:X` gives words, `lines:X` lines, `mixed:X` both; X is a language, several (`fr+en`), or a word list, text
    file or folder. Two or three lower-case letters are always a language: a folder named `fr` is `words:./fr` or
    `words:fr/`. `ngram:X` gives lines sampled from the n-grams of a corpus or a saved `.npz`. Anything else is a file
    or folder of texts. Raises TextError, which lists the sources, and MissingExtra.
    """
    name, colon, rest = spec.partition(":")
    if name in RENAMED_SOURCES:
        log.warning("%s:%s is now called %s:%s", name, rest, RENAMED_SOURCES[name], rest)
        name = RENAMED_SOURCES[name]
    if not colon or name not in SOURCES:
        if not spec or not Path(spec).exists():
            raise TextError(
                f"there is no text source {spec!r}; give a file or folder of texts, "
                f"or {', '.join(f'{s}:...' for s in SOURCES)}"
            )
        files, skipped = corpus_files([Path(spec)])
        return FileSource(corpus_lines(files), settings.characters, skipped=skipped)
    return SOURCES[name](rest, settings)


def text_at(texts: TextSource, seed: int, index: int, kind: TextKind | None = None) -> str:
    """Text number `index` of a seed. The texts of a file come in order, repeatedly; other sources sample."""
    ordered = getattr(texts, "texts", None)
    if ordered is not None:
        return str(ordered[index % len(ordered)])
    return texts.draw(np.random.default_rng([seed, index]), kind)


def allowed(texts: TextSource) -> frozenset[str]:
    """The characters that a source can write; empty if they are not limited."""
    if isinstance(texts, MixedSource):
        return frozenset[str]().union(*map(allowed, texts.sources))
    return texts.allowed if isinstance(texts, WordSource) else frozenset()


def _words(kind: TextKind) -> Make:
    def make(rest: str, settings: TextSettings) -> TextSource:
        whole = rest and not is_language(rest) and Path(rest).exists()
        names = (rest,) if whole else languages_of(rest)
        sources = [_word_source(name, settings, kind) for name in names]
        return sources[0] if len(sources) == 1 else MixedSource(sources)

    return make


def _word_source(name: str, settings: TextSettings, kind: TextKind) -> WordSource:
    words, skipped = distribution(name, settings)
    if is_language(name):
        return WordSource(words, language_of(name), charset_of(name), settings, kind)
    return WordSource(words, language_of(""), Charset.of([*words.words, _PLAIN]), settings, kind, skipped=skipped)


def distribution(name: str, settings: TextSettings = TEXT_DEFAULTS) -> tuple[WordDistribution, list[Skipped]]:
    """The word distribution of a language, a word list (CSV), or texts, and what was skipped of the texts."""
    path = Path(name)
    if is_language(name) or not (path.suffix or "/" in name or path.exists()):  # an unknown language is refused there
        words, _ = language_words(name, settings.top, settings.max_length)
        return words, []
    if path.suffix.lower() == ".csv":
        return WordDistribution.load(path), []
    files, skipped = corpus_files([path])
    return count_words(corpus_lines(files), settings.max_length), skipped


def _ngram(rest: str, settings: TextSettings) -> TextSource:
    if rest.endswith(".npz"):
        return NGramSource(WordNGrams.load(Path(rest)), settings)
    files, skipped = corpus_files([Path(rest)])
    grams = count_ngrams(lambda: corpus_lines(files), settings.order, settings.max_vocabulary)
    return NGramSource(grams, settings, skipped=skipped)


def _mixed(rest: str, settings: TextSettings) -> TextSource:
    return MixedSource([_words("line")(rest, settings)], settings.word_share)


_PLAIN = "0123456789.,;:!?'\"()-"
SOURCES: dict[str, Make] = {
    "words": _words("word"),
    "lines": _words("line"),
    "ngram": _ngram,
    "mixed": _mixed,
}
RENAMED_SOURCES = {"fonts": "mixed"}  # old spellings, valid for one version
