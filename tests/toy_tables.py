"""A small picture, cells of any text, and tables read by every reader of tables."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from scriven.base import Skipped
from scriven.images import encode
from scriven.importers import IMPORTERS
from scriven.lines import Line, LinesFolder

PNG = encode(np.full((20, 60), 200, np.uint8), "png")
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text("\"',;\t\n\r\u2028\u2029\x0b\x0c\x1c\x85 a=#", max_size=12),
    st.sampled_from(["", '"']),
)

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def save(path: Path, data: bytes | str = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def imported(format: str, source: Path, **options: object) -> tuple[list[Line], list[Skipped]]:
    items = list(IMPORTERS[format](source, **options))
    return [i[1] for i in items if isinstance(i, tuple)], [i for i in items if isinstance(i, Skipped)]


def readers(file: Path) -> Iterator[tuple[str, list[Line], list[Skipped]]]:
    """A table, read as a lines folder and by every importer of tables."""
    folder = LinesFolder(file)
    yield "folder", list(folder.lines()), folder.skipped
    for format in ("csv", "tsv") if file.suffix == ".tsv" else ("csv",):
        yield format, *imported(format, file)


def pictures(folder: Path, count: int) -> None:
    for number in range(count):
        save(folder / f"{number}.png")
