"""Font files opened with fontTools: decompressed bytes for rasterisers, and the characters that a file draws."""

import hashlib
import io
import logging
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

from scriven.base import InputError, MissingExtra
from scriven.base.cache import read_cached, write_cached
from scriven.scribes.typefaces.codepoints import CodePoints
from scriven.scribes.typefaces.faces import FontFile

_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true")
_SIGNATURE_WOFF = (b"wOFF", b"wOF2")
TYPEFACE_CACHE = "typefaces"
WIDEST = 0x7FFF  # font units; a wider advance is read as a negative number (signed 16 bits) by some software


def sfnt(font: FontFile) -> bytes:
    """The decompressed TTF or OTF bytes of a font file, for FreeType and HarfBuzz (which do not read WOFF2).

    Cached in memory and on disk (see `scriven.base.cache`). Raises InputError if the file is missing, damaged, or has
    changed since it was listed; MissingExtra without fontTools.
    """
    return _sfnt(font.path, font.sha256)


@lru_cache(maxsize=1024)
def _sfnt(path: Path, sha256: str) -> bytes:
    if (data := read_cached(TYPEFACE_CACHE, f"{sha256}.sfnt")) is not None and data[:4] in _SIGNATURES:
        return data
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the font {path}: {error.strerror}; list the typefaces again") from error
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise InputError(
            f"the font {path} is not the one listed in the manifest (its SHA-256 differs); "
            "reinstall Scriven or list the typefaces again"
        )
    if packed[:4] not in _SIGNATURE_WOFF:
        return packed
    data = _unpacked(path, packed)
    write_cached(TYPEFACE_CACHE, f"{sha256}.sfnt", data)
    return data


def _unpacked(path: Path, packed: bytes) -> bytes:
    font = open_font(packed)
    font.flavor = None
    out = io.BytesIO()
    try:
        font.save(out, reorderTables=None)
    except Exception as error:  # fontTools raises all kinds of errors on a damaged table
        raise InputError(f"the font {path} is damaged ({error}); replace the file") from error
    return out.getvalue()


def open_font(data: bytes) -> Any:
    """Open the bytes of a .ttf, .otf, .woff or .woff2 file with fontTools. Raises InputError, MissingExtra."""
    try:
        from fontTools.ttLib import TTFont
    except ImportError as error:
        raise MissingExtra("opening a font file", "train") from error
    _check_length(data)
    logging.getLogger("fontTools").setLevel(logging.CRITICAL)  # a damaged table can log 65,000 lines
    try:
        return TTFont(io.BytesIO(data), lazy=True, recalcBBoxes=False, recalcTimestamp=False)
    except ImportError as error:  # brotli, for WOFF2
        raise MissingExtra("opening a WOFF2 font", "train") from error
    except Exception as error:
        raise InputError(f"not a readable font file ({error})") from error


def _check_length(data: bytes) -> None:
    """Raise InputError for other files, and for truncated ones by the length or the tables in the header."""
    if data[:4] == b"ttcf":
        raise InputError("a font collection; extract its fonts into single files")
    if data[:4] not in _SIGNATURES + _SIGNATURE_WOFF or len(data) < 12:
        raise InputError("not a font file (.ttf, .otf, .woff, .woff2)")
    if data[:4] in _SIGNATURE_WOFF:
        end = int.from_bytes(data[8:12], "big")
    else:
        entries = [data[12 + 16 * i : 28 + 16 * i] for i in range(int.from_bytes(data[4:6], "big"))]
        end = max((int.from_bytes(e[8:12], "big") + int.from_bytes(e[12:16], "big") for e in entries), default=12)
    if len(data) < end:
        raise InputError(f"truncated: {len(data)} of {end} bytes")


def drawable(font: Any) -> CodePoints:
    """The code points that a font draws. Raises InputError for a glyph with an impossible width.

    A character counts when its glyph has an outline other than that of `.notdef`, and an advance (combining marks may
    have none). Not counted are an accented letter drawn as its base letter, a lower-case letter drawn as its capital
    and a dotless i drawn with a dot: the picture would show another text. Format characters (soft hyphen, joiners) are
    not counted either, whatever their outline: a shaper omits them.
    """
    shapes = _Shapes(font)
    if wide := next((g for g in font.getGlyphOrder() if shapes.advance(g) > WIDEST), None):
        raise InputError(f"its glyph {wide!r} is {shapes.advance(wide)} units wide, which would tear words apart")
    table: dict[int, str] = font.getBestCmap() or {}
    blank = shapes.outline(".notdef")
    found = set()
    for point, glyph in table.items():
        character = chr(point)
        if character.isspace():
            found.add(point)
            continue
        if unicodedata.category(character) == "Cf":
            continue
        outline = shapes.outline(glyph)
        if glyph == ".notdef" or not outline or outline == blank:
            continue
        if shapes.advance(glyph) <= 0 and not unicodedata.category(character).startswith("M"):
            continue
        if any(outline == shapes.outline(table[other]) for other in _others(character) if other in table):
            continue
        found.add(point)
    return CodePoints.of(found)


def _others(character: str) -> set[int]:
    """Characters whose outline must differ from that of this one."""
    others = {ord(c) for c in unicodedata.normalize("NFD", character)[:1]}
    if character.islower() and len(character.upper()) == 1:
        others.add(ord(character.upper()))
    if character == "ı":
        others.add(ord("i"))
    return others - {ord(character)}


class _Shapes:
    """The outlines of one font as comparable values, cached."""

    def __init__(self, font: Any):
        self._glyf = font["glyf"] if "glyf" in font else None
        self._metrics = font["hmtx"].metrics
        self._set = None if self._glyf is not None else font.getGlyphSet()
        self._kept: dict[str, Any] = {}

    def advance(self, glyph: str) -> int:
        return int(self._metrics[glyph][0]) if glyph in self._metrics else 0

    def outline(self, glyph: str) -> Any:
        """A value that is equal for equal outlines and falsy for an empty one."""
        if glyph not in self._kept:
            self._kept[glyph] = self._read(glyph)
        return self._kept[glyph]

    def _read(self, glyph: str) -> Any:
        if self._glyf is not None:
            if glyph not in self._glyf.glyphs:
                return ()
            points, ends, _ = self._glyf[glyph].getCoordinates(self._glyf)
            flat = len({x for x, _ in points}) < 2 or len({y for _, y in points}) < 2
            return () if flat else (tuple(map(tuple, points)), tuple(ends))
        from fontTools.pens.recordingPen import DecomposingRecordingPen

        assert self._set is not None
        if glyph not in self._set:
            return ()
        pen = DecomposingRecordingPen(self._set)
        self._set[glyph].draw(pen)
        return tuple(pen.value)
