"""Metrics of a network on pictures without labels: how consistent and how plausible its readings are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from lightning_fabric import Fabric

from scriven.estimate.cer import CerEstimate, estimate_from, features_of
from scriven.estimate.regression import LineFeatures
from scriven.images import Grey, widened
from scriven.language.model import CharLM
from scriven.lines import Reading
from scriven.metrics import score
from scriven.reader.decoder_contract import Decoder
from scriven.reader.model import ModelInfo
from scriven.reader.session import Picture, Reader
from scriven.recognisers.contract import Recogniser
from scriven.training.torch_graphs import torch_run

NARROW_VIEW = 0.92  # width of the second view of a picture, relative to the first


@dataclass(frozen=True)
class UnsupervisedMetrics:
    """Metrics of a network on pictures without labels, to compare networks; none of them is an error rate."""

    view_disagreement: float  # CER between the readings of two views of each picture
    lm_bits_per_char: float  # bits per character of the readings under a language model
    characters: float  # mean length of a reading
    empty: float = 0.0  # share of the pictures in which nothing is read


@dataclass(frozen=True)
class Assessment:
    """Readings of some pictures, the features of the lines, and the CER estimated from these."""

    readings: list[Reading]
    features: list[LineFeatures]
    estimate: CerEstimate | None  # None where nothing is read


def reader_of(net: Recogniser, info: ModelInfo, fabric: Fabric) -> Reader:
    """A Reader that runs the graphs of a torch network instead of exported ones."""
    return Reader(info, {role: torch_run(graph, fabric) for role, graph in net.graphs().items()})


def readings(
    reader: Reader, pictures: Sequence[tuple[str, Grey]], stretch: float = 1.0, decoder: Decoder | None = None
) -> list[Reading]:
    """Readings of prepared pictures, stretched in width first; greedy without a decoder."""
    views = (Picture.of(id, widened(ink, stretch)) for id, ink in pictures)
    return list(reader.read_prepared(views, decoder))


def assess(reader: Reader, pictures: Sequence[tuple[str, Grey]], decoder: Decoder) -> Assessment:
    """Read prepared pictures and estimate the CER of the readings."""
    prepared = [Picture.of(id, ink) for id, ink in pictures]
    found = list(reader.read_prepared(prepared, decoder))
    features = features_of(reader, decoder, list(zip(prepared, found, strict=True)))
    return Assessment(found, features, estimate_from(features, bias=reader.info.cer_estimate_bias))


def unsupervised_metrics(
    reader: Reader, pictures: Sequence[tuple[str, Grey]], lm: CharLM, decoder: Decoder
) -> UnsupervisedMetrics:
    """The metrics of a network on prepared pictures, preferably held out from its training.

    `decoder` must not use a language model, since `lm` measures the readings.
    """
    plain = [r.text for r in readings(reader, pictures, decoder=decoder)]
    narrow = [r.text for r in readings(reader, pictures, NARROW_VIEW, decoder)]
    texts = [text for text in plain if text]
    characters = sum(map(len, texts))
    bits = -sum(lm.logprob(text) for text in texts) / np.log(2)
    return UnsupervisedMetrics(
        view_disagreement=score(plain, narrow).cer if characters else 1.0,
        lm_bits_per_char=float(bits / (characters + len(texts))) if texts else float("inf"),
        characters=characters / max(1, len(plain)),
        empty=1 - len(texts) / max(1, len(plain)),
    )
