"""Pictures with a text file beside each: `x.png` and `x.gt.txt` (ocropy, kraken, Tesseract, Calamari)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from scriven.base import LinesError, Skipped
from scriven.importers.common import Ids, Item, folder, from_file, item, pictures_under, read_text, split_of

BINARISED = (".bin", ".nrm", ".dew")  # ocropy writes x.bin.png beside x.png; both belong to x.gt.txt


def pairs(source: Path, *, suffix: str = ".gt.txt", split: str = "train") -> Iterator[Item]:
    """Lines of a folder tree of pairs, sorted by path; folders train/, val/, test/ at its top give the split.

    `suffix`: what replaces the picture's suffix in the name of its text. Dots in names are part of the name.
    Raises LinesError when there is no pair at all.
    """
    ids = Ids()
    found = (p for p in sorted(folder(source, "pairs").rglob(f"*{suffix}")) if not p.name.startswith("."))
    texts = {p.with_name(p.name[: -len(suffix)]): p for p in found}
    if not texts:
        raise LinesError(f"{source} holds no texts *{suffix}; give their ending as --set suffix=.txt")
    pictures: dict[Path, Path] = {}
    for picture in pictures_under(source):
        stem = picture.with_name(picture.name[: -len(picture.suffix)])
        if stem in pictures:
            yield Skipped(str(picture.relative_to(source)), f"it shares a text with {pictures[stem].name}; keep one")
        pictures.setdefault(stem, picture)
    endings = dict(_endings(texts, pictures, suffix))
    for stem, text in texts.items():
        choices = [stem, *(stem.with_name(stem.name + b) for b in BINARISED)]
        match = next((pictures[c] for c in choices if c in pictures), None)
        relative = text.relative_to(source)
        id = ids(relative.with_name(stem.name + ".x"))
        if match is None:
            longer = endings.get(stem)
            what_next = (
                f"give the ending of the texts as --set suffix={longer}" if longer else f"put {stem.name}.png there"
            )
            yield Skipped(id, f"there is no picture beside {text}; {what_next}")
            continue
        try:
            words = read_text(text)
        except LinesError as error:
            yield Skipped(id, str(error))
            continue
        yield item(split_of(relative, split), from_file(id, match, words))
    for stem, picture in pictures.items():
        if stem in endings:
            continue  # said of its text
        base = stem.with_name(stem.name[:-4]) if stem.name.endswith(BINARISED) else stem
        if stem not in texts and base not in texts:
            yield Skipped(
                ids(picture.relative_to(source)), f"there is no text {base.name}{suffix} beside it; write one"
            )


def _endings(texts: Mapping[Path, Path], pictures: Mapping[Path, Path], suffix: str) -> Iterator[tuple[Path, str]]:
    """The whole endings of texts that have a picture but end in more than `suffix`, by the stems of both.

    `x.gt.txt` beside `x.png`, where `suffix` is .txt, ends in .gt.txt.
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
