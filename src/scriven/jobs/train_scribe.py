"""train_scribe: lines of some hands in, a generator that writes any text in these hands out."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from scriven.base import InputError, Skipped, counted
from scriven.base.progress import percent, progress
from scriven.images import Grey, encode
from scriven.jobs.folders import free
from scriven.jobs.scribe_lines import above, lines_of
from scriven.metrics import score
from scriven.reader.model import DEFAULT_MODEL, FolderInfo
from scriven.reader.session import Reader
from scriven.report import Figure, curve, facts, page, pictures, save, section
from scriven.scribes.flow.autoencoder import ColumnAutoencoder
from scriven.scribes.flow.model import AnyHand, ScribeInfo
from scriven.scribes.flow.network import FlowNetwork
from scriven.scribes.flow.scribe import FlowScribe
from scriven.scribes.fonts.likeness import nearest
from scriven.text import Charset
from scriven.training.aligned_lines import AlignedLines, align_lines, split
from scriven.training.checkpoint import STATE, WEIGHTS, resume, save_state, save_tensors, versions
from scriven.training.data import characters
from scriven.training.devices import check_available, fabric_of, resolved_precision
from scriven.training.flow_batches import FlowBatches
from scriven.training.flow_fit import VALIDATION_SEED, FlowRun, fit_flow
from scriven.training.flow_publish import hands_of, load_network, publish_scribe, torch_generator, without_pictures
from scriven.training.flow_settings import FlowTrainSettings as FlowTrainSettings
from scriven.training.hand_clusters import MOST, cluster_hands

log = logging.getLogger("scriven.train")

MAY_CHANGE = {"device", "precision"}  # settings that may change when a run is resumed
REPORT = "report.html"
SAMPLES = 12  # pictures of the report


@dataclass(frozen=True)
class TrainedScribe:
    """A finished generator: its model folder, how its writing reads, and the lines that were left out."""

    folder: Path
    info: FolderInfo
    hands: int
    skipped: tuple[Skipped, ...]

    def sentence(self) -> str:
        """How many hands it writes in, and the CER of its writing read back."""
        read = self.info.scores.get("read_back")
        said = f"writes {counted(len(self.info.charset), 'character')} in {counted(self.hands, 'hand')}"
        return f"{said}; CER of {read['n']} texts read back: {read['cer']:.1%}" if read else said


def train_scribe(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    parent: str | Path | None = None,
    model: str | Path = DEFAULT_MODEL,
    settings: FlowTrainSettings,
    name: str = "",
    licence: str = "",
) -> TrainedScribe:
    """Train a generator on `inputs` (lines folders, `fonts:LANGUAGES`) into the model folder `out`.

    The lines are aligned with their texts by the recogniser `model`. With `parent`, training starts from a generator,
    whose hands and characters are kept. An unfinished run is resumed. Lines that cannot be aligned are skipped with the
    reason.
    Raises InputError if no line can be used, OutputError if `out` is finished or was begun with other settings.

    >>> import scriven
    >>> from scriven.training.flow_settings import FlowTrainSettings as FlowTrainSettings
    >>> few = FlowTrainSettings(steps=2, width=32, layers=1, batch=2, evaluations=1)
    >>> trained = scriven.train_scribe(["letters/"], "my-new-scribe", settings=few)
    >>> trained.hands >= 1
    True
    """
    out = Path(out)
    free(out, STATE, WEIGHTS)
    check_available(settings.schedule)
    old, hands, parents = None, list[AnyHand](), list[dict[str, Any]]()
    if parent is not None:
        old, before, hands = load_network(parent)
        settings, parents = replace(settings, **before.sizes), [before.as_parent(parent)]
    lines, data, skipped = _aligned(inputs, model, settings, old)
    train, valid = split(lines, settings.validate_on, settings.seed)
    fabric = fabric_of(settings.schedule)
    net = _network(lines.charset, settings, old)
    run = FlowRun.begin(net, settings, fabric)
    described = _described(inputs, parent, model, settings)
    if resume(out, run, described, {"sources": data}, fabric):
        log.info("resuming at step %d", run.progress.step)
    batches = FlowBatches(lines, train, train, settings.columns, settings.seed)
    held = FlowBatches(lines, valid, train, settings.columns, settings.seed + VALIDATION_SEED) if valid else None
    hands = _apart([*hands, *hands_of(lines, train, settings.columns)])
    info = ScribeInfo(
        name=name, sizes=net.sizes, charset=lines.charset.characters, data=data, licence=licence, versions=versions(),
        settings=described, parents=parents,
    )  # fmt: skip
    million = sum(weight.numel() for weight in net.parameters()) / 1e6
    counts = f"{counted(len(train), 'line')} of {counted(len(lines.hands), 'hand')}, {len(valid)} held out"
    log.info("%.1f million parameters: %s", million, counts)
    reader = Reader.load(model, threads=1)
    evaluation = Evaluation(out, info, lines, valid or train, reader, settings, fabric)
    fit_flow(run, batches, held, settings, fabric, evaluation.keep, partial(percent, "training"))
    info = info.model_copy(update={"scores": scores_of(run.progress.rows[-1], model)})
    if not settings.pictures:
        hands = without_pictures(run.average, info, hands, fabric)
    publish_scribe(out, run.average, info, hands)
    return TrainedScribe(out, info, len(hands), tuple(skipped))


def scores_of(last: Mapping[str, Any], model: str | Path) -> dict[str, Any]:
    """The scores of a finished generator, from the last row of its log."""
    read = {"read_back": {"cer": last["cer"], "n": last["n"], "model": str(model)}} if "cer" in last else {}
    return {"valid_loss": last["valid"], **read}


@dataclass(frozen=True)
class Evaluation:
    """What follows an evaluation of a run: texts are written and read back, and everything is saved."""

    out: Path
    info: ScribeInfo
    lines: AlignedLines
    chosen: list[int]  # lines whose texts are written
    reader: Reader
    settings: FlowTrainSettings
    fabric: Fabric

    def keep(self, run: FlowRun, row: dict[str, Any]) -> None:
        """Extend a row of the log by the CER of the texts read back; save weights, state, log and report."""
        if row["phase"] == "flow" and self.settings.read_back:
            row |= self._read_back(run)
        log.info("%s", _shown(row))
        save_tensors(self.out / WEIGHTS, run.average.state_dict())
        settings = {**self.info.settings, "precision": resolved_precision(self.settings.schedule)}
        save_state(self.out, run, settings, {"sources": self.info.data})

    def _read_back(self, run: FlowRun) -> dict[str, Any]:
        """CER and n of texts written by the averaged weights, each in the hand of its line."""
        order = np.random.default_rng(self.settings.seed).permutation(len(self.chosen))[: self.settings.read_back]
        picked, lines = [self.chosen[i] for i in order.tolist()], self.lines
        every = list(range(len(lines)))
        batches = FlowBatches(lines, every, every, self.settings.columns, self.settings.seed)
        hands = [batches.reference(index, np.random.default_rng(index), (0, 0)) for index in picked]
        scribe = FlowScribe.of(torch_generator(run.average, self.info, hands, self.fabric))
        texts = [lines.lines[index].text for index in picked]
        made = [scribe.write(t, np.random.default_rng(n), hand=n).picture for n, t in enumerate(texts)]
        read = [one.text for one in self.reader.read((str(n), picture) for n, picture in enumerate(made))]
        found = score(texts, read, resamples=1)
        self._report(run, found.cer, list(zip(picked, made, texts, read, strict=True))[:SAMPLES])
        return {"cer": found.cer, "n": found.n}

    def _report(self, run: FlowRun, cer: float, samples: list[tuple[int, Grey, str, str]]) -> None:
        """The page with the curve of the CER and samples: line (if the model may hold pictures), text, reading."""
        figures = []
        for index, picture, text, reading in samples:
            hand = self.lines.hands[self.lines.lines[index].hand]
            caption = f"{hand}, generated"
            if self.settings.pictures:
                picture = above(self.lines.images.get(index), picture)
                caption = f"{hand}: written by hand, and below generated in the same hand"
            figures.append(Figure(encode(picture), reading=reading, truth=text, caption=caption))
        rows = [*run.progress.rows[:-1], {**run.progress.rows[-1], "cer": cer}]
        points = [(row["step"], row["cer"]) for row in rows if "cer" in row]
        known = [("step", run.progress.step), ("hands", len(self.lines.hands)), ("lines", len(self.lines))]
        drawn = curve({"CER of the texts read back": points}, x="step", y="CER")
        parts = [section("Progress", facts(known), drawn), section("Samples", pictures(figures, wide=True))]
        save(self.out / REPORT, page(f"Training a scribe: {self.out.name}", parts))


def _aligned(
    inputs: Sequence[str | Path], model: str | Path, settings: FlowTrainSettings, old: FlowNetwork | None
) -> tuple[AlignedLines, list[dict[str, Any]], list[Skipped]]:
    """The aligned lines of the inputs, a record of each input, and the lines that were left out."""
    reader = Reader.load(model, threads=None)
    needed = characters(inputs, settings.level) & set(reader.charset.characters)
    charset = old.charset.grow(sorted(needed)) if old else Charset(tuple(sorted(needed)))
    lines, data, skipped = AlignedLines(charset), list[dict[str, Any]](), list[Skipped]()
    for given in inputs:
        named = Path(given).name if len({Path(one).name for one in inputs}) == len(inputs) else str(given)
        prefix = f"{named}/" if len(inputs) > 1 else ""
        for record, total, labelled in lines_of(given, settings):
            before = len(lines)
            for number, done in enumerate(align_lines(reader, labelled, lines, prefix), start=1):
                progress(f"aligning {given}", number, total)
                skipped += [done] if isinstance(done, Skipped) else []
            data.append({**record, "lines": len(lines) - before})
    if not len(lines):
        why = f"; the first of {len(skipped)}: {skipped[0].sentence()}" if skipped else ""
        raise InputError(f"no line of {', '.join(map(str, inputs))} can be aligned with its text{why}")
    pages = len(lines.without_writer)
    if settings.cluster and (found := cluster_hands(lines)):
        log.info("%s without a hand are of %s, found by clustering", counted(pages, "page"), counted(found, "hand"))
    elif settings.cluster and pages > MOST:
        log.warning("%s without a hand are too many to cluster (at most %d): each is a hand", f"{pages:,} pages", MOST)
    return lines, data, skipped


def _network(charset: Charset, settings: FlowTrainSettings, old: FlowNetwork | None) -> FlowNetwork:
    """A new network, or that of the parent with the new characters."""
    if old is None:
        torch.manual_seed(settings.seed)
        return FlowNetwork(charset, settings.width, settings.layers, settings.latent)
    new = charset.characters[len(old.charset) :]
    net = old.grown(charset, nearest(new, old.charset.characters)) if new else old
    if isinstance(net.codec, ColumnAutoencoder):
        net.codec.finished = True
    return net


def _apart(hands: Sequence[AnyHand]) -> list[AnyHand]:
    """The hands, of which those with the name of an earlier one are numbered: `a`, `a (2)`."""
    names = set[str]()
    found = list[AnyHand]()
    for hand in hands:
        numbered = (f"{hand.name} ({n})" for n in count(2))
        name = hand.name if hand.name not in names else next(n for n in numbered if n not in names)
        names.add(name)
        found.append(replace(hand, name=name))
    return found


def _described(
    inputs: Sequence[str | Path], parent: str | Path | None, model: str | Path, settings: FlowTrainSettings
) -> dict[str, Any]:
    """The settings and inputs that must be the same to resume a run."""
    kept = {key: value for key, value in asdict(settings).items() if key not in MAY_CHANGE}
    return {**kept, "inputs": [str(i) for i in inputs], "parent": str(parent) if parent else None, "model": str(model)}


def _shown(row: dict[str, Any]) -> str:
    """A row of the log as text."""
    valid = "" if row["valid"] is None else f", held-out {row['valid']:.4f}"
    read = f", read back: CER {100 * row['cer']:.1f} % of {row['n']} texts" if "cer" in row else ""
    return f"step {row['step']}, {row['minutes']:.1f} min: {row['phase']} loss {row['loss']:.4f}{valid}{read}"
