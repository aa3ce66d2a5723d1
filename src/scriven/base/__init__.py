"""What every room uses: errors, skipped inputs, atomic files; and, in modules of their own, settings, progress, cache.

`scriven.base.settings` is imported by its own name, as it brings pydantic.
"""

from scriven.base.counting import counted, evenly
from scriven.base.errors import (
    ImageError,
    InputError,
    LinesError,
    MissingExtra,
    ModelError,
    OutputError,
    PageError,
    ScrivenError,
    SettingsError,
    TextError,
    install_command,
)
from scriven.base.files import TEXT, atomic, printable
from scriven.base.machine import cores
from scriven.base.skipped import ITEM, Skipped, listed

__all__ = [
    "ITEM",
    "TEXT",
    "ImageError",
    "InputError",
    "LinesError",
    "MissingExtra",
    "ModelError",
    "OutputError",
    "PageError",
    "ScrivenError",
    "SettingsError",
    "Skipped",
    "TextError",
    "atomic",
    "cores",
    "counted",
    "evenly",
    "install_command",
    "listed",
    "printable",
]
