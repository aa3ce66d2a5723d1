"""read: pictures in, text out. One bad picture costs that picture only."""

import json
import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import IO, Literal

from scriven.base import (
    InputError,
    LinesError,
    OutputError,
    SettingsError,
    Skipped,
    atomic,
    listed,
)
from scriven.base.progress import progress
from scriven.base.settings import Threads, validated
from scriven.estimate.cer import FEWEST, VIEWED, Estimate, EvenSample, estimated
from scriven.language.load import language_model, word_list
from scriven.lines import Reading
from scriven.page.inputs import Item, Source, items, sources
from scriven.page.transcripts import SUFFIXES, Transcript, format_of
from scriven.reader.decoding import Decoder, DecodeSettings
from scriven.reader.model import DEFAULT, find_model, own_language
from scriven.reader.session import Picture, Reader

log = logging.getLogger("scriven")

ABOUT = "about.json"  # what a folder of results says of itself
OWN_LM, NO_LM = "own", "none"  # what ReadSettings.lm says besides files and languages
PAGE_HEIGHT, PAGE_LETTERS, PAGES_NAMED = 600, 3, 5  # px, characters read, warnings
VIEW_ONE_IN, VIEW_LEAST = 10, 30  # the estimate reads one line in ten once more, of few lines so many


@validated
@dataclass(frozen=True)
class ReadSettings(DecodeSettings):
    """How to read: DecodeSettings, and the machine and the knowledge to read with."""

    engine: str = "onnxruntime"  # or openvino
    device: str = "cpu"
    threads: Threads | None = None  # None: one for each core
    lm: str = OWN_LM  # the model's own, if it brings one; none; a file of a language model; or a language such as fr
    words: Path | None = None  # a file with one word a line
    level: Literal["words", "lines"] | None = None  # in a lines folder that holds both
    split: str | None = None  # of a lines folder; None: all
    adapt: bool = False  # learn the pictures first: a page or a letter

    def only_reading(self, command: str) -> "ReadSettings":
        """These settings, for a command that reads with a model as it is. Raises SettingsError for `adapt`."""
        if self.adapt:
            raise SettingsError(f"`{command}` takes a model as it is; adapt is a setting of `read`, so leave it out")
        return self


@dataclass
class Outcome:
    """What became of the inputs."""

    read: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    of_source: dict[str, list[Skipped]] = field(default_factory=dict, compare=False)  # of each that was gone through
    estimate: Estimate | None = field(default=None, compare=False)  # of the error rate, where there are lines enough


Seen = EvenSample[tuple[Picture, Reading]]  # some of the pictures and what was read in them


def read(
    inputs: Sequence[str | Path],
    model: str | Path = DEFAULT,
    out: Path | None = None,
    format: str | None = None,
    settings: ReadSettings | None = None,
    stream: IO[str] | None = None,
) -> Outcome:
    """Read pictures, folders of pictures, patterns, lines folders, CSV files, PDFs or `-` (standard input).

    Writes to `stream` (standard output) or to `out`: one file an input, or one file for all where `out` ends as the
    format's files do (.txt, .json, .tsv, .csv). Without `format`, the ending of `out` decides, else it is text. A
    finished `out` is refused, one begun by the same call is continued: what is not there yet is read, and every input
    of which something was left out. Raises InputError when nothing could be read, naming the inputs; other failures
    are in the outcome. The error rate of ten readings or more is estimated, and logged.
    """
    settings = settings or ReadSettings()
    outcome = Outcome()
    format, one_file = format_of(out, format, SUFFIXES, "text")
    found = sources(inputs, outcome.skipped, reserved=("about",))
    used = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items()}
    about: dict[str, object] = {"command": "read", "model": str(model), "format": format, "settings": used}
    about["inputs"] = [str(i) for i in inputs]
    if out is not None and one_file and out.exists():
        raise OutputError(f"{out} exists; choose another -o or delete it")
    unread = found if out is None or one_file else _unread(out, about, found, format)
    reader, decoder = load(model, settings)
    if settings.adapt:  # to all pictures, also where only some are still to be read; and nothing is begun before
        every, reader, pseudo_label_decoder = _adapted(
            _items(found, outcome, settings), model, reader, decoder, settings
        )
        decoder = decoder if settings.lm == NO_LM else pseudo_label_decoder
        wanted: Iterable[Item] = [item for item in every if item.source in unread]
    else:
        wanted = _items(unread, outcome, settings)
    if out is not None and not one_file and not (out / ABOUT).is_file():
        _save(out, {**about, "lacking": [], "finished": False})
    seen: Seen = EvenSample()
    readings = _counted(read_items(wanted, reader, decoder, outcome.skipped, seen, outcome.of_source), outcome)
    if out is None:
        _write_all(readings, stream or sys.stdout, format, None, outcome)
    elif one_file:
        with atomic(out, "w") as file:
            _write_all(readings, file, format, out.parent, outcome)
    else:
        _write_each(readings, out, format, outcome)
        _note(out, finished=not outcome.skipped)
    if outcome.read >= FEWEST and not settings.adapt:  # two views agree better on what was just learnt, right or wrong
        looked = seen.chosen(min(VIEWED, max(VIEW_LEAST, outcome.read // VIEW_ONE_IN)))
        outcome.estimate = estimated(reader, decoder, looked, outcome.read)
    if outcome.estimate:
        log.info("%s, for these %d readings", outcome.estimate.sentence(), outcome.read)
    return outcome


def load(model: str | Path, settings: ReadSettings) -> tuple[Reader, Decoder]:
    """The reader of a model, and the decoder with the language model and the words that the settings name.

    A model brings its own language model where `adapt` left one in its folder.
    """
    reader = Reader.load(model, settings.engine, settings.device, settings.threads)
    named: str | None = None if settings.lm == NO_LM else settings.lm
    if settings.lm == OWN_LM:
        named = str(own) if (own := own_language(find_model(model), reader.info)) else None
    lm = language_model(named) if named else None
    words = word_list(settings.words, reader.charset) if settings.words else ()
    return reader, Decoder(reader.info, settings, lm, words)


def _items(found: Iterable[Source], outcome: Outcome, settings: ReadSettings) -> Iterator[Item]:
    for source in found:
        before = len(outcome.skipped)
        try:
            yield from items(source, outcome.skipped, settings.level, settings.split)
        except LinesError as error:  # costs the rest of this folder only
            outcome.skipped.append(Skipped(str(source.path), str(error)))
        outcome.of_source[source.name] = outcome.skipped[before:]


def _adapted(
    wanted: Iterable[Item], model: str | Path, reader: Reader, decoder: Decoder, settings: ReadSettings
) -> tuple[list[Item], Reader, Decoder]:
    """All items, and a reader that has learnt their pictures, with its decoder.

    Needs the extra `train`. Raises SettingsError.
    """
    from scriven.selftrain.test_time import adapted, bounded

    if settings.engine != ReadSettings.engine:
        raise SettingsError(f"adapt learns with torch, not with {settings.engine}; leave the setting engine out")
    every = bounded(wanted)
    return every, *adapted(every, model, reader, decoder, settings.device, settings.threads)


def _counted(readings: Iterator[tuple[Item, Reading]], outcome: Outcome) -> Iterator[tuple[Item, Reading]]:
    for item, reading in readings:
        outcome.read += 1
        if outcome.read % 20 == 0:
            progress("read", outcome.read, None)
        yield item, reading
    if outcome.read >= 20:
        progress("read", outcome.read, outcome.read)


def read_items(
    every: Iterable[Item],
    reader: Reader,
    decoder: Decoder,
    skipped: list[Skipped],
    seen: Seen | None = None,
    closed: Mapping[str, list[Skipped]] | None = None,
) -> Iterator[tuple[Item, Reading]]:
    """Readings of items, in order; pictures that cannot be prepared go to `skipped`. Items lose their picture.

    `seen` is offered every prepared picture with its reading. `closed` lists, by the names of their sources, what was
    refused of those whose items have all come; what is refused of them later joins it.
    """
    waiting: deque[tuple[Item, Picture]] = deque()

    def prepared() -> Iterator[Picture]:
        for item in every:
            assert item.picture is not None
            try:
                picture = reader.prepare(item.id, item.picture)
            except InputError as error:
                skipped.append(Skipped(item.id, str(error)))
                if closed is not None and item.source.name in closed:
                    closed[item.source.name].append(skipped[-1])
                continue
            waiting.append((replace(item, picture=None), picture))
            yield picture

    pages = 0
    for reading in reader.read_prepared(prepared(), decoder):
        item, picture = waiting.popleft()
        if _page(picture, reading):
            pages += 1
            if pages <= PAGES_NAMED:
                log.warning("%s looks like a whole page, and only lines are read so far; cut it into pictures of lines",
                            item.id)  # fmt: skip
        if seen is not None:
            seen.offer((picture, reading))
        yield item, reading


def _page(picture: Picture, reading: Reading) -> bool:
    """Whether a picture, far too high for one line, was read as next to nothing."""
    height = picture.ink.shape[0] * picture.scale
    return height >= PAGE_HEIGHT and height > picture.width / 3 and len(reading.text) <= PAGE_LETTERS


def _write_all(
    readings: Iterable[tuple[Item, Reading]], file: IO[str], format: str, folder: Path | None, outcome: Outcome
) -> None:
    transcript = Transcript(file, format, folder)
    for item, reading in readings:
        transcript.add(item, reading)
    transcript.close(outcome.skipped)
    _something(outcome)


def _write_each(readings: Iterable[tuple[Item, Reading]], out: Path, format: str, outcome: Outcome) -> None:
    """One file a source; a file appears when its source is done."""
    for source, some in groupby(readings, lambda pair: pair[0].source):
        with atomic(out / f"{source.name}{SUFFIXES[format]}", "w") as file:
            transcript = Transcript(file, format, out)
            for item, reading in some:
                transcript.add(item, reading)
            left_out = outcome.of_source.get(source.name, ())
            transcript.close(left_out)
            if left_out:
                _note(out, source.name, lacking=True)  # before the file is there: whenever it is, this is known
        if not left_out:
            _note(out, source.name)
    if all(file.name == ABOUT for file in out.glob(f"*{SUFFIXES[format]}")):
        _something(outcome)


def _something(outcome: Outcome) -> None:
    if not outcome.read and outcome.skipped:
        raise InputError(f"nothing could be read:{listed(outcome.skipped)}")


def _unread(out: Path, about: dict[str, object], found: list[Source], format: str) -> list[Source]:
    """The sources that are still to be read, or lack something, in a folder of results that is new or was begun so."""
    file, lacking = out / ABOUT, list[str]()
    if file.is_file():
        try:
            old = json.loads(file.read_text("utf-8"))
        except ValueError:
            old = {}
        if old.pop("finished", True):
            raise OutputError(f"{out} is finished; choose another -o")
        lacking = old.pop("lacking", [])
        if old != about:
            raise OutputError(f"{out} was begun with other settings; choose another -o or delete it")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists and was not begun by this command; choose another -o")
    return [s for s in found if s.name in lacking or not (out / f"{s.name}{SUFFIXES[format]}").is_file()]


def _note(out: Path, name: str = "", lacking: bool = False, finished: bool = False) -> None:
    """Keep in about.json whether the file of a source lacks what could not be read, and whether all is done."""
    about = json.loads((out / ABOUT).read_text("utf-8"))
    before = set(about.get("lacking", ()))
    names = before | {name} if lacking else before - {name}
    changed = {**about, "lacking": sorted(names), "finished": finished}
    if changed != about:
        _save(out, changed)


def _save(out: Path, about: dict[str, object]) -> None:
    with atomic(out / ABOUT, "w") as stream:
        json.dump(about, stream, indent=2, ensure_ascii=False)
