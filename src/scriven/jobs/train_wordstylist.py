"""train-scribe --network wordstylist: words of some hands in, the baseline that writes words in these hands out."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from scriven.base import InputError, Skipped, atomic, counted
from scriven.base.progress import percent, progress
from scriven.images import encode
from scriven.jobs.folders import free
from scriven.jobs.scribe_lines import above, lines_of
from scriven.jobs.train_scribe import MAY_CHANGE, REPORT, SAMPLES, TrainedScribe, scores_of
from scriven.metrics import score
from scriven.reader.model import DEFAULT_MODEL, write_model
from scriven.reader.session import Reader
from scriven.report import Figure, curve, facts, page, pictures, save, section
from scriven.scribes.fonts.likeness import nearest
from scriven.scribes.wordstylist import WordStylistSettings
from scriven.scribes.wordstylist.autoencoder import Autoencoder, OwnAutoencoder, external_autoencoder
from scriven.scribes.wordstylist.info import WordStylistInfo
from scriven.scribes.wordstylist.model import AUTOENCODER, autoencoder_of, load_wordstylist
from scriven.scribes.wordstylist.network import WordStylist
from scriven.scribes.wordstylist.scribe import WordStylistScribe
from scriven.text import Charset
from scriven.training.checkpoint import STATE, WEIGHTS, resume, save_state, save_tensors, versions
from scriven.training.devices import check_available, fabric_of, resolved_precision
from scriven.training.flow_publish import card
from scriven.training.words_of_hands import WordsOfHands
from scriven.training.wordstylist_fit import Batches, WordStylistRun, fit_wordstylist
from scriven.training.wordstylist_settings import WordStylistTrainSettings as WordStylistTrainSettings

log = logging.getLogger("scriven.train")


def train_wordstylist(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    parent: str | Path | None = None,
    model: str | Path = DEFAULT_MODEL,
    settings: WordStylistTrainSettings,
    name: str = "",
    licence: str = "",
) -> TrainedScribe:
    """Train a WordStylist on `inputs` (lines folders, `fonts:LANGUAGES`) into the model folder `out`.

    `model` reads what it writes. With `parent`, training starts from a WordStylist, whose hands and characters are kept
    and to which those of the inputs are added. An unfinished run is resumed. Lines that are too long are skipped.
    Raises InputError if no line can be used, OutputError if `out` is finished or was begun with other settings.
    """
    out = Path(out)
    free(out, STATE, WEIGHTS)
    check_available(settings.schedule)
    old = load_wordstylist(parent) if parent is not None else None
    lines, data, skipped = _words(inputs, settings, old)
    train, valid = lines.split(settings.validate_on, settings.seed)
    fabric = fabric_of(settings.schedule)
    net = _network(lines, settings, old)
    autoencoder = _autoencoder(settings, parent, old)
    run = WordStylistRun.begin(net, autoencoder, old is not None, settings, fabric)
    kept = {key: value for key, value in asdict(settings).items() if key not in MAY_CHANGE}
    described = {**kept, "inputs": [str(i) for i in inputs], "parent": str(parent) if parent else None}
    if resume(out, run, described, {"sources": data}, fabric):
        log.info("resuming at step %d", run.progress.step)
    given = str(Path(settings.autoencoder).absolute()) if settings.autoencoder else ""
    external = given or (old[1].autoencoder if old else "")
    info = WordStylistInfo(
        name=name, sizes=net.sizes, charset=net.charset.characters, hands=tuple(lines.names), steps=settings.sampling,
        autoencoder=external, data=data, licence=licence, versions=versions(), settings=described,
        parents=[old[1].as_parent(parent)] if old and parent else [],
    )  # fmt: skip
    million = sum(weight.numel() for weight in net.parameters()) / 1e6
    counts = f"{counted(len(train), 'word')} of {counted(len(lines.names), 'hand')}, {len(valid)} held out"
    log.info("%.1f million parameters: %s", million, counts)
    batches = Batches(lines, lines.words(net.charset), train, settings)
    evaluation = Evaluation(out, info, lines, valid or train, Reader.load(model, threads=1), settings, fabric)
    fit_wordstylist(run, batches, valid, settings, fabric, evaluation.keep, partial(percent, "training"))
    info = info.model_copy(update={"scores": scores_of(run.progress.rows[-1], model)})
    with atomic(out / "README.md", "w") as file:
        file.write(card(info, len(info.hands)))
    write_model(out, info)
    return TrainedScribe(out, info, len(info.hands), tuple(skipped))


@dataclass(frozen=True)
class Evaluation:
    """What follows an evaluation of a run: words are written and read back, and everything is saved."""

    out: Path
    info: WordStylistInfo
    lines: WordsOfHands
    chosen: list[int]  # words that are written
    reader: Reader
    settings: WordStylistTrainSettings
    fabric: Fabric

    def keep(self, run: WordStylistRun, row: dict[str, Any]) -> None:
        """Extend a row of the log by the CER of the words read back; save weights, state, log and report."""
        if run.progress.encoded and self.settings.read_back:
            row |= self._read_back(run)
        valid = "" if row["valid"] is None else f", held-out {row['valid']:.4f}"
        read = f", read back: CER {100 * row['cer']:.1f} % of {row['n']} words" if "cer" in row else ""
        log.info(
            "step %d, %.1f min: %s loss %.4f%s%s", row["step"], row["minutes"], row["phase"], row["loss"], valid, read
        )
        save_tensors(self.out / WEIGHTS, run.averaged.state_dict())
        if not run.external:
            save_tensors(self.out / AUTOENCODER, run.average["autoencoder"].state_dict())
        settings = {**self.info.settings, "precision": resolved_precision(self.settings.schedule)}
        save_state(self.out, run, settings, {"sources": self.info.data})

    def _read_back(self, run: WordStylistRun) -> dict[str, Any]:
        """CER and n of words written by the averaged weights, each in the hand of its line."""
        order = np.random.default_rng(self.settings.seed).permutation(len(self.chosen))[: self.settings.read_back]
        picked, lines = [self.chosen[i] for i in order.tolist()], self.lines
        device: Any = self.fabric.device.type
        how = WordStylistSettings(device=device, threads=torch.get_num_threads())
        scribe = WordStylistScribe("", how, (run.averaged, self.info, run.autoencoder))
        texts = [lines.read[index] for index in picked]
        made = [
            scribe.write(text, np.random.default_rng(index), hand=lines.hands[index]).picture
            for index, text in zip(picked, texts, strict=True)
        ]
        read = [one.text for one in self.reader.read((str(n), picture) for n, picture in enumerate(made))]
        found = score(texts, read, resamples=1)
        figures = [
            Figure(
                encode(above(lines.images.get(index), picture)), reading=reading, truth=text,
                caption=f"{lines.names[lines.hands[index]]}: written by hand, and below generated in the same hand",
            )
            for index, picture, text, reading in list(zip(picked, made, texts, read, strict=True))[:SAMPLES]
        ]  # fmt: skip
        rows = [*run.progress.rows[:-1], {**run.progress.rows[-1], "cer": found.cer}]
        points = [(row["step"], row["cer"]) for row in rows if "cer" in row]
        known = [("step", run.progress.step), ("hands", len(lines.names)), ("words", len(lines))]
        drawn = curve({"CER of the words read back": points}, x="step", y="CER")
        parts = [section("Progress", facts(known), drawn), section("Samples", pictures(figures, wide=True))]
        save(self.out / REPORT, page(f"Training a scribe: {self.out.name}", parts))
        return {"cer": found.cer, "n": found.n}


def _words(
    inputs: Sequence[str | Path], settings: WordStylistTrainSettings, old: tuple[WordStylist, WordStylistInfo] | None
) -> tuple[WordsOfHands, list[dict[str, Any]], list[Skipped]]:
    """The words of the inputs, a record of each input, and the lines that were left out.

    Hands of the parent come first; one of the inputs that has the name of one of them is that hand.
    """
    lines = WordsOfHands(old[0].longest if old else settings.longest, names=list(old[1].hands) if old else [])
    data, skipped = list[dict[str, Any]](), list[Skipped]()
    for given in inputs:
        named = Path(given).name if len({Path(one).name for one in inputs}) == len(inputs) else str(given)
        prefix = f"{named}/" if len(inputs) > 1 else ""
        for record, total, labelled in lines_of(given, settings):
            before = len(lines)
            for number, done in enumerate(lines.add(labelled, prefix), start=1):
                progress(f"preparing {given}", number, total)
                skipped += [done] if isinstance(done, Skipped) else []
            data.append({**record, "lines": len(lines) - before})
    if not len(lines):
        why = f"; the first of {len(skipped)}: {skipped[0].sentence()}" if skipped else ""
        raise InputError(f"no line of {', '.join(map(str, inputs))} can be used{why}")
    return lines, data, skipped


def _network(
    lines: WordsOfHands, settings: WordStylistTrainSettings, old: tuple[WordStylist, WordStylistInfo] | None
) -> WordStylist:
    """A new network, or that of the parent with the new hands and characters."""
    torch.manual_seed(settings.seed)
    if old is None:
        charset = Charset(tuple(lines.characters))
        return WordStylist(charset, len(lines.names), settings.width, settings.heads, settings.longest)
    net = old[0]
    charset = net.charset.grow(lines.characters)
    return net.grown(charset, len(lines.names), nearest(charset.characters[len(net.charset) :], net.charset.characters))


def _autoencoder(
    settings: WordStylistTrainSettings, parent: str | Path | None, old: tuple[WordStylist, WordStylistInfo] | None
) -> Autoencoder:
    """That of the settings, else that of the parent, else a new one. Raises ModelError."""
    if old is not None and parent is not None:
        return autoencoder_of(parent, old[1], settings.autoencoder)
    return external_autoencoder(settings.autoencoder) if settings.autoencoder else OwnAutoencoder()
