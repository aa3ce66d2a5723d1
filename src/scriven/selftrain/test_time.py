"""read --adapt: the model learns the very pictures that it is about to read, for a page or a letter."""

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
from scriven.reader.decoding import Decoder, DecodeSettings
from scriven.reader.model import ModelInfo, find_model
from scriven.reader.session import Reader
from scriven.reader.trainable import misfit, unusable
from scriven.selftrain.affine import AffineSettings, tune_affine
from scriven.selftrain.knowledge import guess
from scriven.selftrain.metrics import reader_of, readings, unsupervised_metrics
from scriven.training.devices import fabric_of
from scriven.training.fit import FitSettings
from scriven.training.keep import load_net

log = logging.getLogger("scriven.adapt")

FEWEST, MOST = 4, 200  # lines: fewer say nothing about a hand, more are worth a model of their own


def bounded(every: Iterable[LinePicture]) -> list[LinePicture]:
    """All items, at most MOST. Raises SettingsError beyond."""
    found: list[LinePicture] = []
    for item in every:
        found.append(item)
        if len(found) > MOST:
            raise SettingsError(
                f"--adapt learns a page or a letter of at most {MOST} lines while it reads, and there are more; make a "
                "model of them with `scriven adapt INPUT... -o MODEL` and read with -m MODEL"
            )
    return found


def adapted(
    items: Iterable[LinePicture], model: str | Path, reader: Reader, decoder: Decoder, device: str, threads: int | None
) -> tuple[Reader, Decoder]:
    """A reader that has learnt the pictures of `items`, or `reader` itself where that did not help; says which.

    The labels are read with the language model and the words of `decoder`; where it has none, with the language model
    of the language that the readings look most like, and with it comes a decoder that goes on using it, unless that
    language is a mere guess. Raises ModelError for a model without weights.
    """
    pictures = list(_usable(items, reader))
    if len(pictures) < FEWEST:
        log.warning("not adapted: %s can be used, and a hand needs at least %d",
                    counted(len(pictures), "line"), FEWEST)  # fmt: skip
        return reader, decoder
    log.info("learning the hand of %d lines before they are read: half a minute or more", len(pictures))
    net, info = load_net(find_model(model))
    fabric = fabric_of(FitSettings(steps=1, device=device.partition(":")[0]))  # type: ignore[arg-type]  # refused if unknown
    torch.set_num_threads(threads or cores())
    teacher = reader_of(net.to(fabric.device).eval(), info, fabric)
    pseudo_label_decoder, sure = decoder, True
    if pseudo_label_decoder.lm is None:
        spoken = guess(teacher, pictures, "--lm")
        pseudo_label_decoder, sure = (
            teacher.decoder(decoder.settings, language_model(spoken.language), decoder.words),
            spoken.sure,
        )
    lm = pseudo_label_decoder.lm
    assert lm is not None
    pairs = list(_learnable(pictures, readings(teacher, pictures, decoder=pseudo_label_decoder), info))
    if not pairs:
        log.warning("not adapted: the model reads nothing at all in these pictures")
        return reader, decoder
    inks, texts = zip(*pairs, strict=True)
    student = reader_of(
        tune_affine(net, inks, texts, fabric, AffineSettings(), partial(percent, "learning")), info, fabric
    )
    plain = teacher.decoder(DecodeSettings(word=decoder.settings.word))
    new, old = (unsupervised_metrics(one, pictures, lm, plain) for one in (student, teacher))
    why = new.worse_than(old)
    if why:
        log.warning("not adapted: %s", why)
        return reader, decoder
    log.info("adapted to %d lines", len(pairs))
    return student, pseudo_label_decoder if sure else decoder


def _learnable(
    pictures: Sequence[tuple[str, Grey]], said: Sequence[Reading], info: ModelInfo
) -> Iterator[tuple[Grey, str]]:
    """Pictures as wide as the model reads them, with what they are believed to say, where that fits into them."""
    for (_, ink), reading in zip(pictures, said, strict=True):
        ink = widened(ink, info.stretch)
        if unusable(reading.text, ink.shape[1], info.characters, info.stride) is None:
            yield ink, reading.text


def _usable(items: Iterable[LinePicture], reader: Reader) -> Iterator[tuple[str, Grey]]:
    for item in items:
        assert item.picture is not None
        try:
            ink = reader.prepare(item.id, item.picture).ink
        except InputError:  # named when it is read
            continue
        if misfit(ink.shape[1]) is None:
            yield item.id, ink
