"""Reading the pictures of lines, with warnings of pictures that are no lines."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from scriven.base import InputError, Skipped
from scriven.estimate.sample import EvenSample
from scriven.lines import Reading
from scriven.page.inputs import Entry, Input, LinePicture
from scriven.reader.decoder_contract import Decoder, Frames
from scriven.reader.session import Picture, Reader

log = logging.getLogger("scriven")

PAGE_HEIGHT, PAGE_CHARACTERS, PAGES_NAMED = 600, 3, 5  # px, characters read, warnings
SIDEWAYS = 3  # times as high as wide

Sample = EvenSample[tuple[Picture, Reading]]  # some of the prepared pictures and what was read in them


def read_lines(
    entries: Iterable[Entry], reader: Reader, decoder: Decoder, sample: Sample | None = None
) -> Iterator[tuple[LinePicture, Reading] | Input | Skipped]:
    """Read the pictures among entries; inputs and skipped ones are passed through in order.

    Pictures that cannot be prepared become Skipped. Every prepared picture and its reading are offered to `sample`.
    """
    for entry in read_frames(entries, reader, decoder, sample):
        yield entry[:2] if isinstance(entry, tuple) else entry


def read_frames(
    entries: Iterable[Entry], reader: Reader, decoder: Decoder, sample: Sample | None = None
) -> Iterator[tuple[LinePicture, Reading, Frames] | Input | Skipped]:
    """As `read_lines`, each reading with the frames (T, D) that were decoded."""
    waiting: deque[tuple[LinePicture, Picture] | Input | Skipped] = deque()

    def prepared() -> Iterator[Picture]:
        for entry in entries:
            if not isinstance(entry, LinePicture):
                waiting.append(entry)
                continue
            assert entry.picture is not None
            try:
                picture = reader.prepare(entry.id, entry.picture)
            except InputError as error:
                waiting.append(Skipped(entry.id, str(error)))
                continue
            waiting.append((replace(entry, picture=None), picture))
            yield picture

    warnings = _PageWarnings()
    for stretched, frames in reader.frames(prepared()):
        reading = decoder.reading(stretched.id, frames, stretched.scale, stretched.width)
        while not isinstance(first := waiting.popleft(), tuple):
            yield first
        entry, picture = first
        warnings.look(picture, reading)
        if sample is not None:
            sample.offer((picture, reading))
        yield entry, reading, frames
    yield from (entry for entry in waiting if not isinstance(entry, tuple))
    warnings.close()


class _PageWarnings:
    """Warns of pictures that are far too high for one line and in which almost no text was read."""

    def __init__(self) -> None:
        self.pages = 0

    def look(self, picture: Picture, reading: Reading) -> None:
        height = picture.ink.shape[0] * picture.scale
        if height < PAGE_HEIGHT or height <= picture.width / 3 or len(reading.text) > PAGE_CHARACTERS:
            return
        self.pages += 1
        if self.pages > PAGES_NAMED:
            return
        if height > SIDEWAYS * picture.width:
            log.warning("%s may be a line turned by 90 degrees; rotate it", picture.id)
        else:
            log.warning("%s looks like a whole page, and only lines can be read; cut it into pictures of lines",
                        picture.id)  # fmt: skip

    def close(self) -> None:
        if self.pages > PAGES_NAMED:
            log.warning("%d more pictures look like whole pages or lines turned by 90 degrees",
                        self.pages - PAGES_NAMED)  # fmt: skip
