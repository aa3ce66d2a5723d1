"""adapt: self-training on unlabelled pictures; a model that is not improved keeps the weights of its parent.

Rounds of self-training: a teacher reads the pictures, its best-ranked readings become pseudo-labels, a student is
trained on them and on synthetic pictures, and is the next teacher if it passes a gate on held-out pictures; see
`scriven.selftrain`.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from scriven.base import Skipped, atomic, counted
from scriven.base.progress import percent
from scriven.estimate.cer import CerEstimate
from scriven.jobs.folders import free
from scriven.language.identify import LanguageGuess
from scriven.language.model import CharLM
from scriven.language.texts import source
from scriven.reader.model import DEFAULT_MODEL, ModelInfo, find_model, own_language
from scriven.recognisers.contract import Recogniser
from scriven.report import rounds_kept, save
from scriven.selftrain.context import AdaptContext
from scriven.selftrain.held_out import HeldOut, compare
from scriven.selftrain.metrics import reader_of
from scriven.selftrain.pictures import Pictures, gather, hold_out
from scriven.selftrain.prior import language_of, language_prior, require_files
from scriven.selftrain.report import page_of
from scriven.selftrain.rounds import HIGH_CER, RoundsResult, run_rounds
from scriven.selftrain.settings import AdaptSettings
from scriven.selftrain.state import STATE, check_same_run, digest, last_accepted, run_key, save_key, tidy
from scriven.training.checkpoint import WEIGHTS, load_net, save_weights, versions
from scriven.training.devices import check_available, fabric_of
from scriven.training.publish import copy_parent, publish, with_language_model

__all__ = ["AdaptSettings", "Adapted", "adapt"]

log = logging.getLogger("scriven.adapt")

PAGE = "report.html"
FIRST_LINES = 30  # lines to transcribe before adapting, if the CER is high


@dataclass
class Adapted:
    """The result of `adapt`. `helped` is False if no round was accepted, so the weights of the parent are kept."""

    folder: Path
    helped: bool
    why: str  # the reason why the rounds ended early; "" if all were done
    rounds: list[dict[str, Any]]
    estimates: tuple[CerEstimate | None, CerEstimate | None] = (None, None)  # of the held-out pictures: before, after
    improved: bool | None = None  # whether the estimate fell by more than chance; None: too few pictures to tell
    cer: float | None = None  # estimated of the parent with the language prior
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def page(self) -> Path:
        """The report."""
        return Path(self.folder) / PAGE

    def sentence(self) -> str:
        """The result and the estimates, one line each."""
        if not self.helped:
            return f"{self.folder}: not adapted, the weights of the parent are kept: {self.why}"
        ended = f"; then it ended: {self.why}" if self.why else ""
        accepted = f"{self.folder}: {counted(rounds_kept(self.rounds), 'round')} accepted{ended}"
        return "\n".join([accepted, *self._estimated()])

    def _estimated(self) -> list[str]:
        before, after = self.estimates
        if not (before and after):
            return []
        if self.improved is None:
            return [f"{counted(after.n, 'held-out picture')}: too few to estimate whether it reads better"]
        change = f"estimated CER {100 * before.cer:.1f} % before, {100 * after.cer:.1f} % after"
        low, high = (100 * edge for edge in after.interval)
        if not self.improved:
            change += "; the difference is within chance, so whether it reads better is unknown"
        return [f"{counted(after.n, 'held-out picture')}: {change} ({low:.0f}-{high:.0f} %)"]

    def needs_labels(self) -> bool:
        """Whether the parent reads so badly that transcribing some lines first helps more than adapting."""
        return self.cer is not None and self.cer >= HIGH_CER

    def advice(self, inputs: Sequence[str | Path], parent: str | Path, settings: AdaptSettings) -> list[str]:
        """What to do next, one command or sentence per line."""
        given = " ".join(map(str, inputs))
        if self.needs_labels():
            model, language = self.folder if self.helped else parent, settings.language or "LANGUAGE"
            return [
                f"Transcribe about {FIRST_LINES} lines: at an estimated CER of {100 * (self.cer or 0):.0f} % this "
                "helps more than adapting. Then adapt the new model:",
                f"  scriven pick {given} -n {FIRST_LINES} -m {model} -o to-correct.csv   (then correct its texts)",
                f"  scriven train to-correct.csv fonts:{language} --from {model} -o MY-MODEL",
            ]
        if self.helped:
            spaces = " --as word" if settings.level == "words" else ""
            return [f"Next: scriven read -m {self.folder}{spaces} MORE-PICTURES"]
        named = "" if settings.language else "set the language with --lang, "
        return [
            f"Next: give it more time (--minutes, and another -o), give more pictures of one hand, {named}or "
            f"transcribe about 50 lines and `scriven train LINES -o MY-MODEL --from {parent}`"
        ]

    def as_json(self) -> dict[str, Any]:
        """`model helped improved why rounds`, `estimate_before` and `estimate_after` of the held-out pictures."""
        before, after = (found.as_json() if found else None for found in self.estimates)
        result = {"model": str(self.folder), "helped": self.helped, "improved": self.improved, "why": self.why}
        return {**result, "rounds": self.rounds, "estimate_before": before, "estimate_after": after}


def adapt(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    parent: str | Path = DEFAULT_MODEL,
    settings: AdaptSettings | None = None,
) -> Adapted:
    """Adapt the model `parent` to unlabelled pictures (or those of lines folders; their texts are not looked at).

    `out` becomes a model folder with a report, `report.html`; one that was begun by the same call resumes after its
    last finished round. It is read with the language model of its pseudo-labels, if the language is certain and that
    helps, else with its parent's, if there is one.
    Raises InputError when there are too few pictures, OutputError when `out` is finished or holds another run.

    >>> import scriven
    >>> from scriven.selftrain.settings import AdaptSettings
    >>> few = AdaptSettings(steps=1, rounds=1, language="en")
    >>> adapted = scriven.adapt(["scans/"], "my-hand", settings=few)
    >>> adapted.folder.name
    'my-hand'
    """
    settings, out, begun = settings or AdaptSettings(), Path(out), time.monotonic()
    key = _opened(out, inputs, parent, settings)
    folder = find_model(parent)
    net, info = load_net(folder)
    gathered = gather(inputs, settings.level, net.height)
    key |= {"pictures": gathered.pictures.digest(), "weights": digest(folder / WEIGHTS)}
    check_same_run(out, key)
    log.info("reading %s first", counted(len(gathered.pictures), "picture"))
    own = _own_language_model(folder, info)
    context, certain = _context(out, net, info, gathered.pictures, settings, own)
    save_key(out, key)  # not earlier: what cannot be adapted to leaves the place free
    result = run_rounds(context, net, begun)
    helped = rounds_kept(result.rows) > 0
    with atomic(out / "log.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in result.rows)
    offered = context.prior.lm if helped and (certain or settings.texts) else None
    compared = compare(context, net, result.net, own, offered)
    _save_report(context, compared.held_out, result)
    info = _info(context, inputs, parent, result.rows, compared.cer_estimate_bias)
    made = with_language_model(out, info, folder, compared.lm)
    percent("adapting", 1.0)
    if helped:
        save_weights(out, result.net)
        publish(out, made, [], context.held_out)
    else:
        untrained = made.model_copy(update={"data": context.info.data})  # it was not trained on the inputs
        copy_parent(out, untrained, folder)
    tidy(out)
    skipped, held_out = [*gathered.skipped, *context.prior.skipped], compared.held_out
    estimates, cer = held_out.estimates, result.baseline.cer
    return Adapted(out, helped, result.why, result.rows, estimates, held_out.improved, cer, skipped)


def _opened(out: Path, inputs: Sequence[str | Path], parent: str | Path, settings: AdaptSettings) -> dict[str, Any]:
    """Check the output folder and the settings before anything is read; the key of the run."""
    free(out, STATE)
    key = run_key(inputs, parent, settings)
    check_same_run(out, key)
    check_available(settings.training(steps=1))
    require_files(settings.texts, settings.words)
    if settings.language:
        source(f"mixed:{settings.language}")
    return key


def _context(
    out: Path, net: Recogniser, info: ModelInfo, pictures: Pictures, settings: AdaptSettings, own: CharLM | None
) -> tuple[AdaptContext, bool]:
    """The context of the rounds, and whether the language is certain; the network moves to the device.

    Where it is not, and there are no texts of the user's own, the parent's `own` language model is the prior.
    """
    settings = settings.for_parent(info)
    fabric = fabric_of(settings.training(steps=1))
    net.to(fabric.device)
    given = settings.language
    guess = LanguageGuess(given, True) if given else language_of(reader_of(net, info, fabric), pictures)
    prior = language_prior(guess.language, settings.texts, settings.words, info.characters)
    if own is not None and not (guess.certain or settings.texts):
        prior = replace(prior, lm=own)
    train, held_out = hold_out(pictures, settings.held_out, settings.seed)
    return AdaptContext(out, info, fabric, guess.language, prior, train, held_out, settings), guess.certain


def _save_report(context: AdaptContext, held_out: HeldOut, result: RoundsResult) -> None:
    labels = last_accepted(context.out, result.rows)
    save(context.out / PAGE, page_of(held_out, len(context.train), result.rows, result.why, labels))


def _own_language_model(parent: Path, info: ModelInfo) -> CharLM | None:
    """The language model that the parent is read with, if it has one."""
    own = own_language(parent, info)
    return CharLM.load(own) if own else None


def _info(
    context: AdaptContext, inputs: Sequence[str | Path], parent: str | Path, rows: list[dict[str, Any]], bias: float
) -> ModelInfo:
    """The model.json: the parent's with what was done; its languages stay, since the pictures show only their own."""
    old = context.info
    return old.model_copy(
        update={
            "name": "",
            "cer_estimate_bias": round(bias, 4),
            "graphs": {},
            "parents": [old.as_parent(parent)],
            "data": [{"path": str(i), "labels": "none"} for i in inputs],
            "scores": {"rounds": rows},
            "notes": [_note(rows)],
            "versions": versions(),
            "settings": {**asdict(context.settings), "language": context.language},
        }
    )


def _note(rows: Sequence[Mapping[str, Any]]) -> str:
    """The sentence of the model card."""
    if accepted := rounds_kept(rows):
        return f"adapted without labels in {counted(accepted, 'round')} of self-training"
    return "self-training without labels did not help: it reads exactly as the model that it started from"
