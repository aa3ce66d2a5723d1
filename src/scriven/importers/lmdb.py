"""LMDB as Clova's benchmark writes it: image-%09d, label-%09d (from 1) and num-samples. Needs the extra lmdb."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scriven.base import LinesError, MissingExtra, Skipped, printable
from scriven.importers.common import ImportItem, item, line, split_of

KINDS = ("image", "label")


def lmdb(source: Path, *, split: str = "train") -> Iterator[ImportItem]:
    """Lines of a database, of every database below a folder, or of a file data.mdb.

    Top-level folders train/, val/, test/ give the split. Ids are those of the keys id-%09d, which `scriven export lmdb`
    writes, else numbers. Raises LinesError if there is no such database, MissingExtra without the package lmdb.
    """
    try:
        import lmdb as database
    except ModuleNotFoundError:
        raise MissingExtra("reading LMDB", "lmdb") from None
    source = source.parent if source.is_file() and source.name == "data.mdb" else source
    files = sorted(source.rglob("data.mdb"))
    if not files:
        raise LinesError(f"{source} has no LMDB (data.mdb); check the path")
    for file in files:
        within = file.parent.relative_to(source)
        try:
            with database.open(str(file.parent), readonly=True, lock=False, readahead=False) as environment:
                yield from _samples(environment, file, within, split_of(within / "x", split))
        except database.Error as error:
            raise LinesError(f"{file} is not a complete LMDB ({error}); copy it again") from error


def _samples(environment: Any, file: Path, within: Path, split: str) -> Iterator[ImportItem]:
    with environment.begin() as transaction:
        count = (transaction.get(b"num-samples") or b"").strip()
        if not count.isdigit():
            found = printable(_text(count)) or "none"
            raise LinesError(
                f"{file} should have the key num-samples with the number of its samples, but has {found}; its writing "
                "was interrupted, or it is no text recognition database: write it again"
            )
        for number in range(1, int(count) + 1):
            known = transaction.get(b"id-%09d" % number)
            id = _text(known) if known else (within / f"{number:09d}").as_posix()
            samples = {f"{kind}-{number:09d}": transaction.get(b"%s-%09d" % (kind.encode(), number)) for kind in KINDS}
            if missing := [key for key, value in samples.items() if value is None]:
                absent = " and ".join(missing)
                yield Skipped(printable(id), f"the database {file} has no key {absent}; write the database again")
                continue
            picture, label = samples.values()
            yield item(split, line(id, picture, _text(label)))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")  # `line` skips text that is not UTF-8
