"""What importers share: a picture and its text become a Line or are refused; splits, ids and text from files."""

import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from PIL import Image

from scriven.base import ImageError, LinesError, Skipped, printable
from scriven.images import SUFFIXES, decode, encode
from scriven.lines import ALIASES, Line
from scriven.text import normalise

Item = tuple[str, Line] | Skipped
Importer = Callable[..., Iterator[Item]]

SAFE = " !#$&'()+,-.=@[]^_`{}~"  # kept in file names beside letters and digits; % is always written %25


def line(id: str, picture: bytes, text: str | None, **columns: Any) -> Line | Skipped:
    """A Line of an encoded picture and its text (None: not known), or why it cannot be one.

    The bytes are kept where they are an upright 8-bit PNG, JPEG or WebP; anything else is stored as grey PNG.
    `columns` are further fields of Line: hand, page, origin, extra, and confidence as a number or its digits.
    """
    for name, value in (("id", id), ("text", text), *columns.items(), *columns.get("extra", {}).items()):
        if isinstance(value, str) and not_utf8(value):
            return Skipped(printable(id), f"its {name} is not UTF-8; save it as UTF-8")
    confidence = columns.get("confidence")
    try:
        columns["confidence"] = None if confidence in (None, "") else float(confidence)
    except (TypeError, ValueError, OverflowError):
        return Skipped(id, f"its confidence {confidence!r:.40} is no number; correct it")
    if text is not None:
        text = normalise(text)
        if not text:
            return Skipped(id, "its text is empty; write the text or leave the picture out")
    try:
        grey = decode(picture, id)
    except ImageError as error:
        return Skipped(id, str(error))
    stored = picture if _keeps(picture) else encode(grey, "png")
    return Line(id=id, image=stored, text=text, width=grey.shape[1], height=grey.shape[0], **columns)


def from_file(id: str, file: Path, text: str | None, **columns: Any) -> Line | Skipped:
    """As `line`, from a picture file; a missing one is refused."""
    try:
        if file.exists() and not file.is_file():
            return Skipped(printable(id), f"its picture {printable(file)} is no regular file; save it as one")
        picture = file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        why = getattr(error, "strerror", None) or error
        return Skipped(printable(id), f"cannot open its picture {printable(file)} ({why}); check the path")
    return line(id, picture, text, **columns)


def _keeps(picture: bytes) -> bool:
    """Whether every reader sees the same picture in these bytes: upright, 8-bit, no palette, no alpha, one frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(picture)) as header:
                plain = header.format in ("PNG", "JPEG", "WEBP") and header.mode in ("L", "RGB")
                plain = plain and getattr(header, "n_frames", 1) == 1
                deep = header.format == "PNG" and picture[24] != 8
                turned = header.getexif().get(0x0112, 1) != 1
                return plain and not deep and not turned and "transparency" not in header.info
        except Exception:  # Pillow raises many kinds; the picture was decoded before, so storing it anew is right
            return False


def item(split: str, made: Line | Skipped) -> Item:
    """What an importer yields for a line, or for what could not become one."""
    return made if isinstance(made, Skipped) else (split, made)


def not_utf8(text: str) -> bool:
    """Whether text read with errors="surrogateescape" held bytes that are no UTF-8."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def read_text(file: Path) -> str:
    """A text file; bytes that are no UTF-8 stay marked for `not_utf8`. Raises LinesError when it cannot be opened."""
    try:
        return file.read_text("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise LinesError(f"cannot open {file}: {error.strerror or error}; check the path") from error


def folder(source: Path, what: str) -> Path:
    """The source, when it is a folder. Raises LinesError."""
    if not source.is_dir():
        raise LinesError(f"{source} is no folder of {what}; check the path")
    return source


def pictures_under(source: Path) -> list[Path]:
    """All picture files below a folder, sorted by path, broken ones too; hidden ones are not looked at."""
    found = (p for p in source.rglob("*") if p.suffix.lower() in SUFFIXES and not p.is_dir())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(source).parts))


def every_picture(source: Path, split: str) -> Iterator[tuple[str, str, Path]]:
    """(split, id, file) of all pictures below a folder, sorted by path. Raises LinesError when there are none."""
    ids = Ids()
    files = pictures_under(folder(source, "pictures"))
    if not files:
        raise LinesError(f"{source} holds no pictures; check the path")
    for file in files:
        relative = file.relative_to(source)
        yield split_of(relative, split), ids(relative), file


def split_of(relative: Path, default: str = "train") -> str:
    """The split a file belongs to by its first folder: train/, val/, test/ ..., else the default."""
    return ALIASES.get(relative.parts[0].lower(), default) if len(relative.parts) > 1 else default


class Ids:
    """Ids of files by their path below the source: without suffix and split folder, `file_name` undone.

    Where train/1.png and val/1.png would share an id, the later one keeps its split folder, and 1.jpg beside 1.png its
    suffix.
    """

    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}

    def __call__(self, relative: Path) -> str:
        parts = tuple(map(printable, relative.parts))
        short = parts[1:] if len(parts) > 1 and parts[0].lower() in ALIASES else parts
        for id in (_id("/".join(short), relative.suffix), _id("/".join(parts), relative.suffix), "/".join(parts)):
            if self._paths.setdefault(id, relative) == relative:
                break
        return id


def _id(name: str, suffix: str) -> str:
    stem = name[: -len(suffix)] if suffix else name
    original = "/".join("" if part == "%" else unquote(part) for part in stem.split("/"))
    return original if stem in file_names(original) else stem


def file_name(id: str, capitals: bool = True, small: bool = True) -> str:
    """A path without suffix for an id: folders kept, awkward characters as %XX, so too capitals or small letters.

    No two ids share one, none leaves the folder, and none begins with a dot.
    """
    return "/".join(_escaped(part, capitals, small) or "%" for part in id.split("/"))


def file_names(id: str) -> tuple[str, str, str]:
    """The names of an id, best first; of ids that differ in case only, one of them differs in more than that."""
    return file_name(id), file_name(id, capitals=False), file_name(id, small=False)


def _escaped(part: str, capitals: bool, small: bool) -> str:
    last = len(part) - 1
    kept = (
        (c.isalnum() and (capitals or not c.isupper()) and (small or not c.islower()))
        or (c in SAFE and not (c in ". " and i in (0, last)))
        for i, c in enumerate(part)
    )
    return "".join(
        c if keep else "".join(f"%{byte:02X}" for byte in c.encode()) for c, keep in zip(part, kept, strict=True)
    )
