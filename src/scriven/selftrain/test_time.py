"""Test-time adaptation, `read --adapt`: affine tuning of a model on the pictures that it then reads."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch

from scriven.base import InputError, SettingsError, cores, counted
from scriven.base.progress import percent
from scriven.images import Grey, widened
from scriven.language.load import language_model
from scriven.lines import Reading
from scriven.page.inputs import LinePicture
from scriven.reader.decoder_contract import Decoder, DecodeSettings
from scriven.reader.model import ModelInfo, find_model
from scriven.reader.session import Reader
from scriven.reader.trainable import InputSpec, misfit, unusable
from scriven.selftrain.affine import AffineSettings, tune_affine
from scriven.selftrain.gates import rejection
from scriven.selftrain.metrics import reader_of, readings, unsupervised_metrics
from scriven.selftrain.prior import language_of
from scriven.training.checkpoint import load_net
from scriven.training.devices import fabric_of
from scriven.training.settings import FitSettings

log = logging.getLogger("scriven.adapt")

MIN_LINES, MAX_LINES = 4, 200  # for more lines, make a model with `adapt`


def bounded(every: Iterable[LinePicture]) -> list[LinePicture]:
    """All items. Raises SettingsError for more than MAX_LINES."""
    found: list[LinePicture] = []
    for item in every:
        found.append(item)
        if len(found) > MAX_LINES:
            raise SettingsError(
                f"--adapt takes a page or a letter of at most {MAX_LINES} lines, but there are more; make a model of "
                "them with `scriven adapt INPUT... -o MODEL` and read with -m MODEL"
            )
    return found


def adapted(
    items: Iterable[LinePicture], model: str | Path, reader: Reader, decoder: Decoder, device: str, threads: int | None
) -> tuple[Reader, Decoder]:
    """A reader whose network was tuned on the pictures of `items`, and its decoder; the given ones if rejected.

    Pseudo-labels are decoded with the language model and the words of `decoder`. If it has no language model, that of
    the identified language is used, and the returned decoder keeps it if the identification is certain. The result is
    logged. Raises ModelError for a model without weights.
    """
    pictures = list(_prepared(items, reader))
    if len(pictures) < MIN_LINES:
        log.warning("not adapted: %s can be used, but at least %d are needed",
                    counted(len(pictures), "line"), MIN_LINES)  # fmt: skip
        return reader, decoder
    log.info("adapting to %d lines before they are read: half a minute or more", len(pictures))
    net, info = load_net(find_model(model))
    fabric = fabric_of(FitSettings(steps=1, device=device.partition(":")[0]))  # type: ignore[arg-type]  # checked there
    torch.set_num_threads(threads or cores())
    teacher = reader_of(net.to(fabric.device).eval(), info, fabric)
    label_decoder, certain = _with_language(decoder, teacher, pictures)
    pairs = list(_trainable(pictures, readings(teacher, pictures, decoder=label_decoder), info))
    if not pairs:
        log.warning("not adapted: the model reads nothing in these pictures")
        return reader, decoder
    inks, labels = zip(*pairs, strict=True)
    tuned = tune_affine(net, inks, labels, fabric, AffineSettings(), partial(percent, "adapting"))
    student = reader_of(tuned, info, fabric)
    why = _rejected(student, teacher, pictures, label_decoder)
    if why:
        log.warning("not adapted: %s", why)
        return reader, decoder
    log.info("adapted to %d lines", len(pairs))
    return student, label_decoder if certain else decoder


def _with_language(decoder: Decoder, teacher: Reader, pictures: Sequence[tuple[str, Grey]]) -> tuple[Decoder, bool]:
    """The decoder with a language model, if need be of the identified language, and whether that is certain."""
    if decoder.lm is not None:
        return decoder, True
    guess = language_of(teacher, pictures, "--lm")
    return teacher.decoder(decoder.settings, language_model(guess.language), decoder.words), guess.certain


def _rejected(
    student: Reader, teacher: Reader, pictures: Sequence[tuple[str, Grey]], label_decoder: Decoder
) -> str | None:
    assert label_decoder.lm is not None
    lm, settings = label_decoder.lm, DecodeSettings(word=label_decoder.settings.word)
    new, old = (unsupervised_metrics(one, pictures, lm, one.decoder(settings)) for one in (student, teacher))
    return rejection(new, old)


def _trainable(
    pictures: Sequence[tuple[str, Grey]], labels: Sequence[Reading], info: ModelInfo
) -> Iterator[tuple[Grey, str]]:
    """Pictures, at the width at which the network reads them, with the pseudo-labels that fit into them."""
    spec = InputSpec.of(info, info.characters)
    for (_, ink), reading in zip(pictures, labels, strict=True):
        ink = widened(ink, info.stretch)
        if unusable(reading.text, ink.shape[1], spec) is None:
            yield ink, reading.text


def _prepared(items: Iterable[LinePicture], reader: Reader) -> Iterator[tuple[str, Grey]]:
    for item in items:
        assert item.picture is not None
        try:
            ink = reader.prepare(item.id, item.picture).ink
        except InputError:  # reported when it is read
            continue
        if misfit(ink.shape[1]) is None:
            yield item.id, ink
