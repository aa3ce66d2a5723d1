"""Rounds of self-training: believe, learn, judge; each leaves its result in a folder, and a stopped run goes on."""

import copy
import json
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from scriven.base import OutputError, atomic, evenly
from scriven.estimate.cer import VIEWED
from scriven.images import encode, widened
from scriven.language.model import CharLM
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.folder import read_about
from scriven.reader.decoders import decoder_of
from scriven.reader.decoding import Decoder, DecodeSettings
from scriven.reader.model import ModelInfo
from scriven.reader.trainable import InputSpec, unusable
from scriven.recognisers.contract import Recogniser
from scriven.scribes.specs import scribe_of
from scriven.selftrain.affine import AffineSettings, tune_affine
from scriven.selftrain.knowledge import Expected
from scriven.selftrain.metrics import UnsupervisedMetrics, assessed, reader_of, unsupervised_metrics
from scriven.selftrain.pace import Pace
from scriven.selftrain.pictures import Pictures, share_of_lines
from scriven.selftrain.pseudo_labels import PseudoLabel, pseudo_label, select
from scriven.selftrain.settings import AdaptSettings
from scriven.training.devices import fabric_of
from scriven.training.fit import Run, Tell, begin, fit
from scriven.training.keep import LOG, WEIGHTS, load_tensors, save_weights
from scriven.training.loader import AugmentSchedule, Mixture, Plan
from scriven.training.progress_log import format_log_row
from scriven.training.sources import FixedSource, FolderSource, ScribeSource, Source

log = logging.getLogger("scriven.adapt")

DONE = "done.json"  # of a round: its row of the log and its seconds; written when it ends
ENOUGH = 600  # pictures that are read for scales and shifts to learn from
AFFINE_LR = 3e-3  # their learning rate
BRIEF = 0.7  # minutes that they may take where a round has less: it is worth more than short ones of all weights
READING = 1 / 3  # of a round's time at most; of pictures that are not read there is nothing to learn
FEW = 100  # pictures that are read however long that takes
LEAST = 0.2  # minutes that all weights learn for; no round begins with less
SHOWN = 40  # pictures that the log of a round is validated on


@dataclass(frozen=True)
class Hand:
    """What stays the same from round to round."""

    out: Path
    info: ModelInfo  # of the parent
    fabric: Fabric
    language: str
    expected: Expected
    learn: Pictures
    check: Pictures  # that only judge
    settings: AdaptSettings

    def decoder(self, lm: CharLM | None = None, words: Sequence[str] = ()) -> Decoder:
        """What reads the pictures, with a language model and a list of words; pictures of words hold no spaces."""
        return decoder_of(self.info, DecodeSettings(word=self.settings.level == "words"), lm=lm, words=words)


@dataclass(frozen=True)
class Start:
    """What can be said of the pictures before anything is learnt."""

    judged: UnsupervisedMetrics  # of the parent
    keep_fraction: float  # of the readings that are labelled in every round


def run_rounds(hand: Hand, net: Recogniser, begun: float) -> tuple[Recogniser, list[dict[str, Any]], str]:
    """The best network, a row a round, and why there is no further one ("" after the last of them).

    Rounds that a stopped process finished are taken from their folders, and their time counts. `begun`: when this
    process did, on the clock of time.monotonic.
    """
    settings, pace = hand.settings, Pace(hand.settings, begun)
    start = _start(hand, net, pace)
    best, ended = start.judged, begun  # of the round before
    rounds: list[dict[str, Any]] = [{"round": 0, "accepted": True, **asdict(best)}]
    for number in range(1, settings.all_rounds + 1):
        pace.tell(number)
        folder = _place(hand.out, number)
        if (folder / DONE).is_file():
            done = read_state(folder / DONE, hand.out)
            pace.earlier(done["seconds"])
        else:
            before = _spent(folder)
            pace.earlier(before)
            tried = number > 1 and (rounds[-1]["accepted"] or not settings.is_affine_round(number - 1))
            if tried and settings.steps is None and pace.left <= LEAST + pace.judging:
                return net, rounds, f"the time of {settings.minutes:g} min was over"
            row = _round(number, hand, net, best, start, pace)
            if row is None:
                return net, rounds, "the model reads nothing at all in these pictures"
            now = time.monotonic()
            done, ended = {"row": row, "seconds": now - ended + before}, now
            with atomic(folder / DONE, "w") as file:
                json.dump(done, file)
        row = done["row"]
        rounds.append(row)
        log.info("round %d: %s", number, row["why"] or "better")
        if not row["accepted"]:
            if settings.is_affine_round(number):
                continue
            return net, rounds, row["why"]
        net = _student(folder, net)
        best = UnsupervisedMetrics(**{f.name: row[f.name] for f in fields(UnsupervisedMetrics)})
    return net, rounds, ""


def _start(hand: Hand, net: Recogniser, pace: Pace) -> Start:
    begun = time.monotonic()
    judged = _judged(hand, net)
    pace.judging = (time.monotonic() - begun) / 60
    decoder = hand.decoder(hand.expected.lm, hand.expected.words)
    found = assessed(reader_of(net, hand.info, hand.fabric), evenly(hand.check, VIEWED), decoder)[1]
    return Start(judged, hand.settings.share_kept(found.cer if found else None))


def _round(
    number: int, hand: Hand, teacher: Recogniser, best: UnsupervisedMetrics, start: Start, pace: Pace
) -> dict[str, Any] | None:
    """Believe, learn and judge; the round's row of the log, or None where the teacher reads nothing at all.

    Each step leaves its result in the round's folder; one that a stopped process has left there is not done again.
    """
    folder, settings = _place(hand.out, number), hand.settings
    minutes = pace.left / settings.to_come(number, pace.left, len(hand.learn))
    ends = pace.spent + minutes - pace.judging
    labelled = _pseudo_labels(folder, hand, teacher, start.keep_fraction, READING * minutes)
    if not labelled:
        return None
    affine_steps = settings.is_affine_round(number)
    if not (folder / WEIGHTS).is_file():
        (_tune_affine if affine_steps else _train)(folder, hand, teacher, ends - pace.spent, partial(pace.tell, number))
    judged = _judged(hand, _student(folder, teacher))
    why = judged.worse_than(best) or judged.drifted(start.judged)
    moved = {"moved": "scales and shifts"} if affine_steps else {}
    told = {"round": number, "accepted": why is None, "why": why or "", "quota": round(start.keep_fraction, 3), **moved}
    return {**told, "pseudo_labels": labelled, **asdict(judged)}


def _judged(hand: Hand, net: Recogniser) -> UnsupervisedMetrics:
    return unsupervised_metrics(reader_of(net, hand.info, hand.fabric), hand.check, hand.expected.lm, hand.decoder())


def _pseudo_labels(folder: Path, hand: Hand, teacher: Recogniser, keep_fraction: float, minutes: float) -> int:
    """The round's labels as a lines folder like any other, origin pseudo, confidence as read; how many there are.

    The pictures are read in an order by chance, so that those that the time does not reach are like the others. They
    are kept as wide as they are read.
    """
    if (read_about(folder / "about.json") or {}).get("finished"):
        return LinesFolder(folder).count("train")
    settings, number, begun = hand.settings, int(folder.name), time.monotonic()
    order = np.random.default_rng([settings.seed, number]).permutation(len(hand.learn)).tolist()
    wanted = hand.learn.some(order[: ENOUGH if settings.is_affine_round(number) else None])
    reader, decoder = reader_of(teacher, hand.info, hand.fabric), hand.decoder(hand.expected.lm, hand.expected.words)
    limit = None if settings.steps else 60 * minutes
    chosen = select(_in_time(pseudo_label(reader, wanted, decoder), limit), keep_fraction)
    number_of = {id: number for number, id in enumerate(wanted.ids)}
    shutil.rmtree(folder, ignore_errors=True)  # what a stopped process had written by then; it may have read others
    labelled = 0
    about = {"command": "adapt", "what": "readings that were believed", "seconds": time.monotonic() - begun}
    with LinesWriter(folder, about) as writer:
        for reading in (belief.reading for belief in chosen):
            ink = widened(wanted[number_of[reading.id]][1], hand.info.stretch)
            if unusable(
                reading.text, ink.shape[1], hand.info.characters, hand.info.stride
            ):  # more is read than there is room for
                continue
            labelled += 1
            writer.write(
                Line(
                    reading.id, encode(ink), reading.text, origin="pseudo",
                    confidence=reading.confidence, width=ink.shape[1], height=ink.shape[0],
                )
            )  # fmt: skip
    return labelled


def _in_time(pseudo_labels: Iterator[PseudoLabel], seconds: float | None) -> list[PseudoLabel]:
    """As many as come within some seconds, and FEW however long they take; all of them where there is no limit."""
    begun, found = time.monotonic(), []
    for belief in pseudo_labels:
        found.append(belief)
        if seconds is not None and len(found) >= FEW and time.monotonic() - begun >= seconds:
            break
    return found


def _tune_affine(folder: Path, hand: Hand, teacher: Recogniser, minutes: float, tell: Tell) -> None:
    """A student whose scales and shifts alone learn the beliefs in `folder`: too few numbers to learn many mistakes."""
    settings, begun = hand.settings, time.monotonic()
    labelled = FolderSource(LinesFolder(folder), "train", _spec(teacher))
    pictures = [labelled.picture(i) for i in range(len(labelled))]
    seconds = None if settings.steps else 60 * max(minutes, min(BRIEF, settings.minutes / 2))
    steps = min(settings.affine_steps, settings.steps or settings.affine_steps)
    batch_width_px = min(settings.batch_width_px, AffineSettings.batch_width_px)
    chosen = AffineSettings(
        steps=steps, seconds=seconds, lr=AFFINE_LR, batch_width_px=batch_width_px, seed=settings.seed
    )

    student = tune_affine(teacher, pictures, labelled.texts, hand.fabric, chosen, tell)
    with atomic(folder / LOG, "w") as file:
        file.write(json.dumps({"minutes": (time.monotonic() - begun) / 60}) + "\n")
    save_weights(folder, student)


def _train(folder: Path, hand: Hand, teacher: Recogniser, minutes: float, tell: Tell) -> None:
    """One student: starts as its teacher, learns the beliefs in `folder` beside synthetic pictures."""
    settings, spec = hand.settings, _spec(teacher)
    labelled = FolderSource(LinesFolder(folder), "train", spec)
    sources: list[Source] = [labelled, *_synthetic(spec, hand)]
    shares = [1 - settings.synthetic_fraction, settings.synthetic_fraction][: len(sources)]
    timed = {"steps": settings.steps} if settings.steps else {"minutes": max(minutes, LEAST)}
    chosen = settings.training(**timed)
    fabric = fabric_of(chosen)
    run = begin(copy.deepcopy(teacher).requires_grad_(True), chosen, fabric)
    plan = Plan(Mixture.of(sources, shares), settings.seed, settings.batch_width_px, fabric.device.type)

    def keep(run: Run, better: bool) -> None:  # once, at the end: there is one evaluation
        log.debug(
            "%s", format_log_row(run.progress.rows[-1], "pictures made to learn from")
        )  # says nothing of the hand
        with atomic(folder / LOG, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in run.progress.rows)
        save_weights(folder, run.average)

    shown = FixedSource(sources[-1], range(min(SHOWN, len(sources[-1]) or SHOWN)))
    fit(run, plan, [shown], chosen, AugmentSchedule(ramp=1, span_mask=chosen.span_mask), fabric, keep, tell)


def _spent(folder: Path) -> float:
    """Seconds that processes took for the beliefs and the student of a round, and were stopped before its end."""
    about = read_about(folder / "about.json") or {}
    read = float(about.get("seconds", 0)) if about.get("finished") else 0.0
    if not (folder / WEIGHTS).is_file():
        return read
    return read + 60.0 * float(read_state(folder / LOG, folder.parents[1])["minutes"])


def _student(folder: Path, teacher: Recogniser) -> Recogniser:
    student = copy.deepcopy(teacher)
    student.load_state_dict(load_tensors(folder / WEIGHTS))
    return student


def last_kept(out: Path, rows: list[dict[str, Any]]) -> Path | None:
    """The folder of beliefs of the last round that was kept; None where none was."""
    numbers = [row["round"] for row in rows[1:] if row["accepted"]]
    return _place(out, numbers[-1]) if numbers else None


def _place(out: Path, number: int) -> Path:
    return out / "rounds" / f"{number:02d}"


def _spec(net: Recogniser) -> InputSpec:
    return InputSpec(net.height, net.stride, net.charset)


def _synthetic(spec: InputSpec, hand: Hand) -> tuple[ScribeSource, ...]:
    """Synthetic pictures with about the share of whole lines that the pictures have; none where none are asked."""
    if not hand.settings.synthetic_fraction:
        return ()
    scribe, texts, lines = scribe_of(hand.settings.scribe), hand.expected.texts, share_of_lines(hand.learn)
    return (ScribeSource(scribe, texts, spec, seed=hand.settings.seed, lines=lines),)


def read_state(file: Path, out: Path) -> Any:
    """What a run left in `file`. Raises OutputError naming the folder `out` to delete where it is damaged."""
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise OutputError(f"{file} is damaged or missing; delete {out} and start anew") from None
