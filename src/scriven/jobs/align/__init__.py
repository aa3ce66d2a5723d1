"""align: a page's transcript without line breaks and pictures of its lines in, a labelled lines folder out."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from scriven.base import ImageError, InputError, Skipped, TextError, atomic, counted, listed
from scriven.base.progress import progress
from scriven.images import Grey
from scriven.jobs.align.pages import LinesByPage, PageLineFile
from scriven.jobs.align.placing import AlignSettings, PagePlacing, PlacedLine, check_characters, place_lines
from scriven.jobs.align.texts import page_texts, text_of
from scriven.jobs.folders import filling
from scriven.lines import Line, LinesWriter
from scriven.page.inputs import find_inputs
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import DEFAULT_MODEL
from scriven.reader.session import Picture, Reader

__all__ = ["AlignSettings", "Aligned", "align"]

log = logging.getLogger("scriven")

SUMMARY = "alignment.json"
SHOWN = 60  # characters of a text or a reading in a reason


@dataclass
class Aligned:
    """The result: the lines that were placed, how much of the texts was not, and every line and text left out."""

    out: Path
    placed: list[PlacedLine] = field(default_factory=list)
    pages: int = 0
    characters: int = 0  # of the texts
    unplaced: int = 0  # of these, in no line
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def doubtful(self) -> int:
        """The number of placed lines that are doubtful."""
        return sum(bool(one.doubt) for one in self.placed)

    def sentence(self) -> str:
        """The result in words."""
        some = f"; {counted(self.unplaced, 'character')} of {self.characters:,} in no line" if self.unplaced else ""
        return (
            f"{counted(len(self.placed), 'line')} of {counted(self.pages, 'page')} with their text, "
            f"{self.doubtful} of them doubtful{some}"
        )

    def as_json(self) -> dict[str, Any]:
        """Counts, the placed lines in the order of the folder, and what was left out."""
        return {
            "out": str(self.out),
            "pages": self.pages,
            "lines": len(self.placed),
            "doubtful": self.doubtful,
            "characters": self.characters,
            "characters_left_out": self.unplaced,
            "placed": [one.as_json() for one in self.placed],
            "skipped": [{"id": one.id, "reason": one.reason} for one in self.skipped],
        }


def align(
    text: str | Path,
    lines: str | Path | Sequence[str | Path],
    out: str | Path,
    model: str | Path = DEFAULT_MODEL,
    settings: AlignSettings | None = None,
) -> Aligned:
    """Lay a page's transcript without line breaks onto pictures of its lines: a labelled lines folder `out`.

    `text`: a file with the text of all the lines, or a folder with a file `PAGE.txt` for each page. `lines`: a lines
    folder, or pictures, in reading order. What cannot be placed is in `skipped`. Raises TextError where there is no
    usable text, InputError where no line can be placed, OutputError where `out` exists.

    >>> import scriven
    >>> done = scriven.align("page.txt", "scans/", "aligned")
    >>> len(done.placed)
    12
    """
    settings = settings or AlignSettings()
    texts, unusable = page_texts(text)
    given = [lines] if isinstance(lines, str | Path) else list(lines)
    inputs, missing = find_inputs(given)
    found = LinesByPage.of(inputs, settings.level, settings.split)
    result = Aligned(Path(out), skipped=[*unusable, *missing, *found.skipped])
    if not found.pages:
        raise InputError(f"there is no line; give a lines folder, or pictures of lines:{listed(result.skipped)}")
    reader = Reader.load(model, settings.engine, settings.device, settings.threads)
    reader.decoder(DecodeSettings(decoder="ctc"))  # refused by a model without CTC scores
    about = {
        "command": f"scriven align {text} {' '.join(map(str, given))}",
        "settings": {"model": str(model), **asdict(settings)},
        "seed": None,
        "licence": "",
        "parents": [folder.fingerprint() for folder in found.folders.values()],
    }
    with filling(out, about) as writer:
        _align_pages(_pages(texts, found, result), found, reader, settings, (writer, result))
        if not result.placed:
            raise InputError(f"no line of {' '.join(map(str, given))} can be placed:{listed(result.skipped)}")
        with atomic(result.out / SUMMARY, "w") as file:
            json.dump(result.as_json(), file, indent=1, ensure_ascii=False)
    return result


def _pages(
    texts: dict[str, str] | str, found: LinesByPage, result: Aligned
) -> list[tuple[str, str, list[PageLineFile]]]:
    """The name, the text and the lines of every page that has both; the others become `skipped` of the result."""
    if isinstance(texts, str):
        names = list(found.pages)
        return [(names[0] if len(names) == 1 else "", texts, [one for some in found.pages.values() for one in some])]
    pages, used = list[tuple[str, str, list[PageLineFile]]](), set[str]()
    for page, files in found.pages.items():
        named = text_of(page, texts)
        if named is None:
            why = f"there is no text for its {counted(len(files), 'line')}; the file is to be called {page}.txt"
            result.skipped.append(Skipped(page or "lines without a page", why))
            continue
        used.add(named)
        pages.append((page, texts[named], files))
    for name in sorted(set(texts) - used):
        result.skipped.append(Skipped(f"{name}.txt", "there is no line of this page; compare it with the column page"))
    return pages


def _align_pages(
    pages: Sequence[tuple[str, str, list[PageLineFile]]],
    found: LinesByPage,
    reader: Reader,
    settings: AlignSettings,
    into: tuple[LinesWriter, Aligned],
) -> None:
    """Place the lines of each page, write them, and add to the result what was placed and what was left out."""
    writer, result = into
    written = dict[str, int]()
    for number, (page, text, files) in enumerate(pages, start=1):
        progress("aligning", number, len(pages))
        lines = list[tuple[str, Line, Picture]]()
        for entry in found.lines(files):
            ready = entry if isinstance(entry, Skipped) else _prepared(reader, *entry)
            if isinstance(ready, Skipped):
                result.skipped.append(ready)
            else:
                lines.append(ready)
        try:
            if told := check_characters(page or "the lines", text, reader.charset):
                log.warning("%s", told)
            placing = place_lines(reader, page, [picture for _, _, picture in lines], text, settings)
        except TextError as error:
            result.skipped.append(Skipped(page or "the text", str(error)))
            continue
        if why := placing.misfit(len(text)):
            result.skipped.append(Skipped(page or "the lines", why))
            continue
        result.pages += 1
        result.characters += len(text)
        result.unplaced += sum(end - start for start, end in placing.left)
        result.skipped += _left_out(page, text, [line.id for _, line, _ in lines], placing)
        for i, (split, line, _) in enumerate(lines):
            if (one := placing.placed.get(i)) is None:
                continue
            result.placed.append(one)
            written[split] = written.get(split, 0) + 1
            if written[split] > writer.done.get(split, 0):
                writer.write(_labelled(line, one), split)


def _prepared(reader: Reader, split: str, line: Line, picture: Grey) -> tuple[str, Line, Picture] | Skipped:
    try:
        return split, line, reader.prepare(line.id, picture)
    except ImageError as error:
        return Skipped(line.id, str(error))


def _labelled(line: Line, one: PlacedLine) -> Line:
    """The line with its text: that of a person, laid onto it by a model; why it is doubtful is in a column `doubt`."""
    extra = {**line.extra, "doubtful": bool(one.doubt), "doubt": one.doubt}
    return replace(line, text=one.text, confidence=one.confidence, origin="human", extra=extra)


def _left_out(page: str, text: str, ids: Sequence[str], placing: PagePlacing) -> Iterator[Skipped]:
    """The lines that show no stretch of the text, and the stretches that no line shows."""
    for i, (id, reading) in enumerate(zip(ids, placing.readings, strict=True)):
        if i not in placing.placed:
            yield Skipped(id, f"no part of the text fits it; read in it: {_short(reading)!r}")
    for start, end in placing.left:
        where = f"characters {start:,} to {end:,} of its text are in no line: {_short(text[start:end])!r}"
        yield Skipped(page or "the text", where)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 4]} ..."
