"""bench: how fast this machine reads, augments, writes and trains, in CPU-seconds of one core; medians over short runs.

The pictures read are drawn here with a stroke font, so that every machine does the same work: words of 64 x 192 px and
lines of 64 x 1024 px, stored as PNG as by `scriven write`.
"""

import logging
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scriven import __version__
from scriven.base import cores, install_command
from scriven.base.settings import Count, Positive, validated
from scriven.images import Grey, decode, encode, one_thread, prepare
from scriven.jobs.bench_augment import changer, changes
from scriven.reader.model import bundled, find_model
from scriven.reader.session import Reader

_log = logging.getLogger("scriven")

HEIGHT, WORD, LINE = 64, 192, 1024  # px
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Packages of the extra `train` that writing and training need.
TRAIN_PACKAGES = ("torch", "lightning_fabric", "uharfbuzz", "freetype", "wordfreq")


@validated
@dataclass(frozen=True)
class BenchSettings:
    """How long to measure; longer runs vary less."""

    runs: Count = 5  # the median is reported
    seconds: Positive = 1.0  # CPU-seconds per run, at least
    words: Count = 64  # pictures of words per pass
    lines: Count = 12  # pictures of lines per pass
    train: bool = True  # also measure writing and training, if their packages are installed


QUICK = BenchSettings(runs=3, seconds=0.3)


@dataclass(frozen=True)
class Measure:
    """One row: number of `unit` per CPU-second of one core, or a size in MB; `value` None: not measured, see `note`."""

    what: str
    value: float | None
    unit: str
    runs: tuple[float, ...] = ()
    n: int = 0  # pictures per run, at least
    note: str = ""


def bench(models: Sequence[str | Path] = (), settings: BenchSettings | None = None) -> list[Measure]:
    """The speed table of this machine, for the given models or all bundled ones. Raises ModelError for a bad model.

    >>> import scriven
    >>> from scriven.jobs.bench import QUICK
    >>> rows = scriven.bench(["scriven-synthetic"], QUICK)  # without it takes a few minutes
    >>> rows[0].what
    'decode and prepare words'
    """
    settings = settings or BenchSettings()
    readers = [(Path(m).name, Reader.load(find_model(m), threads=1)) for m in models or bundled()]
    words = [encode(stroke_picture(WORD, i)) for i in range(settings.words)]
    lines = [encode(stroke_picture(LINE, i)) for i in range(settings.lines)]
    rows = []
    with one_thread():
        for kind, pictures in (("words", words), ("lines", lines)):
            _log.info("decode and prepare %s", kind)
            rows.append(_rate(f"decode and prepare {kind}", kind, len(pictures), _preparing(pictures), settings))
        for name, reader in readers:
            for kind, pictures in (("words", words), ("lines", lines)):
                _log.info("read %s with %s", kind, name)
                work = _reading(reader, pictures)
                rows.append(_rate(f"read {kind}, {name}", kind, len(pictures), work, settings))
        if not readers:
            rows.append(Measure("read", None, "words", note="no bundled model is installed; name one with -m MODEL"))
        rows.append(Measure("peak memory", _peak(), "MB", note="of the process, after reading"))
        rows += augment_rows(settings)
        if settings.train:
            ctc = [reader for _, reader in readers if "ctc" in reader.info.decoders]
            rows += training_rows(settings, ctc[0] if ctc else None)
    return rows


def stroke_picture(width: int, seed: int) -> Grey:
    """(64, width) uint8: letters of a stroke font with vertical jitter, dark on grey paper with a little noise."""
    rng = np.random.default_rng([seed, width])
    image = np.full((HEIGHT, width), 225, np.uint8)
    for left in range(10, width - 24, 19):
        letter = LETTERS[int(rng.integers(len(LETTERS)))]
        place = (left, 42 + int(rng.integers(-3, 4)))
        cv2.putText(image, letter, place, cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 0.8, 40, 1, cv2.LINE_AA)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def _preparing(pictures: Sequence[bytes]) -> Callable[[], object]:
    return lambda: [prepare(decode(data, "a picture"), HEIGHT) for data in pictures]


def _reading(reader: Reader, pictures: Sequence[bytes]) -> Callable[[], object]:
    decoder = reader.decoder()
    return lambda: list(reader.read(((str(i), decode(data, "a picture")) for i, data in enumerate(pictures)), decoder))


def _rate(what: str, unit: str, count: int, work: Callable[[], object], settings: BenchSettings) -> Measure:
    """Measure how many items per second `work` processes, `count` per call; the first call is not measured."""
    work()
    runs, times = [], 0
    for _ in range(settings.runs):
        begun, spent, times = time.process_time(), 0.0, 0
        while spent < settings.seconds:
            work()
            times += 1
            spent = time.process_time() - begun
        runs.append(times * count / spent)
    return Measure(what, statistics.median(runs), unit, tuple(runs), times * count)


def augment_rows(settings: BenchSettings) -> list[Measure]:
    """Speed of the augmentation of lines of 64 x 1024 px, with the time of each in the note."""
    rows, pictures = [], [stroke_picture(LINE, i) for i in range(settings.lines)]
    for what, change in changes().items():
        _log.info("%s", what)
        row = _rate(what, "lines", len(pictures), changer(change, pictures), settings)
        rows.append(replace(row, note=f"{1000 / row.value:.2f} ms each" if row.value else ""))
    return rows


def training_rows(settings: BenchSettings, reader: Reader | None = None) -> list[Measure]:
    """Speed of writing and training, and with a reader that decodes by CTC of cutting lines and assembling new ones.

    If the extra `train` is not installed, rows that name what is missing.
    """
    missing = [package for package in TRAIN_PACKAGES if find_spec(package) is None]
    if missing:
        note = f"needs {', '.join(missing)}: {install_command('train')}"
        return [Measure("write words", None, "words", note=note), Measure("train tiny", None, "words", note=note)]
    from scriven.jobs.bench_training import WRITTEN, rewriter, trainer, writer

    _log.info("write words")
    rows = [_rate("write words, typefaces of Scriven", "words", 100, writer(100), settings)]
    for what, fonts in WRITTEN.items():
        rows.append(_rate(f"write words again, {what}", "words", 400, rewriter(400, fonts), settings))
    rows += stackmix_rows(settings, reader) if reader else []
    rows += scribe_rows(settings)
    _log.info("train tiny, including writing")
    words, work = trainer("tiny")
    rows.append(_rate("train tiny on 64 x 192 words, including writing", "words", words, work, settings))
    rows.append(Measure("peak memory", _peak(), "MB", note="of the process, after training"))
    return rows


def stackmix_rows(settings: BenchSettings, reader: Reader) -> list[Measure]:
    """Speed of cutting lines of 30 characters, beyond that of reading them, and of assembling such lines."""
    from scriven.jobs.bench_stackmix import Benchmark

    _log.info("cut lines and write them, stackmix")
    with Benchmark(reader, 5 * settings.lines) as measured:
        cut = _rate("cut lines, beyond reading them", "lines", len(measured.lines), measured.cut, settings)
        peak = Measure("peak memory", _peak(), "MB", note="of the process, after cutting")
        return [cut, peak, _rate("write lines, stackmix", "lines", *measured.assembler(), settings)]


def scribe_rows(settings: BenchSettings) -> list[Measure]:
    """Speed of the flow scribe for words and lines, and of WordStylist's loop, extrapolated from a few calls."""
    from scriven.jobs.bench_scribes import CALLS, LINE, MEASURED, WORD, FlowBenchmark, wordstylist_loop

    rows = []
    with FlowBenchmark() as flow:
        for kind, shape in (("words", WORD), ("lines", LINE)):
            _log.info("write %s, %s", kind, flow.name)
            what = f"write {kind} of {shape[0]} characters, 64 x {shape[1]} px, {flow.name}"
            rows.append(_rate(what, kind, 2, flow.writer(shape, 2), settings))
    _log.info("write words, WordStylist")
    loop = wordstylist_loop()
    note = f"{loop.word:,.0f} CPU-seconds a word; extrapolated from {MEASURED} calls, without the autoencoder"
    each = tuple(1 / (CALLS * seconds) for seconds in loop.seconds)
    return [*rows, Measure(f"write words, WordStylist, {CALLS:,} calls", 1 / loop.word, "words", each, 1, note)]


def training_columns(network: str, sizes: Mapping[str, Any], seconds: float = 2.0) -> float:
    """Width in px that one core trains on per CPU-second, without making the pictures; network "": the default."""
    from scriven.jobs.bench_training import stepper

    with one_thread():
        columns, step = stepper(network, sizes, 3072)
        return float(_rate("", "px", columns, step, BenchSettings(runs=1, seconds=seconds)).value or 0)


def _peak() -> float | None:
    """Peak memory of this process in MB; None if the system does not report it."""
    if find_spec("resource") is None:
        return None
    import resource

    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024**2 if sys.platform == "darwin" else 1024)


def table_rows(rows: Sequence[Measure]) -> list[dict[str, object]]:
    """Rows for printing: what, rate per CPU-second of one core, slowest and fastest run, pictures per run."""
    return [
        {
            "what": r.what,
            "per CPU-second": "-" if r.value is None or r.unit == "MB" else f"{_number(r.value)} {r.unit}",
            "runs": f"{_number(min(r.runs))} to {_number(max(r.runs))}" if r.runs else "",
            "n": f"{len(r.runs)} x {r.n:,}" if r.runs else "",
            "note": f"{r.value:,.0f} MB, {r.note}" if r.unit == "MB" and r.value is not None else r.note,
        }
        for r in rows
    ]


def _number(value: float) -> str:
    """A rate as text: without decimals from 100 on, with three digits below."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> dict[str, str]:
    """The machine: processor, cores of this process, and the versions of the libraries that do the work."""
    processor = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).is_file():
        names = [
            line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        processor = names[0] if names else processor
    packages = ("onnxruntime", "opencv-python-headless", "numpy", "torch")
    found = {p: _version(p) for p in packages}
    return {
        "processor": processor,
        "cores": str(cores()),
        "scriven": __version__,
        "python": platform.python_version(),
        **found,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def as_json(rows: Sequence[Measure]) -> dict[str, Any]:
    """The machine and all measurements with their runs."""
    return {"machine": machine(), "rows": [{**vars(r), "runs": list(r.runs)} for r in rows]}
