"""Pictures without transcriptions, for `scriven adapt` and `scriven pick`."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import ImageError, Skipped, printable
from scriven.images import count_pages
from scriven.images.unsupported import REASON, unsupported
from scriven.importers.common import ImportItem, every_picture, folder, from_file, item, page_number, pictures_under
from scriven.lines.references import PAGED


def pictures(source: Path, *, split: str = "train") -> Iterator[ImportItem]:
    """Unlabelled lines of all pictures below a folder, sorted by path; one line per page of a TIFF or PDF.

    Pictures of unsupported formats are skipped. Raises LinesError if there are no pictures.
    """
    others = unsupported(folder(source, "pictures"))
    yield from (Skipped(printable(file.relative_to(source)), REASON) for file in others)
    if others and not pictures_under(source, PAGED):
        return
    for part, id, file in every_picture(source, split, PAGED):
        try:
            pages = count_pages(file) if file.suffix.lower() in PAGED else 1
        except ImageError as error:
            yield Skipped(id, str(error))
            continue
        for number in range(1, pages + 1):
            name = page_number(id, number) if pages > 1 else id
            yield item(part, from_file(name, file, None, part=str(number) if pages > 1 else ""))
