"""Learn a hand without labels: pictures in, a model that reads them better out, or the old one with the reason why not.

Rounds of self-training: a teacher reads the pictures, its most trusted readings become labels, a student learns them
beside synthetic pictures and is the next teacher, if pictures held out say that it is no worse.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scriven.base import ImageError, InputError, LinesError, OutputError, Refused, SettingsError, atomic, one_of, within
from scriven.images import Grey, encode, prepare
from scriven.jobs.folders import free
from scriven.jobs.progress import progress
from scriven.jobs.read import language_model
from scriven.jobs.train import TrainSettings, available, fabric_of
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.splits import LEVELS
from scriven.reader.inputs import Source, items, sources
from scriven.reader.model import DEFAULT, Graph, ModelInfo, find_model
from scriven.reader.usable import misfit
from scriven.recognisers.contract import Recogniser
from scriven.scribes.fonts import FontScribe
from scriven.scribes.texts import source
from scriven.scribes.typefaces import bundled
from scriven.text import Charset
from scriven.workbench.beliefs import Belief, believe, judge, reader_of, trusted
from scriven.workbench.fit import FitSettings, Run, begin, fit
from scriven.workbench.keep import load_net, resume, save_state, save_weights, versions
from scriven.workbench.loader import Look, Mixture, Plan
from scriven.workbench.publish import publish
from scriven.workbench.sources import FolderSource, ScribeSource, Shown

log = logging.getLogger("scriven.adapt")

STATE = "state/adapt.json"
SHOWN = 40  # pictures that the log of a round is validated on
FEWEST = 8  # pictures: fewer say nothing about a hand


@dataclass(frozen=True)
class AdaptSettings:
    """How a hand is learnt. `minutes` is shared among the rounds; with `steps`, a round is so many batches instead."""

    minutes: float = 30.0
    steps: int | None = None
    rounds: int = 3
    quotas: tuple[float, ...] = (0.5, 0.7, 0.85)  # of the pictures whose readings are believed, a round each
    replay: float = 0.35  # share of synthetic pictures among those learnt from
    language: str | None = None  # of the pictures, such as fr; None: what the first readings look most like
    held_out: float = 0.15  # share of the pictures that only judge
    lr: float = 5e-4
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


def adapt(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    parent: str | Path = DEFAULT,
    settings: AdaptSettings | None = None,
) -> Adapted:
    """Adapt the model `parent` to unlabelled pictures (or those of lines folders; their texts are not looked at).

    `out` becomes a model folder; one that was begun by the same call goes on after its last finished round.
    Raises InputError when there are too few pictures, OutputError when `out` is finished or was begun otherwise.
    """
    settings = settings or AdaptSettings()
    out, begun = Path(out), time.monotonic()
    about = _open(out, inputs, parent, settings)
    available(settings.training(steps=1))
    if settings.language:
        source(f"fonts:{settings.language}")
    refused: list[Refused] = []
    pictures = _pictures(inputs, settings, refused)
    net, info = load_net(find_model(parent))
    fabric = fabric_of(settings.training(steps=1))
    net = net.to(fabric.device)
    language = settings.language or _language(reader_of(net, info, fabric), pictures, info)
    lm = language_model(language)
    with atomic(out / STATE, "w") as stream:  # not before: what cannot be adapted to leaves the place free
        json.dump(about, stream)
    learn, check = _parted(pictures, settings)
    best = judge(reader_of(net, info, fabric), check, lm)
    rounds: list[dict[str, Any]] = [{"round": 0, "accepted": True, **asdict(best)}]
    why = "no round was run"
    for number in range(1, settings.rounds + 1):
        progress("round", number, settings.rounds)
        folder = out / "rounds" / f"{number:02d}"
        beliefs = believe(reader_of(net, info, fabric), learn, lm)
        if not any(belief.reading.text for belief in beliefs):
            why = "the model reads nothing at all in these pictures"
            break
        _write_beliefs(folder, trusted(beliefs, settings.quotas[min(number, len(settings.quotas)) - 1]), dict(learn))
        left = settings.minutes - (time.monotonic() - begun) / 60
        student = _round(folder, net, language, left / (settings.rounds - number + 1), settings)
        judged = judge(reader_of(student, info, fabric), check, lm)
        reason = judged.worse_than(best)
        believed = LinesFolder(folder).count("train")
        rounds.append(
            {"round": number, "accepted": reason is None, "why": reason or "", "believed": believed, **asdict(judged)}
        )
        log.info("round %d: %s", number, reason or "better")
        why = reason or ""
        if reason is not None:
            break
        net, best = student, judged
    helped = len(rounds) > 1 and rounds[1]["accepted"]
    save_weights(out, net)
    with atomic(out / "log.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rounds)
    publish(out, _info(info, inputs, parent, settings, language, rounds), [])
    return Adapted(out, helped, why, rounds, refused)


def _open(out: Path, inputs: Sequence[str | Path], parent: str | Path, settings: AdaptSettings) -> dict[str, Any]:
    """Make sure that the place is free or was begun by the same call; what such a call is told."""
    free(out, STATE)
    about: dict[str, Any] = json.loads(
        json.dumps({"inputs": [str(i) for i in inputs], "parent": str(parent), "settings": asdict(settings)})
    )
    if (out / STATE).is_file() and _read(out / STATE) != about:
        raise OutputError(f"{out} was begun with other settings; choose another -o or delete it")
    return about


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except ValueError:
        raise OutputError(f"{file} is damaged; delete {file.parents[1]} and start anew") from None


def _pictures(inputs: Sequence[str | Path], settings: AdaptSettings, refused: list[Refused]) -> list[tuple[str, Grey]]:
    """Prepared pictures that can be learnt, ids unique; of a lines folder only the train split, and never a text."""
    found: dict[str, Grey] = {}
    for one in sources(inputs, refused):
        for id, picture in _prepared(one, settings, refused):
            while id in found:
                id = f"{one.name}/{id}"
            found[id] = picture
    if len(found) < FEWEST:
        raise InputError(
            f"{len(found)} pictures can be used and a hand needs at least {FEWEST}; give more pictures of its lines"
            + (f" (left out {refused[0].sentence()})" if refused else "")
        )
    return list(found.items())


def _prepared(one: Source, settings: AdaptSettings, refused: list[Refused]) -> Iterator[tuple[str, Grey]]:
    try:
        split = "train" if one.lines and "train" in LinesFolder(one.path, settings.level).splits else None
        for item in items(one, refused, settings.level, split):
            assert item.picture is not None
            try:
                ink = prepare(item.picture)
            except ImageError as error:
                refused.append(Refused(item.id, str(error)))
                continue
            if fault := misfit(ink.shape[1]):
                refused.append(Refused(item.id, fault.reason))
            else:
                yield item.id, ink
    except LinesError as error:  # costs the rest of this folder only
        refused.append(Refused(str(one.path), str(error)))


def _parted(
    pictures: list[tuple[str, Grey]], settings: AdaptSettings
) -> tuple[list[tuple[str, Grey]], list[tuple[str, Grey]]]:
    order = np.random.default_rng(settings.seed).permutation(len(pictures))
    cut = max(2, round(settings.held_out * len(pictures)))
    return [pictures[i] for i in sorted(order[cut:])], [pictures[i] for i in sorted(order[:cut])]


def _language(reader: Any, pictures: list[tuple[str, Grey]], info: ModelInfo) -> str:
    """The model's language in which most of the words that are read exist."""
    import wordfreq

    from scriven.workbench.beliefs import readings

    words = [w.strip(".,;:!?()'\"").lower() for r in readings(reader, pictures[:200]) for w in r.text.split()]
    known = {
        language: sum(1 for w in words if len(w) > 2 and wordfreq.zipf_frequency(w, language) > 3)
        for language in info.languages or ["en"]
    }
    language = max(known, key=lambda code: known[code])
    log.info("the readings look like the language %s (%d of %d words are known)", language, known[language], len(words))
    return language


def _write_beliefs(folder: Path, beliefs: Sequence[Belief], pictures: dict[str, Grey]) -> None:
    """The round's labels as a lines folder like any other: origin pseudo, confidence as read."""
    about = {"command": "adapt", "what": "readings that were believed"}
    if (folder / "about.json").is_file() and LinesFolder(folder).about.get("finished"):
        return
    with LinesWriter(folder, about) as writer:
        for belief in beliefs[sum(writer.done.values()) :]:
            ink = pictures[belief.reading.id]
            writer.write(
                Line(
                    belief.reading.id, encode(ink), belief.reading.text, origin="pseudo",
                    confidence=belief.reading.confidence, width=ink.shape[1], height=ink.shape[0],
                )
            )  # fmt: skip


def _round(folder: Path, teacher: Recogniser, language: str, minutes: float, settings: AdaptSettings) -> Recogniser:
    """One student: starts as its teacher, learns the beliefs in `folder` beside synthetic pictures."""
    import copy

    charset, height = teacher.charset, teacher.height
    believed = FolderSource(LinesFolder(folder), "train", height=height, charset=charset)
    written = _replay(believed, charset, language, settings)
    timed = {"steps": settings.steps} if settings.steps else {"minutes": max(minutes - 0.3, 0.2)}
    chosen = settings.training(**timed)
    fabric = fabric_of(chosen)
    run = begin(copy.deepcopy(teacher).requires_grad_(True), chosen, fabric)
    described = {"steps": settings.steps, "lr": settings.lr}
    resume(folder, run, described, fabric)
    sources = [believed, *written]
    shares = [1 - settings.replay, settings.replay][: len(sources)]
    plan = Plan(Mixture.of(sources, shares), settings.seed, settings.columns)

    def keep(run: Run, better: bool) -> None:
        save_state(folder, run, described)

    shown = Shown(sources[-1], range(min(SHOWN, len(sources[-1]) or SHOWN)))
    fit(run, plan, [shown], chosen, Look(ramp=1), fabric, keep)
    return run.average.eval()


def _replay(
    believed: FolderSource, charset: Charset, language: str, settings: AdaptSettings
) -> tuple[ScribeSource, ...]:
    """Synthetic pictures with about the share of whole lines that the believed ones have; none where none are asked."""
    if not settings.replay:
        return ()
    lines = float(np.mean([len(text) > 16 for text in believed.texts])) if believed.texts else 0.5
    texts = source(f"fonts:{language}")
    return (
        ScribeSource(FontScribe(bundled()), texts, charset, seed=settings.seed, height=believed.height, lines=lines),
    )


def _info(
    old: ModelInfo,
    inputs: Sequence[str | Path],
    parent: str | Path,
    settings: AdaptSettings,
    language: str,
    rounds: list[dict[str, Any]],
) -> ModelInfo:
    return old.model_copy(
        update={
            "name": "",
            "graph": Graph(),
            "parents": [{"name": old.name or str(parent), "parents": old.parents}],
            "data": [{"path": str(i), "labels": "none"} for i in inputs],
            "scores": {"rounds": rounds},
            "versions": versions(),
            "languages": [language],
            "settings": asdict(settings),
        }
    )
