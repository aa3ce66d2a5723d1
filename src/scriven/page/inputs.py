"""Whatever the user points at, as pictures: files, folders, patterns, lines folders, CSV, PDF, standard input."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from scriven.base import ImageError, InputError, LinesError, Skipped
from scriven.images import SUFFIXES, Grey, open_image, pad_to_height, pages_in, pages_of, size
from scriven.images.unsupported import REASON, unsupported
from scriven.lines.heights import Heights
from scriven.lines.records import by_model
from scriven.lines.splits import NO_SPLIT, find

TABLES = (".csv", ".tsv", ".parquet")  # single files that are lines folders
READABLE = (*SUFFIXES, ".pdf")
PAGED = (".pdf", ".tif", ".tiff")
STANDARD_INPUT = "-"
HEADER = 1 << 16  # bytes at the beginning of a picture file, in which its size stands


@dataclass(frozen=True)
class Source:
    """One input: a picture file, a PDF, a lines folder or standard input. `name` is unique among the inputs.

    `high`: the height in px that a picture of a word is made, by the pictures beside it; see `lines.heights`.
    """

    name: str
    path: Path
    lines: bool = False
    high: int = 0


@dataclass(frozen=True)
class Item:
    """One picture to read. `path` and `part` say where it is: a line's id in a folder, a page of a PDF, or empty."""

    source: Source
    id: str
    path: Path
    part: str = ""
    picture: Grey | None = field(default=None, repr=False, compare=False)
    text: str | None = None  # what the line says, where that is known
    hand: str = ""
    page: str = ""
    by_model: bool = False  # whether a model read the text


def sources(inputs: Iterable[str | Path], skipped: list[Skipped], reserved: Sequence[str] = ()) -> list[Source]:
    """The inputs one by one: folders and patterns opened, names made unique and different from `reserved`.

    What is not there, or holds no picture, goes to `skipped`.
    """
    found: list[tuple[Path, bool]] = []
    for given in map(str, inputs):
        path = Path(given)
        if not given:
            skipped.append(Skipped("''", why_not(given)))
        elif given == STANDARD_INPUT or path.is_file():
            found.append((path, path.suffix.lower() in TABLES))
        elif path.is_dir():
            found += _inside(path, skipped)
        elif glob.has_magic(given):
            matches = sorted(Path(p) for p in glob.glob(given, recursive=True))
            files = [p for p in matches if p.is_file()]
            found += [(p, p.suffix.lower() in TABLES) for p in files]
            skipped += [Skipped(str(p), why_not(p)) for p in matches if not p.is_file() and not p.is_dir()]
            for folder in (p for p in matches if p.is_dir()):
                found += _inside(folder, skipped)
            if not matches:
                skipped.append(Skipped(given, "no file has a name like this; check the pattern"))
        else:
            skipped.append(Skipped(given, why_not(path)))
    return _named(found, set(reserved))


def _inside(folder: Path, skipped: list[Skipped]) -> list[tuple[Path, bool]]:
    """The folder itself where it is a lines folder, else its pictures; hidden ones are not looked at."""
    splits, unnamed = find(folder)
    if splits:
        return [(folder, True)]
    skipped += [Skipped(str(file), NO_SPLIT) for file in unnamed]
    found = (p for p in folder.rglob("*") if p.suffix.lower() in READABLE and not p.is_dir())
    named = sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))
    skipped += [Skipped(str(p), why_not(p)) for p in named if not p.is_file()]
    others = unsupported(folder)
    skipped += [Skipped(str(p), REASON) for p in others]
    if not named and not others and not unnamed:
        skipped.append(Skipped(str(folder), "it holds no pictures and is no lines folder; check the path"))
    return [(file, False) for file in named if file.is_file()]


def why_not(given: str | Path) -> str:
    """Why a path that is neither a file nor a folder cannot be read."""
    if not str(given):
        return "the name of an input is empty; give the path of a picture or a folder"
    path = Path(given)
    if path.exists():
        return "it is no regular file; save it as one, or pipe it in and give -"
    if path.is_symlink():
        return f"it is a link to {os.readlink(path)}, which is not there; mend the link"
    return "there is no such file or folder; check the path"


def _named(found: Iterable[tuple[Path, bool]], taken: set[str]) -> list[Source]:
    """A name each: the stem, the whole file name where the stem is taken, numbered where that is taken too."""
    found, named = list(found), []
    high = _heights(path for path, lines in found if not lines and path.suffix.lower() in SUFFIXES)
    for path, lines in found:
        plain = "stdin" if str(path) == STANDARD_INPUT else path.stem if path.suffix and path.is_file() else path.name
        tries = (plain or "lines", path.name, *(f"{path.name}-{n}" for n in range(2, len(taken) + 3)))
        name = next(name for name in tries if name and name not in taken)
        taken.add(name)
        named.append(Source(name, path, lines, high.get(path, 0)))
    return named


def _heights(pictures: Iterable[Path]) -> dict[Path, int]:
    """How high pictures of words are made, in px, by the others of the same folder; of lines 0."""
    folders: dict[Path, list[Path]] = {}
    for path in pictures:
        folders.setdefault(path.parent, []).append(path)
    return {path: high for files in folders.values() for high in [Heights(_sizes(files)).of("")] for path in files}


def _sizes(files: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    """What the beginnings of some picture files say, the whole where that is too little."""
    for path in files:
        with suppress(OSError, ImageError), open(path, "rb") as file:
            data = file.read(HEADER)
            try:
                yield "", *size(data, str(path))
            except ImageError:
                yield "", *size(data + file.read(), str(path))


def items(source: Source, skipped: list[Skipped], level: str | None = None, split: str | None = None) -> Iterator[Item]:
    """The pictures of a source. What cannot be read goes to `skipped` and costs nothing else.

    `level` words or lines and `split` choose inside a lines folder.
    Raises LinesError for a damaged lines folder and one without that split.
    """
    if source.lines:
        yield from _lines(source, skipped, level, split)
        return
    try:
        if str(source.path) == STANDARD_INPUT:
            if sys.stdin is None:
                raise InputError("standard input is closed; pipe a picture in, or give its path")
            yield from _paged(source, pages_in(sys.stdin.buffer.read(), "standard input", source.name), source.name)
        elif source.path.suffix.lower() == ".xml":
            raise InputError("reading pages from XML comes with a later version; give pictures of lines")
        elif source.path.suffix.lower() in PAGED:
            yield from _paged(source, pages_of(source.path), source.path.stem)
        else:
            yield Item(source, source.name, source.path, picture=pad_to_height(open_image(source.path), source.high))
    except InputError as error:
        skipped.append(Skipped(str(source.path), str(error)))


def _paged(source: Source, pages: Iterable[tuple[str, Grey]], stem: str) -> Iterator[Item]:
    for name, picture in pages:
        number = name.removeprefix(stem)
        yield Item(source, source.name + number, source.path, number.lstrip("-"), pad_to_height(picture, source.high))


def _lines(source: Source, skipped: list[Skipped], level: str | None, split: str | None) -> Iterator[Item]:
    from scriven.lines import LinesFolder

    folder = LinesFolder(source.path, level)
    if split and split not in folder.splits:
        raise LinesError(f"{source.path} has no split {split!r}; it has {', '.join(folder.splits)}")
    for line in folder.lines(split):
        try:
            picture = folder.picture(line)
        except ImageError as error:
            skipped.append(Skipped(line.id, str(error)))
            continue
        read = by_model(line.origin, line.confidence)
        path, part = line.place or (source.path, line.id)
        yield Item(source, line.id, path, part, picture, line.text, line.hand, line.page, read)
    skipped += folder.skipped
