"""Picture files: any format to one grey picture and back.

Headers are checked (size, depth, alpha, orientation) before any pixel is decoded. Plain 8-bit PNG, JPEG and WebP go
straight to OpenCV, everything else through Pillow.
"""

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from scriven.base import ImageError
from scriven.images.ink import Grey, dark_ink

MAX_PIXELS = 120_000_000
MIN_SIDE = 2  # px; anything smaller holds no letter
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".pgm", ".ppm")
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "PPM")
DEPTHS = (8, 10, 12, 14, 16, 24, 32)  # bits that scanners and cameras really use, whatever the file has room for


def open_image(source: Path | bytes, *, name: str | None = None) -> Grey:
    """The first picture of a file or of its bytes: grey (H, W), upright, ink dark. `name` is used in messages.

    Raises ImageError for a file that is missing, empty, truncated, no picture, too large (120 megapixels) or too small.
    """
    if isinstance(source, bytes):
        return decode(source, name or "a picture")
    return decode(read(Path(source)), name or str(source))


def read(path: Path) -> bytes:
    """The bytes of a file. Raises ImageError where there are none to be had."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot open {path}: {error.strerror or error}; check the path") from None


def decode(data: bytes, name: str) -> Grey:
    """The picture in the bytes of a file: grey (H, W), upright, ink dark. Plain 8-bit files take a fast path.

    Raises ImageError as `open_image` does.
    """
    return dark_ink(as_stored(data, name))


def as_stored(data: bytes, name: str) -> Grey:
    """As `decode`, but light ink on dark stays light."""
    plain = _plain_size(data)
    if plain is not None:
        check_size(*plain, name)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is not None and image.shape == plain[::-1]:
            return np.asarray(image, np.uint8)
    return _decode_carefully(data, name)


def size(data: bytes, name: str = "a picture") -> tuple[int, int]:
    """Width and height, in px and upright, from the header of a picture file alone. Raises ImageError."""
    plain = _plain_size(data)
    if plain is not None:
        return plain
    with opened(data, name) as picture:
        upright = picture.format == "TIFF"  # whose size Pillow gives as it is to be seen
        sideways = not upright and _orientation(picture, data, name) >= 5
        return (picture.height, picture.width) if sideways else (picture.width, picture.height)


def _plain_size(data: bytes) -> tuple[int, int] | None:
    """Width and height where the header says: complete PNG, JPEG or WebP, 8-bit grey or RGB, upright, no alpha."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 45:
        width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
        chunks = data[33 : data.find(b"IDAT")]
        odd = depth != 8 or colour not in (0, 2) or b"tRNS" in chunks or b"eXIf" in data or b"acTL" in chunks
        return None if odd or b"IEND" not in data[-16:] else (width, height)
    if data[:4] == b"RIFF" and data[8:15] == b"WEBPVP8" and len(data) >= 8 + int.from_bytes(data[4:8], "little"):
        return _plain_webp_size(data)
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" in data[-32:]:
        return _plain_jpeg_size(data)
    return None


def _plain_webp_size(data: bytes) -> tuple[int, int] | None:
    if data[12:16] == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    bits = int.from_bytes(data[21:25], "little")
    if data[12:16] == b"VP8L" and data[20] == 0x2F and not bits >> 28 & 1:  # no alpha
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _plain_jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 10 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xE1 and data[at + 4 : at + 8] == b"Exif":
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            depth, height, width, channels = struct.unpack(">BHHB", data[at + 4 : at + 10])
            return (width, height) if depth == 8 and channels in (1, 3) and width and height else None
        at += 2 + length
    return None


def check_size(width: int, height: int, name: str) -> None:
    """Raises ImageError for a picture of more than MAX_PIXELS, or with a side below MIN_SIDE."""
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise ImageError(
            f"{name} has {width} x {height} = {width * height / 1e6:.0f} megapixels, more than {limit}; "
            "scale it down or cut it into pages"
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{name} is {width} x {height} pixels, too small to hold writing; leave it out")


def opened(data: bytes, name: str) -> Image.Image:
    """The header, read by Pillow and checked; no pixel is decoded yet."""
    if not data:
        raise ImageError(f"{name} is empty; copy it again from its source")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageError(
            f"{name} has more than {MAX_PIXELS // 1_000_000} megapixels; scale it down or cut it into pages"
        ) from None
    except Exception:
        raise ImageError(
            f"{name} is not a picture that can be read, or is damaged; give {', '.join(FORMATS)} or PDF"
        ) from None
    check_size(picture.width, picture.height, name)
    return picture


def _orientation(picture: Image.Image, data: bytes, name: str) -> int:
    """EXIF orientation, 1 to 8; of a PNG without one nothing is decoded."""
    if picture.format == "PNG" and b"eXIf" not in data and "exif" not in str(picture.info.keys()):
        return 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(picture.getexif().get(0x0112, 1))
    except Exception as error:  # decoders raise anything on hostile bytes
        raise ImageError(f"{name} is damaged or cut short ({error}); copy it again from its source") from None


def _decode_carefully(data: bytes, name: str) -> Grey:
    with opened(data, name) as picture:
        return pixels(picture, data, name)


def pixels(picture: Image.Image, data: bytes, name: str, page: int = 0) -> Grey:
    """Decode the opened picture of a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            orientation = _orientation(picture, data, name)
            deep = _deep_colour(picture, data, page)
            picture.load()
            return _grey(ImageOps.exif_transpose(picture)) if deep is None else _upright(deep, orientation)
    except ImageError:
        raise
    except Exception as error:  # decoders raise anything on hostile bytes
        raise ImageError(f"{name} is damaged or cut short ({error}); copy it again from its source") from None


def _deep_colour(picture: Image.Image, data: bytes, page: int) -> Grey | None:
    """16-bit colour, of which Pillow would keep the upper byte only (black where 12 bits are used)."""
    bits: Any = data[24] if picture.format == "PNG" else getattr(picture, "tag_v2", {}).get(258, 8)
    if picture.mode != "RGB" or np.max(bits) != 16:
        return None
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    done, pages = cv2.imdecodemulti(np.frombuffer(data, np.uint8), flags, range=(page, page + 1))
    if not done:
        raise OSError("its 16-bit colours cannot be decoded")
    return _eight_bits(cv2.cvtColor(pages[0], cv2.COLOR_BGR2GRAY))


def _upright(image: Grey, orientation: int) -> Grey:
    """EXIF orientation 1 to 8 undone."""
    turned = image.T if orientation >= 5 else image
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def _grey(picture: Image.Image) -> Grey:
    if picture.mode.startswith("I") or picture.mode == "F":
        return _eight_bits(np.asarray(picture))
    if picture.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in picture.info:
        return _without_alpha(np.asarray(picture.convert("RGBA")))
    if picture.mode not in ("1", "L"):
        picture = picture.convert("RGB")
    return np.asarray(picture.convert("L"), np.uint8)


def _eight_bits(values: npt.NDArray[Any]) -> Grey:
    """Deep whole numbers scaled by the bits in use (12 of 16, say); fractions by their range."""
    if values.dtype != np.uint16:
        values = values.astype(np.float32)
        finite = np.isfinite(values)
        if not finite.all():
            values = np.where(finite, values, values[finite].max(initial=0))
    low, high = float(values.min()), float(values.max())
    if low < 0 or high >= 2.0 ** DEPTHS[-1]:
        values, high = values - np.float32(low), high - low
        scale = 255 / high
    elif high <= 1 and values.dtype != np.uint16 and (values % 1).any():
        scale = 255.0
    else:
        scale = 255 / (2.0 ** next(bits for bits in DEPTHS if high < 2.0**bits) - 1)
    return np.asarray(cv2.convertScaleAbs(values, alpha=scale), np.uint8)


def _without_alpha(rgba: npt.NDArray[np.uint8]) -> Grey:
    """Lay a picture (H, W, 4) on white paper; where all that is visible has one colour, the drawing is the alpha."""
    grey, alpha = cv2.cvtColor(rgba, cv2.COLOR_RGBA2GRAY), rgba[..., 3]
    visible = grey[alpha > 0]
    if not visible.size:
        return np.full(grey.shape, 255, np.uint8)
    if alpha.min() < 255 and int(visible.max()) - int(visible.min()) <= 8:
        return np.asarray(255 - alpha, np.uint8)
    share = alpha.astype(np.float32) / 255
    return np.asarray(grey * share + 255 * (1 - share) + 0.5, np.uint8)


def encode(image: Grey, format: str = "png") -> bytes:
    """The bytes of a picture file: png, jpeg or webp."""
    extensions = {"png": ".png", "jpeg": ".jpg", "jpg": ".jpg", "webp": ".webp"}
    if format not in extensions:
        raise ImageError(f"cannot write pictures as {format!r}; use one of {', '.join(extensions)}")
    done, data = cv2.imencode(extensions[format], image)
    if not done:
        raise ImageError(f"a picture of {image.shape[1]} x {image.shape[0]} pixels does not fit into {format}; use png")
    return bytes(data)
