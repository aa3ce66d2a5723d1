"""Learn a hand without labels: pictures in, a model that reads them better out, or the old one with the reason why not.

Rounds of self-training: a teacher reads the pictures, its most trusted readings become labels, a student learns them
beside synthetic pictures and is the next teacher, if pictures held out say that it is no worse.
"""

import copy
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from scriven.base import OutputError, Refused, SettingsError, atomic, counted, one_of, within
from scriven.images import Grey, encode
from scriven.jobs.adapt.language import Expected, Guess, expected, guess, there
from scriven.jobs.adapt.pictures import gather, parted
from scriven.jobs.folders import free
from scriven.jobs.progress import percent
from scriven.jobs.train import TrainSettings, available, fabric_of, said
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.folder import read_about
from scriven.lines.splits import LEVELS
from scriven.reader.decoding import Decoder
from scriven.reader.lm import CharLM
from scriven.reader.model import DEFAULT, Graph, ModelInfo, find_model, own_language
from scriven.recognisers.contract import Recogniser
from scriven.scribes.fonts import FontScribe
from scriven.scribes.texts import source
from scriven.scribes.typefaces import bundled
from scriven.text import Charset
from scriven.workbench.beliefs import Judgement, believe, judge, reader_of, spoken_for, trusted
from scriven.workbench.fit import FitSettings, Run, begin, fit
from scriven.workbench.keep import LOG, WEIGHTS, load_net, load_tensors, save_weights, versions
from scriven.workbench.loader import Look, Mixture, Plan
from scriven.workbench.publish import inherit, publish, with_language
from scriven.workbench.sources import FolderSource, ScribeSource, Shown, Source

log = logging.getLogger("scriven.adapt")

STATE = "state/adapt.json"
DONE = "done.json"  # of a round: its row of the log and its seconds; written when it ends
SHOWN = 40  # pictures that the log of a round is validated on


@dataclass(frozen=True)
class AdaptSettings:
    """How a hand is learnt. `minutes` is shared among the rounds; with `steps`, a round is so many batches instead."""

    minutes: float = 30.0
    steps: int | None = None
    rounds: int = 3
    quotas: tuple[float, ...] = (0.5, 0.7, 0.85)  # of the pictures whose readings are believed, a round each
    replay: float = 0.35  # share of synthetic pictures among those learnt from
    language: str | None = None  # of the pictures, such as fr; None: what the first readings look most like
    texts: str | None = None  # a file or folder of texts like those in the pictures
    words: str | None = None  # a file of words to expect, one a line
    held_out: float = 0.15  # share of the pictures that only judge
    lr: float = 1.2e-3
    ema: float = 0.99
    columns: int = FitSettings.columns
    level: str = "lines"
    device: str = "auto"
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        within("minutes", self.minutes, 0, above=True)
        within("steps", self.steps, 1)
        within("rounds", self.rounds, 1)
        if not self.quotas:
            raise SettingsError("the setting 'quotas' is empty; give the share that is believed in each round")
        for quota in self.quotas:
            within("quotas", quota, 0, 1, above=True)
        within("replay", self.replay, 0, 1)
        within("held_out", self.held_out, 0, 0.9)  # so much of FEWEST leaves something to learn from
        one_of("level", self.level, LEVELS)
        self.training(steps=1)

    def training(self, **timed: Any) -> TrainSettings:
        """What a round is fitted with; it refuses what these settings share with it."""
        return TrainSettings(
            **timed, lr=self.lr, ema=self.ema, columns=self.columns, warmup=0.1, evaluations=1, ramp=1,
            seed=self.seed, device=self.device, precision=self.precision,
        )  # fmt: skip


@dataclass
class Adapted:
    """What came of it. `helped` is False when no round was better than the parent and its weights were kept."""

    folder: Path
    helped: bool
    why: str
    rounds: list[dict[str, Any]]
    refused: list[Refused] = field(default_factory=list)


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


def adapt(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    parent: str | Path = DEFAULT,
    settings: AdaptSettings | None = None,
) -> Adapted:
    """Adapt the model `parent` to unlabelled pictures (or those of lines folders; their texts are not looked at).

    `out` becomes a model folder; one that was begun by the same call goes on after its last finished round. It is read
    with the language model that it learnt by, where the language is known or the parent brings one.
    Raises InputError when there are too few pictures, OutputError when `out` is finished or was begun otherwise.
    """
    settings = settings or AdaptSettings()
    out, begun = Path(out), time.monotonic()
    about = _open(out, inputs, parent, settings)
    available(settings.training(steps=1))
    there(settings.texts, settings.words)
    if settings.language:
        source(f"fonts:{settings.language}")
    refused: list[Refused] = []
    pictures = gather(inputs, settings.level, refused)
    log.info("reading %s first", counted(len(pictures), "picture"))
    net, info = load_net(find_model(parent))
    fabric = fabric_of(settings.training(steps=1))
    net = net.to(fabric.device)
    spoken = Guess(settings.language, True) if settings.language else guess(reader_of(net, info, fabric), pictures)
    known = expected(spoken.language, settings.texts, settings.words, info.characters, refused)
    if not (spoken.sure or settings.texts) and (own := own_language(find_model(parent), info)):
        known = replace(known, lm=CharLM.load(own))
    learn, check = parted(pictures, settings.held_out, settings.seed)
    hand = Hand(out, info, fabric, spoken.language, known, learn, check, settings)
    with atomic(out / STATE, "w") as stream:  # not before: what cannot be adapted to leaves the place free
        json.dump(about, stream)
    net, rounds, why = _rounds(hand, net, begun)
    percent("adapting", 1.0)
    helped = len(rounds) > 1 and rounds[1]["accepted"]
    with atomic(out / "log.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rounds)
    kept = helped and bool(spoken.sure or settings.texts)
    lm = known.lm if kept and spoken_for(reader_of(net, info, fabric), check, known.lm) else None
    made = with_language(out, _info(hand, inputs, parent, rounds), find_model(parent), lm)
    if helped:
        save_weights(out, net)
        publish(out, made, [], check)
    else:
        inherit(out, made.model_copy(update={"data": info.data}), find_model(parent))  # it was not trained on these
    _tidy(out)
    return Adapted(out, helped, why, rounds, refused)


def _open(out: Path, inputs: Sequence[str | Path], parent: str | Path, settings: AdaptSettings) -> dict[str, Any]:
    """Make sure that the place is free or was begun by the same call; what such a call is told."""
    free(out, STATE)
    about: dict[str, Any] = json.loads(
        json.dumps({"inputs": [str(i) for i in inputs], "parent": str(parent), "settings": asdict(settings)})
    )
    if (out / STATE).is_file() and _read(out / STATE, out) != about:
        raise OutputError(f"{out} was begun with other settings; choose another -o or delete it")
    return about


def _rounds(hand: Hand, net: Recogniser, begun: float) -> tuple[Recogniser, list[dict[str, Any]], str]:
    """The best network, a row a round, and why there is no further one ("" after the last of them).

    Rounds that a stopped process finished are taken from their folders, and their time counts. `begun`: when this
    process did, on the clock of time.monotonic.
    """
    settings, best = hand.settings, _judged(hand, net)
    rounds: list[dict[str, Any]] = [{"round": 0, "accepted": True, **asdict(best)}]
    ended = begun  # the round before
    for number in range(1, settings.rounds + 1):
        percent("adapting", (number - 1) / settings.rounds)
        folder = hand.out / "rounds" / f"{number:02d}"
        if (folder / DONE).is_file():
            done = _read(folder / DONE, hand.out)
            begun -= done["seconds"]
        else:
            before = _trained(folder)
            begun, ended = begun - before, ended - before
            left = settings.minutes - (time.monotonic() - begun) / 60
            if number > 1 and settings.steps is None and left <= 0:
                return net, rounds, f"the time of {settings.minutes:g} min was over"
            row = _round(number, hand, net, best, left / (settings.rounds - number + 1))
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
            return net, rounds, row["why"]
        net = _student(folder, net)
        best = Judgement(**{f.name: row[f.name] for f in fields(Judgement)})
    return net, rounds, ""


def _round(number: int, hand: Hand, teacher: Recogniser, best: Judgement, minutes: float) -> dict[str, Any] | None:
    """Believe, learn and judge; the round's row of the log, or None where the teacher reads nothing at all.

    Each step leaves its result in the round's folder; one that a stopped process has left there is not done again.
    """
    folder = hand.out / "rounds" / f"{number:02d}"
    quotas = hand.settings.quotas
    believed = _beliefs(folder, hand, teacher, quotas[min(number, len(quotas)) - 1])
    if not believed:
        return None
    if not (folder / WEIGHTS).is_file():
        _train(folder, hand, teacher, minutes)
    judged = _judged(hand, _student(folder, teacher))
    why = judged.worse_than(best)
    return {"round": number, "accepted": why is None, "why": why or "", "believed": believed, **asdict(judged)}


def _judged(hand: Hand, net: Recogniser) -> Judgement:
    return judge(reader_of(net, hand.info, hand.fabric), hand.check, hand.expected.lm)


def _beliefs(folder: Path, hand: Hand, teacher: Recogniser, quota: float) -> int:
    """The round's labels as a lines folder like any other, origin pseudo, confidence as read; how many there are."""
    if (read_about(folder / "about.json") or {}).get("finished"):
        return LinesFolder(folder).count("train")
    reader = reader_of(teacher, hand.info, hand.fabric)
    beliefs = believe(reader, hand.learn, Decoder(hand.info, lm=hand.expected.lm, words=hand.expected.words))
    chosen, pictures = trusted(beliefs, quota), dict(hand.learn)
    if not chosen:
        return 0
    with LinesWriter(folder, {"command": "adapt", "what": "readings that were believed"}) as writer:
        for belief in chosen[sum(writer.done.values()) :]:
            ink = pictures[belief.reading.id]
            writer.write(
                Line(
                    belief.reading.id, encode(ink), belief.reading.text, origin="pseudo",
                    confidence=belief.reading.confidence, width=ink.shape[1], height=ink.shape[0],
                )
            )  # fmt: skip
    return len(chosen)


def _train(folder: Path, hand: Hand, teacher: Recogniser, minutes: float) -> None:
    """One student: starts as its teacher, learns the beliefs in `folder` beside synthetic pictures."""
    settings, charset, height = hand.settings, teacher.charset, teacher.height
    believed = FolderSource(LinesFolder(folder), "train", height=height, charset=charset)
    sources: list[Source] = [believed, *_replay(believed, charset, hand)]
    shares = [1 - settings.replay, settings.replay][: len(sources)]
    timed = {"steps": settings.steps} if settings.steps else {"minutes": max(minutes - 0.3, 0.2)}
    chosen = settings.training(**timed)
    fabric = fabric_of(chosen)
    run = begin(copy.deepcopy(teacher).requires_grad_(True), chosen, fabric)
    plan = Plan(Mixture.of(sources, shares), settings.seed, settings.columns)

    def keep(run: Run, better: bool) -> None:  # once, at the end: there is one evaluation
        log.debug("%s", said(run.progress.rows[-1], "pictures made to learn from"))  # says nothing of the hand
        with atomic(folder / LOG, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in run.progress.rows)
        save_weights(folder, run.average)

    def tell(fraction: float) -> None:
        percent("adapting", min((int(folder.name) - 1 + fraction) / settings.rounds, 0.99))  # judging comes after it

    shown = Shown(sources[-1], range(min(SHOWN, len(sources[-1]) or SHOWN)))
    fit(run, plan, [shown], chosen, Look(ramp=1), fabric, keep, tell)


def _trained(folder: Path) -> float:
    """Seconds that a process took to train the round's student and was stopped before it judged it; else 0."""
    if not (folder / WEIGHTS).is_file():
        return 0.0
    return 60.0 * float(_read(folder / LOG, folder.parents[1])["minutes"])


def _student(folder: Path, teacher: Recogniser) -> Recogniser:
    student = copy.deepcopy(teacher)
    student.load_state_dict(load_tensors(folder / WEIGHTS))
    return student


def _tidy(out: Path) -> None:
    """Take away the students of a finished run, and what killed processes left half written."""
    for folder in (out / "rounds").glob("*"):
        for file in (folder / WEIGHTS, *folder.glob(".*.part")):
            file.unlink(missing_ok=True)


def _replay(believed: FolderSource, charset: Charset, hand: Hand) -> tuple[ScribeSource, ...]:
    """Synthetic pictures with about the share of whole lines that the believed ones have; none where none are asked."""
    if not hand.settings.replay:
        return ()
    lines = float(np.mean([len(text) > 16 for text in believed.texts])) if believed.texts else 0.5
    seed, height = hand.settings.seed, believed.height
    scribe = FontScribe(bundled())
    return (ScribeSource(scribe, hand.expected.texts, charset, seed=seed, height=height, lines=lines),)


def _info(hand: Hand, inputs: Sequence[str | Path], parent: str | Path, rounds: list[dict[str, Any]]) -> ModelInfo:
    """The parent's, with what was done; its languages stay, for the pictures tell no more than their own."""
    old = hand.info
    return old.model_copy(
        update={
            "name": "",
            "graph": Graph(),
            "parents": [old.as_parent(parent)],
            "data": [{"path": str(i), "labels": "none"} for i in inputs],
            "scores": {"rounds": rounds},
            "versions": versions(),
            "settings": {**asdict(hand.settings), "language": hand.language},
        }
    )


def _read(file: Path, out: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise OutputError(f"{file} is damaged or missing; delete {out} and start anew") from None
