"""The job of `demo`: pictures in, an adapted model and a report of the readings before and after out."""

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from scriven.base import atomic, evenly
from scriven.base.progress import progress
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.jobs.demo.letters import write_letters
from scriven.jobs.demo.pictures import Key, key_of, listed, opened
from scriven.jobs.demo.report import report
from scriven.jobs.demo.result import Demo, compare
from scriven.jobs.demo.settings import DemoSettings
from scriven.jobs.read import NO_LM, OWN_LM, ReadSettings, load
from scriven.jobs.read_lines import read_lines
from scriven.lines import Reading
from scriven.page.inputs import LinePicture
from scriven.reader.model import DEFAULT_MODEL, own_language, read_info
from scriven.report import save

log = logging.getLogger("scriven.demo")


def demo(
    pictures: Sequence[str | Path] = (),
    out: str | Path = "scriven-demo",
    *,
    model: str | Path = DEFAULT_MODEL,
    settings: DemoSettings | None = None,
) -> Demo:
    """Read pictures with `model`, adapt it to them without labels, and read them again.

    `pictures`: inputs as in `adapt`; without any, a box of letters is drawn into `out/letters`. `out` becomes a new
    folder, numbered if it exists, with `report.html`, `result.json` and the adapted model in `model`. Transcriptions
    (of a lines folder, a CSV or a text file beside a picture) are used for the error rates only, never for training.
    Raises InputError for too few pictures.

    >>> import scriven
    >>> from scriven.jobs.demo.settings import DemoSettings
    >>> result = scriven.demo(["scans/"], "my-demo", settings=DemoSettings(minutes=0.1))
    >>> (result.folder / "report.html").exists()
    True
    """
    begun, settings = time.monotonic(), settings or DemoSettings()
    found, skipped = listed(pictures) if pictures else ({}, [])
    folder, inputs = _fresh(Path(out)), list(pictures)
    if not inputs:
        log.info("drawing a box of letters in a typeface that no bundled model was trained on")
        inputs = [write_letters(folder / "letters", settings.letters)]
        found, skipped = listed(inputs)
    wanted = evenly(list(found), settings.pictures)
    log.info("reading %d pictures with %s", len(wanted), model)
    before = _readings(model, inputs, wanted)
    adapted = adapt(inputs, folder / "model", parent=model, settings=AdaptSettings(minutes=settings.minutes))
    after = _readings(adapted.folder, inputs, wanted) if adapted.helped else before
    with_lm = adapted.helped and own_language(adapted.folder, read_info(adapted.folder)) is not None
    without_lm = _readings(adapted.folder, inputs, wanted, NO_LM) if with_lm else after
    read = [key for key in wanted if key in before and key in after and key in without_lm]
    scored = compare([found[key] for key in read], before, after, without_lm)
    lost = tuple(dict.fromkeys((*skipped, *adapted.skipped)))  # both contain inputs that cannot be opened
    done = Demo(folder, len(read), not pictures, scored, adapted, time.monotonic() - begun, lost)
    with atomic(folder / "result.json", "w") as file:
        json.dump(done.as_json(), file, indent=2)
    shown = (item for item in opened(inputs, set(evenly(read, settings.shown))) if isinstance(item, LinePicture))
    save(done.page, report(done, shown, found, before, after))
    return done


def _fresh(out: Path) -> Path:
    """A new folder: `out`, or the first of `out-2`, `out-3` ... that does not exist."""
    number, folder = 1, out
    while folder.exists():
        number += 1
        folder = out.with_name(f"{out.name}-{number}")
    folder.mkdir(parents=True)
    return folder


def _readings(
    model: str | Path, inputs: Sequence[str | Path], wanted: Sequence[Key], lm: str = OWN_LM
) -> dict[Key, Reading]:
    """The readings of a model; pictures that cannot be prepared are left out."""
    reader, decoder = load(model, ReadSettings(lm=lm))
    found: dict[Key, Reading] = {}
    for entry in read_lines(opened(inputs, set(wanted)), reader, decoder):
        if isinstance(entry, tuple):
            item, reading = entry
            found[key_of(item)] = reading
        progress("reading", len(found), len(wanted))
    return found
