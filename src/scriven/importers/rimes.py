"""RIMES 2011, French letters, as distributed for lines by Teklia and by ICDAR 2011, and for words by ICDAR 2011.

RIMES-2011-Lines has lists of train, valid and test; the lines of ICDAR 2011 (`training_2011.xml`) have no validation
set, and none is made up.
"""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from scriven.base import ImageError, LinesError, Skipped, printable
from scriven.images import Grey, as_stored, encode
from scriven.importers.common import Ids, ImportItem, folder, from_file, item, line, page_number, read_text
from scriven.importers.markup import read_xml
from scriven.importers.named import NamedPictures
from scriven.importers.partition import lists_in, read_lists, split_named
from scriven.lines.delimited import not_utf8

XML = {"train": ("training_2011.patched.xml", "training_2011.xml"), "test": ("eval_2011_annotated.xml",)}
SNIPPETS = {  # folders of the pictures of words, as unpacked; that of the validation set is named test
    "train": ("trainingsnippets_icdar/training_WR", "training_WR"),
    "valid": ("validationsnippets_icdar/testdataset_ICDAR", "valdataset_ICDAR", "testdataset_ICDAR"),
    "test": ("data_test", "testdataset_ICDAR"),
}


def rimes(source: Path, *, level: Literal["lines", "words"] = "lines") -> Iterator[ImportItem]:
    """Lines or words of one of the published layouts.

    Lines: `Sets/`, `Images/` and `Transcriptions/` of RIMES-2011-Lines, or `training_2011.xml` and
    `eval_2011_annotated.xml` with the pages of ICDAR 2011. Words: `groundtruth_training_icdar2011.txt` and its like.
    Raises LinesError if there is none of them.
    """
    folder(source, "RIMES")
    if level == "words":
        yield from _words(source)
    elif (source / "Sets").is_dir():
        yield from _listed(source)
    else:
        yield from _pages(source)


def _listed(source: Path) -> Iterator[ImportItem]:
    """The lines of RIMES-2011-Lines."""
    for name in ("Images", "Transcriptions"):
        if not (source / name).is_dir():
            raise LinesError(f"{source} should have the folder {name}/ beside Sets/; unpack RIMES-2011-Lines.zip again")
    listed = read_lists(lists_in(source / "Sets"))
    if not listed:
        raise LinesError(f"{source / 'Sets'} should have TrainLines.txt, ValidationLines.txt and TestLines.txt")
    pictures = NamedPictures(source / "Images")
    for id, entry in listed.items():
        found = pictures.find(id)
        try:
            text = read_text(source / "Transcriptions" / f"{id}.txt")
        except LinesError as error:
            yield Skipped(id, str(error))
            continue
        made = Skipped(id, found) if isinstance(found, str) else from_file(id, found, text, page=id.rpartition("_")[0])
        yield item(entry.split, made)


def _pages(source: Path) -> Iterator[ImportItem]:
    """The lines of the pages of ICDAR 2011, cut out by their boxes."""
    files = {split: next((source / n for n in names if (source / n).is_file()), None) for split, names in XML.items()}
    if not any(files.values()):
        raise LinesError(
            f"{source} should have Sets/TrainLines.txt (RIMES-2011-Lines), or training_2011.xml and "
            "eval_2011_annotated.xml (ICDAR 2011), but has neither; check the path (--set level=words is for words)"
        )
    pictures = NamedPictures(source)
    for split, file in files.items():
        for page in read_xml(file).iter("{*}SinglePage") if file else ():
            name = Path(str(page.get("FileName") or "").replace("\\", "/"))
            found = pictures.find(name.with_suffix("").as_posix())
            found = pictures.find(name.stem) if isinstance(found, str) else found
            rows = list(page.iter("{*}Line"))
            try:
                grey = as_stored(found.read_bytes(), str(found)) if isinstance(found, Path) else None
            except (OSError, ImageError) as error:
                found, grey = str(error), None
            if grey is None:
                yield Skipped(name.stem, f"{found}; its {len(rows)} lines are left out")
                continue
            for number, row in enumerate(rows, start=1):
                yield item(split, _line(page_number(name.stem, number), grey, row, name.stem))


def _line(id: str, page: Grey, row: Any, name: str) -> Any:
    """The line of an element of RIMES: its text and its box, which may reach beyond the page."""
    try:
        left, top, right, bottom = (int(row.get(key)) for key in ("Left", "Top", "Right", "Bottom"))
        cut = page[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if min(cut.shape) < 2:
            raise ValueError
    except (TypeError, ValueError):
        return Skipped(id, f"its box {dict(row.attrib)!r:.80} is not on its page; correct the XML file")
    return line(id, encode(cut.copy()), html.unescape(str(row.get("Value") or "")), page=name)


def _words(source: Path) -> Iterator[ImportItem]:
    """The words of ICDAR 2011: rows `lot_1/00001_L/00001_L_0_0.tiff mot`."""
    files = {file: split_named(file.stem) for file in sorted(source.glob("gr*icdar2011.txt"))}
    if not any(files.values()):
        raise LinesError(
            f"{source} should have groundtruth_training_icdar2011.txt, ground_truth_validation_icdar2011.txt and "
            "ground_truth_test_icdar2011.txt with the words, but has none; give --set level=lines for lines"
        )
    ids = Ids()
    for file, split in files.items():
        if split is None:
            yield Skipped(file.name, "its name has no training, validation or test; rename it")
            continue
        roots = [source / name for name in SNIPPETS[split]]
        for number, row in enumerate(read_text(file).split("\n"), start=1):
            name, space, text = row.strip().partition(" ")
            if not name:
                continue
            if not space or not_utf8(name):
                yield Skipped(f"{file.name}:{number}", f"{printable(row)[:60]!r} should be `path word`; correct it")
                continue
            picture = next((path for root in roots if (path := root / name).is_file()), roots[0] / name)
            made = from_file(ids(Path(split, name)), picture, text, page=Path(name).parent.name)
            yield item(split, made)
