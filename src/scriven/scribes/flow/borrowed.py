"""Characters that a generator has never seen, drawn from their shape in a typeface.

The text is first written with the known characters that look most like them. Glyphs, at the size and place of the small
letters of that picture, then take the place of these columns while the flow is young; in the rest of its steps the
network writes them over in the hand (as Meng et al. 2021, arXiv:2108.01073, edit pictures).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from scriven.images import Grey
from scriven.scribes.flow.columns import HEIGHT, Floats
from scriven.scribes.stackmix.measures import measures
from scriven.text import Charset

if TYPE_CHECKING:
    from scriven.scribes.typefaces import Typeface

UNTIL = 0.7  # time until which a glyph stands in the place of the noise
BODY, MIDDLE = 14.0, 34.0  # px: height and middle of small letters where a picture has no ink to measure
NARROWEST, WIDEST = 0.6, 1.6  # of the width of a glyph, to fit the place that its stand-in has


class Glyphs(NamedTuple):
    """Ink (W, HEIGHT) of glyphs in their places, and where they are (W,): True there."""

    ink: Floats
    places: npt.NDArray[np.bool_]


def typefaces_with(character: str) -> "list[Typeface]":
    """The bundled typefaces that have a character."""
    from scriven.scribes.typefaces import bundled

    return [face for face in bundled() if character in face]


def stand_ins(characters: Sequence[str], charset: Charset) -> dict[str, str]:
    """For each character the known one that looks most like it; those that no bundled typeface has are left out."""
    from scriven.scribes.fonts.likeness import nearest

    return nearest(characters, charset.characters)


def glyphs_in(picture: Grey, text: str, edges: npt.NDArray[np.float64], borrowed: "Mapping[str, Typeface]") -> Glyphs:
    """The glyphs of the `borrowed` characters of a text, whose `edges` (K, 2), px, are those of its stand-ins.

    `picture` (HEIGHT, W): the text written with stand-ins, of which size and place of the small letters are measured.
    """
    from scriven.scribes.fonts.likeness import baseline_of, glyph_mask

    found = measures(picture)
    body, middle, slope = (found.body, found.middle, found.slope) if found else (BODY, MIDDLE, 0.0)
    width = picture.shape[1]
    ink, places = np.zeros((width, HEIGHT), np.float32), np.zeros(width, np.bool_)
    for character, (left, right) in zip(text, edges.tolist(), strict=True):
        if character not in borrowed or (mask := glyph_mask(borrowed[character], character, body)) is None:
            continue
        columns = np.flatnonzero(mask.any(0))
        glyph = mask[:, columns[0] : columns[-1] + 1].astype(np.float32) / 255
        wide = round(float(np.clip((right - left) / glyph.shape[1], NARROWEST, WIDEST)) * glyph.shape[1])
        glyph = np.asarray(cv2.resize(glyph, (max(1, wide), glyph.shape[0]), interpolation=cv2.INTER_AREA), np.float32)
        centre = (left + right) / 2
        top = baseline_of(body) - round(middle + slope * centre + body / 2)
        _place(ink, np.asarray(glyph.T, np.float32), round(centre - wide / 2), top)
        places[max(0, round(left)) : max(0, round(right))] = True
    return Glyphs(ink, places)


def _place(ink: Floats, glyph: Floats, at: int, top: int) -> None:
    """Draw a glyph (w, h), whose row `top` is the first of the ink, from column `at` on; what is outside is cut."""
    first, last = max(0, at), min(len(ink), at + len(glyph))
    upper, lower = max(0, top), min(glyph.shape[1], top + HEIGHT)
    if last > first and lower > upper:
        room = ink[first:last, upper - top : lower - top]
        np.maximum(room, glyph[first - at : last - at, upper:lower], out=room)
