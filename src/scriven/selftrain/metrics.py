"""Metrics of a network on pictures without labels, compared between networks, and the decisions based on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric

from scriven.estimate.cer import Estimate, estimated
from scriven.images import Grey, widened
from scriven.language.model import CharLM
from scriven.lines import Reading
from scriven.metrics import score
from scriven.reader.decoding import Decoder
from scriven.reader.engines import Array, Run
from scriven.reader.model import ModelInfo
from scriven.reader.session import Picture, Reader
from scriven.recognisers.contract import GraphSpec, Recogniser

VIEW = 0.92  # width of a picture's other view; a sound reading does not change with it
CLEAR = 0.01  # the gain in surprise, or five times it in disagreement, below which a network is no better
AGREE = 0.98  # of the disagreement of two views at most is left where a round has helped, in all that were measured
SHOWS = 0.005  # of the characters: a smaller difference in disagreement may be chance
LONGER, FAR = 0.15, 0.25  # by which readings may change in length, in a round and in all
EMPTIER = 0.02  # of the pictures may be read as empty that were not
HELPED = 0.1  # the least share of the estimated errors that a language model must save to be read with


@dataclass(frozen=True)
class UnsupervisedMetrics:
    """How a network does on pictures without labels; all these numbers are compared, none is an accuracy."""

    view_disagreement: float  # CER between the readings of different views of a picture
    lm_bits_per_char: float  # bits a character under a language model
    characters: float  # mean length of a reading
    empty: float = 0.0  # share of the pictures in which nothing is read

    def worse_than(self, other: "UnsupervisedMetrics") -> str | None:
        """Why this network should not replace the other one, or None."""
        if max(self.characters, other.characters) < 1:
            return "the model reads next to nothing in these pictures"
        if changed := self._longer(other, LONGER):
            return f"its readings changed in length ({changed})"
        if self.empty > other.empty + EMPTIER:  # neither sign below sees what is not read
            return f"it reads nothing in {self.empty:.0%} of the pictures, before in {other.empty:.0%}"
        if self.lm_bits_per_char > other.lm_bits_per_char:
            bits = f"{self.lm_bits_per_char:.2f} bits a character, before {other.lm_bits_per_char:.2f}"
            return f"its readings look less like the language ({bits})"
        differ = f"{self.view_disagreement:.2%} of the characters differ, before {other.view_disagreement:.2%}"
        if self.view_disagreement > other.view_disagreement:
            return f"two views of a picture are not read more alike ({differ})"
        least = max((1 - AGREE) * other.view_disagreement, SHOWS)
        if (
            self.view_disagreement > other.view_disagreement - least
        ):  # so what is read nearly alike has nothing more to teach
            return f"two views of a picture are hardly read more alike, which may be chance ({differ})"
        if (
            self.lm_bits_per_char > (1 - CLEAR) * other.lm_bits_per_char
            and self.view_disagreement > (1 - 5 * CLEAR) * other.view_disagreement
        ):
            return (
                f"it is no better that one could tell ({self.lm_bits_per_char:.2f} bits a character, before "
                f"{other.lm_bits_per_char:.2f}; between two views {differ})"
            )
        return None

    def drifted(self, first: "UnsupervisedMetrics") -> str | None:
        """Why this network is too far from the one at the beginning, several rounds ago, or None."""
        changed = self._longer(first, FAR)
        return f"its readings drifted in length ({changed})" if changed else None

    def _longer(self, other: "UnsupervisedMetrics", most: float) -> str:
        if abs(self.characters / max(other.characters, 1e-9) - 1) <= most:
            return ""
        return f"{self.characters:.1f} characters, before {other.characters:.1f}"


def reader_of(net: Recogniser, info: ModelInfo, fabric: Fabric) -> Reader:
    """A Reader that runs the graphs of a torch network instead of exported ones."""
    return Reader(info, {role: _torch_run(graph, fabric) for role, graph in net.graphs().items()})


def _torch_run(graph: GraphSpec, fabric: Fabric) -> Run:
    @torch.inference_mode()
    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        given = [torch.from_numpy(inputs[name]).to(fabric.device) for name in graph.inputs]
        with fabric.autocast():
            found = graph.module(*given)
        values = (v.float() if v.is_floating_point() else v for v in found)
        return {name: v.cpu().numpy() for name, v in zip(graph.outputs, values, strict=True)}

    return run


def readings(
    reader: Reader, pictures: Sequence[tuple[str, Grey]], stretch: float = 1.0, decoder: Decoder | None = None
) -> list[Reading]:
    """Readings of prepared pictures, stretched in width first; greedy without a decoder."""
    views = (Picture.of(id, widened(ink, stretch)) for id, ink in pictures)
    return list(reader.read_prepared(views, decoder))


def lm_helps(plain: Estimate | None, spoken: Estimate | None) -> bool:
    """Whether a language model helps to read: it lowers the error rate that is estimated by HELPED at least.

    A language model of another period or spelling lowers it little, and harms
    (docs/experiments/2026-11-26-adapted-language-model.md).
    """
    return bool(plain and spoken and spoken.cer <= (1 - HELPED) * plain.cer)


def assessed(
    reader: Reader, pictures: Sequence[tuple[str, Grey]], decoder: Decoder
) -> tuple[list[Reading], Estimate | None]:
    """Readings of prepared pictures and their estimated error rate."""
    seen = [Picture.of(id, ink) for id, ink in pictures]
    found = list(reader.read_prepared(seen, decoder))
    return found, estimated(reader, decoder, list(zip(seen, found, strict=True)))


def unsupervised_metrics(
    reader: Reader, pictures: Sequence[tuple[str, Grey]], lm: CharLM, decoder: Decoder
) -> UnsupervisedMetrics:
    """Look at a network's readings without labels: best of pictures it did not learn from, which flatter no network.

    `decoder` knows no language, for `lm` judges.
    """
    plain = [r.text for r in readings(reader, pictures, decoder=decoder)]
    narrow = [r.text for r in readings(reader, pictures, VIEW, decoder)]
    said = [text for text in plain if text]
    characters = sum(map(len, said))
    bits = -sum(lm.logprob(text) for text in said) / np.log(2)
    return UnsupervisedMetrics(
        view_disagreement=score(plain, narrow).cer if characters else 1.0,
        lm_bits_per_char=float(bits / (characters + len(said))) if said else float("inf"),
        characters=characters / max(1, len(plain)),
        empty=1 - len(said) / max(1, len(plain)),
    )
