"""The jobs behind `scriven fonts`: list typefaces, report their coverage, draw a contact sheet, copy more of them."""

import base64
import html
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from scriven.base import InputError, OutputError, Skipped, atomic
from scriven.base.settings import Count, validated
from scriven.scribes import typefaces
from scriven.scribes.typefaces import ALPHABETS, Typeface
from scriven.text import normalise

log = logging.getLogger(__name__)

LABEL = 15  # px above the text of a row for the name of its typeface
SAMPLE_TEXT = "Jean Dvořák reçut 1,250 lettres à Zürich"


@validated
@dataclass(frozen=True)
class SheetSettings:
    """Layout of a contact sheet, px."""

    columns: Count = 2
    width: Count = 800  # of one column
    height: Count = 76  # of one row
    size: Count = 34  # of the font


@dataclass(frozen=True)
class Coverage:
    """Which typefaces can draw which characters of a text."""

    text: str
    characters: dict[str, tuple[str, ...]]  # character -> ids of the typefaces that draw it
    whole: tuple[str, ...]  # ids of the typefaces that draw all of them
    typefaces: int  # their number

    @property
    def lost(self) -> tuple[str, ...]:
        """The characters that no typeface can draw."""
        return tuple(c for c, ids in self.characters.items() if not ids)


def list_fonts(
    folder: Path | None = None, tags: Sequence[str] = (), text: str = ""
) -> tuple[tuple[Typeface, ...], list[Skipped]]:
    """The typefaces, bundled or of a folder, that have any of the tags and draw the text; and font files skipped.

    Raises InputError for an unknown tag or a folder without fonts.
    """
    faces, skipped = (typefaces.bundled(), []) if folder is None else typefaces.from_folder(folder)
    unknown = set(tags) - set(typefaces.TAGS)
    if unknown:
        raise InputError(f"no typeface has the tag {sorted(unknown)[0]!r}; there are: {', '.join(typefaces.TAGS)}")
    return typefaces.covering(faces, text, tags), skipped


def coverage(text_or_language: str, folder: Path | None = None) -> tuple[Coverage, list[Skipped]]:
    """Coverage of a text, or of the alphabet of a language given by its code (`cs`, `ru`); and font files skipped."""
    text = normalise(ALPHABETS.get(text_or_language, text_or_language))
    faces, skipped = list_fonts(folder)
    whole = tuple(t.id for t in faces if t.covers(text))
    return Coverage(text, typefaces.coverage(faces, text), whole, len(faces)), skipped


def sheet(faces: Sequence[Typeface], out: Path, text: str = SAMPLE_TEXT, settings: SheetSettings | None = None) -> Path:
    """Draw every typeface with its name onto one picture (.png) or page (.html); return its path.

    If a typeface cannot draw the whole text, the rest is drawn, and its label names the missing characters.
    Raises InputError without typefaces, OutputError for another extension or a file that cannot be written.
    """
    settings = settings or SheetSettings()
    if not faces:
        raise InputError("no typeface matches; choose other tags or another text")
    cells = [sheet_row(face, normalise(text), settings) for face in faces]
    if out.suffix.lower() == ".html":
        data = _page(faces, cells).encode()
    elif out.suffix.lower() == ".png":
        data = _png(_grid(cells, settings))
    else:
        raise OutputError(f"a contact sheet is a .png or .html file, not {out.name!r}; choose another name")
    with atomic(out) as file:
        file.write(data)
    return out


def harvest(checkout: Path, out: Path, subsets: Sequence[str] = ()) -> typefaces.Harvest:
    """Copy the handwriting families of a google/fonts checkout, with their licences, into a folder of typefaces.

    Raises InputError if no family is copied, OutputError if `out` cannot be written.
    """
    result = typefaces.harvest(checkout, out, subsets)
    copied, skipped = len(result.copied), result.skipped
    lacking = f"{len(result.without_subset)} without the subset {' '.join(subsets)}, " if subsets else ""
    if not copied:
        first = f" ({skipped[0].sentence()})" if skipped else ""
        raise InputError(
            f"no handwriting family of {checkout} was copied: {lacking}{len(skipped)} skipped{first}; "
            "choose another --subset or give a whole checkout"
        )
    log.info("%d families copied to %s, %s%d skipped", copied, out, lacking, len(skipped))
    return result


def sheet_row(face: Typeface, text: str, settings: SheetSettings) -> Image.Image:
    """One row of the sheet: a label above the text in the typeface, scaled down if it is too large."""
    cell = Image.new("L", (settings.width, settings.height), 255)
    pen = ImageDraw.Draw(cell)
    lost = face.missing(text)
    label = f"{face.family}  ({face.id}: {', '.join(face.tags)})"
    if lost:
        label += "  cannot draw: " + " ".join(f"U+{ord(c):04X}" for c in lost)
    pen.text((8, 2), label, fill=110, font=ImageFont.load_default(11))
    runs = face.runs("".join(c for c in text if c not in lost))
    left, top, right, bottom = ink_extent(runs, settings.size)
    room = (settings.width - 40, settings.height - LABEL - 2)
    shrink = min(1.0, room[0] / max(right - left, 1.0), room[1] / max(bottom - top, 1.0))
    x = 16.0 - min(0.0, left * shrink)
    y = max(LABEL - top * shrink, min(settings.height * 0.68, settings.height - 2 - bottom * shrink))
    for file, part in runs:
        font = _font(typefaces.sfnt(file), settings.size * shrink)
        pen.text((x, y), part, fill=0, font=font, anchor="ls")
        x += font.getlength(part)
    return cell


def ink_extent(runs: Sequence[tuple[typefaces.FontFile, str]], size: float) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the ink of runs in px: x from the pen position, y downwards from the baseline."""
    x, boxes = 0.0, [(0.0, 0.0, 0.0, 0.0)]
    for file, part in runs:
        font = _font(typefaces.sfnt(file), size)
        left, top, right, bottom = font.getbbox(part, anchor="ls")
        boxes.append((x + left, top, x + right, bottom))
        x += font.getlength(part)
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(*rights, x), max(bottoms)


def _font(data: bytes, size: float) -> ImageFont.FreeTypeFont:
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    return ImageFont.truetype(io.BytesIO(data), size, layout_engine=engine)


def _grid(cells: Sequence[Image.Image], settings: SheetSettings) -> Image.Image:
    rows = -(-len(cells) // settings.columns)
    grid = Image.new("L", (settings.columns * settings.width, rows * settings.height), 255)
    for number, cell in enumerate(cells):
        grid.paste(cell, (number // rows * settings.width, number % rows * settings.height))
    return grid


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _page(faces: Sequence[Typeface], cells: Sequence[Image.Image]) -> str:
    """One self-contained HTML page with the rows as embedded pictures, so that no fonts are needed to view it."""
    rows = "\n".join(
        f'<p><img alt="{html.escape(face.family)}" src="data:image/png;base64,{base64.b64encode(_png(cell)).decode()}">'
        f"<br><small>{html.escape(face.licence or 'licence unknown')} · {html.escape(face.copyright)}</small></p>"
        for face, cell in zip(faces, cells, strict=True)
    )
    return f'<!doctype html><meta charset="utf-8"><title>Typefaces</title>\n<h1>{len(faces)} typefaces</h1>\n{rows}\n'
