"""Imgur5K: words of photographs, annotated with rotated boxes (TextStyleBrush, Krishnan et al. 2021).

The angle of a box is in degrees, counter-clockwise. The word "." of an annotation mostly stands for "not transcribed".
"""

import hashlib
import json
import logging
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scriven.base import ImageError, LinesError, Skipped, printable
from scriven.images import as_stored, encode
from scriven.importers.common import ImportItem, folder, item, line, read_text
from scriven.importers.crops import crop_box
from scriven.importers.partition import lists_in, read_lists

log = logging.getLogger("scriven")

INFO = "dataset_info"
ALL = "imgur5k_annotations.json"  # written by the download script of the data set; its lists say which split
EACH = {"train": "train", "val": "valid", "test": "test"}  # imgur5k_annotations_<name>.json, of the data set itself
DOT = "."
DOT_HEIGHT = 0.5  # longest side of the box of a full stop, in median heights of the other boxes of its page
_NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class _Word:
    """An annotation; `box`: x and y of the centre, width, height in px, angle in degrees.

    If it is damaged, `box` is None and `wrong` says why.
    """

    id: str
    text: str = ""
    box: tuple[float, ...] | None = None
    wrong: str = ""


@dataclass(frozen=True)
class _Page:
    id: str
    split: str
    picture: Path
    md5: str
    words: tuple[_Word, ...]


def imgur5k(source: Path, *, images: str = "", dots: Literal["small", "all", "none"] = "small") -> Iterator[ImportItem]:
    """Words of `images/`, by `dataset_info/imgur5k_annotations.json` and its lists, or by its files for each split.

    Each page is decoded once and its words are cut out upright; beyond the border the page is continued. `images`: the
    folder of the pictures, if another. `dots`: which words "." are kept: those whose box is small enough for a full
    stop, all, or none. Pages that are missing or differ from the published ones are skipped. Raises LinesError if a
    file is missing or damaged.
    """
    left_out = Counter[str]()
    for page in _pages(folder(source, "Imgur5K"), images):
        if isinstance(page, Skipped):
            yield page
            continue
        heights = [word.box[3] for word in page.words if word.box and word.text != DOT]
        limit = {"small": DOT_HEIGHT * statistics.median(heights or [0]), "all": float("inf"), "none": 0.0}[dots]
        kept = [w for w in page.words if w.text != DOT or not w.box or max(w.box[2:4]) <= limit]
        left_out["boxes"] += len(page.words) - len(kept)
        yield from (item(page.split, made) for made in _cut(page, kept))
    if left_out["boxes"]:
        log.warning('%d boxes have the word ".", not transcribed, and are left out (--set dots=all)', left_out["boxes"])


def _cut(page: _Page, words: list[_Word]) -> Iterator[Any]:
    """The lines of the words of a page."""
    try:
        data = page.picture.read_bytes()
        if page.md5 and hashlib.md5(data, usedforsecurity=False).hexdigest() != page.md5:
            raise ImageError(f"{page.picture} is not the published picture (its MD5 differs); download it again")
        grey = as_stored(data, str(page.picture))
    except (OSError, ValueError, ImageError) as error:  # ValueError: a name that no file can have
        gone = f"there is no picture {printable(str(page.picture))}; download it with download_imgur5k.py"
        why = error if isinstance(error, ImageError) else gone
        yield Skipped(printable(page.id), f"{why}; its {len(words)} words are left out")
        return
    for word in words:
        try:
            if word.box is None:
                raise ImageError(word.wrong)
            x, y, width, height, angle = word.box
            yield line(word.id, encode(crop_box(grey, (x, y), (width, height), angle)), word.text, page=page.id)
        except ImageError as error:
            yield Skipped(printable(word.id), str(error))


def _pages(source: Path, images: str) -> Iterator[_Page | Skipped]:
    info = source / INFO
    if (info / ALL).is_file():
        yield from _listed(source, images)
        return
    files = {split: info / f"imgur5k_annotations_{name}.json" for name, split in EACH.items()}
    if not any(file.is_file() for file in files.values()):
        raise LinesError(
            f"{source} should have {INFO}/{ALL} with the lists train_index_ids.lst ..., or {INFO}/imgur5k_annotations_"
            "train.json ..., but has neither; give the folder of the data set, with its pictures in images/"
        )
    for split, file in files.items():
        if file.is_file():
            content = _content(file)
            yield from (_page(index, split, content, source, images) for index in content["index_id"])


def _listed(source: Path, images: str) -> Iterator[_Page | Skipped]:
    """The pages of the file of all annotations, in the split of the list that has them."""
    lists = lists_in(source / INFO)
    lists = {file: split for file, split in lists.items() if file.name.endswith("_index_ids.lst")}
    if not lists:
        raise LinesError(f"{source / INFO} should have train_index_ids.lst, val_index_ids.lst and test_index_ids.lst")
    listed, content = read_lists(lists), _content(source / INFO / ALL)
    for index in content["index_id"]:
        if index in listed:
            yield _page(index, listed[index].split, content, source, images)
        else:
            yield Skipped(printable(index), "its page is in no list of a split; get the lists again")
    for index, entry in listed.items():
        if index not in content["index_id"]:
            yield Skipped(index, f"{entry.file.name} lists its page, but {ALL} has it not; download it again")


def _content(file: Path) -> Mapping[str, Any]:
    """The annotations of a file. Raises LinesError."""
    try:
        content = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise LinesError(f"{file} is not a complete JSON file ({error}); get it again") from error
    parts = ("index_id", "index_to_ann_map", "ann_id")
    if not isinstance(content, dict) or not all(isinstance(content.get(part), dict) for part in parts):
        raise LinesError(f"{file} should have the objects {', '.join(parts)}; it is not of Imgur5K: check the path")
    return content


def _page(index: str, split: str, content: Mapping[str, Any], source: Path, images: str) -> _Page | Skipped:
    about = content["index_id"][index]
    about = about if isinstance(about, dict) else {}
    ids = content["index_to_ann_map"].get(index, [])
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        return Skipped(printable(index), f"its index_to_ann_map is {ids!r:.60}, not a list of ids; correct it")
    words = tuple(_word(id, content["ann_id"].get(id)) for id in ids)
    name = Path(str(about.get("image_path") or f"{index}.jpg")).name
    return _Page(index, split, Path(images or source / "images") / name, str(about.get("image_hash") or ""), words)


def _word(id: str, entry: Any) -> _Word:
    """The annotation of an id, from its object in `ann_id`."""
    if not isinstance(entry, dict) or not isinstance(entry.get("word"), str):
        return _Word(id, wrong=f"its ann_id is {entry!r:.60}, not an object with a word and a bounding_box; correct it")
    numbers = tuple(float(number) for number in _NUMBER.findall(str(entry.get("bounding_box"))))
    if len(numbers) != 5:
        return _Word(id, entry["word"], wrong="its bounding_box has not five numbers; correct it")
    return _Word(id, entry["word"], numbers)
