"""Settings: frozen dataclasses whose values are validated and converted by pydantic on construction.

    @validated
    @dataclass(frozen=True)
    class FitSettings:
        lr: Annotated[float, Field(gt=0, le=1)] = 2e-3
        steps: Count | None = None

An invalid value raises SettingsError, whose message names the setting, the value and the values allowed. A class may
list old names of its settings, which are accepted with a notice: `RENAMED: ClassVar = {"old": "new"}`.
"""

import dataclasses
import difflib
import functools
import logging
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from scriven.base.errors import SettingsError

Record = TypeVar("Record")
Number = TypeVar("Number", int, float)

# Common types of settings
Share = Annotated[float, Field(ge=0, le=1)]  # a probability or a fraction
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # what numpy's and torch's generators accept
Threads = Annotated[int, Field(ge=1, le=256)]  # no command is faster with more, and each takes memory


def _ascending(pair: tuple[Number, Number]) -> tuple[Number, Number]:
    if pair[0] > pair[1]:
        raise ValueError("give the smaller number first")
    return pair


Range = Annotated[tuple[Number, Number], AfterValidator(_ascending)]  # (minimum, maximum), such as Range[Share]

CONFIG = ConfigDict(allow_inf_nan=False)
SUGGESTION_RATIO = 0.5  # difflib ratio from which a known name is suggested for an unknown one

log = logging.getLogger("scriven")


def validated(cls: type[Record]) -> type[Record]:
    """Class decorator of a dataclass: values given to its constructor are validated and converted to their types.

    The constructor then raises SettingsError instead of ValidationError or TypeError for an unknown name.
    """
    kind: Any = cls
    plain = kind.__init__

    @functools.wraps(plain)
    def __init__(self: Any, *values: Any, **named: Any) -> None:
        if type(self) is not cls:  # a subclass validates its own fields, inherited ones included
            plain(self, *values, **named)
            return
        names = [field.name for field in dataclasses.fields(kind) if field.init]
        given = dict(zip(names, values, strict=False))
        given |= {_current_name(kind, key): value for key, value in named.items()}
        plain(self, **{name: _converted(name, value, _hints(kind)[name]) for name, value in given.items()})

    kind.__init__ = __init__
    return cls


def override(settings: Record, changes: Iterable[str]) -> Record:
    """A copy of a settings record with `key=value` changes, each value converted to the type of its field.

    `none` is None; the values of a tuple are separated by commas. An entry of a mapping is `key.entry=value`, its value
    kept as text. Raises SettingsError for an unknown key (with a suggestion) or an invalid value.
    """
    kind: Any = type(settings)
    values: dict[str, Any] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise SettingsError(f"cannot use the setting {change!r}; write it as key=value")
        key, dot, entry = key.strip().replace("-", "_").partition(".")
        key = _current_name(kind, key)
        if typing.get_origin(_hints(kind)[key]) is dict:
            if not entry:
                raise SettingsError(f"the setting {key!r} has several values; set each as {key}.NAME=VALUE")
            values[key] = {**values.get(key, getattr(settings, key)), entry: value.strip()}
        elif dot:
            raise SettingsError(f"the setting {key!r} is one value; write it as {key}=VALUE, not {key}.{entry}=VALUE")
        else:
            values[key] = _from_text(value.strip(), _hints(kind)[key])
    return dataclasses.replace(settings, **values)  # type: ignore[type-var]


def changed(settings: Record, changes: Mapping[str, Any]) -> Record:
    """A copy of a settings record with some values changed, given as text, as in `override`, or as values.

    Raises SettingsError for an unknown setting or an invalid value.
    """
    as_text = [f"{key}={value}" for key, value in changes.items() if isinstance(value, str)]
    values = {key: value for key, value in changes.items() if not isinstance(value, str)}
    chosen = override(settings, as_text)
    for key in values:
        _current_name(type(chosen), key)
    return dataclasses.replace(chosen, **values)  # type: ignore[type-var]


def check(name: str, value: Any, kind: Any) -> None:
    """Raise SettingsError unless the value of the argument `name` is valid for a type such as Count."""
    _converted(name, value, kind)


def converted(name: str, value: Any, kind: Any) -> Any:
    """The argument or setting `name` converted to a type; text as on a command line. Raises SettingsError."""
    return _converted(name, _from_text(value, kind) if isinstance(value, str) else value, kind)


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Raise SettingsError unless the argument or setting `name` is a key of a registry."""
    if value not in (known := list(choices)):
        raise SettingsError(f"the setting {name!r} is {value!r}; set it to {' or '.join(known)}")


def no_setting(key: str, known: Iterable[str]) -> SettingsError:
    """The error for an unknown setting: suggests the most similar of the `known` names, or lists them all."""
    known = sorted(known)
    close = difflib.get_close_matches(key, known, n=1, cutoff=SUGGESTION_RATIO)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
    return SettingsError(f"there is no setting {key!r}; {hint}")


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    """The types of the fields by name, with their constraints."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def _converted(name: str, value: Any, kind: Any) -> Any:
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        raise SettingsError(_sentence(name, error, kind)) from None


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=None if dataclasses.is_dataclass(kind) else CONFIG)


def _current_name(cls: Any, key: str) -> str:
    """The current name of a setting given by its current or an old name. Raises SettingsError."""
    renamed: Mapping[str, str] = getattr(cls, "RENAMED", {})
    if key in _hints(cls):
        return key
    if key not in renamed:
        raise no_setting(key, _hints(cls))
    log.warning("the setting %s is now called %s; the next version drops the old name", key, renamed[key])
    return renamed[key]


def _from_text(text: str, hint: Any) -> Any:
    """The value of a command-line string: None, tuples and choices are parsed here, the rest by pydantic."""
    options = [hint, *typing.get_args(hint)]
    if type(None) in options and text.lower() in ("none", "null", ""):
        return None
    if any(typing.get_origin(option) is tuple for option in options):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    choices = {str(c): c for option in options if typing.get_origin(option) is typing.Literal
               for c in typing.get_args(option)}  # fmt: skip
    return choices.get(text, text)


def _sentence(name: str, error: ValidationError, kind: Any) -> str:
    """The first error that pydantic found in the value of a setting, as a sentence."""
    first = error.errors(include_url=False)[0]
    value = first["input"]
    shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if not shown.replace(".", "", 1).lstrip("+-").isdecimal():
        shown = repr(shown)
    own = first.get("ctx", {}).get("error")  # raised by a validator of this package
    advice = own or f"set it to {_allowed(_adapter(kind).json_schema())}"
    return f"the setting {name!r} is {shown}, which is not valid; {advice}"


def _allowed(schema: Mapping[str, Any]) -> str:
    """The values that a JSON schema allows, in words: `a number above 0, at most 1`."""
    if "anyOf" in schema:
        return " or ".join(map(_allowed, schema["anyOf"]))
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return " or ".join(map(str, choices))
    if schema.get("type") == "array":
        parts = schema.get("prefixItems") or [schema.get("items", {})]
        number = f"{len(parts)} values" if "prefixItems" in schema else "values"
        return f"{number} separated by commas, each {' and '.join(dict.fromkeys(map(_allowed, parts)))}"
    kinds = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "none"}
    bounds = (("minimum", "of {:g} or more"), ("exclusiveMinimum", "above {:g}"), ("maximum", "at most {:g}"),
              ("exclusiveMaximum", "below {:g}"))  # fmt: skip
    limits = [words.format(schema[key]) for key, words in bounds if key in schema]
    return " ".join([kinds.get(schema.get("type", ""), "a string"), ", ".join(limits)]).rstrip()
