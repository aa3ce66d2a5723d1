"""A toy model, lines folders with a damaged line, a full disk, and the checks of an error message."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from scriven.images import encode
from scriven.lines import Line, LinesWriter
from toy_reader import LETTERS, picture, write_model

Scriven = Callable[..., tuple[int, str, str]]
INK = picture("abc d")
PNG = encode(INK)
JPEG = encode(INK, "jpeg")
NEXT = ("copy", "check", "choose", "give", "scale", "leave", "write", "save", "mend", "use", "convert", "add", "make")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "toy")


def lines_folder(path: Path, count: int, bad: int | None = None, apart: bool = False) -> Path:
    """`apart`: all pictures differ."""
    with LinesWriter(path, {"command": "test"}) as writer:
        for n in range(count):
            text = "".join(LETTERS[(n * 7 + i) % 7] for i in range(3 + n % 4))
            paper = np.pad(picture(text), ((0, 0), (0, n // 4 * apart)), constant_values=255)
            image = b"\x89PNG broken" if n == bad else encode(paper)
            writer.write(Line(f"l{n}", image, text, hand=f"h{n % 3}"), "train")
    return path


def cut(file: Path) -> Path:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    return file


def told(result: tuple[int, str, str], code: int, *parts: str) -> None:
    """Check the exit code, that standard error has every part, and that it has no traceback."""
    said = result[2]
    assert result[0] == code, said
    assert "Traceback" not in said and "Error:" not in said
    for part in parts:
        assert part in said, said
    if code == 2:
        last = said.strip().splitlines()[-1]
        assert last.startswith("scriven: ") and any(word in last for word in NEXT), said


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """A context in which no file can grow beyond `room` bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
