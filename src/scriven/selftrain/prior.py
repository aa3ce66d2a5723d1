"""The language prior of an adaptation: a language model, expected words, and texts for synthetic pictures."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scriven.base import InputError, Skipped, evenly
from scriven.images import Grey
from scriven.language.identify import LanguageGuess, identify_language, writable_languages
from scriven.language.load import language_model, word_list
from scriven.language.model import CharLM
from scriven.language.texts import source
from scriven.language.texts.sources import MixedSource, TextSource, text_at
from scriven.language.train import train_lm
from scriven.page.inputs import why_not
from scriven.reader.session import Reader
from scriven.selftrain.metrics import readings
from scriven.text import Charset, name, visual

log = logging.getLogger("scriven.adapt")

SAMPLE_SIZE = 200  # pictures read to identify the language; texts checked against the character set


@dataclass(frozen=True)
class LanguagePrior:
    """Knowledge about the texts before any picture is read."""

    lm: CharLM  # for decoding pseudo-labels and for the metric lm_bits_per_char
    words: list[str]  # expected words; may be empty
    texts: TextSource  # of synthetic pictures
    skipped: tuple[Skipped, ...] = ()  # text files that cannot be read


def language_prior(language: str, texts: str | None, words: str | None, charset: Charset) -> LanguagePrior:
    """The prior of a language, of a file or folder of `texts` and of a file of `words`, one per line.

    If texts are given, the language model is trained on them and on the vocabulary of the language, and they are half
    of the texts of synthetic pictures. Raises InputError if more than half of their characters are outside `charset`,
    and TextError as `source` does.
    """
    expected = word_list(Path(words), charset) if words else []
    general = source(f"mixed:{language}")
    if not texts:
        return LanguagePrior(language_model(language), expected, general)
    own = str(Path(texts).resolve())  # a folder called `fr` is not the language
    drawn = source(f"mixed:{own}")
    sample = [text_at(drawn, 0, i) for i in range(SAMPLE_SIZE)]
    unknown, letters = charset.missing(map(visual, sample)), sum(map(len, sample))
    if sum(unknown.values()) > letters / 2:
        some = ", ".join(map(name, list(unknown)[:5]))
        raise InputError(
            f"the model cannot write the texts in {texts}: its character set lacks {some}; give other texts"
        )
    lm, _ = train_lm([own, language])
    return LanguagePrior(lm, expected, MixedSource([drawn, general]), tuple(drawn.skipped))


def require_files(*files: str | None) -> None:
    """Raise InputError for the first of the named files or folders (None: not named) that does not exist."""
    for file in files:
        if file is not None and not Path(file).exists():
            raise InputError(f"{file}: {why_not(file)}")


def language_of(reader: Reader, pictures: Sequence[tuple[str, Grey]], option: str = "--lang") -> LanguageGuess:
    """The language of a model's readings of some pictures: one that model.json names, or any that it can write.

    The result is logged, with the `option` that sets the language if it is uncertain. Raises SettingsError if the
    character set covers no language.
    """
    texts = [reading.text for reading in readings(reader, evenly(pictures, SAMPLE_SIZE))]
    guess = identify_language(texts, reader.info.languages or writable_languages(reader.charset))
    if guess.certain:
        log.info("the readings look like the language %s (%d of %d words are known)",
                 guess.language, guess.known, guess.words)  # fmt: skip
    else:
        log.warning("uncertain of the language; continuing with %s (%d of %d words are known); set it with %s",
                    guess.language, guess.known, guess.words, option)  # fmt: skip
    return guess
