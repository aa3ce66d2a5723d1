"""The IAM handwriting database, words and lines, in the partition of the user's lists.

RWTH/Aachen: 747, 116 and 336 forms, listed by form (`train.uttlist`, `tr.lst`) or by word with its label
(`RWTH.iam_word_gt_final.train.thresh`). Large writer independent: lists of lines, `trainset.txt`,
`validationset1.txt`, `validationset2.txt`, `testset.txt`.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scriven.base import LinesError, Skipped, printable
from scriven.importers.common import ImportItem, folder, from_file, item, read_text
from scriven.importers.partition import Listed, lists_in, read_lists
from scriven.importers.published import as_published
from scriven.lines.datasets import DATA_SETS
from scriven.lines.splits import SPLITS

log = logging.getLogger("scriven")

DATA = ("ascii", "forms", "lines", "sentences", "words", "xml")  # folders of the database, which have no lists
EXAMPLES = {"words": "words/a01/a01-000u/a01-000u-00-00.png", "lines": "lines/a01/a01-000u/a01-000u-00.png"}
ALL = "all"  # in place of the folder of a partition
PARTS = {"words": 4, "lines": 3}  # of an id, separated by hyphens; two are the form


PUBLISHED = {  # ids of train, valid and test in the published lists
    "RWTH/Aachen, forms": (747, 116, 336),
    "RWTH/Aachen, words": (47_981, 7_554, 20_305),
    "large writer independent, lines": DATA_SETS["iam"].sizes,
    "RWTH/Aachen, lines": DATA_SETS["iam_tbluche"].sizes,
}


@dataclass(frozen=True)
class _Record:
    """A row of words.txt or lines.txt; `correct`: whether its segmentation into words is marked as correct."""

    id: str
    correct: bool
    text: str


def iam(
    source: Path,
    *,
    level: Literal["words", "lines"] = "words",
    partition: str = "",
    segmentation: Literal["", "ok", "all"] = "",
) -> Iterator[ImportItem]:
    """Words (`words/`, `ascii/words.txt`) or lines (`lines/`, `ascii/lines.txt`); `|` in a line is a space.

    `partition`: the folder of the lists of the partition, else the source or one of its folders; `all`: everything is
    train. A list names words, lines or forms. Labels in a list of words are used instead of words.txt.
    `segmentation`: ok leaves out what is marked `err` (default for words, if the lists do not name them), all keeps it
    (default for lines, where the mark concerns the words only). The hand is the writer of `ascii/forms.txt`, the page
    is the form. Raises LinesError if a file or folder is missing.
    """
    items = _items(source, level, partition, segmentation)
    yield from as_published(items, "iam") if level == "lines" else items


def _items(source: Path, level: Literal["words", "lines"], partition: str, segmentation: str) -> Iterator[ImportItem]:
    folder(source, "the IAM database")
    if not (source / level).is_dir():
        raise LinesError(f"{source} should have pictures such as {EXAMPLES[level]}; unpack {level}.tgz into {level}/")
    listed = {} if partition == ALL else _partition(source, partition)
    labelled = any(entry.label is not None for entry in listed.values())
    records: Iterator[_Record | Skipped] = _of_lists(listed, level) if labelled else _table(source, level)
    hands = _hands(source)
    left_out, met = Counter[str](), set[str]()
    for record in records:
        if isinstance(record, Skipped):
            yield record
            continue
        form = "-".join(record.id.split("-")[:2])
        names = (record.id, record.id.rpartition("-")[0], form)
        entry = next((listed[name] for name in names if name in listed), None)
        if entry:
            met.add(entry.id)
        named = entry is not None and entry.id == record.id and level == "words"
        keep_all = segmentation == "all" or (not segmentation and (named or level == "lines"))
        if entry is None and partition != ALL:
            left_out["in no list of the partition"] += 1
        elif not record.correct and not keep_all:
            left_out["marked err (keep them with --set segmentation=all)"] += 1
        else:
            picture = source / level / form.partition("-")[0] / form / f"{record.id}.png"
            made = from_file(record.id, picture, record.text, hand=hands.get(form, ""), page=form)
            yield item(entry.split if entry else "train", made)
    yield from _unmet(listed, met, level)
    for reason, count in left_out.items():
        log.warning("%d %s are %s and are left out", count, level, reason)


def _partition(source: Path, partition: str) -> dict[str, Listed]:
    """The ids of the partition; lists that have not the size of a published one are reported."""
    listed = read_lists(_lists(source, partition))
    splits = Counter(entry.split for entry in listed.values())
    sizes = tuple(splits[split] for split in SPLITS)
    if sizes not in PUBLISHED.values():
        published = "; ".join(f"{name}: {sizes}" for name, sizes in PUBLISHED.items())
        log.warning("the lists have %s ids of train, valid and test, unlike published ones (%s)", sizes, published)
    return listed


def _lists(source: Path, partition: str) -> dict[Path, str]:
    """The lists of the partition. Raises LinesError if there are none, or several partitions."""
    below = [path for path in sorted(source.iterdir()) if path.is_dir() and path.name not in DATA]
    places = [Path(partition)] if partition else [source, *below]
    found = [lists for place in places if (lists := lists_in(place))]
    if len(found) == 1:
        return found[0]
    where = partition or f"{source} or one of its folders"
    if found:
        folders = ", ".join(str(next(iter(lists)).parent) for lists in found)
        raise LinesError(f"there are lists of several partitions: {folders}; give one as --set partition=FOLDER")
    raise LinesError(
        f"{where} should have the lists of a partition, such as trainset.txt, validationset1.txt and testset.txt "
        "(large writer) or train.uttlist, validation.uttlist and test.uttlist (RWTH/Aachen), but has none; give their "
        "folder as --set partition=FOLDER, or partition=all to import everything as train"
    )


def _of_lists(listed: Mapping[str, Listed], level: str) -> Iterator[_Record | Skipped]:
    for entry in listed.values():
        if entry.label is None or entry.id.count("-") + 1 != PARTS[level]:
            raise LinesError(
                f"{entry.file} should have `id,threshold label` of {level}, but has {entry.id!r}; correct it"
            )
        yield _Record(entry.id, True, entry.label.replace("|", " ") if level == "lines" else entry.label)


def _table(source: Path, level: str) -> Iterator[_Record | Skipped]:
    """The rows of words.txt or lines.txt: id, ok or err, grey level, more numbers, in words a tag, transcription."""
    file = next((f for f in (source / "ascii" / f"{level}.txt", source / f"{level}.txt") if f.is_file()), None)
    if file is None:
        raise LinesError(f"{source} should have ascii/{level}.txt with the transcriptions; unpack ascii.tgz there")
    for number, row in enumerate(read_text(file).split("\n"), start=1):
        fields = row.split()
        if not fields or row.startswith("#"):
            continue
        numbers = 0  # after the mark: grey level, perhaps the number of components, and x, y, width, height of the box
        while numbers < 6 and numbers + 2 < len(fields) and fields[numbers + 2].lstrip("-").isdecimal():
            numbers += 1
        text = " ".join(fields[2 + numbers + (level == "words") :])
        if numbers < 5 or not text or fields[1] not in ("ok", "err", "er") or fields[0].count("-") + 1 != PARTS[level]:
            yield Skipped(f"{file.name}:{number}", f"{printable(row)[:60]!r} is not a row of {level}.txt; get it again")
        else:
            yield _Record(fields[0], fields[1] == "ok", text.replace("|", " ") if level == "lines" else text)


def _hands(source: Path) -> dict[str, str]:
    """The writer of each form, by the first two columns of forms.txt."""
    file = next((f for f in (source / "ascii" / "forms.txt", source / "forms.txt") if f.is_file()), None)
    if file is None:
        log.warning("%s has no ascii/forms.txt: the writers are unknown", source)
        return {}
    rows = (row.split() for row in read_text(file).split("\n") if not row.startswith("#"))
    return {row[0]: row[1] for row in rows if len(row) > 1}


def _unmet(listed: Mapping[str, Listed], met: set[str], level: str) -> Iterator[Skipped]:
    """The listed ids without data. Raises LinesError if these are all: the lists are of the other level."""
    if listed and not met:
        example = next(iter(listed.values()))
        raise LinesError(
            f"{example.file} lists {example.id!r} and the like, of which the database has no {level}; check --set level"
        )
    for entry in listed.values():
        if entry.id not in met:
            yield Skipped(
                entry.id, f"{entry.file.name} lists it, but {level}.txt has nothing of it; get the file again"
            )
