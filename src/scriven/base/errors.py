"""Errors that the user can fix. Any other exception is a bug and keeps its traceback.

ScrivenError
├── SettingsError   an unknown setting, or a value that it does not accept
├── InputError      an input that cannot be used
│   ├── ImageError    a picture
│   ├── TextError     text or a character set
│   ├── LinesError    a lines folder
│   ├── PageError     a PAGE-XML or ALTO file
│   └── ModelError    a model folder
├── OutputError     an output that cannot be written
└── MissingExtra    a command whose optional packages are not installed
"""


class ScrivenError(Exception):
    """An error the user can fix. The message is one sentence: what, where, what next; `listed` may add a list to it."""


class SettingsError(ScrivenError): ...


class InputError(ScrivenError): ...


class ImageError(InputError): ...


class TextError(InputError): ...


class LinesError(InputError): ...


class PageError(InputError): ...


class ModelError(InputError): ...


class OutputError(ScrivenError): ...


class MissingExtra(ScrivenError):
    """`what` needs the packages of the extra `extra` of pyproject.toml; the message holds the command to install it."""

    def __init__(self, what: str, extra: str):
        super().__init__(f"{what} needs packages that are not installed; run: {install_command(extra)}")


def install_command(extra: str) -> str:
    """The pip command that installs an extra, as the README installs the package."""
    return f'pip install ".[{extra}]" in the folder of the project'
