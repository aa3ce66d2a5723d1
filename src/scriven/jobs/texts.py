"""The jobs behind `scriven texts`: word lists, samples, language models, and counts of characters."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scriven.base import OutputError, SettingsError, Skipped
from scriven.language import texts
from scriven.language.arpa import ENDINGS
from scriven.language.model import MAX_NGRAMS, CharLM
from scriven.language.texts import TextSettings, WordDistribution
from scriven.language.texts.languages import is_language
from scriven.language.texts.settings import TEXT_DEFAULTS as TEXT_DEFAULTS
from scriven.language.texts.sources import TextKind
from scriven.language.texts.word_ngrams import WordNGrams, count_ngrams
from scriven.language.train import train_lm
from scriven.text import Charset

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Balance:
    """How often each character of a character set occurs in texts."""

    texts: int
    counts: dict[str, int]  # every character of the set, most frequent first
    rare: tuple[str, ...]  # that occur fewer than `least` times
    absent: tuple[str, ...]
    outside: dict[str, int]  # characters of the texts that are not in the set
    skipped: tuple[Skipped, ...] = ()  # files of the source that cannot be read

    def report(self) -> str:
        """One line per character, then the rare and absent ones, and those outside the set."""
        lines = [f"{c}  {n}" for c, n in self.counts.items()]
        outside = " ".join(f"{c} ({n})" for c, n in self.outside.items())
        lines.append(f"rare: {' '.join(self.rare) or 'none'}; absent: {' '.join(self.absent) or 'none'}")
        return "\n".join([*lines, f"outside the set: {outside or 'none'}"])


def words(
    inputs: Sequence[str],
    out: Path,
    settings: TextSettings = TEXT_DEFAULTS,
    only_letters: bool = False,
    min_count: int = 1,
) -> tuple[WordDistribution, list[Skipped]]:
    """Write the words of a language (its code), or of text files and folders, as CSV `word,count`.

    Raises OutputError if the file exists, TextError, MissingExtra.
    """
    _new(out)
    skipped = list[Skipped]()
    if len(inputs) == 1 and is_language(inputs[0]):
        found, dropped = texts.language_words(inputs[0], settings.top, settings.max_length)
        log.info("%d entries of the word list are not words of %s and were left out", len(dropped), inputs[0])
        if only_letters:
            found = WordDistribution.of({w: n for w, n in zip(found.words, found.counts, strict=True) if w.isalpha()})
    else:
        files, skipped = texts.corpus_files(map(Path, inputs))
        found = texts.count_words(texts.corpus_lines(files), settings.max_length, only_letters, min_count)
    found.save(out)
    return found, skipped


def ngrams(
    inputs: Sequence[str], out: Path, settings: TextSettings = TEXT_DEFAULTS, only_letters: bool = False
) -> tuple[WordNGrams, list[Skipped]]:
    """Count the word n-grams of text files and folders into one `.npz`, for `--texts ngram:FILE.npz`.

    Raises OutputError if the file exists, TextError, and SettingsError for `only_letters`, which n-grams do not have.
    """
    if only_letters:
        raise SettingsError("word n-grams include punctuation and numbers; give --ngrams or --only-letters, not both")
    _new(out)
    files, skipped = texts.corpus_files(map(Path, inputs))
    made = count_ngrams(lambda: texts.corpus_lines(files), settings.order, settings.max_vocabulary)
    made.save(out)
    return made, skipped


def lm(inputs: Sequence[str], out: Path, order: int = 6, max_ngrams: int = MAX_NGRAMS) -> tuple[CharLM, list[Skipped]]:
    """Train a character language model on languages (codes), text files and folders.

    Written as ARPA if the extension is that of ARPA files, else as `.npz`. Raises OutputError if the file exists.
    """
    _new(out)
    model, skipped = train_lm(inputs, order, max_ngrams)
    if out.name.endswith(ENDINGS):
        model.to_arpa(out)
    else:
        model.save(out)
    return model, skipped


def _new(out: Path) -> None:
    if out.exists():
        raise OutputError(f"{out} exists; choose another -o or delete it")


def sample(
    spec: str,
    count: int = 10,
    seed: int = 0,
    kind: TextKind | None = None,
    settings: TextSettings = TEXT_DEFAULTS,
) -> tuple[list[str], list[Skipped]]:
    """The first texts of a source and seed, the same as `write` writes, and what was skipped of the source."""
    source = texts.source(spec, settings)
    return [texts.text_at(source, seed, index, kind) for index in range(count)], list(source.skipped)


def balance(
    spec: str,
    count: int = 10_000,
    characters: str = "",
    least: int = 20,
    settings: TextSettings = TEXT_DEFAULTS,
) -> Balance:
    """Count the characters in `count` texts of a source, for a character set.

    The set is `characters`, else that of the source's language, else the characters that occur. Characters that occur
    fewer than `least` times are rare.
    """
    drawn, skipped = sample(spec, count, 0, None, settings)
    seen = Counter(c for text in drawn for c in text)
    expected = set(characters) | {" "} if characters else set(_expected(spec, seen).characters)
    counts = {c: seen[c] for c in sorted(expected, key=lambda c: (-seen[c], c))}
    return Balance(
        texts=len(drawn),
        counts=counts,
        rare=tuple(c for c, n in counts.items() if 0 < n < least),
        absent=tuple(c for c, n in counts.items() if n == 0),
        outside={c: n for c, n in seen.most_common() if c not in expected},
        skipped=tuple(skipped),
    )


def _expected(spec: str, seen: Iterable[str]) -> Charset:
    _, colon, rest = spec.partition(":")
    if colon and not Path(spec).exists() and all(map(is_language, rest.split("+"))):
        sets = [texts.charset_of(code) for code in rest.split("+")]
        return Charset.of("".join(s.characters) for s in sets)
    return Charset.of(seen)
