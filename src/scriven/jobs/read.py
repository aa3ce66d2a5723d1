"""read: pictures in, text out. A picture that cannot be read does not affect the others."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

from scriven.base import LinesError, OutputError, SettingsError, Skipped, atomic
from scriven.base.progress import progress
from scriven.base.settings import Threads, validated
from scriven.estimate.cer import MAX_VIEWED, MIN_LINES, CerEstimate, estimate_cer
from scriven.jobs import results
from scriven.jobs.read_lines import Sample, read_lines
from scriven.language.load import language_model, word_list
from scriven.page import Page, PageLine, lines_of
from scriven.page.formats import FORMATS, Format, choose_format
from scriven.page.inputs import Entry, Input, LinePicture, find_inputs, line_pictures, unique_ids
from scriven.reader.decoder_contract import Decoder, DecodeSettings
from scriven.reader.model import DEFAULT_MODEL, find_model, own_language
from scriven.reader.session import Reader

log = logging.getLogger("scriven")

OWN_LM, NO_LM = "own", "none"  # values of ReadSettings.lm beside files and languages
LM_HINT = "no language model is used; that of the language often corrects errors: --lm CODE, such as --lm fr"
VIEW_ONE_IN, VIEW_LEAST = 10, 30  # one line in ten is read twice for the estimate, but at least 30


@validated
@dataclass(frozen=True)
class ReadSettings(DecodeSettings):
    """How to read: DecodeSettings, the machine, the language model and the words."""

    engine: str = "onnxruntime"  # or openvino
    device: str = "cpu"
    threads: Threads | None = None  # None: one per core
    lm: str = OWN_LM  # the model's own, if it has one; none; a file of a language model; or a language such as fr
    words: Path | None = None  # a file with one word per line
    level: Literal["words", "lines"] | None = None  # in a lines folder that has both
    split: str | None = None  # of a lines folder; None: all
    adapt: bool = False  # adapt the model to the pictures before they are read: a page or a letter

    def only_reading(self, command: str) -> "ReadSettings":
        """These settings, for a command that reads with a model as it is. Raises SettingsError for `adapt`."""
        if self.adapt:
            raise SettingsError(f"`{command}` takes a model as it is; adapt is a setting of `read`, so leave it out")
        return self


@dataclass
class ReadResult:
    """The result of `read`.

    `pages`: in the order of the inputs; empty if they were written to files and not kept. `read`: number of lines.
    `estimate`: their estimated character error rate, if there are enough of them.
    """

    pages: list[Page] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    read: int = 0
    estimate: CerEstimate | None = field(default=None, compare=False)

    @property
    def lines(self) -> list[PageLine]:
        """The lines of all pages."""
        return lines_of(self.pages)

    @property
    def text(self) -> str:
        """The text of all lines, one per line."""
        return "\n".join(line.text for line in self.lines)


class PageStream:
    """An iterator over pages that reads ahead only a little; it can be used once.

    `result` is complete when the iteration ends; it does not hold the pages.
    """

    def __init__(
        self,
        inputs: str | Path | Iterable[str | Path],
        model: str | Path,
        settings: ReadSettings,
        loaded: tuple[Reader, Decoder] | None = None,
    ):
        """`loaded`: reader and decoder, if they are loaded already."""
        given = [inputs] if isinstance(inputs, str | Path) else inputs
        self.inputs, skipped = find_inputs(given, reserved=(results.ABOUT_FILE.stem,))
        self.model, self.settings, self.loaded = model, settings, loaded
        self.result = ReadResult(skipped=skipped)

    def __iter__(self) -> Iterator[Page]:
        return (entry for entry in self.entries() if isinstance(entry, Page))

    def entries(self, only: Sequence[Input] | None = None) -> Iterator[Input | Page | Skipped]:
        """Every input, each followed by its pages and what was skipped of it. The model is loaded immediately.

        `only`: read these inputs; with the setting `adapt` the model is still adapted to all of them. Ids are unique
        over all inputs; with `only`, within each input.
        """
        reader, decoder = self.loaded or load(self.model, self.settings)
        wanted = self.inputs if only is None else only
        found = _opened(self.inputs if self.settings.adapt else wanted, self.settings)
        if self.settings.adapt:
            every, reader, lm_decoder = adapted_reader(found, self.model, reader, decoder, self.settings)
            decoder = decoder if self.settings.lm == NO_LM else lm_decoder
            found = _of_inputs(every, wanted)
        return self._read(unique_ids(found) if only is None else found, reader, decoder)

    def collect(self) -> ReadResult:
        """Read everything and keep the pages. Raises InputError if nothing could be read."""
        self.result.pages += self
        results.check(self.result.read, self.result.skipped)
        return self.result

    def _read(self, found: Iterable[Entry], reader: Reader, decoder: Decoder) -> Iterator[Input | Page | Skipped]:
        result, sample = self.result, Sample(MAX_VIEWED)
        for entry in read_lines(found, reader, decoder, sample):
            if isinstance(entry, Skipped):
                result.skipped.append(entry)
            if isinstance(entry, Input | Skipped):
                yield entry
                continue
            picture, reading = entry
            result.read += 1
            if result.read % 20 == 0:
                progress("read", result.read, None)
            yield picture.as_page(reading)
        if result.read >= 20:
            progress("read", result.read, result.read)
        if result.read >= MIN_LINES and not self.settings.adapt:  # else both views agree, right or not
            viewed = sample.chosen(min(MAX_VIEWED, max(VIEW_LEAST, result.read // VIEW_ONE_IN)))
            result.estimate = estimate_cer(reader, decoder, viewed, result.read)
        if result.estimate:
            log.info("%s", result.estimate.sentence())
            if decoder.lm is None and self.settings.lm != NO_LM:
                log.info("%s", LM_HINT)


def read_pages(
    inputs: str | Path | Iterable[str | Path], model: str | Path = DEFAULT_MODEL, settings: ReadSettings | None = None
) -> PageStream:
    """As `read`, but returns an iterator over the pages, for inputs that do not fit into memory.

    stream = read_pages("scans/")
    for page in stream:
        print(page.id, page.text)
    print(stream.result.skipped, stream.result.estimate)
    """
    return PageStream(inputs, model, settings or ReadSettings())


def read(
    inputs: str | Path | Iterable[str | Path],
    model: str | Path = DEFAULT_MODEL,
    out: str | Path | None = None,
    format: str | None = None,
    settings: ReadSettings | None = None,
    stream: IO[str] | None = None,
) -> ReadResult:
    """Read pictures, folders of pictures, patterns, lines folders, CSV files, PDFs or `-` (standard input).

    Returns the pages. With `out` or `stream` they are written there instead and not kept: to one file per input in the
    folder `out`, or to a single file if `out` has the extension of the format (.txt, .json, .tsv, .csv). Without
    `format` the extension of `out` decides; the default is text. An unfinished folder `out` of the same call is
    continued with the inputs that have no complete file.

    The result lists skipped inputs; for ten readings or more it has an estimate of the character error rate, which is
    also logged. Raises InputError if nothing could be read, OutputError if `out` is finished or cannot be written.

    >>> import scriven
    >>> result = scriven.read(["scans/", "line.png"])
    >>> result.read == len(result.lines) == 13
    True
    >>> result.skipped
    []
    """
    settings = settings or ReadSettings()
    out = None if out is None else Path(out)
    name, one_file = choose_format(out, format, {key: value.suffix for key, value in FORMATS.items()}, "text")
    if out is not None and one_file and out.exists():
        raise OutputError(f"{out} exists; choose another -o or delete it")
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    pages = PageStream(given, model, settings)
    result, write = pages.result, FORMATS[name].write
    if out is not None and not one_file:
        about = {"command": "read", "model": str(model), "format": name, "settings": settings_as_json(settings)}
        _write_folder(pages, out, {**about, "inputs": [str(i) for i in given]}, FORMATS[name])
        return result
    every = chain(tuple(result.skipped), (e for e in pages.entries() if not isinstance(e, Input)))
    if out is not None:
        with atomic(out, "w") as file:
            write(every, file, out.parent)
            results.check(result.read, result.skipped)
    elif stream is not None:
        write(every, stream, None)
        stream.flush()
    else:
        result.pages += (entry for entry in every if isinstance(entry, Page))
    results.check(result.read, result.skipped)
    return result


def _write_folder(pages: PageStream, out: Path, about: dict[str, Any], format: Format) -> None:
    """Write the missing files of the folder `out`, one per input. Raises OutputError, and InputError as `read` does."""
    defaults = settings_as_json(ReadSettings())
    entries = pages.entries(results.unread(out, about, pages.inputs, format, defaults))
    results.begin(out, about)  # not earlier, so that a refused call leaves no folder
    results.write_each(entries, out, format)
    if not results.any_written(out, format):
        results.check(pages.result.read, pages.result.skipped)
    results.note(out, finished=not pages.result.skipped)


def settings_as_json(settings: ReadSettings) -> dict[str, Any]:
    """The settings as stored in about.json."""
    return {k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items()}


def load(model: str | Path, settings: ReadSettings) -> tuple[Reader, Decoder]:
    """The reader of a model, and a decoder with the language model and the words of the settings.

    An adapted model may have its own language model in its folder.
    """
    reader = Reader.load(model, settings.engine, settings.device, settings.threads)
    named: str | None = None if settings.lm == NO_LM else settings.lm
    if settings.lm == OWN_LM:
        named = str(own) if (own := own_language(find_model(model), reader.info)) else None
    lm = language_model(named) if named else None
    words = word_list(settings.words, reader.charset) if settings.words else ()
    return reader, reader.decoder(settings, lm, words)


def _opened(inputs: Iterable[Input], settings: ReadSettings) -> Iterator[Entry]:
    """Every input, each followed by its pictures."""
    for source in inputs:
        yield source
        try:
            yield from line_pictures(source, settings.level, settings.split)
        except LinesError as error:  # affects the rest of this folder only
            yield Skipped(str(source.path), str(error))


def _of_inputs(entries: Iterable[Entry], wanted: Sequence[Input]) -> Iterator[Entry]:
    """Only the entries of the wanted inputs."""
    inside = False
    for entry in entries:
        inside = entry in wanted if isinstance(entry, Input) else inside
        if inside:
            yield entry


def adapted_reader(
    found: Iterable[Entry], model: str | Path, reader: Reader, decoder: Decoder, settings: ReadSettings
) -> tuple[list[Entry], Reader, Decoder]:
    """All entries, a reader adapted to their pictures, and its decoder.

    Needs the extra `train`. Raises SettingsError for an engine other than the default, and for `ignore_case`.
    """
    from scriven.selftrain.test_time import adapted, bounded

    if settings.engine != ReadSettings.engine:
        raise SettingsError(f"adapt trains with torch, not with {settings.engine}; leave the setting engine out")
    if settings.ignore_case:
        raise SettingsError("adapt learns from readings with their case; leave the setting ignore_case or adapt out")
    every: list[Entry] = []

    def pictures() -> Iterator[LinePicture]:
        for entry in found:
            every.append(entry)
            if isinstance(entry, LinePicture):
                yield entry

    some = bounded(pictures())
    return every, *adapted(some, model, reader, decoder, settings.device, settings.threads)
