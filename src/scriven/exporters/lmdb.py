"""One LMDB per split, as Clova's benchmark and AttentionHTR read it. Needs the extra lmdb.

Further keys, which those programs ignore, keep the rest of a line: id-%09d, and, unless they are empty or usual,
hand-%09d, page-%09d, origin-%09d and confidence-%09d.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scriven.base import ImageError, MissingExtra, OutputError, Skipped
from scriven.exporters.common import FOLDERS, Lines, about
from scriven.images import decode
from scriven.lines import Line

GROW = 1 << 28  # bytes by which the map is enlarged when it is full
AT_ONCE = 1000  # samples per transaction


def lmdb(lines: Lines, out: Path) -> list[Skipped]:
    """Write a database per split, numbered from 1 without gaps; lines whose picture cannot be decoded are skipped.

    The readers replace a damaged picture by a black one. Raises MissingExtra without the package lmdb, OutputError if
    the disk is full.
    """
    try:
        import lmdb as database
    except ModuleNotFoundError:
        raise MissingExtra("writing LMDB", "lmdb") from None
    try:
        with ExitStack() as databases:
            return _write(database, lines, out, databases)
    except database.Error as error:
        raise OutputError(f"cannot write LMDB ({error}); free some space or choose another -o") from error


def _write(database: Any, lines: Lines, out: Path, databases: ExitStack) -> list[Skipped]:
    skipped: list[Skipped] = []
    open_ones: dict[str, Any] = {}
    counts: dict[str, int] = {}
    waiting: dict[str, list[tuple[bytes, bytes]]] = {}
    for split, line in lines:
        try:
            decode(line.image, line.id)
        except ImageError as error:
            skipped.append(Skipped(line.id, str(error)))
            continue
        if split not in open_ones:
            (out / FOLDERS[split]).mkdir(parents=True, exist_ok=True)
            # no lock file: it is memory-mapped, and writing to it on a full disk kills the process (SIGBUS)
            environment = database.open(str(out / FOLDERS[split]), map_size=GROW, writemap=False, lock=False)
            open_ones[split] = databases.enter_context(environment)
        number = counts[split] = counts.get(split, 0) + 1
        pairs = waiting.setdefault(split, [])
        pairs += _pairs(line, number)
        if number % AT_ONCE == 0:
            _put(database, open_ones[split], pairs)
            pairs.clear()
    for split, environment in open_ones.items():
        _put(database, environment, [*waiting[split], (b"num-samples", str(counts[split]).encode())])
    return skipped


def _pairs(line: Line, number: int) -> list[tuple[bytes, bytes]]:
    """The keys and values of a line."""
    values = {"image": line.image, "label": (line.text or "").encode(), "id": line.id.encode()}
    values |= {name: str(value).encode() for name, value in about(line).items()}
    return [(f"{name}-{number:09d}".encode(), value) for name, value in values.items()]


def _put(database: Any, environment: Any, pairs: list[tuple[bytes, bytes]]) -> None:
    """Write pairs in one transaction; if the map is full, it is enlarged and the transaction repeated."""
    while True:
        try:
            with environment.begin(write=True) as transaction:
                for key, value in pairs:
                    transaction.put(key, value)
            return
        except database.MapFullError:
            environment.set_mapsize(environment.info()["map_size"] + GROW)
