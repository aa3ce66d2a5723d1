"""The columns of a lines folder: the schema that is written, and the check of files that are read."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from scriven.base import LinesError

KNOWN = ("id", "image", "text", "hand", "page", "origin", "confidence", "width", "height")
EXTRA = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), bytes: pa.binary()}
_DTYPES = {
    pa.string(): "string",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float32(): "float32",
    pa.float64(): "float64",
    pa.bool_(): "bool",
    pa.binary(): "binary",
}
_COLUMNS = {
    "id": pa.string(),
    "image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    **{column: pa.string() for column in ("text", "hand", "page", "origin")},
    "confidence": pa.float32(),
    **{column: pa.int32() for column in ("width", "height")},
}


def schema(extra: Mapping[str, pa.DataType]) -> pa.Schema:
    """The standard columns followed by `extra` ones, with the feature metadata of Hugging Face `datasets`."""
    columns = {**_COLUMNS, **extra}
    features = {
        name: {"_type": "Image"} if name == "image" else {"dtype": _DTYPES[kind], "_type": "Value"}
        for name, kind in columns.items()
    }
    return pa.schema(list(columns.items()), metadata={"huggingface": json.dumps({"info": {"features": features}})})


SCHEMA = schema({})


def extra_columns(rows: Iterable[Mapping[str, Any]]) -> dict[str, pa.DataType]:
    """A column for every key of the rows, in order of appearance.

    A mixture of integers and floats becomes float; any other mixture, and lists and objects, become text.
    """
    kinds: dict[str, set[type]] = {}
    for row in rows:
        for key, value in row.items():
            kinds.setdefault(key, set()).update(() if value is None else {type(value)})
    columns = {}
    for key, found in kinds.items():
        wide = {float} if found == {int, float} else found
        columns[key] = EXTRA.get(next(iter(wide)), pa.string()) if len(wide) == 1 else pa.string()
    return columns


def extra_value(value: Any, kind: pa.DataType) -> Any:
    """A value converted to the type of a column. Raises ValueError if it has another type."""
    if value is None:
        return None
    if pa.types.is_string(kind):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    wanted = next(python for python, arrow in EXTRA.items() if arrow == kind)
    if type(value) is int and wanted is float:
        return float(value)
    if type(value) is not wanted or (isinstance(value, int) and not -(2**63) <= value < 2**63):
        raise ValueError(f"{value!r:.40} is not of type {wanted.__name__}")
    return value


def check(found: pa.Schema, file: Path) -> None:
    """Raise LinesError, naming the column, if a required column is missing or a column has the wrong type."""
    if twice := sorted(name for name in set(found.names) if found.names.count(name) > 1):
        raise LinesError(f"{file} has the column {twice[0]!r} more than once; write the file again")
    kinds = {name: _plain(found.field(name).type) for name in found.names}
    missing = [column for column in ("id", "image") if column not in kinds]
    if missing:
        raise LinesError(
            f"{file} has no column {missing[0]!r} (it has {', '.join(found.names) or 'none'}); "
            "make a lines folder of it with `scriven import parquet`"
        )
    image = kinds["image"]
    if pa.types.is_struct(image):
        parts = {image.field(i).name: _plain(image.field(i).type) for i in range(image.num_fields)}
        good = _bytes(parts.get("bytes", pa.null())) and _text(parts.get("path", pa.null()))
    else:
        good = _bytes(image)
    _require(good, file, "image", image, "encoded pictures")
    for column in ("id", "text", "hand", "writer", "page", "origin"):
        kind = kinds.get(column, pa.null())
        number = pa.types.is_integer(kind) and column != "text"
        _require(_text(kind) or number or _bytes(kind), file, column, kind, "text")
    for column in ("confidence", "width", "height"):
        kind = kinds.get(column, pa.null())
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)
        _require(number, file, column, kind, "numbers")


def _require(good: bool, file: Path, column: str, kind: pa.DataType, wanted: str) -> None:
    if not good:
        raise LinesError(f"{file} has {kind} in its column {column!r}, which must be {wanted}; write the file again")


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _text(kind: pa.DataType) -> bool:
    return str(kind) in ("string", "large_string", "string_view", "null")


def _bytes(kind: pa.DataType) -> bool:
    return str(kind).partition("[")[0] in ("binary", "large_binary", "binary_view", "fixed_size_binary", "null")
