"""Files of several pages: PDF, rendered by PDFium, and TIFF.

All commands count pages with these functions: reduced-resolution levels, thumbnails and transparency masks of a TIFF
are not pages. Pages are numbered from 1 and named with three digits, such as `001`.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from scriven.base import ImageError
from scriven.images.files import check_size, damaged, decode, opened, pixels, read
from scriven.images.ink import Grey, dark_ink

DPI = 300  # resolution at which the pages of a PDF are rendered
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # signatures; the last two are BigTIFF
SUBFILE, OLD_SUBFILE = 254, 255  # TIFF tags for the kind of an image: NewSubfileType, SubfileType
REDUCED, MASK, OLD_REDUCED = 1, 4, 2  # bits of NewSubfileType; a value of SubfileType
SAME = 12.0  # mean difference in grey levels below which a smaller image shows the same as a larger one

Draw = Callable[[int, str], Grey]  # (index, name for messages) -> the page


def pages_of(path: Path, *, dpi: int = DPI) -> Iterator[tuple[str, Grey]]:
    """Every page of a PDF (rendered at `dpi`) or TIFF, or the one picture of another file, as (name, grey picture).

    The name is the stem of the file, followed by -001, -002, ... if there are several pages. A damaged page does not
    affect the others: they are yielded first, then an ImageError names the damaged ones.
    """
    path = Path(path)
    if path.suffix.lower() == ".pdf":
        with _pdf(path, dpi) as (count, draw):
            yield from _each_page(str(path), path.stem, count, draw)
    else:
        yield from pages_in(read(path), str(path), path.stem)


def pages_in(data: bytes, name: str, stem: str) -> Iterator[tuple[str, Grey]]:
    """As `pages_of`, from the bytes of a picture file; `name` is used in messages. Raises ImageError for a PDF."""
    if data[:5] == b"%PDF-":
        raise ImageError(f"{name} is a PDF, which can only be read from a file; save it and give its path")
    if data[:4] in TIFF:
        with _tiff(data, name) as (count, draw):
            yield from _each_page(name, stem, count, draw)
    else:
        yield stem, decode(data, name)


def count_pages(path: Path) -> int:
    """The number of pages of a file: 1 if it is neither TIFF nor PDF. Raises ImageError."""
    path = Path(path)
    if path.suffix.lower() == ".pdf":
        with _pdf(path, DPI) as (count, _):
            return count
    data = read(path)
    if data[:4] not in TIFF:
        return 1
    with _tiff(data, str(path)) as (count, _):
        return count


def page_of(path: Path, number: int, *, dpi: int = DPI) -> Grey:
    """One page of a file, by its number from 1. Raises ImageError, also if there is no such page."""
    path = Path(path)
    if path.suffix.lower() == ".pdf":
        with _pdf(path, dpi) as (count, draw):
            return _one_page(path, count, number, draw)
    data = read(path)
    if data[:4] not in TIFF:
        return _one_page(path, 1, number, lambda index, where: decode(data, where))
    with _tiff(data, str(path)) as (count, draw):
        return _one_page(path, count, number, draw)


def _one_page(path: Path, count: int, number: int, draw: Draw) -> Grey:
    if not 1 <= number <= count:
        raise ImageError(f"{path} has no page {number}; it has {count}")
    return draw(number - 1, f"page {number} of {path}" if count > 1 else str(path))


@contextmanager
def _pdf(path: Path, dpi: int) -> Iterator[tuple[int, Draw]]:
    """The number of pages of a PDF, and a function that renders one."""
    import pypdfium2

    data = read(path)
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise ImageError(f"{path} cannot be opened as PDF ({error}); unlock it or export it again") from error

    def draw(index: int, where: str) -> Grey:
        try:
            page = document[index]
            width, height = (round(points * dpi / 72) for points in page.get_size())
            check_size(width, height, f"{where}, at {dpi} dpi,")
            drawn = np.array(page.render(scale=dpi / 72, grayscale=True).to_numpy())
        except pypdfium2.PdfiumError as error:
            raise ImageError(f"{where} cannot be rendered ({error}); export the PDF again") from error
        return dark_ink(np.ascontiguousarray(drawn if drawn.ndim == 2 else drawn[..., 0]))

    with closing(document):
        yield len(document), draw


@contextmanager
def _tiff(data: bytes, name: str) -> Iterator[tuple[int, Draw]]:
    """The number of pages of a TIFF, and a function that decodes one."""
    with opened(data, name) as picture:
        try:
            frames = _page_frames(picture, data)
        except Exception as error:  # decoders raise anything on hostile bytes
            raise damaged(name, error) from error

        def draw(index: int, where: str) -> Grey:
            try:
                picture.seek(frames[index])
            except Exception as error:  # as above
                raise damaged(where, error) from error
            check_size(picture.width, picture.height, where)
            return dark_ink(pixels(picture, data, where, frames[index]))

        yield len(frames), draw


def _page_frames(picture: Image.Image, data: bytes) -> list[int]:
    """The indices of the images of a TIFF that are pages; all of them if every one is marked as something else."""
    count = int(getattr(picture, "n_frames", 1))
    frames: list[int] = []
    full: tuple[int, int, int] | None = None  # index, width and height of the last page
    for index in range(count):
        try:
            picture.seek(index)
            tags = getattr(picture, "tag_v2", {})
            flags, old = int(tags.get(SUBFILE, 0)), int(tags.get(OLD_SUBFILE, 0))
        except Exception:  # a damaged page is reported when it is decoded
            frames.append(index)
            continue
        if flags & (REDUCED | MASK) or old == OLD_REDUCED:
            continue
        size = picture.width, picture.height
        if full and _may_reduce(full[1:], size) and _same(picture, data, full[0], index):
            continue
        frames.append(index)
        full = (index, *size)
    return frames or list(range(count))


def _may_reduce(full: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether `size`, (width, height) in px, is `full` divided by a factor of about 2 or more."""
    factor = full[0] / max(1, size[0])
    return factor >= 1.9 and all(abs(whole / factor - part) <= 1.5 for whole, part in zip(full, size, strict=True))


def _same(picture: Image.Image, data: bytes, full: int, small: int) -> bool:
    """Whether two images of a TIFF, by index, show the same at different sizes; False if one cannot be decoded."""
    found = []
    for index in (full, small):
        try:
            picture.seek(index)
            check_size(picture.width, picture.height, "")
            found.append(pixels(picture, data, "", index))
        except Exception:  # it is reported when it is decoded
            return False
    large = cv2.resize(found[0], found[1].shape[::-1], interpolation=cv2.INTER_AREA)
    return float(np.abs(large.astype(np.float32) - found[1]).mean()) < SAME


def _each_page(file: str, stem: str, count: int, draw: Draw) -> Iterator[tuple[str, Grey]]:
    """All pages that can be decoded, then an ImageError with the reasons for the others."""
    if not count:
        raise ImageError(f"{file} has no pages; export it again")
    reasons = []
    for index in range(count):
        name, where = stem, file
        if count > 1:
            name, where = f"{stem}-{index + 1:03d}", f"page {index + 1} of {file}"
        try:
            image = draw(index, where)
        except ImageError as error:
            reasons.append(str(error))
            continue
        yield name, image
    if reasons:
        raise ImageError("; ".join(reasons))
