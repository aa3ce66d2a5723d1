"""Loading of language models, from a file or by the code of a language, and of word lists."""

import hashlib
import logging
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from scriven.base import InputError, MissingExtra, ModelError, SettingsError
from scriven.base.cache import read_cached, write_cached
from scriven.language.names import code_of
from scriven.text import Charset, name, normalise, visual

if TYPE_CHECKING:
    from scriven.language.model import CharLM

log = logging.getLogger("scriven")

LM_CACHE = "language-models"
LM_SOURCE_FILES = (  # files of the package, besides language/texts, that a language model depends on
    "text.py",
    "language/train.py",
    "language/model.py",
    "language/ngrams.py",
    "language/frequencies.py",
)


def language_model(source: str) -> "CharLM":
    """A language model from a file, or trained on a language (`fr`, `en`), which takes a few seconds and wordfreq.

    A trained one is stored in the user's cache and loaded from there while `digest` is the same. Raises SettingsError
    for an unknown file, ModelError for a damaged one, TextError for a language without a word list, MissingExtra.
    """
    from scriven.language.model import CharLM
    from scriven.language.texts.languages import is_language

    if not is_language(source):
        if not Path(source).is_file():
            hint = f"did you mean {code!r}?" if (code := code_of(source)) else "give a file, or a language such as fr"
            raise SettingsError(f"there is no language model {source!r}; {hint}")
        return CharLM.load(Path(source))
    name = f"{source}-{digest()}.npz"
    if (data := read_cached(LM_CACHE, name)) is not None:
        try:
            return CharLM.unpacked(data, Path(name))
        except ModelError:
            log.warning("the cached language model of %s is damaged; training it again", source)
    from scriven.language.train import train_lm

    log.info("training a language model of %s: about five seconds", source)
    model, _ = train_lm([source])
    data = model.packed()
    write_cached(LM_CACHE, name, data)
    return CharLM.unpacked(data, Path(name))  # 32-bit probabilities, as when it is loaded next time


def digest(package: Path = Path(__file__).parents[1]) -> str:
    """A hash of what a trained language model depends on: the version of wordfreq, and code of the package.

    Raises MissingExtra.
    """
    try:
        found = hashlib.sha256(metadata.version("wordfreq").encode())
    except metadata.PackageNotFoundError:
        raise MissingExtra("the word list of a language", "train") from None
    texts = [file for file in (package / "language/texts").iterdir() if file.suffix in (".py", ".json")]
    for file in sorted([*texts, *map(package.joinpath, LM_SOURCE_FILES)]):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]


def word_list(file: Path, charset: Charset) -> list[str]:
    """The words of a UTF-8 file, one per line, without those outside the character set (logged). Raises InputError."""
    try:
        words = [line.strip() for line in file.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read the words in {file} ({error}); give a UTF-8 file with one word per line"
        ) from None
    if not words:
        raise InputError(f"{file} has no words; write one word per line")
    usable = [word for word in words if not charset.missing([visual(normalise(word))])]
    if len(usable) < len(words):
        unknown = ", ".join(map(name, list(charset.missing(visual(normalise(word)) for word in words))[:5]))
        if not usable:
            raise InputError(
                f"the model can write none of the words in {file}: its character set lacks {unknown}; give other words"
            )
        log.warning("%d of the %d words in %s are skipped: the character set of the model lacks %s",
                    len(words) - len(usable), len(words), file, unknown)  # fmt: skip
    return usable
