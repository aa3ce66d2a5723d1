"""The jobs behind `scriven texts`: word lists, samples, language models, and how often each character is written."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scriven.base import OutputError, Refused
from scriven.reader.arpa import ENDINGS
from scriven.reader.lm import MAX_NGRAMS, CharLM
from scriven.scribes import texts
from scriven.scribes.texts import TextSettings, WordDistribution
from scriven.scribes.texts.backoff import count_ngrams
from scriven.scribes.texts.languages import is_language
from scriven.scribes.texts.settings import DEFAULTS as DEFAULTS
from scriven.scribes.texts.sources import Kind
from scriven.text import Charset

log = logging.getLogger(__name__)
LANGUAGE_WORDS = 50_000  # words of a language that a language model learns
SAMPLED_LINES = 15_000  # lines drawn from a word list to teach a language model how words stand in lines


@dataclass(frozen=True)
class Balance:
    """How often each character of a character set was written."""

    texts: int
    counts: dict[str, int]  # every character of the set, most frequent first
    rare: tuple[str, ...]  # written, but less often than asked for
    absent: tuple[str, ...]
    outside: dict[str, int]  # written, but not in the set
    refused: tuple[Refused, ...] = ()  # files of the source that cannot be read

    def report(self) -> str:
        """A line for each character, then those that are too few, and those that are not in the set."""
        lines = [f"{c}  {n}" for c, n in self.counts.items()]
        outside = " ".join(f"{c} ({n})" for c, n in self.outside.items())
        lines.append(f"rare: {' '.join(self.rare) or 'none'}; absent: {' '.join(self.absent) or 'none'}")
        return "\n".join([*lines, f"outside the set: {outside or 'none'}"])


def words(
    inputs: Sequence[str],
    out: Path,
    settings: TextSettings = DEFAULTS,
    only_letters: bool = False,
    min_count: int = 1,
) -> tuple[WordDistribution, list[Refused]]:
    """Write the words of a language (its code), or of text files and folders, as CSV `word,count`.

    Raises OutputError for a file that is there.
    """
    _new(out)
    refused: list[Refused] = []
    if len(inputs) == 1 and is_language(inputs[0]):
        unfit: list[Refused] = []
        found = texts.language_words(inputs[0], settings.top, settings.max_length, unfit)
        log.info("%d entries of the word list are no words of %s and left out", len(unfit), inputs[0])
        if only_letters:
            found = WordDistribution.of({w: n for w, n in zip(found.words, found.counts, strict=True) if w.isalpha()})
    else:
        lines = texts.corpus_lines(texts.corpus_files(map(Path, inputs), refused))
        found = texts.count_words(lines, settings.max_length, only_letters, min_count)
    found.save(out)
    return found, refused


def ngrams(inputs: Sequence[str], out: Path, settings: TextSettings = DEFAULTS) -> list[Refused]:
    """Count the word n-grams of text files and folders into one `.npz`, for `--texts ngram:FILE.npz`.

    Raises OutputError for a file that is there.
    """
    _new(out)
    refused: list[Refused] = []
    files = texts.corpus_files(map(Path, inputs), refused)
    count_ngrams(lambda: texts.corpus_lines(files), settings.order, settings.max_vocabulary).save(out)
    return refused


def lm(inputs: Sequence[str], out: Path, order: int = 6, max_ngrams: int = MAX_NGRAMS) -> tuple[CharLM, list[Refused]]:
    """Train a character language model on languages (codes), text files and folders.

    Written as ARPA where the name ends as such files do, else as `.npz`. Raises OutputError for a file that is there.
    """
    _new(out)
    refused: list[Refused] = []
    model = train_lm(inputs, order, max_ngrams, refused)
    if out.name.endswith(ENDINGS):
        model.to_arpa(out)
    else:
        model.save(out)
    return model, refused


def _new(out: Path) -> None:
    if out.exists():
        raise OutputError(f"{out} exists; choose another -o or delete it")


def train_lm(
    inputs: Sequence[str], order: int = 6, max_ngrams: int = MAX_NGRAMS, refused: list[Refused] | None = None
) -> CharLM:
    """A language model in memory: of texts as they are, of languages as lines drawn by word frequency."""
    lines: Iterable[str] = ()
    vocabulary: dict[str, float] = {}
    codes = [name for name in inputs if is_language(name)]
    paths = [Path(name) for name in inputs if name not in codes]
    if paths:
        lines = texts.corpus_lines(texts.corpus_files(paths, refused if refused is not None else []))
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


def sample(
    spec: str,
    count: int = 10,
    seed: int = 0,
    kind: Kind | None = None,
    settings: TextSettings = DEFAULTS,
    refused: list[Refused] | None = None,
) -> list[str]:
    """The first texts a source writes under a seed, exactly those `write` would write; files left out in `refused`."""
    source = texts.source(spec, settings, refused)
    return [texts.text_at(source, seed, index, kind) for index in range(count)]


def balance(
    spec: str,
    count: int = 10_000,
    characters: str = "",
    least: int = 20,
    settings: TextSettings = DEFAULTS,
) -> Balance:
    """Count the characters of `count` texts against a character set: given, of the source's language, or its own."""
    refused: list[Refused] = []
    drawn = sample(spec, count, 0, None, settings, refused)
    seen = Counter(c for text in drawn for c in text)
    expected = set(characters) | {" "} if characters else set(_expected(spec, seen).characters)
    counts = {c: seen[c] for c in sorted(expected, key=lambda c: (-seen[c], c))}
    return Balance(
        texts=len(drawn),
        counts=counts,
        rare=tuple(c for c, n in counts.items() if 0 < n < least),
        absent=tuple(c for c, n in counts.items() if n == 0),
        outside={c: n for c, n in seen.most_common() if c not in expected},
        refused=tuple(refused),
    )


def _expected(spec: str, seen: Iterable[str]) -> Charset:
    _, colon, rest = spec.partition(":")
    if colon and not Path(spec).exists() and all(map(is_language, rest.split("+"))):
        sets = [texts.charset_of(code) for code in rest.split("+")]
        return Charset.of("".join(s.characters) for s in sets)
    return Charset.of(seen)
