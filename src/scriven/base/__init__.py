"""The ground: the errors a user can fix, settings that refuse misspellings, and writes that survive a kill.

ScrivenError
├── SettingsError   a setting that does not exist, or a value that does not fit it
├── InputError      something given to Scriven that cannot be used
│   ├── ImageError    a picture
│   ├── TextError     text or a character set
│   ├── LinesError    a lines folder
│   ├── PageError     a PAGE-XML or ALTO file
│   └── ModelError    a model folder
├── OutputError     a result that cannot be written where it was asked for
└── MissingExtra    a command whose optional packages are not installed
"""

import dataclasses
import difflib
import logging
import math
import os
import re
import secrets
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar


class ScrivenError(Exception):
    """Something the user can fix. The message is one sentence: what, where, what next; see `listed` for many wheres."""


class SettingsError(ScrivenError): ...


class InputError(ScrivenError): ...


class ImageError(InputError): ...


class TextError(InputError): ...


class LinesError(InputError): ...


class PageError(InputError): ...


class ModelError(InputError): ...


class OutputError(ScrivenError): ...


class MissingExtra(ScrivenError):
    def __init__(self, what: str, extra: str):
        super().__init__(f"{what} needs packages that are not installed; run: {installing(extra)}")


def installing(extra: str) -> str:
    """The command that installs the packages of an extra, and what it is in a clone of the project."""
    return f'pip install "scriven[{extra}]" (in a clone of the project: pip install ".[{extra}]")'


TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace"}  # of all text that Scriven writes


@dataclass(frozen=True)
class Skipped:
    """One input that was left out: which, and why. Nothing is ever dropped without one of these."""

    id: str
    reason: str

    def sentence(self) -> str:
        """What it is about and the reason, on one line; a reason that names it already does so once."""
        again = re.match(re.escape(self.id) + r"(?:: | (?=(?:is|has|holds) ))", self.reason) if self.id else None
        said = f"{self.id}: {self.reason[again.end() if again else 0 :]}"
        if not again and set("/.") & set(self.id) and re.search(rf"\s{re.escape(self.id)}[\s;]", self.reason):
            said = self.reason  # a path, in the midst of it
        return " ".join(said.split())


NAMED = 10  # inputs that an error names
ITEM = "\n  "  # stands before each of them, where there are several


def listed(skipped: Iterable[Skipped]) -> str:
    """What was left out, for the end of an error's sentence: one in that line, several one a line below it."""
    named = [r.sentence() for r in skipped]
    if len(named) < 2:
        return "".join(f" {one}" for one in named)
    more = [f"and {len(named) - NAMED:,} more"] if len(named) > NAMED else []
    return ITEM + ITEM.join([*named[:NAMED], *more])


def printable(name: str | Path) -> str:
    """A file name as text that can be stored anywhere: bytes that are no UTF-8 are escaped."""
    return str(name).encode(**TEXT).decode("utf-8")


def counted(n: int, what: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{n} {what}{'' if n == 1 else 's'}"


log = logging.getLogger("scriven")
RENAMED_SETTINGS = {  # old spellings, valid for one version
    "columns": "batch_width_px",
    "gentle": "affine_steps",
    "hidden": "span_mask",
    "quota": "keep_fraction",
    "replay": "synthetic_fraction",
}
Settings = TypeVar("Settings")
Thing = TypeVar("Thing")


def override(settings: Settings, changes: Iterable[str]) -> Settings:
    """A copy of a settings dataclass with `key=value` changes, each value typed by its field.

    Raises SettingsError for an unknown key (with a suggestion) or a value of the wrong type.
    """
    hints = typing.get_type_hints(type(settings))
    values: dict[str, Any] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise SettingsError(f"cannot use the setting {change!r}; write it as key=value")
        if key in RENAMED_SETTINGS and RENAMED_SETTINGS[key] in hints:
            old, key = key, RENAMED_SETTINGS[key]
            log.warning("the setting %s is now called %s; the old name goes with the next version", old, key)
        if key not in hints:
            raise no_setting(key, hints)
        values[key] = _typed(key, value.strip(), hints[key])
    return dataclasses.replace(settings, **values)  # type: ignore[type-var]


def no_setting(key: str, known: Iterable[str]) -> SettingsError:
    """What to say of a key that is none of those `known`: the one that was meant, or all that there are."""
    known = sorted(known)
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
    return SettingsError(f"there is no setting {key!r}; {hint}")


def within(
    name: str, value: float | None, low: float = -math.inf, high: float = math.inf, *, above: bool = False
) -> None:
    """Raise SettingsError unless a setting is None or a finite number of `low` to `high`; `above` excludes `low`."""
    if value is None or (math.isfinite(value) and (low < value if above else low <= value) and value <= high):
        return
    wanted = "a finite number" if low == -math.inf else f"a number above {low:g}" if above else f"{low:g} or more"
    most = f", at most {high:g}" if high < math.inf else ""
    raise SettingsError(f"the setting {name!r} is {value:g}, which does not fit; set it to {wanted}{most}")


def one_of(name: str, value: str, choices: Iterable[str]) -> None:
    """Raise SettingsError unless a setting is one of `choices`."""
    if value not in (choices := list(choices)):
        raise SettingsError(f"the setting {name!r} wants {' or '.join(choices)}, not {value!r}")


def _typed(key: str, value: str, hint: Any) -> Any:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    options = typing.get_args(hint) if union else (hint,)
    if type(None) in options and value.lower() in ("none", "null", ""):
        return None
    for option in options:
        if option is bool and value.lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
            return value.lower() in ("true", "yes", "on", "1")
        if typing.get_origin(option) is tuple:
            return _typed_tuple(key, value, option)
        if typing.get_origin(option) is typing.Literal:
            choices = {str(choice): choice for choice in typing.get_args(option)}
            if value in choices:
                return choices[value]
        elif option in (int, float, str, Path):
            try:
                typed = option(value)
            except ValueError:
                continue
            if typed == typed:  # NaN is no setting
                return typed
    names = " or ".join(_said(option) for option in options if option is not type(None))
    raise SettingsError(f"the setting {key!r} wants {names}, not {value!r}")


def _typed_tuple(key: str, value: str, hint: Any) -> tuple[Any, ...]:
    inner = typing.get_args(hint)
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if inner[-1] is Ellipsis:
        return tuple(_typed(key, part, inner[0]) for part in parts)
    if len(parts) != len(inner):
        raise SettingsError(f"the setting {key!r} wants {len(inner)} values with commas between them, not {value!r}")
    return tuple(_typed(key, part, kind) for part, kind in zip(parts, inner, strict=True))


def _said(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(str, typing.get_args(hint)))
    return getattr(hint, "__name__", str(hint))


@contextmanager
def atomic(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file for writing that appears under its name only when it is complete (temporary name, fsync, rename).

    Text is UTF-8; what cannot be (file names of other bytes) is escaped in a way that JSON reads back as it was.
    Raises OutputError when the disk is full or the folder cannot be written; nothing is left behind then. An OSError
    about another file, which the caller opened meanwhile, stays what it is.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, mode.replace("w", "x"), **({} if "b" in mode else TEXT)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is not None and str(error.filename) not in map(str, (temporary, path, *path.parents)):
            raise
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another -o"
        ) from error
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def evenly(things: Sequence[Thing], most: int) -> list[Thing]:
    """At most `most` of some things, evenly spread from the first to the last."""
    if len(things) <= most:
        return list(things)
    return [things[round(i * (len(things) - 1) / max(1, most - 1))] for i in range(most)]


MOST_THREADS = 256  # nothing here gains from more, and each takes memory


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
