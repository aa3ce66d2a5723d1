"""The CVL database (cvl-database-1-1): 310 writers, English and German, lines and words.

Its partition is its folders: `trainset` (27 writers of seven texts) and `testset` (283 writers of five texts). There
is no validation set. File names are `writer-text-line.tif` and `writer-text-line-word-LABEL.tif`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from lxml import etree

from scriven.base import LinesError, Skipped
from scriven.importers.common import ImportItem, folder, from_file, item
from scriven.importers.markup import read_xml

PARTS = {"trainset": "train", "testset": "test"}
LINE, WORD, HANDWRITING = "2", "1", "2"  # values of attrType and fontType
REGION = "{*}AttrRegion"
ID = re.compile(r"\d+-\d+-\d+(-\d+)?")  # writer, text, line, and word


def cvl(source: Path, *, level: Literal["lines", "words"] = "lines") -> Iterator[ImportItem]:
    """Lines or words with the texts of `xml/`; the text of a line is that of its words, joined by spaces.

    Labels in file names are not used: they cannot have all characters. Words without a text are skipped at the level of
    words. Raises LinesError if a folder is missing.
    """
    roots = {folder(source, "cvl-database-1-1") / name: split for name, split in PARTS.items()}
    roots = {root: split for root, split in roots.items() if root.is_dir()}
    if not roots:
        raise LinesError(f"{source} should have the folders trainset and testset, but has neither; check the path")
    for root, split in roots.items():
        files = sorted((root / "xml").glob("*.xml"))
        if not files or not (root / level).is_dir():
            missing = f"{level}/ with pictures such as {level}/0001/0001-1-0.tif" if files else "xml/ with the texts"
            raise LinesError(f"{root} should have the folder {missing}; unpack cvl-database-1-1.zip again")
        for file in files:
            try:
                texts = dict(_lines(file) if level == "lines" else _words(file))
            except LinesError as error:
                yield Skipped(file.stem, str(error))
                continue
            for writer in sorted({id.partition("-")[0] for id in texts}):
                pictures = _pictures(root / level / writer, level)
                ids = [id for id in texts if id.partition("-")[0] == writer]
                for id in ids:
                    yield _item(id, split, texts[id], pictures.get(id, root / level / writer / f"{id}.tif"))


def _item(id: str, split: str, text: str, picture: Path) -> ImportItem:
    if not text:
        return Skipped(id, "its XML has no text for it; it has no transcription")
    writer, number = id.split("-")[:2]
    return item(split, from_file(id, picture, text, hand=writer, page=f"{writer}-{number}"))


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    """The id and the text of each handwritten line of a page."""
    for region in read_xml(file).iter(REGION):
        if _is(region, LINE):
            words = (str(word.get("text") or "") for word in region.iter(REGION) if word.get("attrType") == WORD)
            yield str(region.get("id")), " ".join(word for word in words if word)


def _words(file: Path) -> Iterator[tuple[str, str]]:
    """The id and the text of each handwritten word of a page."""
    for region in read_xml(file).iter(REGION):
        if _is(region, WORD):
            yield str(region.get("id")), str(region.get("text") or "")


def _is(region: etree._Element, kind: str) -> bool:
    """Whether a region is handwriting of this kind with an id as of CVL."""
    handwriting = region.get("attrType") == kind and region.get("fontType") == HANDWRITING
    return handwriting and ID.fullmatch(str(region.get("id"))) is not None


def _pictures(place: Path, level: str) -> dict[str, Path]:
    """The pictures of a writer by id; the label that follows the id of a word in its file name is ignored."""
    parts = 3 if level == "lines" else 4
    files = sorted(place.glob("*.tif")) if place.is_dir() else []
    return {"-".join(file.stem.split("-")[:parts]): file for file in files}
