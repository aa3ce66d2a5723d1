"""Learn a hand without labels: pictures in, a model that reads them better out, or the old one with the reason why not.

Rounds of self-training: a teacher reads the pictures, its most trusted readings become labels, a student learns them
beside synthetic pictures and is the next teacher, if pictures held out say that it is no worse.
"""

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from scriven.base import OutputError, Skipped, atomic, counted, evenly
from scriven.base.progress import percent
from scriven.estimate.cer import FEWEST, VIEWED, Estimate, cer_estimate_bias
from scriven.jobs.folders import free
from scriven.language.model import CharLM
from scriven.language.texts import source
from scriven.lines import Reading
from scriven.reader.model import DEFAULT, ModelInfo, find_model, own_language
from scriven.recognisers.contract import Recogniser
from scriven.report import rounds_kept, save
from scriven.selftrain.knowledge import Guess, expected, guess, spoken_here, there
from scriven.selftrain.metrics import assessed, lm_helps, reader_of
from scriven.selftrain.pictures import gather, parted
from scriven.selftrain.report import Aside, page_of
from scriven.selftrain.rounds import Hand, last_kept, read_state, run_rounds
from scriven.selftrain.settings import AdaptSettings
from scriven.training.devices import available, fabric_of
from scriven.training.keep import WEIGHTS, load_net, save_weights, versions
from scriven.training.publish import inherit, publish, with_language

__all__ = ["AdaptSettings", "Adapted", "adapt"]

log = logging.getLogger("scriven.adapt")

STATE = "state/adapt.json"
RULES = 3  # goes up when pictures are seen, or readings believed, otherwise: a run goes on by one set of rules
PAGE = "report.html"


@dataclass
class Adapted:
    """What came of it. `helped` is False when no round was better than the parent and its weights were kept."""

    folder: Path
    helped: bool
    why: str
    rounds: list[dict[str, Any]]
    estimates: tuple[Estimate | None, Estimate | None] = (None, None)  # of the CER on the pictures put aside, then, now
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def page(self) -> Path:
        """Where the page about it is."""
        return Path(self.folder) / PAGE

    def sentence(self) -> str:
        """What came of it, and what is estimated, a line each."""
        if not self.helped:
            return f"{self.folder}: the old weights are kept, because {self.why}"
        kept = rounds_kept(self.rounds)
        ended = f"; then {self.why}" if self.why else ""
        said = f"{self.folder}: learnt the hand in {counted(kept, 'round')}{ended}"
        before, after = self.estimates
        if before and after and after.n >= FEWEST:
            said += f"\n{counted(after.n, 'picture')} put aside: estimated CER {100 * before.cer:.1f} % before; now "
            said += after.sentence()
        return said

    def as_json(self) -> dict[str, Any]:
        """`model helped why rounds`, and `estimate_before` and `estimate_after` of the pictures put aside, or None."""
        then, now = (found.as_json() if found else None for found in self.estimates)
        told = {"model": str(self.folder), "helped": self.helped, "why": self.why, "rounds": self.rounds}
        return {**told, "estimate_before": then, "estimate_after": now}


def adapt(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    parent: str | Path = DEFAULT,
    settings: AdaptSettings | None = None,
) -> Adapted:
    """Adapt the model `parent` to unlabelled pictures (or those of lines folders; their texts are not looked at).

    `out` becomes a model folder with a page about it, `report.html`; one that was begun by the same call goes on after
    its last finished round. It is read with the language model that it learnt by, where the language is known or the
    parent brings one.
    Raises InputError when there are too few pictures, OutputError when `out` is finished or was begun otherwise.

    >>> import scriven
    >>> from scriven.selftrain.settings import AdaptSettings
    >>> few = AdaptSettings(steps=1, rounds=1, language="en")
    >>> adapted = scriven.adapt(["scans/"], "my-hand", settings=few)
    >>> adapted.folder.name
    'my-hand'
    """
    settings = settings or AdaptSettings()
    out, begun = Path(out), time.monotonic()
    about = _open(out, inputs, parent, settings)
    available(settings.training(steps=1))
    there(settings.texts, settings.words)
    if settings.language:
        source(f"mixed:{settings.language}")
    skipped: list[Skipped] = []
    net, info = load_net(find_model(parent))
    pictures = gather(inputs, settings.level, net.height, skipped)
    log.info("reading %s first", counted(len(pictures), "picture"))
    settings = settings.for_parent(info)
    fabric = fabric_of(settings.training(steps=1))
    net = net.to(fabric.device)
    spoken = Guess(settings.language, True) if settings.language else guess(reader_of(net, info, fabric), pictures)
    known = expected(spoken.language, settings.texts, settings.words, info.characters, skipped)
    own = _language_of(find_model(parent), info)
    if own is not None and not (spoken.sure or settings.texts):
        known = replace(known, lm=own)
    learn, check = parted(pictures, settings.held_out, settings.seed)
    hand = Hand(out, info, fabric, spoken.language, known, learn, check, settings)
    about |= {"pictures": pictures.digest(), "weights": _digest(find_model(parent) / WEIGHTS)}
    _same(out, about)
    with atomic(out / STATE, "w") as stream:  # not before: what cannot be adapted to leaves the place free
        json.dump(about, stream)
    better, rows, why = run_rounds(hand, net, begun)
    helped = rounds_kept(rows) > 0
    with atomic(out / "log.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    may = known.lm if helped and (spoken.sure or settings.texts) else None
    aside, lm, flattered = _put_aside(hand, net, better, own, may)
    save(out / PAGE, page_of(aside, len(learn), rows, why, last_kept(out, rows)))
    made = with_language(out, _info(hand, inputs, parent, rows, flattered), find_model(parent), lm)
    percent("adapting", 1.0)
    if helped:
        save_weights(out, better)
        publish(out, made, [], check)
    else:
        inherit(out, made.model_copy(update={"data": info.data}), find_model(parent))  # it was not trained on these
    _tidy(out)
    return Adapted(out, helped, why, rows, aside.estimates, skipped)


def _open(out: Path, inputs: Sequence[str | Path], parent: str | Path, settings: AdaptSettings) -> dict[str, Any]:
    """Make sure that the place is free or was begun by the same call; what such a call is told."""
    free(out, STATE)
    given = {"inputs": [str(i) for i in inputs], "parent": str(parent), "settings": asdict(settings)}
    about: dict[str, Any] = json.loads(json.dumps({"rules": RULES, **given}))
    _same(out, about)
    return about


def _same(out: Path, about: dict[str, Any]) -> None:
    """Raises OutputError where `out` was begun otherwise."""
    if not (out / STATE).is_file():
        return
    before = read_state(out / STATE, out)
    differ = [key for key in about if before.get(key) != about[key]]
    if "rules" in differ or before.get("settings", {}).keys() != about["settings"].keys():
        why = "by another version of Scriven"
    elif {"inputs", "parent", "settings"} & set(differ):
        why = "with other settings"
    elif differ:
        why = f"with other {differ[0]}, which have changed since"
    else:
        return
    raise OutputError(f"{out} was begun {why}; choose another -o or delete it")


def _put_aside(
    hand: Hand, old: Recogniser, better: Recogniser, own: CharLM | None, may: CharLM | None
) -> tuple[Aside, CharLM | None, float]:
    """The pictures that only judge, as `old` reads them with its `own` language model and the better network now; the
    language model `may`, where that network reads better with it; and the optimism of that network."""
    seen = evenly(hand.check, VIEWED)

    def looked(net: Recogniser, lm: CharLM | None) -> tuple[list[Reading], Estimate | None]:
        return assessed(reader_of(net, hand.info, hand.fabric), seen, hand.decoder(lm))

    was, before = looked(old, own)
    if better is old:
        return Aside(len(hand.check), seen, was, was, (before, before)), None, hand.info.cer_estimate_bias
    now, after = looked(better, own)
    more, lm = cer_estimate_bias(before, after), None
    if may is not None:
        plain = looked(better, None)[1] if own else after
        spoken, best = looked(better, may)
        if lm_helps(plain, best) and (hand.settings.texts or spoken_here(spoken, hand.language)):
            now, after, lm = spoken, best, may
    after = after and after.raised(more)
    return Aside(len(hand.check), seen, was, now, (before, after)), lm, hand.info.cer_estimate_bias + more


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _language_of(parent: Path, info: ModelInfo) -> CharLM | None:
    """The language model that the parent is read with, if it brings one."""
    own = own_language(parent, info)
    return CharLM.load(own) if own else None


def _tidy(out: Path) -> None:
    """Take away the students of a finished run, and what killed processes left half written."""
    for folder in (out / "rounds").glob("*"):
        for file in (folder / WEIGHTS, *folder.glob(".*.part")):
            file.unlink(missing_ok=True)


def _info(
    hand: Hand, inputs: Sequence[str | Path], parent: str | Path, rounds: list[dict[str, Any]], flattered: float
) -> ModelInfo:
    """The parent's, with what was done; its languages stay, for the pictures tell no more than their own."""
    old = hand.info
    return old.model_copy(
        update={
            "name": "",
            "cer_estimate_bias": round(flattered, 4),
            "graphs": {},
            "parents": [old.as_parent(parent)],
            "data": [{"path": str(i), "labels": "none"} for i in inputs],
            "scores": {"rounds": rounds},
            "versions": versions(),
            "settings": {**asdict(hand.settings), "language": hand.language},
        }
    )
