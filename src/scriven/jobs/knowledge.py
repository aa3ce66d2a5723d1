"""What helps to read, by its name: a language model, a list of words."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from scriven.base import InputError, SettingsError
from scriven.text import Charset, name, normalise

if TYPE_CHECKING:
    from scriven.reader.lm import CharLM

log = logging.getLogger("scriven")


def language_model(source: str) -> "CharLM":
    """A language model from its file, or made of a language (`fr`, `en`), which takes some seconds and wordfreq."""
    from scriven.reader.lm import CharLM
    from scriven.scribes.texts.languages import is_language

    if is_language(source):
        from scriven.jobs.texts import train_lm

        return train_lm([source])
    if not Path(source).is_file():
        raise SettingsError(f"there is no language model {source!r}; give a file, or a language such as fr")
    return CharLM.load(Path(source))


def word_list(file: Path, charset: Charset) -> list[str]:
    """The words of a UTF-8 file, one a line; those that cannot be written are counted. Raises InputError."""
    try:
        words = [line.strip() for line in file.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the words in {file} ({error}); give a UTF-8 file with one word a line") from None
    if not words:
        raise InputError(f"{file} holds no words; write one word a line")
    usable = [word for word in words if not charset.missing([normalise(word)])]
    if len(usable) < len(words):
        unknown = ", ".join(map(name, list(charset.missing(map(normalise, words)))[:5]))
        if not usable:
            raise InputError(f"the model cannot write any word of {file}: it does not know {unknown}; give other words")
        log.warning("%d of the %d words in %s are left out: the model does not know %s",
                    len(words) - len(usable), len(words), file, unknown)  # fmt: skip
    return usable
