"""Transcriptions of the historical databases of IAM (IAM-HistDB): tokens separated by hyphens, in words by `|`."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from scriven.base import Skipped, printable
from scriven.importers.common import ImportItem, from_file, item, read_text
from scriven.importers.partition import Listed


def transcribed(
    table: Path, pictures: Path, listed: Mapping[str, Listed], decoded: Callable[[str], str], parts: int
) -> Iterator[ImportItem]:
    """The lines of a table of `id tokens`, with their pictures `pictures/ID.png`, in the splits of the lists.

    The lists name ids, or the first parts of them (`a-b` of `a-b-c`); the page is the first `parts` parts of an id.
    `decoded`: the text of the tokens; raises ValueError. What is in no list or in no row is skipped by name.
    """
    met = set[str]()
    for number, row in enumerate(read_text(table).split("\n"), start=1):
        id, *fields = row.split()[:2] or [""]  # a third column has the words of an edition
        if not id:
            continue
        if not fields:
            yield Skipped(f"{table.name}:{number}", f"{printable(row)[:40]!r} should be `id tokens`; correct it")
            continue
        if (name := next((name for name in (id, id.rpartition("-")[0]) if name in listed), None)) is None:
            yield Skipped(id, "no list of the partition has it; get the lists again")
            continue
        met.add(name)
        try:
            text = decoded(fields[0])
        except ValueError as error:
            yield Skipped(id, f"{error}; correct {table.name}")
            continue
        page = "-".join(id.split("-")[:parts])
        yield item(listed[name].split, from_file(id, pictures / f"{id}.png", text, page=page))
    for name, entry in listed.items():
        if name not in met:
            yield Skipped(name, f"{entry.file.name} lists it, but {table.name} has it not; get the data set again")


def joined(tokens: str, character: Callable[[str], str]) -> str:
    """The text of the tokens, each replaced by what `character` returns; words are joined by spaces.

    Raises ValueError for an empty token, and as `character` does.

    >>> joined("a-b|c", str.upper)
    'AB C'
    """
    return " ".join("".join(_replaced(token, character) for token in word.split("-")) for word in tokens.split("|"))


def single(token: str) -> str:
    """A token that is one character. Raises ValueError for another one."""
    if len(token) != 1:
        raise ValueError(f"its token {token!r} is not one of the data set")
    return token


def _replaced(token: str, character: Callable[[str], str]) -> str:
    if not token:
        raise ValueError("it has an empty token between two of its separators (- and |)")
    return character(token)
