"""Shared by importers: making a Line from a picture and its text; splits, ids and paths of files."""

import io
import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import unquote

from PIL import Image

from scriven.base import ImageError, LinesError, Skipped, printable
from scriven.images import PICTURE_SUFFIXES, decode, encode
from scriven.lines import ALIASES, Line
from scriven.lines.delimited import not_utf8
from scriven.lines.paths import below, existing, same
from scriven.lines.references import picture_bytes
from scriven.lines.table import parse_number
from scriven.text import normalise

ImportItem = tuple[str, Line] | Skipped
Importer = Callable[..., Iterator[ImportItem]]

SAFE = " !#$&'()+,-.=@[]^_`{}~"  # not escaped in file names, like letters and digits; % is always escaped as %25
COLUMN_SAFE = "-._"  # of these, not escaped in names that are a column of a list separated by spaces or commas
MISSING = ("", "nan", "na", "n/a", "none", "null", "-")  # how tables write an unknown number

log = logging.getLogger("scriven")


def line(id: str, picture: bytes, text: Any, **columns: Any) -> Line | Skipped:
    """A Line from an encoded picture and its text, or the reason why it is skipped.

    `text`: None if unknown, "" if the picture shows no text. An upright 8-bit PNG, JPEG or WebP is kept unchanged;
    other pictures are stored as grey PNG. `columns`: further fields of Line: hand, page, origin, extra, and confidence
    as a number or a string.
    """
    for name, value in (("id", id), ("text", text), *columns.items(), *columns.get("extra", {}).items()):
        if isinstance(value, str) and not_utf8(value):
            return Skipped(printable(id), f"its {name} is not UTF-8; save it as UTF-8")
    columns["confidence"] = _confidence(id, columns.get("confidence"))
    if wrong := _no_text(text):
        return Skipped(id, wrong)
    try:
        grey = decode(picture, id)
    except ImageError as error:
        return Skipped(id, str(error))
    stored = picture if _keeps(picture) else encode(grey, "png")
    text = None if text is None else normalise(str(text))
    return Line(id=id, image=stored, text=text, width=grey.shape[1], height=grey.shape[0], **columns)


def from_file(id: str, file: Path, text: Any, *, part: str = "", **columns: Any) -> Line | Skipped:
    """As `line`, from a picture file or the page `part` of a TIFF or PDF; a missing file is skipped with a reason."""
    try:
        picture = picture_bytes(file, part)
    except LinesError as error:
        return Skipped(printable(id), str(error))
    return line(id, picture, text, **columns)


def _confidence(id: str, value: Any) -> float | None:
    """A confidence as a number; an invalid one is logged and ignored."""
    text = "" if value is None else str(value).strip()
    number = parse_number(text)
    if number is None and text.lower() not in MISSING:
        log.warning("%s: its confidence %.40r is not a number; the line is kept without it", id, value)
    return number


def _no_text(text: Any) -> str:
    """Why a value is not a transcription; empty if it is one."""
    if isinstance(text, (dict, list, bytes)):
        return f"its text is of type {type(text).__name__}; give the column of the transcriptions as --set text=NAME"
    if isinstance(text, str) and text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        if found:
            return "its text is a JSON object, not a transcription; give the column of the transcriptions: text=NAME"
    return ""


def _keeps(picture: bytes) -> bool:
    """Whether every program decodes these bytes alike: upright, 8-bit, no palette, no alpha, one frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(picture)) as header:
                plain = header.format in ("PNG", "JPEG", "WEBP") and header.mode in ("L", "RGB")
                plain = plain and getattr(header, "n_frames", 1) == 1
                deep = header.format == "PNG" and picture[24] != 8
                turned = header.getexif().get(0x0112, 1) != 1
                return plain and not deep and not turned and "transparency" not in header.info
        except Exception:  # Pillow raises many types; the picture was decoded already, so it can be stored as PNG
            return False


def item(split: str, made: Line | Skipped) -> ImportItem:
    """The item that an importer yields for a line or a skipped input."""
    return made if isinstance(made, Skipped) else (split, made)


def read_text(file: Path) -> str:
    """The content of a text file; `not_utf8` detects bytes that are not UTF-8. Raises LinesError."""
    try:
        return file.read_text("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise LinesError(f"cannot open {file}: {error.strerror or error}; check the path") from error


def folder(source: Path, what: str) -> Path:
    """The source, which must be a folder. Raises LinesError."""
    if not source.is_dir():
        raise LinesError(f"{source} is not a folder of {what}; check the path")
    return source


def pictures_under(source: Path, more: Sequence[str] = ()) -> list[Path]:
    """All picture files below a folder, sorted by path, including damaged ones; hidden files are ignored.

    `more`: further extensions to include.
    """
    found = (p for p in source.rglob("*") if p.suffix.lower() in (*PICTURE_SUFFIXES, *more) and not p.is_dir())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(source).parts))


def page_number(id: str, number: int) -> str:
    """The id of a page of a file, by its number from 1, as in `scriven read`."""
    return f"{id}-{number:03d}"


def every_picture(source: Path, split: str, more: Sequence[str] = ()) -> Iterator[tuple[str, str, Path]]:
    """(split, id, file) of all pictures below a folder, sorted by path. Raises LinesError if there are none."""
    ids = Ids()
    files = pictures_under(folder(source, "pictures"), more)
    if not files:
        raise LinesError(f"{source} has no pictures; check the path")
    for file in files:
        relative = file.relative_to(source)
        yield split_of(relative, split), ids(relative), file


def located(name: str, roots: Sequence[Path], images: str = "") -> tuple[Path, Path]:
    """The picture file that `name` in a table refers to, and the path that determines its id and split.

    The file is searched in each of the `roots`; with `images`, only in that folder, where the tail of an absolute path
    is accepted.
    """
    for root in [Path(images)] if images else roots:
        file = below(root, name) if images else existing(root, name)
        if os.path.isfile(file):
            return file, file.relative_to(root) if file.is_relative_to(root) else Path(name)
    root = Path(images) if images else roots[0]
    return root / name, Path(PureWindowsPath(name).as_posix()) if "\\" in name else Path(name)


def split_of(relative: Path, default: str = "train") -> str:
    """The split of a file, from its first folder (train/, val/, test/ ...); else the default."""
    return ALIASES.get(relative.parts[0].lower(), default) if len(relative.parts) > 1 else default


class Ids:
    """Ids of files: their path below the source in NFC, without suffix and split folder, with `file_name` inverted.

    Ids are unique: if train/1.png and val/1.png would share one, the later one keeps its split folder; 1.jpg beside
    1.png keeps its suffix.
    """

    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}

    def __call__(self, relative: Path) -> str:
        parts = tuple(same(printable(part)) for part in relative.parts)
        short = parts[1:] if len(parts) > 1 and parts[0].lower() in ALIASES else parts
        for id in (_id("/".join(short), relative.suffix), _id("/".join(parts), relative.suffix), "/".join(parts)):
            if self._paths.setdefault(id, relative) == relative:
                break
        return id


def _id(name: str, suffix: str) -> str:
    return restored(name[: -len(suffix)] if suffix else name)


def restored(name: str) -> str:
    """The text that `file_names` turned into this name; a name that it cannot have written is unchanged."""
    original = "/".join("" if part == "%" else unquote(part) for part in name.split("/"))
    return original if name in (*file_names(original), *file_names(original, COLUMN_SAFE)) else name


def file_name(id: str, capitals: bool = True, small: bool = True, safe: str = SAFE) -> str:
    """A path without suffix for an id: `/` separates folders, characters that file systems do not allow become %XX.

    Unless `capitals` (`small`) is set, upper-case (lower-case) letters are escaped too; of other ASCII characters, only
    those in `safe` are kept. Paths are unique, stay within the folder, and never begin with a dot.
    """
    return "/".join(_escaped(part, capitals, small, safe) or "%" for part in id.split("/"))


def file_names(id: str, safe: str = SAFE) -> tuple[str, str, str]:
    """The possible file names of an id, most readable first: plain, upper-case escaped, lower-case escaped."""
    return file_name(id, safe=safe), file_name(id, capitals=False, safe=safe), file_name(id, small=False, safe=safe)


def _escaped(part: str, capitals: bool, small: bool, safe: str) -> str:
    last, composed = len(part) - 1, same(part) == part
    kept = (
        (c.isalnum() and (composed or c.isascii()) and (capitals or not c.isupper()) and (small or not c.islower()))
        or (c in safe and not (c in ". " and i in (0, last)))
        for i, c in enumerate(part)
    )
    return "".join(
        c if keep else "".join(f"%{byte:02X}" for byte in c.encode()) for c, keep in zip(part, kept, strict=True)
    )
