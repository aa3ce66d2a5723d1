"""The part of import-model that makes the model folder of a scribe of a checkpoint of WordStylist or DiffusionHTR."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from scriven.base import InputError, atomic
from scriven.reader.model import write_model
from scriven.recognisers.published_characters import PublishedCharacters, characters_of
from scriven.scribes.wordstylist.autoencoder import external_autoencoder
from scriven.scribes.wordstylist.info import NETWORK, WordStylistInfo
from scriven.scribes.wordstylist.model import WEIGHTS
from scriven.scribes.wordstylist.published import NAME, published_wordstylist
from scriven.text import Charset
from scriven.training.checkpoint import save_tensors, versions
from scriven.training.flow_publish import card

CHECKPOINTS = ("ema_ckpt.pt", "ckpt.pt")  # the averaged weights first
WRITERS, LETTERS = "writers_dict_train*.json", "letter2index.json"
UNGUIDED = (
    "trained without guidance: a `guidance` or `style_guidance` other than 1 is refused until it is trained further"
)


@dataclass(frozen=True)
class ImportOptions:
    """What the user gives beside the file: see `import_model`."""

    characters: str = ""
    name: str = ""
    licence: str = ""
    autoencoder: str = ""


def checkpoint_in(folder: Path) -> Path | None:
    """The checkpoint of a folder in which WordStylist was trained; None if there is none."""
    places = [place / name for place in (folder / "models", folder) for name in CHECKPOINTS]
    return next((place for place in places if place.is_file()), None)


def import_scribe(
    tensors: Mapping[str, Tensor], file: Path, out: Path, options: ImportOptions
) -> tuple[WordStylistInfo, PublishedCharacters]:
    """Write the model folder of a scribe, of the tensors of `file` by their published names.

    Its hands are named after a `writers_dict_train.json` and its characters ordered by a `letter2index.json` beside the
    file or its folder; without them hands are numbers, and the characters those that published files have.
    Raises InputError as `published_wordstylist` does, and for such a file that is damaged; ModelError for an
    autoencoder that cannot be used.
    """
    found = published_wordstylist(tensors, file)
    letters = _beside(file, LETTERS)
    configured = "".join(_numbered(letters)) if letters and not options.characters else ""
    written = characters_of(NETWORK, found.characters, options.characters, configured, LETTERS)
    hands = tuple(_numbered(place)) if (place := _beside(file, WRITERS)) else tuple(map(str, range(found.hands)))
    if len(hands) != found.hands:
        raise InputError(f"{place} names {len(hands)} writers, and {file} has {found.hands}; give its own")
    if options.autoencoder:
        external_autoencoder(options.autoencoder)
    net = found.network(Charset(tuple(written.characters)))
    last = written.characters[-1]
    info = WordStylistInfo(
        name=options.name, sizes=net.sizes, charset=tuple(written.characters), hands=hands, guided=False,
        autoencoder=str(Path(options.autoencoder).absolute()) if options.autoencoder else "",
        licence=options.licence, versions=versions(),
        notes=[
            f"weights of {NAME}, imported from {file.name}", f"characters {written.sentence()}",
            f"its padding was trained as the letter {last!r}: words that end with it are refused", UNGUIDED,
        ],
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    save_tensors(out / WEIGHTS, net.state_dict())
    with atomic(out / "README.md", "w") as readme:
        readme.write(card(info, len(hands)))
    write_model(out, info)
    return info, written


def _beside(file: Path, name: str) -> Path | None:
    """The file of this name, or that fits this pattern, beside a checkpoint or in the folder above; None if none is."""
    place = file.absolute().parent
    return next((found for folder in (place, place.parent) for found in sorted(folder.glob(name))), None)


def _numbered(file: Path) -> list[str]:
    """The names of a JSON object of numbers, in their order. Raises InputError unless the numbers are 0, 1 ..."""
    try:
        read: Any = json.loads(file.read_text("utf-8"))
        names = {int(number): str(name) for name, number in read.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{file} should be JSON of names and numbers ({error}); correct or remove it") from error
    if sorted(names) != list(range(len(read))):
        raise InputError(f"the numbers in {file} should be 0 to {len(read) - 1}, each once; correct or remove it")
    return [names[number] for number in range(len(names))]
