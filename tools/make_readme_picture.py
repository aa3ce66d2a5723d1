"""Draw docs/images/demo.png from a finished demo: python tools/make_readme_picture.py scriven-demo [-m scriven-general]

Evenly spaced lines of 35 to 60 characters of the box of letters of the demo, not selected by hand: the picture, the
reading before and after adaptation, and the transcription. Wrong characters are red; a red wedge marks a missing one.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rapidfuzz.distance import Levenshtein

from scriven.images import decode
from scriven.jobs.read import ReadSettings, load
from scriven.lines import Line, LinesFolder
from scriven.metrics import score

FILE = Path(__file__).parents[1] / "docs" / "images" / "demo.png"
FONTS = ("LiberationSans-Regular.ttf", "DejaVuSans.ttf", "Arial.ttf", "Helvetica.ttc")
WIDTH, MARGIN, LEFT = 1240, 40, 190  # px; LEFT is where pictures and readings begin
INK, GREY, RED, RULE = (31, 35, 40), (110, 118, 129), (207, 34, 46), (216, 222, 228)
LARGEST = 200_000  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="a folder that `scriven demo` made without pictures of your own")
    parser.add_argument("-m", "--model", default="scriven-general", help="the model that the demo started from")
    parser.add_argument("-n", "--lines", type=int, default=4, help="how many lines to draw; default 4")
    given = parser.parse_args()
    every = [line for line in LinesFolder(given.demo / "letters").lines() if 35 <= len(line.text or "") <= 60]
    step = len(every) // given.lines
    lines = every[step // 2 :: step][: given.lines]
    readings = [read(model, lines) for model in (given.model, given.demo / "model")]
    if readings[0] == readings[1]:
        print("both models read these lines alike: the adaptation changed nothing", file=sys.stderr)
    FILE.parent.mkdir(exist_ok=True)
    draw(lines, readings).save(FILE, optimize=True)
    rates = [score([line.text or "" for line in lines], found).cer for found in readings]
    print(
        f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB; CER of these lines {rates[0]:.1%} before, {rates[1]:.1%} after"
    )
    if FILE.stat().st_size > LARGEST:
        sys.exit(f"it is above {LARGEST / 1000:.0f} kB; draw fewer lines with -n")


def read(model: str | Path, lines: Iterable[Line]) -> list[str]:
    """The readings of a model, with its own language model if it has one, in the order of the lines."""
    reader, decoder = load(model, ReadSettings(threads=1))
    pictures = [(line.id, decode(line.image, line.id)) for line in lines]
    found = {reading.id: reading.text for reading in reader.read(pictures, decoder)}
    return [found[id] for id, _ in pictures]


def draw(lines: Sequence[Line], readings: Sequence[Sequence[str]]) -> Image.Image:
    """The picture, in 128 colours."""
    font, small, row = typeface(30), typeface(22), 284
    sheet = Image.new("RGB", (WIDTH, MARGIN + row * len(lines) + 20), "white")
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        top = MARGIN + number * row
        ink = picture(line, WIDTH - LEFT - MARGIN, 92)
        sheet.paste(ink, (LEFT, top + (92 - ink.height) // 2))
        pen.text((MARGIN, top + 46), "picture", GREY, small, anchor="lm")
        for name, found, y in zip(("before", "after"), readings, (top + 130, top + 178), strict=True):
            pen.text((MARGIN, y), name, GREY, small, anchor="lm")
            write(pen, LEFT, y, found[number], line.text or "", font)
        pen.text((MARGIN, top + 226), "truth", GREY, small, anchor="lm")
        write(pen, LEFT, top + 226, line.text or "", line.text or "", font)
        if number + 1 < len(lines):
            pen.line((MARGIN, top + 260, WIDTH - MARGIN, top + 260), RULE, 2)
    return sheet.quantize(128, dither=Image.Dither.NONE)


def picture(line: Line, width: int, height: int) -> Image.Image:
    """The picture of a line, scaled to the width, in 64 grey levels, which leaves colours for the text."""
    grey = Image.fromarray(decode(line.image, line.id))
    scale = min(width / grey.width, height / grey.height)
    fitted = grey.resize((round(grey.width * scale), round(grey.height * scale)), Image.Resampling.LANCZOS)
    return fitted.point([level & 0xFC | 0x02 for level in range(256)])


def write(pen: ImageDraw.ImageDraw, x: float, y: float, text: str, truth: str, font: ImageFont.FreeTypeFont) -> None:
    """Draw a reading with its errors against `truth` in red, in a smaller font if the line would be too long."""
    width = WIDTH - MARGIN - x
    if font.getlength(text) > width:
        font = font.font_variant(size=int(font.size * width / font.getlength(text)))
    wrong, missing = set(), set()
    for kind, here, _ in Levenshtein.editops(text, truth):
        (missing if kind == "insert" else wrong).add(here)
    for index in range(len(text) + 1):
        at = x + font.getlength(text[:index])
        if index in missing:
            pen.line([(at - 5, y + 24), (at, y + 15), (at + 5, y + 24)], RED, 3)
        if index in wrong and text[index] == " ":
            pen.line([(at + 1, y + 18), (at + font.getlength(" ") - 1, y + 18)], RED, 3)
        if index < len(text):
            pen.text((at, y), text[index], RED if index in wrong else INK, font, anchor="lm")


def typeface(size: int) -> ImageFont.FreeTypeFont:
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    sys.exit(f"none of these fonts is installed: {', '.join(FONTS)}")


if __name__ == "__main__":
    main()
