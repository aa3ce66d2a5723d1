"""Inputs of commands: pictures in files, folders, patterns, lines folders, tables, PDF and standard input."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path

from scriven.base import ImageError, InputError, LinesError, Skipped
from scriven.base.paths import existing
from scriven.images import PICTURE_SUFFIXES, Grey, pad_to_height, pages_in, pages_of, size
from scriven.images.unsupported import REASON, UNSUPPORTED, unsupported
from scriven.lines import Reading
from scriven.lines.heights import Heights
from scriven.lines.records import by_model
from scriven.lines.splits import NO_SPLIT, find
from scriven.page.names import STANDARD_INPUT, output_names
from scriven.page.records import Page, page_of_line, picture_name

LINES_FILE_SUFFIXES = (".csv", ".tsv", ".parquet")  # single files that are lines folders
READABLE_SUFFIXES = (*PICTURE_SUFFIXES, ".pdf")
DOCUMENTS = (".doc", ".docx", ".odt", ".rtf", ".txt", ".md", ".html", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".odp")
HEADER = 1 << 16  # bytes at the start of a picture file that contain its size


@dataclass(frozen=True)
class Input:
    """One input: a picture file, a PDF, a lines folder or standard input. `name` is unique among the inputs.

    `word_height`: px to which pictures of words are padded, computed from the pictures of their folder; 0 for lines.
    See `lines.heights`.
    """

    name: str
    path: Path
    lines: bool = False
    word_height: int = 0


@dataclass(frozen=True)
class LinePicture:
    """A picture of a line. `source` and `part` locate it: a file and a page, or a lines folder and an id."""

    input: Input
    id: str
    source: Path
    part: str = ""
    picture: Grey | None = field(default=None, repr=False, compare=False)
    text: str | None = None  # the transcription, if known
    hand: str = ""
    page: str = ""
    by_model: bool = False  # whether a model read the text

    def picture_name(self, folder: Path | None = None) -> str:
        """The name of the picture in results; see `records.picture_name`."""
        return picture_name(self.source, self.part, folder)

    def as_page(self, reading: Reading) -> Page:
        """A page of this one line and its reading."""
        return page_of_line(reading.id, self.source, self.part, reading)


Located = tuple[Path, Path]  # a path, and the folder it was found in
Entry = Input | LinePicture | Skipped  # every input is followed by its pictures and by those skipped


def find_inputs(inputs: Iterable[str | Path], reserved: Sequence[str] = ()) -> tuple[list[Input], list[Skipped]]:
    """Expand folders and patterns; returns the inputs, and the paths that do not exist or contain no picture.

    Names are unique and different from `reserved`; see `names.output_names`.
    """
    found, skipped = list[Located](), list[Skipped]()
    for given in map(str, inputs):
        path = existing(given) if given else Path()
        if not given:
            skipped.append(Skipped("''", why_not(given)))
        elif given == STANDARD_INPUT:
            found.append((Path(given), Path()))
        elif path.is_file():
            found.append((path, path.parent))
        elif path.is_dir():
            inside, unusable = _open_folder(path, path)
            found += inside
            skipped += unusable
        elif glob.has_magic(given):
            inside, unusable = _open_pattern(given)
            found += inside
            skipped += unusable
        else:
            skipped.append(Skipped(given, why_not(given)))
    heights = _word_heights(path for path, _ in found if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())
    named = zip(found, output_names(found, reserved), strict=True)
    return [Input(name, path, _of_lines(path), heights.get(path, 0)) for (path, _), name in named], skipped


def _of_lines(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in LINES_FILE_SUFFIXES


def _open_pattern(pattern: str) -> tuple[list[Located], list[Skipped]]:
    """All files that a pattern matches; names are relative to the folder before its first wildcard."""
    parts = Path(pattern).parts
    plain = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:plain]) if plain else Path()
    matches = sorted(Path(p) for p in glob.glob(pattern, recursive=True))
    found = [(p, root) for p in matches if p.is_file()]
    skipped = [Skipped(str(p), why_not(p)) for p in matches if not p.is_file() and not p.is_dir()]
    for folder in (p for p in matches if p.is_dir()):
        inside, unusable = _open_folder(folder, root)
        found += inside
        skipped += unusable
    if not matches:
        skipped.append(Skipped(pattern, "no file matches this pattern; correct the pattern"))
    return found, skipped


def _open_folder(folder: Path, root: Path) -> tuple[list[Located], list[Skipped]]:
    """The folder itself if it is a lines folder, else its pictures, without hidden files."""
    splits, unnamed = find(folder)
    if splits:
        return [(folder, folder.parent if folder == root else root)], []
    skipped = [Skipped(str(file), NO_SPLIT) for file in unnamed]
    inside = (p for p in folder.rglob("*") if p.suffix.lower() in READABLE_SUFFIXES and not p.is_dir())
    named = sorted(p for p in inside if not any(part.startswith(".") for part in p.relative_to(folder).parts))
    skipped += [Skipped(str(p), why_not(p)) for p in named if not p.is_file()]
    others = unsupported(folder)
    skipped += [Skipped(str(p), REASON) for p in others]
    if not named and not others and not unnamed:
        skipped.append(Skipped(str(folder), "it contains no pictures and is not a lines folder; check the path"))
    return [(file, root) for file in named if file.is_file()], skipped


def why_not(given: str | Path) -> str:
    """Why a path that is neither a file nor a folder cannot be read."""
    if not str(given):
        return "the name of an input is empty; give the path of a picture or a folder"
    path = Path(given)
    if path.exists():
        return "not a regular file (a pipe or device?); save it as a file, or pipe it in and give -"
    if path.is_symlink():
        return f"it is a broken link to {os.readlink(path)}; correct the link"
    return "there is no such file or folder; check the path"


def _word_heights(pictures: Iterable[Path]) -> dict[Path, int]:
    """The padded height in px of the words of each folder, by the path of the picture; 0 for pictures of lines."""
    folders: dict[Path, list[Path]] = {}
    for path in pictures:
        folders.setdefault(path.parent, []).append(path)
    heights = {folder: Heights(_sizes(files)).of("") for folder, files in folders.items()}
    return {path: heights[folder] for folder, files in folders.items() for path in files}


def _sizes(files: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    """Width and height of picture files, from their first bytes or, if these do not suffice, from the whole file."""
    for path in files:
        with suppress(OSError, ImageError), open(path, "rb") as file:
            data = file.read(HEADER)
            try:
                yield "", *size(data, str(path))
            except ImageError:
                yield "", *size(data + file.read(), str(path))


def line_pictures(source: Input, level: str | None = None, split: str | None = None) -> Iterator[LinePicture | Skipped]:
    """The pictures of an input in order; Skipped for those that cannot be opened.

    `level` (words or lines) and `split` select lines of a lines folder. Raises LinesError for a damaged lines folder
    and for one without that split.
    """
    if source.lines:
        yield from _of_folder(source, level, split)
        return
    try:
        yield from _of_file(source)
    except InputError as error:
        yield Skipped(str(source.path), _other_kind(source.path) or str(error))


def _other_kind(path: Path) -> str:
    """Why a file that cannot be decoded is not a picture, by its extension; "" for other extensions."""
    suffix = path.suffix.lower()
    if suffix == ".txt":
        return "it is a text file, not a picture"
    if suffix in DOCUMENTS:
        return f"it is a document ({suffix}), not a picture; export its pages as PDF or PNG"
    return REASON if suffix in UNSUPPORTED else ""


def _of_file(source: Input) -> Iterator[LinePicture]:
    if str(source.path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise InputError("standard input is closed; pipe a picture in, or give its path")
        pages, stem = pages_in(sys.stdin.buffer.read(), "standard input", source.name), source.name
    elif source.path.suffix.lower() == ".xml":
        raise InputError("pages in XML cannot be read yet; give pictures of lines")
    else:
        pages, stem = pages_of(source.path), source.path.stem
    for name, picture in pages:
        page = name.removeprefix(stem)  # -001, -002, ... if there are several
        picture = pad_to_height(picture, source.word_height)
        yield LinePicture(source, source.name + page, source.path, page.lstrip("-"), picture)


def unique_ids(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries with unique ids: a repeated id is prefixed with the name of its input, then numbered."""
    taken: set[str] = set()
    for entry in entries:
        if isinstance(entry, LinePicture):
            tries = chain((entry.id, f"{entry.input.name}/{entry.id}"), (f"{entry.id}-{n}" for n in count(2)))
            entry = replace(entry, id=next(id for id in tries if id not in taken))
            taken.add(entry.id)
        yield entry


def _of_folder(source: Input, level: str | None, split: str | None) -> Iterator[LinePicture | Skipped]:
    from scriven.lines import LinesFolder

    folder = LinesFolder(source.path, level)
    if split and split not in folder.splits:
        raise LinesError(f"{source.path} has no split {split!r}; it has {', '.join(folder.splits)}")
    for line in folder.lines(split):
        try:
            picture = folder.picture(line)
        except ImageError as error:
            yield Skipped(line.id, str(error))
            continue
        read = by_model(line.origin, line.confidence)
        path, part = line.place or (source.path, line.id)
        yield LinePicture(source, line.id, path, part, picture, line.text, line.hand, line.page, read)
    yield from folder.skipped
