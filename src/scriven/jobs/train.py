"""Train a recogniser: labelled lines folders and typefaces in, a model folder out."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from scriven.base import SettingsError, Skipped, counted
from scriven.base.progress import percent
from scriven.jobs.folders import free
from scriven.jobs.train_network import charset_and_start, mapping_of, network_of, started
from scriven.jobs.train_settings import TrainSettings as TrainSettings
from scriven.reader.model import ModelInfo, find_model, own_language, read_info
from scriven.reader.trainable import OUTSIDE, InputSpec
from scriven.recognisers.contract import Recogniser
from scriven.scribes.specs import synthetic_input
from scriven.text import Charset
from scriven.training.checkpoint import (
    STATE,
    WEIGHTS,
    resume,
    save_state,
    save_weights,
    unfinished_run,
    versions,
    write_tensorboard,
)
from scriven.training.data import TrainingData, languages
from scriven.training.devices import check_available, fabric_of, resolved_precision
from scriven.training.fit import Progress, SaveCallback, TrainingRun, begin, fit
from scriven.training.gate import ParentScore, baseline, keep_parent, measured_for_gate, refusal
from scriven.training.layers import check_parts
from scriven.training.loader import AugmentSchedule, Plan
from scriven.training.progress_log import format_log_row
from scriven.training.publish import publish, with_language_model
from scriven.training.validation import ATTENTION_CER

log = logging.getLogger("scriven.train")

# Settings that may change when a run is resumed.
MAY_CHANGE = {"workers", "device", "devices", "precision", "replicas", "track", "gate", "forgetting"}
MIN_VALIDATION_LINES = 50  # with fewer, a remark says that the CER is unreliable


@dataclass(frozen=True)
class Trained:
    """A finished training run: the model, its best score on validation lines, and the skipped lines.

    `refused`: why the gate kept the weights of the parent; "" if it did not.
    """

    folder: Path
    info: ModelInfo
    progress: Progress
    skipped: tuple[Skipped, ...]
    validated_on: str = "validation line"  # what its score was measured on, in the singular
    refused: str = ""

    def sentence(self) -> str:
        """The best score, with a remark if it was measured on few lines; or why the gate refused the model."""
        if self.refused:
            return f"not improved, the parent's weights are kept: {self.refused} (--set gate=no keeps the new ones)"
        best = self.info.scores["valid"]
        few = ", too few for a reliable CER: score the model on a test set" if best["n"] < MIN_VALIDATION_LINES else ""
        attention = f" by CTC, {best[ATTENTION_CER]:.2%} by attention," if ATTENTION_CER in best else ""
        return f"CER {best['cer']:.2%}{attention} on {counted(best['n'], self.validated_on)}{few}"


def train(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    parent: str | Path | None = None,
    settings: TrainSettings,
    name: str = "",
    licence: str = "",
) -> Trained:
    """Train on `inputs` (lines folders, `fonts:LANGUAGES`) into the model folder `out`; an unfinished run is resumed.

    With `parent`, the network starts from the weights of that model, and its character set is extended by the
    characters of the lines; if it then reads worse than the parent, `out` becomes a copy of that.
    Raises ScrivenError if no line can be used, if `out` is finished, or if it was begun with other settings or data.

    >>> import scriven
    >>> from scriven.jobs.train import TrainSettings
    >>> few = TrainSettings(steps=2, size="tiny", evaluations=1)
    >>> trained = scriven.train(["letters/"], "my-model", settings=few)
    >>> trained.info.size
    'tiny'
    """
    out = Path(out)
    free(out, STATE, WEIGHTS)
    settings = _resolved(out, settings, parent)
    mapping, replay = mapping_of(settings), _replay(settings, parent)
    again = [one for one in replay if not synthetic_input(one)]
    charset, start = charset_and_start([*inputs, *again], parent, settings, mapping)
    lm_parent = _inherited_lm(parent, charset)
    net, notes = started(settings, charset, start)
    check_parts(net, settings.freeze)
    spec = InputSpec.of(net, mapping.charset if mapping else charset, mapping)
    training_data = TrainingData.of(inputs, spec, settings, replay)
    fabric = fabric_of(settings)
    fabric.launch()
    before = _baseline(parent, training_data, settings, fabric)
    run = begin(net, settings, fabric)
    described = _described(inputs, parent, settings)
    sources = [[d.get("fingerprint"), d.get("sketch")] for d in training_data.data]
    data = {"sources": sources, "charset": charset.characters}
    defaults = _described([], None, TrainSettings(steps=1).resolved())
    if resume(out, run, described, data, fabric, defaults, TrainSettings.RENAMED):
        log.info("resuming at step %d", run.progress.step)
    _announce(net, settings, training_data)
    plan = Plan(training_data.mixture, settings.seed, settings.batch_width_px, fabric.device.type)
    keep = _keeping(out, settings, described, data, training_data, fabric)
    augmentation, tell = AugmentSchedule.of(settings), partial(percent, "training")
    progress = fit(run, plan, training_data.valid, settings, augmentation, fabric, keep, tell)
    worse = before and refusal(before, progress.best_row, training_data, settings.forgetting)
    if fabric.is_global_zero:
        made = _info(net, inputs, parent, settings, training_data, progress, name, licence)
        if before and worse and parent is not None:
            keep_parent(out, parent, made, before, worse)
        else:
            made = with_language_model(out, made.model_copy(update=notes), lm_parent)
            publish(out, made, training_data.valid)
    fabric.barrier()
    return Trained(out, read_info(out), progress, training_data.skipped, training_data.validated_on, worse or "")


def _announce(net: Recogniser, settings: TrainSettings, data: TrainingData) -> None:
    """Say what is trained on what, before the first step, which on a CPU may take minutes."""
    if outside := sum(one.reason.startswith(OUTSIDE) for one in data.skipped):
        lines = counted(outside, "line")
        log.warning("%s left out for characters outside the character set; --set outside=drop uses them without", lines)
    million = sum(weight.numel() for weight in net.parameters()) / 1e6
    count = sum(record.get("lines", 0) for record in data.data if not record.get("replay"))
    pictures = [counted(count, "line")] if count else []
    pictures += ["synthetic pictures"] if any("lines" not in record for record in data.data) else []
    size = f" {settings.size}" if settings.size else ""
    valid = counted(sum(map(len, data.valid)), data.validated_on)
    log.info("%s%s, %.1f million parameters: %s, %s", settings.model, size, million, " and ".join(pictures), valid)


def _keeping(
    out: Path,
    settings: TrainSettings,
    described: dict[str, Any],
    data: dict[str, Any],
    training_data: TrainingData,
    fabric: Fabric,
) -> SaveCallback:
    """What follows an evaluation: a row of the log, the weights if they are the best, the state to resume from."""

    def keep(run: TrainingRun, better: bool) -> None:
        row, replicas = run.progress.rows[-1], len(run.replicas.nets) if run.replicas else 1
        if better:
            row |= measured_for_gate(run.average, training_data, settings.batch_width_px, fabric)
        log.info("%s", format_log_row(row, f"{training_data.validated_on}s"))
        if better:
            save_weights(out, run.average)
        computed = {"precision": resolved_precision(settings), "replicas": replicas}
        save_state(out, run, {**described, **computed}, data)
        if settings.track:
            write_tensorboard(out, row)

    return keep


def _baseline(
    parent: str | Path | None, data: TrainingData, settings: TrainSettings, fabric: Fabric
) -> ParentScore | None:
    """How the parent reads, on the first process; None without parent or gate."""
    if parent is None or not settings.gate or not fabric.is_global_zero:
        return None
    found = baseline(parent, data, settings.batch_width_px, fabric)
    measured = counted(sum(map(len, data.valid)), data.validated_on)
    log.info("before training: CER %.2f %% on %s", 100 * found.valid, measured)
    return found


def _resolved(out: Path, settings: TrainSettings, parent: str | Path | None) -> TrainSettings:
    """The settings with the network, its sizes and all that depends on other settings.

    Raises SettingsError for those that this machine, the network or a run without parent does not allow.
    """
    network, sizes = network_of(settings, parent)
    rest = {key: value for key, value in sizes.items() if key != "size"}
    settings = replace(settings.resolved(), model=network, size=sizes.get("size"), sizes=rest)
    settings = _computed_as_before(out, settings)
    check_available(settings)
    if parent is not None and settings.init is not None:
        raise SettingsError(f"the weights are those of {parent}, with --from; leave the setting init out")
    for name in ("replay", "replay_from") if settings.init else ("freeze", "replay", "replay_from"):
        if parent is None and getattr(settings, name):
            raise SettingsError(f"the setting {name!r} keeps what a model has learnt before; name it with --from")
    return settings


def _replay(settings: TrainSettings, parent: str | Path | None) -> tuple[str, ...]:
    """The inputs to replay. Raises SettingsError if none are given and the parent names no languages."""
    if parent is None or settings.replay_from or not settings.replay:
        return settings.replay_from
    if not (spoken := read_info(find_model(parent)).languages):
        raise SettingsError(f"{parent} names no languages to replay; set replay_from to fonts:LANG or a lines folder")
    return (f"fonts:{'+'.join(spoken)}",)


def _inherited_lm(parent: str | Path | None, charset: Charset) -> Path | None:
    """The folder of the parent if its language model can be used: it has one that covers `charset`.

    Raises ModelError if the language model that the parent names is missing.
    """
    if parent is None or own_language(folder := find_model(parent), info := read_info(folder)) is None:
        return None
    if charset != info.characters:
        log.info("the language model of %s is not kept: it lacks the new characters", parent)
        return None
    log.info("the model decodes with the language model of %s; without it: --lm none", parent)
    return folder


def _computed_as_before(out: Path, settings: TrainSettings) -> TrainSettings:
    """The settings with the precision and replicas an unfinished run began with, unless they are set explicitly."""
    before = unfinished_run(out).get("settings", {})
    precision = before.get("precision") if settings.precision == "auto" else settings.precision
    return replace(settings, precision=precision or "auto", replicas=settings.replicas or before.get("replicas"))


def _described(inputs: Sequence[str | Path], parent: str | Path | None, settings: TrainSettings) -> dict[str, Any]:
    """The settings and inputs that must be the same to resume a run."""
    kept = {k: v for k, v in asdict(settings).items() if k not in MAY_CHANGE and (v or k != "sizes")}
    return {**kept, "inputs": [str(i) for i in inputs], "parent": str(parent) if parent else None}


def _info(
    net: Recogniser,
    inputs: Sequence[str | Path],
    parent: str | Path | None,
    settings: TrainSettings,
    training_data: TrainingData,
    progress: Progress,
    name: str,
    licence: str,
) -> ModelInfo:
    best = progress.best_row
    assert settings.model is not None  # resolved by `train`
    parents, parent_languages, stretch = [], list[str](), 1.0
    if parent is not None:
        old = read_info(find_model(parent))
        parents, parent_languages, stretch = [old.as_parent(parent)], old.languages, old.stretch
    return ModelInfo(
        name=name,
        network=settings.model,
        sizes=net.sizes,
        charset=net.charset.characters,
        height=net.height,
        stride=net.stride,
        frames=net.frames,
        decoders=net.decoders,
        stretch=stretch,
        parents=parents,
        data=list(training_data.data),
        scores={
            "valid": {
                "n": sum(map(len, training_data.valid)),
                **{k: best[k] for k in ("cer", ATTENTION_CER, "step") if k in best},
            }
        },
        versions=versions(),
        licence=licence,
        languages=languages(inputs) or parent_languages,
        settings=_described(inputs, parent, settings),
    )
