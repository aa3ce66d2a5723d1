"""A typeface of the tests in which each Hebrew letter looks like a Latin one, and with an Arabic letter that joins.

What a line of Hebrew looks like is so what a line of Latin letters in its visual order looks like.
"""

from pathlib import Path

from scriven.scribes.typefaces import Typeface, from_folder
from scriven.text import visual

LATIN, HEBREW = "abcdefgh", "אבגדהוזח"
OTHERS = "0123456789()[]<>.,-"
ARABIC = "ابد"  # beh (the second) has four forms
FORMS = ("beh.init", "beh.medi", "beh.fina")
RULES = """
languagesystem DFLT dflt;
languagesystem arab dflt;
feature init { script arab; sub beh by beh.init; } init;
feature medi { script arab; sub beh by beh.medi; } medi;
feature fina { script arab; sub beh by beh.fina; } fina;
"""


def twin(text: str) -> str:
    """The letters from left to right that look like a text: Latin for Hebrew."""
    return visual(text).translate(str.maketrans(HEBREW, LATIN))


def toy_typeface(folder: Path, hebrew: str = HEBREW, others: str = OTHERS) -> Typeface:
    """Glyphs are rectangles, each of another width and height; saved to a folder, which `from_folder` reads."""
    from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    names = {character: f"u{ord(character):04X}" for character in (*LATIN, *hebrew, *others)}
    names |= dict(zip(ARABIC, ("alef", "beh", "dal"), strict=True))
    order = [".notdef", "space", *names.values(), *FORMS]
    shapes = [".notdef", "space", *(names[c] for c in (*LATIN, *others, *ARABIC)), *FORMS]
    size = {glyph: (150 + 13 * i % 240, 250 + 17 * i) for i, glyph in enumerate(shapes)}
    size |= {names[h]: size[names[letter]] for h, letter in zip(HEBREW, LATIN, strict=True) if h in names}
    outlines = {}
    for glyph in order:
        pen = TTGlyphPen(None)
        if glyph != "space":
            width, height = size[glyph]
            pen.moveTo((40, 0))
            for point in ((40, height), (40 + width, height), (40 + width, 0)):
                pen.lineTo(point)
            pen.closePath()
        outlines[glyph] = pen.glyph()
    build = FontBuilder(1000, isTTF=True)
    build.setupGlyphOrder(order)
    build.setupCharacterMap({32: "space"} | {ord(c): glyph for c, glyph in names.items()})
    build.setupGlyf(outlines)
    build.setupHorizontalMetrics({glyph: (size[glyph][0] + 80, 40) for glyph in order})
    build.setupHorizontalHeader(ascent=900, descent=-200)
    build.setupNameTable({"familyName": "Toy", "styleName": "Regular"})
    build.setupOS2()
    build.setupPost()
    addOpenTypeFeaturesFromString(build.font, RULES)
    folder.mkdir(parents=True, exist_ok=True)
    build.save(folder / "toy.ttf")
    (typeface,), skipped = from_folder(folder)
    assert not skipped
    return typeface
