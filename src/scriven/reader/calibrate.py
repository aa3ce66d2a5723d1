"""Calibration of confidences, boundaries, reading width and decoder on validation lines."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from scriven.base import InputError
from scriven.metrics import score
from scriven.reader.both_decoder import BothDecoder, ranked
from scriven.reader.boundaries import Emissions, best_place
from scriven.reader.ctc_decoder import ctc_posteriors
from scriven.reader.ctc_paths import greedy, runs
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import ModelInfo
from scriven.reader.session import Picture, Reader

LINE_LIMIT = 2000  # lines used; more do not change the result
STRETCHES = (1.0, 1.15, 1.3)  # width factors; wider pictures give small letters more frames
ATTENTION_WEIGHTS = (0.125, 0.25, 0.5, 1.0, 2.0)
MIN_DECODER_GAIN = 0.03  # relative reduction of the CER required to read with both heads by default
MIN_STRETCH_GAIN = 0.02  # relative reduction of the CER required for a wider picture, which takes longer to read


def fit_stretch(reader: Reader, lines: Iterable[tuple[Picture, str]], limit: int = LINE_LIMIT) -> ModelInfo:
    """model.json with the `stretch` of STRETCHES that has the lowest CER on the first `limit` (picture, text).

    It is 1 unless another one reduces the CER by at least MIN_STRETCH_GAIN, or if every picture has the same width.
    """
    if reader.info.frames is not None:
        return reader.info
    chosen = list(islice(lines, limit))
    texts = [text for _, text in chosen]
    rates = {}
    for stretch in STRETCHES:
        info = reader.info.model_copy(update={"stretch": stretch})
        readings = Reader(info, reader.runs).read_prepared(picture for picture, _ in chosen)
        rates[stretch] = _cer(texts, [reading.text for reading in readings])
    best = min(STRETCHES, key=lambda stretch: rates[stretch])
    plain = STRETCHES[0]
    chosen_stretch = best if rates[best] < (1 - MIN_STRETCH_GAIN) * rates[plain] else plain
    return reader.info.model_copy(update={"stretch": chosen_stretch})


def fit_boundary(reader: Reader, lines: Iterable[tuple[Picture, str]], limit: int = LINE_LIMIT) -> ModelInfo:
    """model.json with the `boundary` at which cuts between the letters of greedy readings meet the least ink.

    The texts of the first `limit` (picture, text) are not used. A model without CTC keeps its boundary.
    """
    info = reader.info
    if "ctc" not in info.decoders:
        return info
    place = best_place(_emissions(reader, (picture for picture, _ in islice(lines, limit))), info.boundary)
    return info.model_copy(update={"boundary": round(place, 3)})


def _emissions(reader: Reader, pictures: Iterable[Picture]) -> Iterator[Emissions]:
    for picture, frames in reader.frames(pictures):
        log_probs = ctc_posteriors(reader.info, frames)
        found = runs(greedy(log_probs), log_probs)
        if len(found.classes) > 1:
            yield Emissions.of(found, reader.charset, picture.ink.shape[1] / len(frames), picture.ink)


def fit_decoder(reader: Reader, lines: Iterable[tuple[Picture, str]], limit: int = LINE_LIMIT) -> ModelInfo:
    """model.json of a model with two heads: the weight of attention, and the decoder that reads by default.

    That is `both` if it reduces the CER on the first `limit` (picture, text) by at least MIN_DECODER_GAIN, else `ctc`.
    Without a language model. A model with one decoder keeps it.
    """
    if "both" not in reader.info.decoders:
        return reader.info
    ctc, both = (reader.decoder(DecodeSettings(decoder=name)) for name in ("ctc", "both"))
    assert isinstance(both, BothDecoder)
    chosen = list(islice(lines, limit))
    frames = [found for _, found in reader.frames(picture for picture, _ in chosen)]
    texts = [text for _, text in chosen]
    plain = _cer(texts, [ctc.reading("", one).text for one in frames])
    found = [both.candidates(one) for one in frames]
    rates = {}
    for weight in ATTENTION_WEIGHTS:
        best = [ranked(*candidates, weight)[0].classes for candidates in found]
        rates[weight] = _cer(texts, [both.explain("", one, k).text for one, k in zip(frames, best, strict=True)])
    weight = min(rates, key=lambda one: rates[one])
    first = "both" if rates[weight] <= (1 - MIN_DECODER_GAIN) * plain else "ctc"
    order = (first, *(name for name in reader.info.decoders if name != first))
    return reader.info.model_copy(update={"attention_weight": weight, "decoders": order})


def _cer(texts: Sequence[str], found: Sequence[str]) -> float:
    return score(texts, found, resamples=1).cer


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
