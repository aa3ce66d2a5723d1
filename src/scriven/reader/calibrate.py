"""After a training, on lines it has not learned from: make confidences mean what they say, weigh the language model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from scriven.base import InputError
from scriven.language.model import CharLM
from scriven.metrics import score
from scriven.reader.confidence import fit_lines, fit_temperature
from scriven.reader.decoding import Decoder, DecodeSettings
from scriven.reader.model import ModelInfo
from scriven.reader.session import Picture, Reader

ENOUGH = 2000  # lines; more change nothing
STRETCHES = (1.0, 1.15, 1.3)  # wider pictures give small letters more frames
WORTH = 0.02  # of the errors that a wider picture must save, for it takes longer to read


def stretched(reader: Reader, lines: Iterable[tuple[Picture, str]], limit: int = ENOUGH) -> ModelInfo:
    """model.json with the `stretch` of STRETCHES that reads the first `limit` (picture, text) clearly best, else 1."""
    chosen = list(islice(lines, limit))
    texts = [text for _, text in chosen]
    rates = {}
    for stretch in STRETCHES:
        info = reader.info.model_copy(update={"stretch": stretch})
        readings = Reader(info, reader.run).read_prepared(picture for picture, _ in chosen)
        rates[stretch] = score(texts, [reading.text for reading in readings], resamples=1).cer
    best = min(STRETCHES, key=lambda stretch: rates[stretch])
    plain = STRETCHES[0]
    return reader.info.model_copy(update={"stretch": best if rates[best] < (1 - WORTH) * rates[plain] else plain})


def calibrate(reader: Reader, lines: Iterable[tuple[Picture, str]], limit: int = ENOUGH) -> ModelInfo:
    """model.json with `temperature` and `calibration` fitted on the first `limit` (picture, text) of validation lines.

    Raises InputError when there are none.
    """
    chosen = list(islice(lines, limit))
    texts = [text for _, text in chosen]
    logits = [frames for _, frames in reader.frames(picture for picture, _ in chosen)]
    if not texts:
        raise InputError("there are no lines with text to calibrate confidence on; give validation lines")
    temperature = fit_temperature(logits, texts, reader.charset)
    bias, slope = fit_lines(logits, texts, reader.charset, temperature)
    return reader.info.model_copy(update={"temperature": round(temperature, 4), "calibration": (bias, slope)})


@dataclass(frozen=True)
class Weighed:
    """A weight of the language model, a bonus a character, and the CER (a fraction) that they give."""

    alpha: float
    beta: float
    cer: float


def weigh(
    reader: Reader,
    lm: CharLM,
    lines: Iterable[tuple[Picture, str]],
    alphas: Sequence[float] = (0.2, 0.4, 0.6, 0.8),
    betas: Sequence[float] = (0.5, 1.0, 2.0, 3.0),
    settings: DecodeSettings | None = None,
) -> list[Weighed]:
    """Every pair of weights tried on (picture, text) of validation lines, best first; frames are computed once.

    Raises InputError when there are no lines.
    """
    every = list(lines)
    texts = [text for _, text in every]
    frames = [logits for _, logits in reader.frames(picture for picture, _ in every)]
    tried = []
    for alpha, beta in product(alphas, betas):
        decoder = Decoder(reader.info, replace(settings or DecodeSettings(), alpha=alpha, beta=beta), lm)
        readings = [decoder.reading("", logits).text for logits in frames]
        tried.append(Weighed(alpha, beta, score(texts, readings, resamples=1).cer))
    return sorted(tried, key=lambda w: w.cer)
