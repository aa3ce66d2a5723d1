"""Sampling from the exported graphs: a text is laid out in the widths of a hand, and drawn in a few Euler steps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scriven.base import ModelError, cores
from scriven.images import Grey
from scriven.reader.engines import RunGraph, load_graph
from scriven.reader.model import find_model, read_json, validated_as
from scriven.reader.parameters import WEIGHTS
from scriven.scribes.flow.borrowed import UNTIL, Glyphs
from scriven.scribes.flow.columns import COLUMN, HEIGHT, Classes, ColumnText, covered, picture_of
from scriven.scribes.flow.model import KIND, NETWORK, ROLES, AnyHand, EncodedHand, Hand, ScribeInfo, load_hands
from scriven.scribes.flow.settings import FlowSettings

Array = npt.NDArray[Any]
NARROWEST, WIDEST = 2.0, 96.0  # px: limits of the width of a character


@dataclass(frozen=True)
class Styled:
    """What the network is told of a hand: `keys` (1, L, R, 2 d), `bias` (1, R), `mean` (1, d)."""

    keys: Array
    bias: Array
    mean: Array


class Generator:
    """A loaded flow scribe: its model.json, its graphs and its hands."""

    def __init__(self, info: ScribeInfo, runs: dict[str, RunGraph], hands: list[AnyHand]):
        self.info, self.hands, self.charset = info, hands, info.characters
        self._runs = runs
        self._nobody: Styled | None = None

    @classmethod
    def load(cls, model: str | Path, threads: int | None = None) -> "Generator":
        """Load a model folder or a bundled model. `threads` None: one per core that this process may use.

        Raises ModelError for a folder that is damaged, unfinished or no scribe.
        """
        folder = find_model(model)
        info = read_scribe_info(folder)
        if missing := [role for role in ROLES if role not in info.graphs]:
            raise ModelError(f"{folder} lacks the graphs {', '.join(missing)}; finish its training or copy it again")
        if not (folder / WEIGHTS).is_file():
            raise ModelError(f"{folder} lacks its weights, {WEIGHTS}; copy it again")
        files = {role: folder / info.graphs[role].file for role in ROLES}
        for file in files.values():
            if not file.is_file():
                raise ModelError(f"{folder} lacks its graph {file.name}; finish its training or copy it again")
        runs = {role: load_graph(file, "onnxruntime", "cpu", threads or cores()) for role, file in files.items()}
        return cls(info, runs, load_hands(folder, info.characters))

    def with_hands(self, hands: list[AnyHand]) -> "Generator":
        """The same network, writing in other hands."""
        return Generator(self.info, self._runs, hands)

    def encoded(self, hand: Hand) -> EncodedHand:
        """The code of a hand, which is all that the network uses of its pictures."""
        inputs = hand.inputs()
        code = self._runs["reference"](inputs)["code"][0]  # (R, d)
        return EncodedHand(hand.name, code[inputs["given"][0] > 0])

    def styled(self, hand: AnyHand) -> Styled:
        """What the network is told of a hand."""
        encoded = self.encoded(hand) if isinstance(hand, Hand) else hand
        found = self._runs["style"](encoded.inputs())
        return Styled(found["keys"], found["bias"], found["mean"])

    @property
    def nobody(self) -> Styled:
        """What the network is told where no hand is given."""
        if self._nobody is None:
            nothing = Hand("", np.zeros((0, HEIGHT), np.float32), np.zeros(0, np.int64), np.zeros((0, 2)))
            self._nobody = self.styled(nothing)
        return self._nobody

    def edges(self, classes: Classes, hand: Styled, normal: Array, left: float) -> npt.NDArray[np.float64]:
        """Left and right edges (K, 2), px, of characters (K,) laid out from `left` on in the widths of a hand.

        `normal` (K,): standard normal numbers, how far each width is from its mean; they may be scaled.
        """
        found = self._runs["widths"]({"classes": classes[None], "mean": hand.mean})
        logarithm = found["middle"][0] + normal * found["deviation"][0]
        widths = np.clip(np.exp(logarithm.astype(np.float64)), NARROWEST, WIDEST)
        right = left + widths.cumsum()
        return np.stack([right - widths, right], axis=1)

    def draw(
        self,
        layout: ColumnText,
        hands: list[tuple[Styled, float]],
        noise: Array,
        settings: FlowSettings,
        glyphs: Glyphs | None = None,
    ) -> Grey:
        """The picture (HEIGHT, 8 T) of a layout of T columns, from noise (T, D), standard normal.

        `hands`: in whose hand, with a share of each; the shares add up to 1. `glyphs`, of 8 T columns of pixels, are
        drawn in their places; for a network of pixels.
        """
        named = {name: value[None] for name, value in layout._asdict().items()}
        text = self._runs["text"](named)["content"]
        branches = self._branches(text, hands, settings)
        x = noise[None].astype(np.float32)
        weights = np.array([weight for weight, _, _ in branches], np.float32)
        told = {
            "text": np.concatenate([content for _, content, _ in branches]),
            "keys": np.concatenate([hand.keys for _, _, hand in branches]),
            "bias": np.concatenate([hand.bias for _, _, hand in branches]),
            "mean": np.concatenate([hand.mean for _, _, hand in branches]),
        }
        for step in range(settings.steps):
            if glyphs and step / settings.steps < UNTIL:
                x = _with_glyphs(x, glyphs, noise, step / settings.steps)
            time = np.full(len(branches), step / settings.steps, np.float32)
            noisy = np.repeat(x, len(branches), axis=0)
            found = self._runs["velocity"]({"noisy": noisy, "time": time, **told})["velocity"]  # (branches, T, D)
            x = x + (np.tensordot(weights, found, 1)[None] / settings.steps).astype(np.float32)
        return picture_of(self._runs["decoder"]({"latents": x})["picture"][0, 0])

    @property
    def draws_pixels(self) -> bool:
        """Whether the network makes pixels, so that glyphs can be drawn into them."""
        return not self.info.sizes.get("latent")

    def _branches(
        self, text: Array, hands: list[tuple[Styled, float]], settings: FlowSettings
    ) -> list[tuple[np.float32, Array, Styled]]:
        """The velocities that are added: weight, text, hand. Guidance subtracts those without text, or without hand.

        Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598), of the text and of the hand apart.
        """
        more_text, more_style = settings.guidance - 1, settings.style_guidance - 1
        found = [(np.float32(share * (1 + more_text + more_style)), text, hand) for hand, share in hands]
        if more_text:
            found += [(np.float32(-share * more_text), np.zeros_like(text), hand) for hand, share in hands]
        if more_style:
            found.append((np.float32(-more_style), text, self.nobody))
        return [branch for branch in found if branch[0]]

    @property
    def code(self) -> int:
        """D, the numbers in the code of a column."""
        return int(self.info.sizes.get("latent") or HEIGHT * COLUMN)


def read_scribe_info(folder: str | Path) -> ScribeInfo:
    """The model.json of a scribe. Raises ModelError as `read_info` does, and for a network of another version."""
    file = Path(folder) / "model.json"
    info = validated_as(ScribeInfo, read_json(folder, KIND), file)
    if info.network != NETWORK:
        raise ModelError(f"{folder} is a scribe of the network {info.network!r}; give a {NETWORK} one")
    return info


def _with_glyphs(x: Array, glyphs: Glyphs, noise: Array, time: float) -> Array:
    """The noisy columns (1, T, 8 * HEIGHT), in which the places of glyphs are these at a time of the flow."""
    shape = (1, -1, COLUMN, HEIGHT)
    there = time * (2 * glyphs.ink - 1).reshape(shape) + (1 - time) * noise.reshape(shape)
    return (
        np.where(glyphs.places.reshape(1, -1, COLUMN, 1), there, x.reshape(shape)).reshape(x.shape).astype(np.float32)
    )


def laid_out(classes: Classes, edges: npt.NDArray[np.float64], right: float) -> ColumnText:
    """The layout of characters with `right` px of paper after the last."""
    columns = max(2, -(-int(np.ceil(edges[-1, 1] + right)) // COLUMN))
    return covered(classes, edges, columns)
