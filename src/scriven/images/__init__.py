"""Pictures: any file to grey uint8 (H, W), 255 paper and 0 ink; `prepare` from there to what a recogniser eats."""

from scriven.images.files import SUFFIXES, as_stored, decode, encode, open_image, size
from scriven.images.ink import (
    Grey,
    background,
    crop_polygon,
    dark_ink,
    normalise,
    pad_to_height,
    polarity,
    prepare,
    to_height,
    widened,
)
from scriven.images.looks import Appearance, appearance, ink_mask, slant_of
from scriven.images.paged import count_pages, page_of, pages_in, pages_of
from scriven.images.threads import one_thread

__all__ = [
    "SUFFIXES",
    "Appearance",
    "Grey",
    "appearance",
    "as_stored",
    "count_pages",
    "crop_polygon",
    "dark_ink",
    "decode",
    "encode",
    "ink_mask",
    "normalise",
    "one_thread",
    "open_image",
    "page_of",
    "pages_in",
    "pages_of",
    "background",
    "polarity",
    "prepare",
    "size",
    "slant_of",
    "to_height",
    "widened",
    "pad_to_height",
]
