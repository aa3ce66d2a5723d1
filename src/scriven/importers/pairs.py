"""Pictures with a text file beside each: `x.png` and `x.gt.txt` (ocropy, kraken, Tesseract, Calamari)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from scriven.base import ImageError, LinesError, SettingsError, Skipped, printable
from scriven.images import count_pages
from scriven.importers.common import (
    Ids,
    ImportItem,
    folder,
    from_file,
    item,
    page_number,
    pictures_under,
    read_text,
    split_of,
)
from scriven.lines import Line
from scriven.lines.paths import same
from scriven.lines.references import PAGED

BINARISED = (".bin", ".nrm", ".dew")  # ocropy writes x.bin.png beside x.png; both belong to x.gt.txt
_XML = re.compile(r"\s*<(\?xml|!doctype|pcgts|alto|html|tei)\b", re.IGNORECASE)


def pairs(source: Path, *, suffix: str = ".gt.txt", split: str = "train") -> Iterator[ImportItem]:
    """Lines of a folder tree of pairs, sorted by path; top-level folders train/, val/, test/ give the split.

    `suffix`: the ending of the text file in place of the extension of the picture, with or without its dot. Other dots
    belong to the name. A TIFF of several pages needs a text with one line per page. Raises LinesError if there is no
    text with that ending.
    """
    if not suffix.strip():
        raise SettingsError("the setting 'suffix' is empty; give the ending of the texts, such as suffix=.txt")
    suffix = f".{suffix}" if suffix[0].isalnum() else suffix
    ids = Ids()
    texts: dict[Path, Path] = {}
    for text in sorted(folder(source, "pairs").rglob("*")):
        if text.name.lower().endswith(suffix.lower()) and not text.name.startswith("."):
            first = texts.setdefault(_stem(text, suffix), text)
            if first != text:
                yield Skipped(_shown(text, source), f"it is a second text beside {first.name}; keep one")
    if not texts:
        raise LinesError(f"{source} has no texts *{suffix}; give their ending, such as --set suffix=.txt")
    pictures: dict[Path, Path] = {}
    for picture in pictures_under(source):
        first = pictures.setdefault(_stem(picture, picture.suffix), picture)
        if first != picture:
            yield Skipped(_shown(picture, source), f"it shares a text with {first.name}; keep one")
    endings = dict(_endings(texts, pictures, suffix))
    for stem, text in texts.items():
        choices = [stem, *(stem.with_name(stem.name + b) for b in BINARISED)]
        match = next((pictures[c] for c in choices if c in pictures), None)
        relative = text.relative_to(source)
        id = ids(relative.with_name(stem.name + ".x"))
        if match is None:
            longer = endings.get(stem)
            todo = f"give the ending of the texts as --set suffix={longer}" if longer else f"put {stem.name}.png there"
            yield Skipped(id, f"there is no picture beside {text}; {todo}")
        else:
            yield from (item(split_of(relative, split), made) for made in _pair(id, match, text))
    for stem, picture in pictures.items():
        base = stem.with_name(stem.name[:-4]) if stem.name.endswith(BINARISED) else stem
        if stem not in texts and base not in texts and stem not in endings:
            yield Skipped(
                ids(picture.relative_to(source)), f"there is no text {base.name}{suffix} beside it; write one"
            )


def _stem(file: Path, suffix: str) -> Path:
    """A path without `suffix`, in NFC for comparison."""
    return Path(same(str(file.with_name(file.name[: -len(suffix)]))))


def _shown(file: Path, source: Path) -> str:
    return printable(file.relative_to(source))


def _pair(id: str, picture: Path, text: Path) -> Iterator[Line | Skipped]:
    """The line of a picture and its text; for a file of several pages, one line per page."""
    try:
        words = read_text(text)
        pages = count_pages(picture) if picture.suffix.lower() in PAGED else 1
    except (LinesError, ImageError) as error:
        yield Skipped(id, str(error))
        return
    rows = [row for row in re.split(r"[\r\n]+", words) if row.strip()]
    if _XML.match(words):
        yield Skipped(id, f"{text.name} is an XML file, not a transcription; export the lines as plain text")
    elif pages == 1 and len(rows) > 1:
        yield Skipped(id, f"its text has {len(rows)} lines and its picture shows one; cut the picture into lines")
    elif pages == 1:
        yield from_file(id, picture, words)
    elif len(rows) != pages:
        yield Skipped(id, f"its picture has {pages} pages and its text {len(rows)} lines; give each page a line")
    else:
        for number, row in enumerate(rows, start=1):
            yield from_file(page_number(id, number), picture, row, part=str(number))


def _endings(texts: Mapping[Path, Path], pictures: Mapping[Path, Path], suffix: str) -> Iterator[tuple[Path, str]]:
    """The full endings of texts that have a picture but a longer ending than `suffix`, by the stems of both.

    For `x.gt.txt` beside `x.png` and the suffix .txt: .gt.txt, by `x.gt` and by `x`.
    """
    for stem in texts.keys() - pictures.keys():
        shorter = stem
        while shorter.suffix:
            shorter = shorter.with_suffix("")
            more = stem.name[len(shorter.name) :]
            if shorter in pictures and shorter not in texts and more.replace(".", "").isalpha():
                ending = more + suffix
                yield stem, ending
                yield shorter, ending
                break
