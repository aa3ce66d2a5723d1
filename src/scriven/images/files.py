"""Picture files: decode any supported format to a grey picture, and encode one.

Pillow reads the header of every file; size, depth, alpha and orientation are checked before any pixel is decoded.
Plain 8-bit PNG, JPEG and WebP are then decoded by OpenCV, which is faster, everything else by Pillow.
"""

import io
import re
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, Jpeg2KImagePlugin, TiffImagePlugin, WebPImagePlugin

from scriven.base import ImageError
from scriven.images.ink import Grey, dark_ink
from scriven.images.unsupported import REASON, UNSUPPORTED

MAX_PIXELS = 120_000_000
MIN_SIDE = 2  # px
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".pgm", ".ppm")
PLUGINS = (Jpeg2KImagePlugin, TiffImagePlugin, WebPImagePlugin)  # imported, so that Pillow does not load every plugin
PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "PPM")
PLAIN: dict[str, Callable[[bytes], bool]] = {  # formats that OpenCV may decode, and whether a file is complete
    "PNG": lambda data: b"IEND" in data[-16:],
    "JPEG": lambda data: b"\xff\xd9" in data[-32:],
    "WEBP": lambda data: len(data) >= 8 + int.from_bytes(data[4:8], "little"),
}
DITHERED = 0.3  # share of isolated black pixels: at least 0.7 in dithered handwriting, at most 0.1 in thresholded
DEPTHS = (8, 10, 12, 14, 16, 24, 32)  # bits per pixel that scanners and cameras use


def open_image(source: Path | bytes, *, name: str | None = None) -> Grey:
    """Open the first picture of a file or of its bytes: grey uint8 (H, W), upright, dark ink on light paper.

    `name` is used in messages. Raises ImageError for a file that is missing, empty, truncated, not a picture, larger
    than 120 megapixels, or less than 2 px on a side.
    """
    if isinstance(source, bytes):
        return decode(source, name or "a picture")
    return decode(read(Path(source)), name or str(source))


def read(path: Path) -> bytes:
    """The bytes of a file. Raises ImageError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot open {path}: {error.strerror or error}; check the path") from None


def decode(data: bytes, name: str) -> Grey:
    """Decode the bytes of a picture file: grey uint8 (H, W), upright, dark ink on light paper.

    Raises ImageError as `open_image` does.
    """
    return dark_ink(as_stored(data, name))


def as_stored(data: bytes, name: str) -> Grey:
    """As `decode`, but light ink on dark paper is not inverted."""
    with opened(data, name) as picture:
        if _is_plain(picture, data):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
            if image is not None and image.shape == (picture.height, picture.width):
                return np.asarray(image, np.uint8)
        return pixels(picture, data, name)


def size(data: bytes, name: str = "a picture") -> tuple[int, int]:
    """Width and height in px after EXIF rotation, read from the header only. Raises ImageError."""
    with opened(data, name) as picture:
        upright = picture.format == "TIFF"  # Pillow has applied its orientation already
        sideways = not upright and _orientation(picture, data, name) >= 5
        return (picture.height, picture.width) if sideways else (picture.width, picture.height)


def _is_plain(picture: ImageFile.ImageFile, data: bytes) -> bool:
    """Whether OpenCV decodes a file as Pillow does: complete, one 8-bit grey or RGB picture, no alpha, not rotated."""
    if picture.format not in PLAIN or picture.mode not in ("L", "RGB") or "transparency" in picture.info:
        return False
    if b"eXIf" in data if picture.format == "PNG" else "exif" in picture.info or "xmp" in picture.info:
        return False
    if picture.format == "PNG" and picture.tile and picture.tile[0].args != picture.mode:
        return False  # not 8 bits deep
    return getattr(picture, "n_frames", 1) == 1 and PLAIN[picture.format](data)


def check_size(width: int, height: int, name: str) -> None:
    """Raise ImageError for a picture of more than MAX_PIXELS, or with a side below MIN_SIDE."""
    if width * height > MAX_PIXELS:
        raise _too_large(name, width * height)
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{name} is {width} x {height} pixels, too small to show a line; leave it out")


def _too_large(name: str, pixels: int) -> ImageError:
    limit = MAX_PIXELS // 1_000_000
    return ImageError(
        f"{name} has {pixels / 1e6:.0f} megapixels, more than {limit}; scale it down or cut it into pages"
    )


def damaged(name: str, error: Exception) -> ImageError:
    """The error for a picture that a decoder gave up on. A want of memory is no damage."""
    if isinstance(error, MemoryError):
        return ImageError(f"there is not enough memory to decode {name}; free some memory, or scale the picture down")
    return ImageError(f"{name} is damaged or cut short ({error}); copy it again from its source")


def opened(data: bytes, name: str) -> ImageFile.ImageFile:
    """Open a file with Pillow and check its header; no pixel is decoded. Raises ImageError."""
    if not data:
        raise ImageError(f"{name} is empty; copy it again from its source")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)
    except Image.DecompressionBombError as error:  # raised before the size is known to us
        pixels = re.search(r"\d+", str(error))
        raise _too_large(name, int(pixels[0]) if pixels else MAX_PIXELS) from None
    except MemoryError as error:
        raise damaged(name, error) from error
    except Exception as error:
        if Path(name).suffix.lower() in UNSUPPORTED:
            raise ImageError(f"{name}: {REASON}") from error
        raise ImageError(
            f"{name} is damaged or not a picture in a supported format; give {', '.join(PILLOW_FORMATS)} or PDF"
        ) from error
    check_size(picture.width, picture.height, name)
    return picture


def _orientation(picture: Image.Image, data: bytes, name: str) -> int:
    """The EXIF orientation, 1 to 8. A PNG is decoded only if it has EXIF data, which may follow the pixels."""
    if picture.format == "PNG" and b"eXIf" not in data and "exif" not in str(picture.info.keys()):
        return 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(picture.getexif().get(0x0112, 1))
    except Exception as error:  # decoders raise anything on hostile bytes
        raise damaged(name, error) from error


def pixels(picture: Image.Image, data: bytes, name: str, page: int = 0) -> Grey:
    """Decode the current page of an opened file; `page` is its index. Raises ImageError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            orientation = _orientation(picture, data, name)
            deep = _deep_colour(picture, data, page)
            picture.load()
            return _grey(ImageOps.exif_transpose(picture)) if deep is None else upright(deep, orientation)
    except ImageError:
        raise
    except Exception as error:  # decoders raise anything on hostile bytes
        raise damaged(name, error) from error


def _deep_colour(picture: Image.Image, data: bytes, page: int) -> Grey | None:
    """Decode 16-bit colour with OpenCV, None for anything else: Pillow keeps the upper byte only."""
    bits: Any = data[24] if picture.format == "PNG" else getattr(picture, "tag_v2", {}).get(258, 8)
    if picture.mode != "RGB" or np.max(bits) != 16:
        return None
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    done, pages = cv2.imdecodemulti(np.frombuffer(data, np.uint8), flags, range=(page, page + 1))
    if not done:
        raise OSError("its 16-bit colours cannot be decoded")
    return _eight_bits(cv2.cvtColor(pages[0], cv2.COLOR_BGR2GRAY))


def upright(image: Grey, orientation: int) -> Grey:
    """Undo an EXIF orientation of 1 to 8."""
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
    grey = np.asarray(picture.convert("L"), np.uint8)
    return _descreened(grey) if picture.mode == "1" else grey


def _descreened(image: Grey) -> Grey:
    """A bilevel picture, blurred if it is dithered, which shows in many black pixels without a black neighbour."""
    black = np.asarray(image < 128, np.uint8)
    cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)
    neighbours = cv2.filter2D(black, -1, cross, borderType=cv2.BORDER_REPLICATE)
    isolated = np.count_nonzero(black & (neighbours == 0))
    return np.asarray(cv2.blur(image, (3, 3)), np.uint8) if isolated > DITHERED * np.count_nonzero(black) else image


def _eight_bits(values: npt.NDArray[Any]) -> Grey:
    """Scale to uint8: integers by the number of bits used (such as 12 of 16), fractions by their range."""
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
    """Composite an RGBA picture (H, W, 4) onto white; if all visible pixels have one colour, the ink is the alpha."""
    grey, alpha = cv2.cvtColor(rgba, cv2.COLOR_RGBA2GRAY), rgba[..., 3]
    visible = grey[alpha > 0]
    if not visible.size:
        return np.full(grey.shape, 255, np.uint8)
    if alpha.min() < 255 and int(visible.max()) - int(visible.min()) <= 8:
        return np.asarray(255 - alpha, np.uint8)
    share = alpha.astype(np.float32) / 255
    return np.asarray(grey * share + 255 * (1 - share) + 0.5, np.uint8)


def with_note(png: bytes, note: str) -> bytes:
    """A PNG with a sentence of Latin-1 text about its origin, a tEXt chunk of the keyword `Comment` (PNG 3, 11.3.3)."""
    header = 33  # bytes of the signature and of the chunk IHDR
    body = b"tEXt" + b"Comment\0" + note.encode("latin1")
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return png[:header] + chunk + png[header:]


def encode(image: Grey, format: str = "png") -> bytes:
    """Encode a grey picture as png, jpeg or webp. Raises ImageError."""
    extensions = {"png": ".png", "jpeg": ".jpg", "jpg": ".jpg", "webp": ".webp"}
    if format not in extensions:
        raise ImageError(f"cannot write pictures as {format!r}; use one of {', '.join(extensions)}")
    done, data = cv2.imencode(extensions[format], image)
    if not done:
        raise ImageError(f"a picture of {image.shape[1]} x {image.shape[0]} pixels does not fit into {format}; use png")
    return bytes(data)
