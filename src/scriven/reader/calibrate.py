"""Calibration of confidences, and choice of the width at which pictures are read, on validation lines."""

from collections.abc import Iterable
from itertools import islice

from scriven.base import InputError
from scriven.metrics import score
from scriven.reader.model import ModelInfo
from scriven.reader.session import Picture, Reader

LINE_LIMIT = 2000  # lines used; more do not change the result
STRETCHES = (1.0, 1.15, 1.3)  # width factors; wider pictures give small letters more frames
MIN_STRETCH_GAIN = 0.02  # relative reduction of the CER required for a wider picture, which takes longer to read


def fit_stretch(reader: Reader, lines: Iterable[tuple[Picture, str]], limit: int = LINE_LIMIT) -> ModelInfo:
    """model.json with the `stretch` of STRETCHES that has the lowest CER on the first `limit` (picture, text).

    It is 1 unless another one reduces the CER by at least MIN_STRETCH_GAIN.
    """
    chosen = list(islice(lines, limit))
    texts = [text for _, text in chosen]
    rates = {}
    for stretch in STRETCHES:
        info = reader.info.model_copy(update={"stretch": stretch})
        readings = Reader(info, reader.runs).read_prepared(picture for picture, _ in chosen)
        rates[stretch] = score(texts, [reading.text for reading in readings], resamples=1).cer
    best = min(STRETCHES, key=lambda stretch: rates[stretch])
    plain = STRETCHES[0]
    chosen_stretch = best if rates[best] < (1 - MIN_STRETCH_GAIN) * rates[plain] else plain
    return reader.info.model_copy(update={"stretch": chosen_stretch})


def calibrate(reader: Reader, lines: Iterable[tuple[Picture, str]], limit: int = LINE_LIMIT) -> ModelInfo:
    """model.json with confidences calibrated by the model's decoder on the first `limit` (picture, text).

    Raises InputError if there are none.
    """
    chosen = list(islice(lines, limit))
    texts = [text for _, text in chosen]
    frames = [found for _, found in reader.frames(picture for picture, _ in chosen)]
    if not texts:
        raise InputError("there are no lines with text to calibrate confidence on; give validation lines")
    return reader.decoder().calibrated(frames, texts)
