"""What helps to read, by its name: a language model, a list of words."""

import hashlib
import logging
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import scriven as package
from scriven.base import InputError, MissingExtra, ModelError, SettingsError
from scriven.base.cache import remember, remembered
from scriven.text import Charset, name, normalise

if TYPE_CHECKING:
    from scriven.language.model import CharLM

log = logging.getLogger("scriven")

CACHE = "language-models"
MAKERS = ("text.py", "language/train.py", "language/model.py", "language/ngrams.py")  # of them, beside the texts


def language_model(source: str) -> "CharLM":
    """A language model from its file, or made of a language (`fr`, `en`), which takes some seconds and wordfreq.

    One that was made is kept in the user's cache and loaded from there, as long as what it is made of and made by is
    the same. Raises SettingsError, TextError for a language without a word list, MissingExtra.
    """
    from scriven.language.model import CharLM
    from scriven.language.texts.languages import is_language

    if not is_language(source):
        if not Path(source).is_file():
            raise SettingsError(f"there is no language model {source!r}; give a file, or a language such as fr")
        return CharLM.load(Path(source))
    name = f"{source}-{_recipe()}.npz"
    if (data := remembered(CACHE, name)) is not None:
        try:
            return CharLM.unpacked(data, Path(name))
        except ModelError:  # a damaged file costs the time to make it anew
            log.warning("the language model of %s that was kept is damaged", source)
    from scriven.language.train import train_lm

    log.info("making a language model of %s, some five seconds", source)
    data = train_lm([source]).packed()
    remember(CACHE, name, data)
    return CharLM.unpacked(data, Path(name))  # to the last digit the same as next time


def _recipe() -> str:
    """A short digest of what a language model is made of and by: word frequencies, and the code that draws texts."""
    root = Path(package.__file__).parent
    try:
        told = hashlib.sha256(metadata.version("wordfreq").encode())
    except metadata.PackageNotFoundError:
        raise MissingExtra("the word list of a language", "train") from None
    texts = [file for file in (root / "language/texts").iterdir() if file.suffix in (".py", ".json")]
    for file in sorted([*texts, *map(root.joinpath, MAKERS)]):
        told.update(file.read_bytes())
    return told.hexdigest()[:16]


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
