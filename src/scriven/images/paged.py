"""Files with many pages: PDF, drawn by PDFium, and TIFF."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from scriven.base import ImageError
from scriven.images.files import check_size, decode, opened, pixels, read
from scriven.images.ink import Grey, dark_ink

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # how the file begins; the last two are BigTIFF


def pages_of(path: Path, *, dpi: int = 300) -> Iterator[tuple[str, Grey]]:
    """Every page of a PDF (drawn at `dpi`) or of a TIFF, or the one picture of another file, as (name, grey picture).

    The name is the file's stem, with -001, -002, ... where there are several pages. A damaged page costs that page
    only: the others come first, then an ImageError names the damaged ones. Where nothing can be read, it comes at once.
    """
    path = Path(path)
    if path.suffix.lower() == ".pdf":
        yield from _pdf_pages(path, dpi)
    else:
        yield from pages_in(read(path), str(path), path.stem)


def pages_in(data: bytes, name: str, stem: str) -> Iterator[tuple[str, Grey]]:
    """As `pages_of`, from the bytes of a picture file; `name` is used in messages. A PDF is refused."""
    if data[:5] == b"%PDF-":
        raise ImageError(f"{name} is a PDF, which is read from a file only; save it and give its path")
    if data[:4] in TIFF:
        yield from _tiff_pages(data, name, stem)
    else:
        yield stem, decode(data, name)


def _pdf_pages(path: Path, dpi: int) -> Iterator[tuple[str, Grey]]:
    import pypdfium2

    data = read(path)
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise ImageError(f"{path} is not a PDF that can be read ({error}); unlock it or export it again") from None

    def draw(number: int, where: str) -> Grey:
        try:
            page = document[number]
            width, height = (round(points * dpi / 72) for points in page.get_size())
            check_size(width, height, f"{where}, at {dpi} dpi,")
            drawn = np.array(page.render(scale=dpi / 72, grayscale=True).to_numpy())
        except pypdfium2.PdfiumError as error:
            raise ImageError(f"{where} cannot be drawn ({error}); export it again") from None
        return dark_ink(np.ascontiguousarray(drawn if drawn.ndim == 2 else drawn[..., 0]))

    with closing(document):
        yield from _each_page(str(path), path.stem, len(document), draw)


def _tiff_pages(data: bytes, name: str, stem: str) -> Iterator[tuple[str, Grey]]:
    with opened(data, name) as picture:

        def page(number: int, where: str) -> Grey:
            try:
                picture.seek(number)
            except Exception as error:  # decoders raise anything on hostile bytes
                raise ImageError(f"{where} is damaged or cut short ({error}); copy it again from its source") from None
            check_size(picture.width, picture.height, where)
            return dark_ink(pixels(picture, data, where, number))

        try:
            count = int(getattr(picture, "n_frames", 1))
        except Exception as error:  # as above
            raise ImageError(f"{name} is damaged or cut short ({error}); copy it again from its source") from None
        yield from _each_page(name, stem, count, page)


def _each_page(file: str, stem: str, count: int, page: Callable[[int, str], Grey]) -> Iterator[tuple[str, Grey]]:
    """All pages that can be had; then an ImageError with the reasons of the others."""
    if not count:
        raise ImageError(f"{file} has no pages; export it again")
    reasons = []
    for number in range(count):
        name, where = stem, file
        if count > 1:
            name, where = f"{stem}-{number + 1:03d}", f"page {number + 1} of {file}"
        try:
            image = page(number, where)
        except ImageError as error:
            reasons.append(str(error))
            continue
        yield name, image
    if reasons:
        raise ImageError("; ".join(reasons))
