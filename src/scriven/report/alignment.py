"""Where the characters of a line were found: boundaries over its picture and, for attention, a heat map below it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scriven.images import encode, size
from scriven.report.document import Html, escape
from scriven.report.pieces import embedded

HEIGHT = 64.0  # units of the drawing: height of the picture
LABELS = 20.0  # units: height of the characters below it
MARGIN = 20.0  # units: width of the characters beside the rows of a heat map
ROW, LOW_ROW, MANY = 13.0, 8.0, 30  # units: height of a row, and where there are more than MANY


@dataclass(frozen=True)
class AlignedLine:
    """An encoded picture of a line, and what was read where.

    spans: K characters with their start and end in px of the picture. attention (J, T): how much each of `attending`,
    J characters in order of place, attends to each frame of `frame_px` px; None for a reader without attention.
    """

    image: bytes
    spans: Sequence[tuple[str, float, float]]
    caption: str = ""
    attention: npt.NDArray[np.float32] | None = None
    attending: str = ""
    frame_px: float = 1.0


def alignments(lines: Sequence[AlignedLine]) -> Html:
    """The lines, one below the other. Raises ImageError for a picture that cannot be decoded."""
    return Html(f'<div class="pictures wide">\n{chr(10).join(_figure(line) for line in lines)}\n</div>')


def heat(attention: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A grey picture (J, T) of attention (J, T): 0 where a row is largest, 255 where it is zero."""
    largest = np.maximum(attention.max(axis=1, keepdims=True), 1e-9)
    return np.asarray(255 - np.round(255 * np.clip(attention / largest, 0, 1)), np.uint8)


def _figure(line: AlignedLine) -> str:
    width, height = size(line.image)
    scale = HEIGHT / height  # units per px
    shown = line.attention is not None and line.attention.size > 0
    left = MARGIN if shown else 0.0
    parts = [_image(embedded(line.image), left, 0, width * scale, HEIGHT)]
    for number, (character, start, end) in enumerate(sorted(line.spans, key=lambda span: span[1])):
        parts += _character(number, character, left + start * scale, left + end * scale)
    bottom = HEIGHT + LABELS
    if shown and line.attention is not None:
        parts += _heat_map(line, left, bottom, scale)
        bottom += _row(line) * len(line.attention)
    whole = left + width * scale
    drawing = (
        f'<svg viewBox="0 0 {whole:.1f} {bottom:.1f}" style="max-width:{max(whole, 200):.0f}px" role="img" '
        f'aria-label="{escape(line.caption or "a line with its characters")}">\n' + "\n".join(parts) + "\n</svg>"
    )
    caption = f"<figcaption>{escape(line.caption)}</figcaption>" if line.caption else ""
    return f"<figure>{drawing}{caption}</figure>"


def _image(source: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<image href="{source}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        'preserveAspectRatio="none" style="image-rendering:auto"/>'
    )


def _character(number: int, character: str, start: float, end: float) -> list[str]:
    """The span of a character, every second one shaded, and the character below it."""
    return [
        f'<rect x="{start:.1f}" y="0" width="{max(end - start, 0.1):.1f}" height="{HEIGHT + 2:.1f}" '
        f'fill="var(--s0)" fill-opacity="{0.18 if number % 2 else 0}" stroke="var(--s1)" stroke-width="0.7"/>',
        f'<text x="{(start + end) / 2:.1f}" y="{HEIGHT + 15:.1f}" text-anchor="middle">{_label(character)}</text>',
    ]


def _heat_map(line: AlignedLine, left: float, top: float, scale: float) -> list[str]:
    """A row for each attending character: dark where it attends."""
    assert line.attention is not None
    row, (count, frames) = _row(line), line.attention.shape
    source = f"data:image/png;base64,{base64.b64encode(encode(heat(line.attention))).decode('ascii')}"
    drawn = _image(source, left, top, frames * line.frame_px * scale, row * count)
    labels = [
        f'<text x="{left - 5:.1f}" y="{top + row * (i + 0.8):.1f}" text-anchor="end" '
        f'style="font-size:{min(12.0, row):.0f}px">{_label(character)}</text>'
        for i, character in enumerate(line.attending)
    ]
    return [drawn.replace("image-rendering:auto", "image-rendering:pixelated"), *labels]


def _row(line: AlignedLine) -> float:
    return LOW_ROW if len(line.attending) > MANY else ROW


def _label(character: str) -> str:
    return escape(character.replace(" ", "␣"))
