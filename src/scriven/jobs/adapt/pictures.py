"""What a hand is learnt from: the pictures that can be used, those that only judge, and the language they are in."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from scriven.base import ImageError, InputError, LinesError, Refused, SettingsError
from scriven.images import Grey, prepare
from scriven.lines import LinesFolder
from scriven.reader.inputs import Source, items, sources
from scriven.reader.session import Reader
from scriven.reader.usable import misfit
from scriven.scribes.texts.languages import languages
from scriven.scribes.texts.words import language_words
from scriven.text import Charset
from scriven.workbench.beliefs import readings

log = logging.getLogger("scriven.adapt")

FEWEST = 8  # pictures: fewer say nothing about a hand
ASKED = 200  # pictures whose readings tell the language
SURE = 1 / 3  # of the words that are read: where fewer are known, the language is a guess
LETTERS = 0.95  # of the letters of running text: a model that can write so many may have learnt the language


def gather(inputs: Sequence[str | Path], level: str, refused: list[Refused]) -> list[tuple[str, Grey]]:
    """Prepared pictures that can be learnt, ids unique; of a lines folder only the train split, and never a text.

    Raises InputError when there are fewer than FEWEST.
    """
    found: dict[str, Grey] = {}
    for one in sources(inputs, refused):
        for id, picture in _prepared(one, level, refused):
            while id in found:
                id = f"{one.name}/{id}"
            found[id] = picture
    if len(found) < FEWEST:
        raise InputError(
            f"{len(found)} pictures can be used and a hand needs at least {FEWEST}; give more pictures of its lines"
            + (f" (left out {refused[0].sentence()})" if refused else "")
        )
    return list(found.items())


def _prepared(one: Source, level: str, refused: list[Refused]) -> Iterator[tuple[str, Grey]]:
    try:
        split = "train" if one.lines and "train" in LinesFolder(one.path, level).splits else None
        for item in items(one, refused, level, split):
            assert item.picture is not None
            try:
                ink = prepare(item.picture)
            except ImageError as error:
                refused.append(Refused(item.id, str(error)))
                continue
            if fault := misfit(ink.shape[1]):
                refused.append(Refused(item.id, fault.reason))
            else:
                yield item.id, ink
    except LinesError as error:  # costs the rest of this folder only
        refused.append(Refused(str(one.path), str(error)))


def parted(
    pictures: list[tuple[str, Grey]], held_out: float, seed: int
) -> tuple[list[tuple[str, Grey]], list[tuple[str, Grey]]]:
    """Those to learn from and those that only judge: the share `held_out`, two at least."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    cut = max(2, round(held_out * len(pictures)))
    return [pictures[i] for i in sorted(order[cut:])], [pictures[i] for i in sorted(order[:cut])]


def guess(reader: Reader, pictures: Sequence[tuple[str, Grey]]) -> str:
    """The language in which most of the words that are read exist: of those of the model, or of all it can write."""
    import wordfreq

    read = [w.strip(".,;:!?()'\"").lower() for r in readings(reader, pictures[:ASKED]) for w in r.text.split()]
    words = [w for w in read if len(w) > 2]  # shorter ones are words of many languages
    known = {
        language: sum(1 for w in words if wordfreq.zipf_frequency(w, language) > 3)
        for language in reader.info.languages or writable(reader.charset)
    }
    language = max(known, key=lambda code: known[code])
    if known[language] > SURE * len(words):
        log.info("the readings look like the language %s (%d of %d words are known)",
                 language, known[language], len(words))  # fmt: skip
    else:
        log.warning("not sure of the language (%d of %d words known as %s); say it with --lang",
                    known[language], len(words), language)  # fmt: skip
    return language


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
