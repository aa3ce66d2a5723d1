"""Rounds of self-training: believe, learn, judge; each leaves its result in a folder, and a stopped run goes on."""

import copy
import json
import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from lightning_fabric import Fabric

from scriven.base import OutputError, atomic, evenly
from scriven.images import Grey, encode
from scriven.jobs.adapt.language import Expected
from scriven.jobs.adapt.pictures import share_of_lines
from scriven.jobs.adapt.settings import AdaptSettings
from scriven.jobs.progress import percent
from scriven.jobs.train import fabric_of, said
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.folder import read_about
from scriven.reader.decoding import Decoder, DecodeSettings
from scriven.reader.estimate import VIEWED
from scriven.reader.lm import CharLM
from scriven.reader.model import ModelInfo
from scriven.recognisers.contract import Recogniser
from scriven.scribes.fonts import FontScribe
from scriven.scribes.typefaces import bundled
from scriven.text import Charset
from scriven.workbench.beliefs import Judgement, believe, estimated, judge, reader_of, trusted
from scriven.workbench.fit import Run, begin, fit
from scriven.workbench.keep import LOG, WEIGHTS, load_tensors, save_weights
from scriven.workbench.loader import Look, Mixture, Plan
from scriven.workbench.quick import QuickSettings, quick
from scriven.workbench.sources import FolderSource, ScribeSource, Shown, Source

log = logging.getLogger("scriven.adapt")

T = TypeVar("T")

DONE = "done.json"  # of a round: its row of the log and its seconds; written when it ends
ENOUGH = 600  # pictures that are read for scales and shifts to learn from
GENTLY = 3e-3  # their learning rate
BRIEF = 0.7  # minutes that they may take where a round has less: it is worth more than short ones of all weights
READING = 1 / 3  # of a round's time at most; of pictures that are not read there is nothing to learn
LEAST = 0.2  # minutes that all weights learn for, however little time is left
JUDGING = 0.3  # minutes of a round that are left for it
SHOWN = 40  # pictures that the log of a round is validated on


@dataclass(frozen=True)
class Hand:
    """What stays the same from round to round."""

    out: Path
    info: ModelInfo  # of the parent
    fabric: Fabric
    language: str
    expected: Expected
    learn: list[tuple[str, Grey]]
    check: list[tuple[str, Grey]]  # pictures that only judge
    settings: AdaptSettings

    def decoder(self, lm: CharLM | None, words: Sequence[str] = ()) -> Decoder:
        """What reads the pictures with a language model and a list of words; pictures of words hold no spaces."""
        return Decoder(self.info, DecodeSettings(word=self.settings.level == "words"), lm=lm, words=words)


def run_rounds(hand: Hand, net: Recogniser, begun: float) -> tuple[Recogniser, list[dict[str, Any]], str]:
    """The best network, a row a round, and why there is no further one ("" after the last of them).

    Rounds that a stopped process finished are taken from their folders, and their time counts. `begun`: when this
    process did, on the clock of time.monotonic.
    """
    settings, best = hand.settings, _judged(hand, net)
    quota = settings.believed(_misread(hand, net))
    rounds: list[dict[str, Any]] = [{"round": 0, "accepted": True, **asdict(best)}]
    ended = begun  # the round before
    for number in range(1, settings.all_rounds + 1):
        percent("adapting", (number - 1) / settings.all_rounds)
        folder = _place(hand.out, number)
        if (folder / DONE).is_file():
            done = read_state(folder / DONE, hand.out)
            begun -= done["seconds"]
        else:
            before = _trained(folder)
            begun, ended = begun - before, ended - before
            left = settings.minutes - (time.monotonic() - begun) / 60
            tried = number > 1 and (rounds[-1]["accepted"] or not settings.is_gentle(number - 1))
            if tried and settings.steps is None and left <= 0:
                return net, rounds, f"the time of {settings.minutes:g} min was over"
            row = _round(number, hand, net, best, quota, left / settings.to_come(number, left, len(hand.learn)))
            if row is None:
                return net, rounds, "the model reads nothing at all in these pictures"
            done = {"row": row, "seconds": time.monotonic() - ended}
            ended += done["seconds"]
            with atomic(folder / DONE, "w") as file:
                json.dump(done, file)
        row = done["row"]
        rounds.append(row)
        log.info("round %d: %s", number, row["why"] or "better")
        if not row["accepted"]:
            if settings.is_gentle(number):
                continue
            return net, rounds, row["why"]
        net = _student(folder, net)
        best = Judgement(**{f.name: row[f.name] for f in fields(Judgement)})
    return net, rounds, ""


def _misread(hand: Hand, net: Recogniser) -> float | None:
    """The error rate of what could be believed, as estimated; None where that is not possible."""
    decoder = hand.decoder(hand.expected.lm, hand.expected.words)
    found = estimated(reader_of(net, hand.info, hand.fabric), evenly(hand.check, VIEWED), decoder)[1]
    return found.cer if found else None


def _round(
    number: int, hand: Hand, teacher: Recogniser, best: Judgement, quota: float, minutes: float
) -> dict[str, Any] | None:
    """Believe, learn and judge; the round's row of the log, or None where the teacher reads nothing at all.

    Each step leaves its result in the round's folder; one that a stopped process has left there is not done again.
    """
    folder, begun = _place(hand.out, number), time.monotonic()
    gentle = hand.settings.is_gentle(number)
    believed = _beliefs(folder, hand, teacher, quota, minutes)
    if not believed:
        return None
    if not (folder / WEIGHTS).is_file():
        (_ease if gentle else _train)(folder, hand, teacher, minutes - (time.monotonic() - begun) / 60 - JUDGING)
    judged = _judged(hand, _student(folder, teacher))
    why = judged.worse_than(best)
    moved = {"moved": "scales and shifts"} if gentle else {}
    told = {"round": number, "accepted": why is None, "why": why or "", "believed": believed, **moved}
    return {**told, **asdict(judged)}


def _judged(hand: Hand, net: Recogniser) -> Judgement:
    return judge(reader_of(net, hand.info, hand.fabric), hand.check, hand.expected.lm)


def _beliefs(folder: Path, hand: Hand, teacher: Recogniser, quota: float, minutes: float) -> int:
    """The round's labels as a lines folder like any other, origin pseudo, confidence as read; how many there are.

    The pictures are read in an order by chance, so that those that the time does not reach are like the others.
    """
    if (read_about(folder / "about.json") or {}).get("finished"):
        return LinesFolder(folder).count("train")
    settings, number = hand.settings, int(folder.name)
    order = np.random.default_rng([settings.seed, number]).permutation(len(hand.learn))
    pictures = dict(hand.learn[i] for i in order[: ENOUGH if settings.is_gentle(number) else None])
    reader, decoder = reader_of(teacher, hand.info, hand.fabric), hand.decoder(hand.expected.lm, hand.expected.words)
    limit = None if settings.steps else 60 * READING * minutes
    chosen = trusted(list(_in_time(believe(reader, pictures.items(), decoder), limit)), quota)
    if not chosen:
        return 0
    shutil.rmtree(folder, ignore_errors=True)  # what a stopped process had written by then; it may have read others
    with LinesWriter(folder, {"command": "adapt", "what": "readings that were believed"}) as writer:
        for belief in chosen:
            ink = pictures[belief.reading.id]
            writer.write(
                Line(
                    belief.reading.id, encode(ink), belief.reading.text, origin="pseudo",
                    confidence=belief.reading.confidence, width=ink.shape[1], height=ink.shape[0],
                )
            )  # fmt: skip
    return len(chosen)


def _in_time(every: Iterable[T], seconds: float | None) -> Iterator[T]:
    """As many as come within some seconds, one at least; all of them where there is no limit."""
    begun = time.monotonic()
    for one in every:
        yield one
        if seconds is not None and time.monotonic() - begun >= seconds:
            return


def _ease(folder: Path, hand: Hand, teacher: Recogniser, minutes: float) -> None:
    """A student whose scales and shifts alone learn the beliefs in `folder`: too few numbers to learn many mistakes."""
    settings, begun = hand.settings, time.monotonic()
    believed = FolderSource(LinesFolder(folder), "train", height=teacher.height, charset=teacher.charset)
    pictures = [believed.picture(i) for i in range(len(believed))]
    seconds = None if settings.steps else 60 * max(minutes, min(BRIEF, settings.minutes / 2))
    steps = min(settings.gentle, settings.steps or settings.gentle)
    columns = min(settings.columns, QuickSettings.columns)
    chosen = QuickSettings(steps=steps, seconds=seconds, lr=GENTLY, columns=columns, seed=settings.seed)

    def tell(fraction: float) -> None:
        percent("adapting", fraction / settings.all_rounds)

    student = quick(teacher, pictures, believed.texts, hand.fabric, chosen, tell)
    with atomic(folder / LOG, "w") as file:
        file.write(json.dumps({"minutes": (time.monotonic() - begun) / 60}) + "\n")
    save_weights(folder, student)


def _train(folder: Path, hand: Hand, teacher: Recogniser, minutes: float) -> None:
    """One student: starts as its teacher, learns the beliefs in `folder` beside synthetic pictures."""
    settings, charset, height = hand.settings, teacher.charset, teacher.height
    believed = FolderSource(LinesFolder(folder), "train", height=height, charset=charset)
    sources: list[Source] = [believed, *_replay(height, charset, hand)]
    shares = [1 - settings.replay, settings.replay][: len(sources)]
    timed = {"steps": settings.steps} if settings.steps else {"minutes": max(minutes, LEAST)}
    chosen = settings.training(**timed)
    fabric = fabric_of(chosen)
    run = begin(copy.deepcopy(teacher).requires_grad_(True), chosen, fabric)
    plan = Plan(Mixture.of(sources, shares), settings.seed, settings.columns, fabric.device.type)

    def keep(run: Run, better: bool) -> None:  # once, at the end: there is one evaluation
        log.debug("%s", said(run.progress.rows[-1], "pictures made to learn from"))  # says nothing of the hand
        with atomic(folder / LOG, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in run.progress.rows)
        save_weights(folder, run.average)

    def tell(fraction: float) -> None:
        done = (int(folder.name) - 1 + fraction) / settings.all_rounds
        percent("adapting", min(done, 0.99))  # judging comes after it

    shown = Shown(sources[-1], range(min(SHOWN, len(sources[-1]) or SHOWN)))
    fit(run, plan, [shown], chosen, Look(ramp=1, hidden=chosen.hidden), fabric, keep, tell)


def _trained(folder: Path) -> float:
    """Seconds that a process took to train the round's student and was stopped before it judged it; else 0."""
    if not (folder / WEIGHTS).is_file():
        return 0.0
    return 60.0 * float(read_state(folder / LOG, folder.parents[1])["minutes"])


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


def _replay(height: int, charset: Charset, hand: Hand) -> tuple[ScribeSource, ...]:
    """Synthetic pictures with about the share of whole lines that the pictures have; none where none are asked."""
    if not hand.settings.replay:
        return ()
    scribe, texts, lines = FontScribe(bundled()), hand.expected.texts, share_of_lines(hand.learn)
    return (ScribeSource(scribe, texts, charset, seed=hand.settings.seed, height=height, lines=lines),)


def read_state(file: Path, out: Path) -> Any:
    """What a run left in `file`. Raises OutputError naming the folder `out` to delete where it is damaged."""
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise OutputError(f"{file} is damaged or missing; delete {out} and start anew") from None
