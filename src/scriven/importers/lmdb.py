"""LMDB as Clova's benchmark writes it: image-%09d, label-%09d (from 1) and num-samples. Needs the extra lmdb."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scriven.base import LinesError, MissingExtra, Skipped, printable
from scriven.importers.common import ImportItem, item, line, split_of
from scriven.lines import ALIASES

KINDS = ("image", "label")
COLUMNS = ("hand", "page", "origin", "confidence")  # further keys that `scriven export lmdb` writes, such as hand-%09d
_SAMPLE = re.compile(rb"(?:image|label)-(\d+)")


def lmdb(source: Path, *, split: str = "") -> Iterator[ImportItem]:
    """Lines of a database, of every database below a folder, or of a file data.mdb.

    Top-level folders train/, val/, test/ (or Clova's training/, validation/, evaluation/) give the split; `split` is
    that of the other databases, train by default if there is only one. Ids are those of the keys id-%09d, which
    `scriven export lmdb` writes, else numbers. Raises LinesError if there is no such database, if several are in
    folders that name no split and `split` is not given, or for an impossible num-samples; MissingExtra without lmdb.
    """
    try:
        import lmdb as database
    except ModuleNotFoundError:
        raise MissingExtra("reading LMDB", "lmdb") from None
    source = source.parent if source.is_file() and source.name == "data.mdb" else source
    files = sorted(source.rglob("data.mdb"))
    if not files:
        raise LinesError(f"{source} has no LMDB (data.mdb); check the path")
    if not split:
        _check_splits(source, files)
    for file in files:
        within = file.parent.relative_to(source)
        try:
            with database.open(str(file.parent), readonly=True, lock=False, readahead=False) as environment:
                yield from _samples(environment, file, within, split_of(within / "x", split or "train"))
        except database.Error as error:
            raise LinesError(f"{file} is not a complete LMDB ({error}); copy it again") from error


def _check_splits(source: Path, files: Sequence[Path]) -> None:
    """Raise LinesError if one of several databases is in no folder of a split: test sets must not be trained on."""
    tops = {(file.relative_to(source).parts[:-1] or (file.name,))[0] for file in files}
    if len(files) > 1 and (others := sorted(top for top in tops if top.lower() not in ALIASES)):
        raise LinesError(
            f"{source} has {len(files)} databases, and {', '.join(others)} is no name of a split; rename the folders "
            "to train, val or test, or give the split of all others as --set split=train, valid or test"
        )


def _samples(environment: Any, file: Path, within: Path, split: str) -> Iterator[ImportItem]:
    with environment.begin() as transaction:
        count, met = _count(transaction, file), 1
        for number in range(1, count + 1):
            about = {name: transaction.get(f"{name}-{number:09d}".encode()) for name in ("id", *COLUMNS)}
            known = {name: _text(value) for name, value in about.items() if value is not None}
            id = known.pop("id", "") or (within / f"{number:09d}").as_posix()
            samples = {f"{kind}-{number:09d}": transaction.get(b"%s-%09d" % (kind.encode(), number)) for kind in KINDS}
            met += sum(value is not None for value in (*about.values(), *samples.values()))
            if missing := [key for key, value in samples.items() if value is None]:
                absent = " and ".join(missing)
                yield Skipped(printable(id), f"the database {file} has no key {absent}; write the database again")
                continue
            picture, label = samples.values()
            yield item(split, line(id, picture, _text(label), **known))
        if transaction.stat()["entries"] > met and (beyond := _beyond(transaction, count)):
            yield Skipped(
                (within / file.name).as_posix(),
                f"num-samples is {count}, but the database has {len(beyond)} further keys of samples, from "
                f"{beyond[0].decode()} on, which are left out; write the database again",
            )


def _count(transaction: Any, file: Path) -> int:
    """The number of samples that a database states. Raises LinesError if it states none or one that cannot be."""
    count = (transaction.get(b"num-samples") or b"").strip()
    if not count.isdigit():
        found = printable(_text(count)) or "none"
        raise LinesError(
            f"{file} should have the key num-samples with the number of its samples, but has {found}; its writing "
            "was interrupted, or it is no text recognition database: write it again"
        )
    others = transaction.stat()["entries"] - 1
    if len(count) > 18 or int(count) > others:
        raise LinesError(
            f"{file} should have {printable(_text(count))} samples by its key num-samples, but has only {others} other "
            "keys; it is damaged or another program's: write it again"
        )
    return int(count)


def _beyond(transaction: Any, count: int) -> list[bytes]:
    """The keys of pictures and labels that are not of the samples 1..count."""
    keys = transaction.cursor().iternext(keys=True, values=False)
    found = ((bytes(key), _SAMPLE.fullmatch(key)) for key in keys)
    return [key for key, number in found if number and not 1 <= int(number[1]) <= count]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")  # `line` skips text that is not UTF-8
