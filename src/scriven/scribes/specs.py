"""Scribes by name: `NAME` or `NAME:ARGUMENT` for a scribe, `NAME:TEXTS` or `NAME:ARGUMENT@TEXTS` for a synthetic input.

| written | scribe | texts |
| --- | --- | --- |
| `fonts` | the bundled typefaces | given separately |
| `fonts:my-fonts/` | the typefaces of a folder | given separately |
| `my-scribe/` or `flow:my-scribe/` | the model of `scriven train-scribe` in this folder | given separately |
| `fonts:fr+de` as an input of `train` | the bundled typefaces | words and lines of French and German |
| `fonts:my-fonts/@fr+de` as an input of `train` | the typefaces of a folder | the same |
| `stackmix:bank@fr` as an input of `train` | the spans of a bank | words and lines of French |
| `stackmix:bank` as an input of `train` | the same | words and lines like those that were cut |
"""

import inspect
import re
from pathlib import Path
from typing import Any, NamedTuple

from scriven.base import SettingsError
from scriven.reader.model import find_model, is_model, read_json
from scriven.scribes import SCRIBES
from scriven.scribes.contract import OWN_TEXTS, MakeScribe, Scribe


class SyntheticInput(NamedTuple):
    """An input that a scribe writes on the fly."""

    scribe: str  # NAME or NAME:ARGUMENT
    texts: str  # languages joined by +, or a word list, text file or folder


def maker_of(spec: str) -> tuple[MakeScribe, str]:
    """The maker and the argument of `NAME` or `NAME:ARGUMENT`. Raises SettingsError for an unknown name."""
    name, _, argument = spec.partition(":")
    if name not in SCRIBES:
        if is_model(spec):
            return SCRIBES[network_of(spec)], spec
        raise _unknown(name)
    return SCRIBES[name], argument


def network_of(model: str | Path) -> str:
    """The scribe that a model folder is of; "flow", which says what is wrong with it, for a model of no scribe.

    Raises ModelError for a damaged model.json.
    """
    network = str(read_json(find_model(model)).get("network"))
    return network if network in SCRIBES else "flow"


def check_spec(spec: str) -> None:
    """Raises SettingsError for a scribe that there is not, or without the argument that it needs."""
    make, argument = maker_of(spec)
    if not argument and inspect.signature(make).parameters["argument"].default is inspect.Parameter.empty:
        make(argument)  # says what it needs


def default_settings(spec: str) -> Any:
    """The default settings of a scribe: a frozen dataclass. Raises SettingsError for an unknown name."""
    make, _ = maker_of(spec)
    return inspect.signature(make).parameters["settings"].default


def scribe_of(spec: str, settings: Any = None) -> Scribe:
    """The scribe of `NAME` or `NAME:ARGUMENT`; `settings` None: its defaults. Raises ScrivenError."""
    make, argument = maker_of(spec)
    return make(argument) if settings is None else make(argument, settings)


def synthetic_input(given: str | Path) -> SyntheticInput | None:
    """The scribe and the texts of `NAME:TEXTS` or `NAME:ARGUMENT@TEXTS`; None for a path.

    `NAME:FOLDER` of a folder with texts of its own, such as a bank, names both. An `@` in the path of an existing file
    or folder of texts is not a separator. Raises SettingsError if `given` has the form `NAME:TEXTS` but is neither a
    scribe nor a path, InputError for a folder that the scribe needs and that is not there.
    """
    name, colon, rest = str(given).partition(":")
    if not colon:
        return None
    if name not in SCRIBES:
        if re.fullmatch("[a-z][a-z_-]+", name) and not rest.startswith("/") and not Path(given).exists():
            raise _unknown(name)
        return None
    if (own := Path(rest) / OWN_TEXTS).is_file():
        return SyntheticInput(f"{name}:{rest}", str(own))
    if rest and "@" not in rest and _needs_argument(name):
        scribe_of(str(given))  # says what is wrong with it
    argument, at, texts = ("", "", rest) if Path(rest).exists() else rest.rpartition("@")
    return SyntheticInput(f"{name}:{argument}" if at else name, texts)


def _needs_argument(name: str) -> bool:
    """Whether a scribe cannot do without the part behind the colon of `NAME:ARGUMENT`."""
    return inspect.signature(SCRIBES[name]).parameters["argument"].default is inspect.Parameter.empty


def _unknown(name: str) -> SettingsError:
    return SettingsError(
        f"there is no scribe {name!r}; there are: {', '.join(SCRIBES)}, and the folders of trained scribes"
    )
