"""The whole idea in a few minutes, offline: a hand the bundled model has never seen, learnt from pictures alone.

The pictures in `lines/` carry their transcriptions, which only the score at the end looks at; `lines/about.json` says
where they come from and under which licence.
"""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scriven.base import atomic, evenly
from scriven.base.progress import progress
from scriven.jobs.adapt import Adapted, AdaptSettings, adapt
from scriven.jobs.read import NO_LM, OWN_LM, ReadSettings, load, read_items
from scriven.lines import Line, LinesFolder, Reading
from scriven.metrics import Difference, Score, paired_difference, score
from scriven.page.inputs import items, sources
from scriven.reader.model import DEFAULT
from scriven.report import Html, Picture, headline, legend, page, pictures, rounds, save, section, text
from scriven.selftrain.report import pseudo_label_pictures, title_of
from scriven.selftrain.rounds import last_kept

log = logging.getLogger("scriven.demo")

LINES = Path(__file__).parent / "lines"
MINUTES = 6.5  # of adaptation; reading before and after and the start come on top
SHOWN = 24  # pictures in the report


@dataclass(frozen=True)
class Demo:
    """What the demo showed. `n` pictures were read before and after; they are the pictures that were adapted to."""

    folder: Path
    before: Score
    after: Score
    optical: Score  # after, without the language model that the new model is read with
    difference: Difference
    seconds: float
    adapted: Adapted


def demo(parent: Path = Path("scriven-demo"), minutes: float = MINUTES, model: str | Path = DEFAULT) -> Demo:
    """Adapt `model` to the bundled pictures without their labels; a fresh folder gets `report.html`, `result.json`."""
    begun, settings = time.monotonic(), AdaptSettings(minutes=minutes)
    folder = _fresh(parent)
    lines = list(LinesFolder(LINES).lines())
    log.info("reading %d lines of a hand that %s has never seen", len(lines), model)
    before = _readings(model, len(lines), NO_LM)
    adapted = adapt([LINES], folder / "model", parent=model, settings=settings)
    after, optical = _readings(folder / "model", len(lines)), _readings(folder / "model", len(lines), NO_LM)
    texts, pages = [line.text or "" for line in lines], [line.page for line in lines]
    read = [[found[line.id].text for line in lines] for found in (before, after, optical)]
    done = Demo(
        folder,
        score(texts, read[0], groups=pages),
        score(texts, read[1], groups=pages),
        score(texts, read[2], groups=pages),
        paired_difference(texts, read[0], read[1], groups=pages),
        time.monotonic() - begun,
        adapted,
    )
    with atomic(folder / "result.json", "w") as file:
        json.dump(as_json(done), file, indent=2)
    save(folder / "report.html", _report(done, lines, before, after))
    return done


def as_json(done: Demo) -> dict[str, Any]:
    """CERs are fractions with their 95 % intervals; `n` lines; `seconds` for everything.

    `cer_after` is what reading with the new model gives, `cer_after_without_lm` the same without its language model.
    """
    return {
        "cer_before": done.before.cer,
        "cer_after": done.after.cer,
        "cer_after_without_lm": done.optical.cer,
        "interval_before": list(done.before.interval),
        "interval_after": list(done.after.interval),
        "interval_after_without_lm": list(done.optical.interval),
        "interval_of_change": list(done.difference.interval),
        "n": done.before.n,
        "seconds": round(done.seconds, 1),
        "helped": done.adapted.helped,
        "rounds": done.adapted.rounds,
    }


def _fresh(parent: Path) -> Path:
    number = 1
    folder = parent
    while folder.exists():
        number += 1
        folder = parent.with_name(f"{parent.name}-{number}")
    folder.mkdir(parents=True)
    return folder


def _readings(model: str | Path, total: int, lm: str = OWN_LM) -> dict[str, Reading]:
    reader, decoder = load(model, ReadSettings(lm=lm))
    every = (item for source in sources([LINES], []) for item in items(source, []))
    found: dict[str, Reading] = {}
    for _, reading in read_items(every, reader, decoder, []):
        found[reading.id] = reading
        progress("reading", len(found), total)
    return found


def _report(done: Demo, lines: Sequence[Line], before: dict[str, Reading], after: dict[str, Reading]) -> Html:
    about = LinesFolder(LINES).about
    shown = evenly([line for line in lines if line.text], SHOWN)
    believed = last_kept(done.adapted.folder, done.adapted.rounds)
    return page(
        title_of(done.adapted.rounds),
        [
            section(
                "Result",
                headline(
                    [
                        ("wrong characters (CER) before", _percent(done.before.cer), _between(done.before)),
                        ("wrong characters (CER) after", _percent(done.after.cer), _between(done.after)),
                        ("lines", str(done.before.n), f"{done.seconds / 60:.1f} minutes"),
                    ]
                ),
                text(*_result(done, lines)),
            ),
            section(
                "Before and after",
                text(f"{len(shown)} of the {len(lines)} lines, evenly spread, not chosen by hand."),
                legend(),
                pictures(_pairs(shown, before, after), wide=True),
            ),
            *([section("Pseudo-labels", *pseudo_label_pictures(believed))] if believed else []),
            section("Round by round, without labels", rounds(done.adapted.rounds)),
            section("The pictures", text(f"{about['title']}. {about['attribution']}. Licence: {about['licence']}.")),
        ],
        f"The model that comes with Scriven met {done.before.n} lines of a hand it had never seen.",
    )


def _result(done: Demo, lines: Sequence[Line]) -> list[str]:
    """What the numbers say, a paragraph each."""
    texts = [line.text or "" for line in lines]
    curly = sum(words.count("’") for words in texts)
    if not done.adapted.helped:
        return [
            f"Nothing was learnt, and the old weights are kept: {done.adapted.why}. So before and after are the same "
            f"model. A run of less than {MINUTES:g} minutes may be too short."
        ]
    said = [
        f"{_change(done)} No transcription was used to learn; they only make this score.",
        "These are the pictures that were adapted to: what a collection is worth when you adapt to it and read it.",
    ]
    if done.optical != done.after:
        said.insert(
            1,
            "The new model is read with the language model that it learnt by, which is made of word frequencies. "
            f"Without it the error rate is {_percent(done.optical.cer)}.",
        )
    if curly:
        said.append(
            f"The transcriptions have typographic apostrophes: ’ is {curly:,} of their {sum(map(len, texts)):,} "
            "characters. Where the model writes ' instead, that counts as an error."
        )
    if done.adapted.why:
        kept = done.adapted.rounds[-1]["accepted"]
        said.append(f"{'Learning ended early' if kept else 'The last round was not kept'}: {done.adapted.why}.")
    return said


def _change(done: Demo) -> str:
    change, (low, high) = 100 * done.difference.difference, (100 * end for end in done.difference.interval)
    way = "fell" if change < 0 else "rose"
    said = f"{way} by {abs(change):.1f} percentage points" if round(change, 1) else "stayed the same"
    interval = f"{low:+.1f} to {high:+.1f}".replace("-", "−")
    return (
        f"The error rate {said} (from {_percent(done.before.cer)} to {_percent(done.after.cer)}). "
        f"95 % interval of the change: {interval} points, drawn by page."
    )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _between(value: Score) -> str:
    return f"95 % interval: {_percent(value.interval[0])} to {_percent(value.interval[1])}"


def _pairs(lines: Sequence[Line], before: dict[str, Reading], after: dict[str, Reading]) -> list[Picture]:
    shown = []
    for line in lines:
        reading = after[line.id]
        sure = [c.confidence for c in reading.characters]
        shown.append(Picture(line.image, reading.text, line.text, sure, before=before[line.id].text))
    return shown
