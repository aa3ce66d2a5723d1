"""PaddleOCR: PPOCRLabel's Label.txt of pages with boxes, and the recognition lists rec_gt*.txt of `path<TAB>text`."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scriven.base import ImageError, LinesError, Skipped, printable
from scriven.images import Grey, as_stored, encode
from scriven.importers.common import Ids, ImportItem, from_file, item, line, page_number, read_text, split_of
from scriven.importers.crops import crop_quad
from scriven.importers.tsv import tab_rows
from scriven.lines import ALIASES
from scriven.lines.delimited import not_utf8
from scriven.lines.paths import below, existing

UNREADABLE = ("###", "*", "待识别", "TEMPORARY")  # transcriptions that stand for a missing one


def paddleocr(source: Path, *, images: str = "", split: str = "train") -> Iterator[ImportItem]:
    """Lines of a Label.txt, or of every one below a folder: one line per box; else of every list rec_gt*.txt.

    Paths are relative to the folder of the file or to its parent, or to `images`. Boxes are cut out upright. A box that
    is the whole picture keeps the bytes and the id of the picture; others get numbers. Boxes that are marked as
    difficult or have no transcription are skipped; the keys hand, page, origin and confidence of a box, which `scriven
    export paddleocr` writes, are kept. Raises LinesError if there is no such file.
    """
    boxes = [source] if source.is_file() and not source.name.startswith("rec_gt") else sorted(source.rglob("Label.txt"))
    lists = [source] if source.is_file() else sorted(source.rglob("rec_gt*.txt"))
    if not boxes and not lists:
        raise LinesError(f"{source} should have a Label.txt or a rec_gt*.txt of PaddleOCR, but has neither; check it")
    ids = Ids()
    for file in boxes or lists:
        within = file.relative_to(source) if source.is_dir() else Path(file.name)
        if boxes:
            yield from _pages(file, source, images, split_of(within, split), ids)
        else:
            named = next((ALIASES[part] for part in re.split(r"[_.]", file.stem) if part in ALIASES), split)
            yield from tab_rows(read_text(file).split("\n"), file, within, images, ids, named)


def _pages(file: Path, source: Path, images: str, part: str, ids: Ids) -> Iterator[ImportItem]:
    """The lines of one Label.txt."""
    for number, row in enumerate(read_text(file).split("\n"), start=1):
        name, tab, content = row.strip("\r").partition("\t")
        if not name and not tab:
            continue
        boxes = _boxes(content)
        if boxes is None or not_utf8(name):
            yield Skipped(f"{file.name}:{number}", f"{printable(name)!r} has no list of boxes after a tab; correct it")
            continue
        roots = [file.parent, file.parent.parent]
        found = (below(Path(images), name) if images else existing(root, name) for root in roots)
        picture = next((path for path in found if path.is_file()), file.parent / name)
        beneath = source if source.is_dir() else file.parent
        where = picture.relative_to(beneath) if picture.is_relative_to(beneath) else Path(name)
        yield from (item(part, made) for made in _lines(ids(where), picture, boxes))


def _boxes(content: str) -> list[Mapping[str, Any]] | None:
    try:
        boxes = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return boxes if isinstance(boxes, list) and all(isinstance(box, dict) for box in boxes) else None


def _lines(id: str, picture: Path, boxes: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """A line or Skipped for every box of a page, which is decoded once."""
    try:
        data = picture.read_bytes()
        page = as_stored(data, str(picture))
    except (OSError, ValueError, ImageError) as error:
        reason = f"cannot open the picture {picture}: {error}" if isinstance(error, OSError) else str(error)
        yield Skipped(id, f"{reason}; its {len(boxes)} boxes are left out")
        return
    for number, box in enumerate(boxes, start=1):
        name, text = page_number(id, number), box.get("transcription")
        try:
            corners = _corners(box.get("points"))
            whole = len(boxes) == 1 and _whole(corners, page)
            unreadable = text in UNREADABLE and not whole  # a picture of its own may show an asterisk
            if not isinstance(text, str) or unreadable or box.get("difficult") is True:
                yield Skipped(name, f"it is marked as not transcribed ({text!r:.20}); transcribe it in PPOCRLabel")
            elif whole:
                yield from_file(id, picture, text, **_about(box))
            else:
                yield line(name, encode(crop_quad(page, corners)), text, **{"page": id} | _about(box))
        except ImageError as error:
            yield Skipped(name, str(error))


def _about(box: Mapping[str, Any]) -> dict[str, Any]:
    """Hand, page, origin and confidence of a box, as far as it has them."""
    texts = {name: box[name] for name in ("hand", "page", "origin") if isinstance(box.get(name), str) and box[name]}
    return texts | ({"confidence": box["confidence"]} if "confidence" in box else {})


def _corners(points: Any) -> list[tuple[float, float]]:
    """The corners of a box, clockwise from the first; a polygon of more than four becomes its bounding rectangle.

    Raises ImageError.
    """
    try:
        array = np.asarray(points, np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        raise ImageError(f"its points {points!r:.60} are not pairs of numbers; correct them") from None
    if len(array) > 4:
        (left, top), (right, bottom) = array.min(0), array.max(0)
        array = np.asarray([(left, top), (right, top), (right, bottom), (left, bottom)])
    following = np.roll(array, -1, axis=0)
    if (array[:, 0] * following[:, 1] - array[:, 1] * following[:, 0]).sum() < 0:  # y grows downwards
        array = np.roll(array[::-1], 1, axis=0)
    return [(float(x), float(y)) for x, y in array]


def _whole(corners: Sequence[tuple[float, float]], page: Grey) -> bool:
    """Whether a box covers the page, up to its last row and column."""
    high, wide = page.shape
    expected = np.asarray([(0, 0), (wide, 0), (wide, high), (0, high)])
    return len(corners) == 4 and bool((np.abs(np.asarray(corners) - expected) <= 1).all())
