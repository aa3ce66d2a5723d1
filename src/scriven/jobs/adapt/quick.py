"""read --adapt: the model learns the very pictures that it is about to read, for a page or a letter."""

import logging
from collections.abc import Iterable
from pathlib import Path

from scriven.base import InputError, SettingsError
from scriven.images import Grey
from scriven.jobs.adapt.language import guess
from scriven.jobs.read import ReadSettings, language_model, word_list
from scriven.jobs.train import TrainSettings, fabric_of
from scriven.reader.decoding import Decoder
from scriven.reader.inputs import Item
from scriven.reader.model import find_model
from scriven.reader.session import Reader
from scriven.reader.usable import misfit
from scriven.workbench.beliefs import judge, reader_of, readings
from scriven.workbench.keep import load_net
from scriven.workbench.quick import QuickSettings, quick

log = logging.getLogger("scriven.adapt")

FEWEST, MOST = 4, 200  # lines: fewer say nothing about a hand, more are worth a model of their own


def bounded(every: Iterable[Item]) -> list[Item]:
    """All items, at most MOST. Raises SettingsError beyond."""
    found: list[Item] = []
    for item in every:
        found.append(item)
        if len(found) > MOST:
            raise SettingsError(
                f"--adapt learns a page or a letter of at most {MOST} lines while it reads, and there are more; make a "
                "model of them with `scriven adapt INPUT... -o MODEL` and read with -m MODEL"
            )
    return found


def adapted(items: Iterable[Item], model: str | Path, reader: Reader, settings: ReadSettings) -> Reader:
    """A reader that has learnt the pictures of `items`, or `reader` itself where that did not help; says which."""
    pictures = list(_usable(items, reader))
    if len(pictures) < FEWEST:
        log.warning("not adapted: %d lines can be used, and a hand needs at least %d", len(pictures), FEWEST)
        return reader
    net, info = load_net(find_model(model))
    fabric = fabric_of(TrainSettings(steps=1, device=settings.device))
    net = net.to(fabric.device).eval()
    teacher = reader_of(net, info, fabric)
    lm = language_model(settings.lm or guess(teacher, pictures))
    words = word_list(settings.words, info.characters) if settings.words else ()
    said = readings(teacher, pictures, decoder=Decoder(info, settings, lm, words))
    pairs = [(ink, r.text) for (_, ink), r in zip(pictures, said, strict=True) if r.text]
    if not pairs:
        log.warning("not adapted: the model reads nothing at all in these pictures")
        return reader
    inks, texts = zip(*pairs, strict=True)
    student = reader_of(quick(net, inks, texts, fabric, QuickSettings()), info, fabric)
    why = judge(student, pictures, lm).worse_than(judge(teacher, pictures, lm))
    if why:
        log.warning("not adapted: %s", why)
        return reader
    log.info("adapted to %d lines", len(pairs))
    return student


def _usable(items: Iterable[Item], reader: Reader) -> Iterable[tuple[str, Grey]]:
    for item in items:
        assert item.picture is not None
        try:
            ink = reader.prepare(item.id, item.picture).ink
        except InputError:  # named when it is read
            continue
        if misfit(ink.shape[1]) is None:
            yield item.id, ink
