"""What the writing of a hand is expected to say: its language, texts like it, words that occur in it."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scriven.base import InputError, SettingsError, Skipped, evenly
from scriven.images import Grey
from scriven.language.load import language_model, word_list
from scriven.language.model import CharLM
from scriven.language.texts import source
from scriven.language.texts.languages import languages
from scriven.language.texts.sources import MixedSource, TextSource, text_at
from scriven.language.texts.words import language_words
from scriven.language.train import train_lm
from scriven.lines import Reading
from scriven.page.inputs import why_not
from scriven.reader.session import Reader
from scriven.selftrain.metrics import readings
from scriven.text import Charset, name, visual

log = logging.getLogger("scriven.adapt")

ASKED = 200  # pictures whose readings tell the language
TELLING = 4  # letters: shorter words are words of many languages
COMMON = 3.0  # zipf frequency from which on a word counts as known
SURE = 1 / 3  # of the words that are read: where fewer are known, the language is a guess,
CLEAR, LEAST = 1.3, 20  # unless it has so many times the evidence of the next one, by so many known words
SPOKEN = 0.5  # of the long words that its language model reads: where fewer are common, it is another time's language
LETTERS = 0.95  # of the letters of running text: a model that can write so many may have learnt the language


@dataclass(frozen=True)
class Expected:
    """What helps to read: a language model and a list of words; and what synthetic pictures say."""

    lm: CharLM
    words: list[str]
    texts: TextSource


def expected(
    language: str, texts: str | None, words: str | None, charset: Charset, skipped: list[Skipped] | None = None
) -> Expected:
    """All that is known of a language, of a file or folder of `texts` and of a file of `words`, one a line.

    Texts of the user's own make the language model with the vocabulary of the language, and half of what synthetic
    pictures say; files of them that cannot be read go to `skipped`. Raises InputError where the character set cannot
    write what the texts say, TextError.
    """
    listed = word_list(Path(words), charset) if words else []
    general = source(f"mixed:{language}")
    if not texts:
        return Expected(language_model(language), listed, general)
    own = str(Path(texts).resolve())  # a folder called `fr` is no language
    drawn = source(f"mixed:{own}", skipped=skipped)
    sample = [text_at(drawn, 0, i) for i in range(ASKED)]
    unknown, letters = charset.missing(map(visual, sample)), sum(map(len, sample))
    if sum(unknown.values()) > letters / 2:
        some = ", ".join(map(name, list(unknown)[:5]))
        raise InputError(f"the model cannot write the texts in {texts}: it does not know {some}; give other texts")
    return Expected(train_lm([own, language]), listed, MixedSource([drawn, general]))


def there(*files: str | None) -> None:
    """Refuse at once what is named and is not there. Raises InputError."""
    for file in files:
        if file is not None and not Path(file).exists():
            raise InputError(f"{file}: {why_not(file)}")


@dataclass(frozen=True)
class Guess:
    """The language of some readings. Where it is not `sure`, its language model may harm.

    See docs/experiments/2026-11-26-language-identification.md.
    """

    language: str
    sure: bool


def guess(reader: Reader, pictures: Sequence[tuple[str, Grey]], option: str = "--lang") -> Guess:
    """The language whose common words are read most: of those of the model, or of all it can write.

    `option` is what a user names it with.
    """
    words = [w for w in _words(readings(reader, evenly(pictures, ASKED))) if len(w) >= TELLING - 1]
    candidates = reader.info.languages or writable(reader.charset)
    told = {code: (_evidence(words, code), _known(words, code)) for code in candidates}
    language, *others = sorted(candidates, key=lambda code: told[code], reverse=True)
    evidence, known = told[language]
    next_best = max((told[code][0] for code in others), default=0.0)
    clear = evidence > 0 and evidence >= CLEAR * next_best and known >= LEAST
    sure = clear or (known > SURE * len(words) and (evidence > next_best or not others))
    if sure:
        log.info("the readings look like the language %s (%d of %d words are known)", language, known, len(words))
    else:
        log.warning("not sure of the language; going on with %s (%d of %d words known); say it with %s",
                    language, known, len(words), option)  # fmt: skip
    return Guess(language, sure)


def spoken_here(found: Sequence[Reading], language: str) -> bool:
    """Whether readings with its language model are mostly words of a language, as it is written now.

    Of another time or spelling, what that model makes of them is neither: 29 % of the long words it reads in Czech of
    1531 are common ones, in English of 1850 72 % (docs/experiments/2026-11-26-adapted-language-model.md).
    """
    words = [w for w in _words(found) if len(w) >= TELLING]
    return bool(words) and _known(words, language) >= SPOKEN * len(words)


def _words(found: Sequence[Reading]) -> list[str]:
    return [w.strip(".,;:!?()'\"").lower() for reading in found for w in reading.text.split()]


def _evidence(words: Sequence[str], language: str) -> float:
    """How much common words speak for a language, the commonest most."""
    import wordfreq

    frequencies = (wordfreq.zipf_frequency(word, language) for word in words if len(word) >= TELLING)
    return sum(max(0.0, frequency - COMMON) for frequency in frequencies)


def _known(words: Sequence[str], language: str) -> int:
    import wordfreq

    return sum(wordfreq.zipf_frequency(word, language) > COMMON for word in words)


def writable(charset: Charset) -> list[str]:
    """The languages that a character set can write, English first; rare letters of a language may be missing.

    Raises SettingsError when there is none.
    """
    import wordfreq

    candidates = sorted(
        languages().keys() & wordfreq.available_languages().keys(), key=lambda code: (code != "en", code)
    )
    found = [code for code in candidates if _share(charset, code) >= LETTERS]
    if not found:
        raise SettingsError(
            "the model names no language, and its character set can write none of "
            f"{', '.join(candidates)}; give the language with --lang"
        )
    return found


def _share(charset: Charset, code: str) -> float:
    """How many of the letters of running text a character set holds, in either case: 0..1."""
    words = language_words(code, top=5000)
    letters: Counter[str] = Counter()
    for word, count in zip(words.words, words.counts, strict=True):
        for letter in filter(str.isalpha, word):
            letters[letter] += count
    return sum(n for c, n in letters.items() if c in charset or c.upper() in charset) / sum(letters.values())
