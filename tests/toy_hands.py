"""Lines of letters in some hands, that the toy reader reads, as a scribe is trained on."""

from pathlib import Path

from scriven.images import encode
from scriven.lines import Line, LinesWriter
from toy_reader import picture


class Stopped(Exception):
    """Raised by a test in place of what follows."""


def lines_of(texts: tuple[str, ...], prefix: str = "l", hands: int = 2) -> list[Line]:
    """A line of each text, in turn in one of the hands `<prefix>-0` ..."""
    return [
        Line(f"{prefix}{n}", encode(picture(text)), text, hand=f"{prefix}-{n % hands}") for n, text in enumerate(texts)
    ]


def folder(path: Path, lines: list[Line]) -> Path:
    """A lines folder of training lines."""
    with LinesWriter(path, {"command": "test"}) as writer:
        for line in lines:
            writer.write(line, "train")
    return path
