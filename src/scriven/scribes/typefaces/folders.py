"""Typefaces from folders of font files, and from a checkout of google/fonts."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scriven.base import InputError, OutputError, ScrivenError, Skipped
from scriven.base.cache import read_cached, write_cached
from scriven.scribes.typefaces.codepoints import CodePoints
from scriven.scribes.typefaces.faces import FontFile, Typeface
from scriven.scribes.typefaces.outlines import TYPEFACE_CACHE, drawable, open_font

TYPEFACE_SUFFIXES = (".ttf", ".otf", ".woff", ".woff2", ".ttc", ".otc")
_CACHE_VERSION = 2  # raised when what is recorded of a font changes, so that older cache entries are not used
LICENCE_FILES = ("OFL.txt", "LICENSE.txt", "LICENSE", "LICENCE.txt", "UFL.txt", "COPYING")


def from_folder(path: Path) -> tuple[tuple[Typeface, ...], list[Skipped]]:
    """The typefaces of the font files in a folder and its subfolders, sorted by id, and the files skipped.

    Files of one family and style form one typeface, since publishers split fonts into subsets. A file that is damaged
    or draws no character is skipped with the reason. Raises InputError if the folder does not exist or has no font
    file.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"folder {path} does not exist; give a folder of .ttf, .otf, .woff or .woff2 files")
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in TYPEFACE_SUFFIXES and p.is_file())
    if not found:
        raise InputError(f"no font file in {path}; put .ttf, .otf, .woff or .woff2 files there")
    faces: dict[str, Typeface] = {}
    skipped = []
    for file in found:
        try:
            face = _typeface(file)
        except ScrivenError as error:
            skipped.append(Skipped(str(file.relative_to(path)), str(error)))
            continue
        known = faces.get(face.id)
        faces[face.id] = replace(known, files=known.files + face.files) if known else face
    return tuple(faces[i] for i in sorted(faces)), skipped


def _typeface(path: Path) -> Typeface:
    """The typeface of one file. Raises InputError for an unusable file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error
    sha256 = hashlib.sha256(data).hexdigest()
    kept = read_cached(TYPEFACE_CACHE, f"{sha256}-{_CACHE_VERSION}.json")
    about: dict[str, str] = json.loads(kept) if kept else _described(data)
    if not kept:
        write_cached(TYPEFACE_CACHE, f"{sha256}-{_CACHE_VERSION}.json", json.dumps(about).encode())
    family = about["family"] or path.stem
    return Typeface(
        family=family,
        id=re.sub(r"[^\w]+", "-", family.casefold()).strip("-") or sha256[:12],
        version=about["version"],
        licence=_licence(about["licence"]) or _licence_beside(path),
        copyright=about["copyright"],
        tags=(),
        files=(FontFile(path, sha256, CodePoints.parse(about["characters"])),),
    )


def _described(data: bytes) -> dict[str, str]:
    """Family, version, licence and copyright by the font's name table, and the characters that it draws."""
    font = open_font(data)
    try:
        characters = drawable(font)
        names = font["name"]
        family = names.getDebugName(16) or names.getDebugName(1) or ""
        style = names.getDebugName(17) or names.getDebugName(2) or "Regular"
        about = {
            "family": family if style in ("Regular", "Normal", "Book", "Roman") else f"{family} {style}".strip(),
            "version": names.getDebugName(5) or "",
            "licence": f"{names.getDebugName(13) or ''} {names.getDebugName(14) or ''}",
            "copyright": names.getDebugName(0) or "",
            "characters": str(characters),
        }
    except ScrivenError:
        raise
    except Exception as error:  # a damaged table may raise anything inside fontTools
        raise InputError(f"damaged: {type(error).__name__} {error}") from error
    if not any(not chr(point).isspace() for point in characters):
        raise InputError("draws no character: no outlines under any Unicode character")
    return about


def _licence(text: str) -> str:
    """The SPDX identifier of a licence text, "" for an unknown one."""
    text = text.casefold()
    for words, name in (("open font license", "OFL-1.1"), ("scripts.sil.org/ofl", "OFL-1.1")):
        if words in text:
            return name
    if "openfontlicense.org" in text:
        return "OFL-1.1"
    if "apache license" in text or "apache.org/licenses/license-2.0" in text:
        return "Apache-2.0"
    return "UFL-1.0" if "ubuntu font licence" in text else ""


def _licence_beside(path: Path) -> str:
    for name in LICENCE_FILES:
        try:
            return _licence((path.parent / name).read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return ""


@dataclass(frozen=True)
class Harvest:
    """The result of `harvest`: families copied, families without a wanted subset (folder names), families skipped."""

    copied: tuple[str, ...]
    without_subset: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def harvest(google_fonts_checkout: Path, out: Path, subsets: Sequence[str] = ()) -> Harvest:
    """Copy the handwriting families of a google/fonts checkout, with their licence files, into a folder.

    Families under `ofl/` and `apache/` whose METADATA.pb has the category handwriting; with `subsets` (`latin-ext`,
    `cyrillic` ...) only those that have all of them. The regular file of each is copied; a family whose licence or font
    file is missing is skipped with the reason. Raises InputError if the folder is not a checkout, OutputError if `out`
    cannot be written.
    """
    checkout, out = Path(google_fonts_checkout), Path(out)
    if not any((checkout / room).is_dir() for room in ("ofl", "apache")):
        raise InputError(f"{checkout} has no folder ofl or apache; give the root of a google/fonts checkout")
    copied, without, skipped = [], [], []
    for folder in _handwriting(checkout):
        about = (folder / "METADATA.pb").read_text(encoding="utf-8", errors="replace")
        licences = [p for name in LICENCE_FILES if (p := folder / name).is_file()]
        font = _regular(folder, about)
        if any(f'subsets: "{subset}"' not in about for subset in subsets):
            without.append(folder.name)
        elif not licences:
            skipped.append(Skipped(folder.name, "it has no licence file"))
        elif font is None:
            skipped.append(Skipped(folder.name, "its regular font file is not in the checkout"))
        else:
            _copy([font, *licences, folder / "METADATA.pb"], out / folder.name)
            copied.append(folder.name)
    return Harvest(tuple(copied), tuple(without), tuple(skipped))


def _handwriting(checkout: Path) -> Iterator[Path]:
    for room in ("apache", "ofl"):
        for about in sorted((checkout / room).glob("*/METADATA.pb")):
            if re.search(
                r'^\s*(category|classifications):\s*"HANDWRITING"', about.read_text(errors="replace"), re.MULTILINE
            ):
                yield about.parent


def _regular(folder: Path, about: str) -> Path | None:
    """The upright file nearest to weight 400; None if it is missing."""
    best: tuple[int, str] | None = None
    for block in re.findall(r"^fonts\s*\{(.*?)^\}", about, re.MULTILINE | re.DOTALL):
        fields = dict(re.findall(r'^\s*(\w+):\s*"?([^"\n]*)"?', block, re.MULTILINE))
        weight = fields.get("weight", "400").strip()
        away = abs(int(weight) - 400 if weight.isdigit() else 400) + 1000 * (fields.get("style") == "italic")
        if "filename" in fields and (best is None or away < best[0]):
            best = (away, fields["filename"])
    path = folder / Path(best[1]).name if best else None  # only its name, so that it stays within the folder
    return path if path is not None and path.is_file() else None


def _copy(files: Sequence[Path], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            part = folder / f".{file.name}.part"
            shutil.copyfile(file, part)
            os.replace(part, folder / file.name)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}; free some space or choose another -o") from error
