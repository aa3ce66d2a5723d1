"""Pictures: decoding files to grey uint8 (H, W), 255 paper and 0 ink, and preprocessing them for a recogniser."""

from scriven.images.files import PICTURE_SUFFIXES, as_stored, decode, encode, open_image, size, with_note
from scriven.images.ink import (
    Grey,
    background,
    crop_polygon,
    dark_ink,
    ink_mask,
    mask_polygon,
    normalise,
    pad_to_height,
    polarity,
    prepare,
    to_height,
    widened,
)
from scriven.images.paged import count_pages, page_of, pages_in, pages_of
from scriven.images.threads import one_thread

__all__ = [
    "PICTURE_SUFFIXES",
    "Grey",
    "as_stored",
    "background",
    "count_pages",
    "crop_polygon",
    "dark_ink",
    "decode",
    "encode",
    "ink_mask",
    "mask_polygon",
    "normalise",
    "one_thread",
    "open_image",
    "pad_to_height",
    "page_of",
    "pages_in",
    "pages_of",
    "polarity",
    "prepare",
    "size",
    "to_height",
    "widened",
    "with_note",
]
