"""Handwriting typefaces: the bundled families, and folders of font files.

from scriven.scribes import typefaces
faces = typefaces.covering(typefaces.bundled(), "Příliš žluťoučký kůň", tags=("cursive",))
for file, part in faces[0].runs("kůň"):
    draw(typefaces.sfnt(file), part)
"""

import json
from functools import cache
from pathlib import Path

from scriven.scribes.typefaces.alphabets import ALPHABETS
from scriven.scribes.typefaces.codepoints import CodePoints
from scriven.scribes.typefaces.faces import FontFile, Typeface, coverage, covering
from scriven.scribes.typefaces.folders import Harvest, from_folder, harvest
from scriven.scribes.typefaces.outlines import drawable, open_font, sfnt

__all__ = [
    "ALPHABETS",
    "CodePoints",
    "FontFile",
    "Harvest",
    "TAGS",
    "Typeface",
    "bundled",
    "coverage",
    "covering",
    "drawable",
    "from_folder",
    "harvest",
    "open_font",
    "sfnt",
]

HERE = Path(__file__).parent
TAGS = {
    "print": "letters stand apart",
    "cursive": "letters are joined",
    "school": "a national school model",
    "historical": "modelled on pointed or broad pen hands before 1950",
    "marker": "felt pen or brush",
    "partial": "some letters of French are missing; see `covers`",
}


@cache
def bundled() -> tuple[Typeface, ...]:
    """The bundled families, in the order of `manifest.json`; no font file is opened."""
    rows = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))["families"]
    return tuple(
        Typeface(
            family=row["family"],
            id=row["id"],
            version=row["version"],
            licence=row["licence"],
            copyright=row["copyright"],
            tags=tuple(row["tags"]),
            files=tuple(
                FontFile(HERE / "files" / file["name"], file["sha256"], CodePoints.parse(file["characters"]))
                for file in row["files"]
            ),
        )
        for row in rows
    )
