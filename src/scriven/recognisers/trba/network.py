"""Trba: the four-stage word recogniser of the scene-text benchmark, in its 24 historical combinations and a free width.

Transformation, feature extraction, sequence modelling, prediction (Baek et al. 2019, arXiv:1904.01906); with
tps-resnet-bilstm-attention it is the network of AttentionHTR (Kass & Vats 2022, arXiv:2201.09390).
"""

import copy
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor, nn

from scriven.base import SettingsError
from scriven.reader.attention_decoder import FIRST
from scriven.recognisers.attention import attention_graphs, attention_loss, attention_read
from scriven.recognisers.contract import GraphSpec
from scriven.recognisers.ctc_head import ctc_graphs, ctc_loss, ctc_read, grown_head
from scriven.recognisers.recurrent import BiLstm
from scriven.recognisers.trba.content import ContentAttention
from scriven.recognisers.trba.features import FEATURES, HEIGHT, HISTORICAL_FRAMES
from scriven.recognisers.trba.resample import squashed
from scriven.recognisers.trba.tps import ThinPlateSpline
from scriven.tensors import Batch, strided_widths
from scriven.text import Charset

TRANSFORMATIONS, SEQUENCES, PREDICTIONS = ("none", "tps"), ("none", "bilstm"), ("ctc", "attention")
WIDTHS = ("fixed", "variable")
FIXED_WIDTH = 100  # px
POINTS = 20  # control points of the spline


class SequenceLayer(nn.Module):
    """A bidirectional LSTM, then a linear layer: (N, T, I) to (N, T, O)."""

    def __init__(self, i: int, hidden: int, o: int):
        super().__init__()
        self.lstm, self.out = BiLstm(i, hidden), nn.Linear(2 * hidden, o)

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:
        return self.out(self.lstm(x, steps))


class Trba(nn.Module):
    """The network. Raises SettingsError for an unknown stage, naming those there are.

    `width` "fixed": pictures are resampled to 32 x 100 px whatever their aspect ratio, as historically; "variable":
    they keep it, and a frame is 4 px wide. `channels` is the number of features, `hidden` the size of the LSTMs.
    """

    height, stride = HEIGHT, 4

    def __init__(
        self,
        charset: Charset,
        transformation: str = "tps",
        features: str = "resnet",
        sequence: str = "bilstm",
        prediction: str = "attention",
        width: str = "fixed",
        channels: int = 512,
        hidden: int = 256,
    ):
        super().__init__()
        self.sizes: dict[str, Any] = {
            "transformation": transformation, "features": features, "sequence": sequence, "prediction": prediction,
            "width": width, "channels": channels, "hidden": hidden,
        }  # fmt: skip
        _check(transformation=(transformation, TRANSFORMATIONS), features=(features, FEATURES))
        _check(sequence=(sequence, SEQUENCES), prediction=(prediction, PREDICTIONS), width=(width, WIDTHS))
        self.charset = charset
        self.fixed = width == "fixed"
        self.frames = HISTORICAL_FRAMES[features] if self.fixed else None
        self.decoders: tuple[str, ...] = (prediction,)
        self.transformation = ThinPlateSpline(POINTS, channels) if transformation == "tps" else None
        self.features = FEATURES[features](channels, not self.fixed)
        layers = ((channels, hidden), (hidden, hidden)) if sequence == "bilstm" else ()
        self.sequence = nn.ModuleList(SequenceLayer(i, hidden, o) for i, o in layers)
        last = hidden if layers else channels
        self.head = (
            nn.Linear(last, len(charset) + 1)
            if prediction == "ctc"
            else ContentAttention(last, hidden, len(charset) + FIRST)
        )
        self._initialise()

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, 32, W) ink and (N,) px to (N, T, D) frames and (N,) frames before padding.

        Frames are logits for `ctc`, the sequence that is attended to for `attention`.
        """
        if self.fixed:
            images = 1 - 2 * squashed(images, widths, FIXED_WIDTH)  # paper 1, ink -1
            widths = widths.new_full(widths.shape, FIXED_WIDTH)
        if self.transformation is not None:
            images = self.transformation(images, widths)
        x = self.features(images, widths)[:, :, 0].transpose(1, 2)  # (N, T, D)
        steps = widths.new_full(widths.shape, self.frames) if self.frames else strided_widths(widths, self.stride)
        for layer in self.sequence:
            x = layer(x, steps)
        return (self.head(x) if isinstance(self.head, nn.Linear) else x), steps

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """Mean loss per character. Raises TextError as `ctc_loss` and `attention_loss` do."""
        frames, steps = self(batch.images, batch.widths)
        if isinstance(self.head, ContentAttention):
            return attention_loss(self.head, frames, steps, batch.texts, self.charset, smoothing)
        return ctc_loss(frames, steps, batch.texts, self.charset, smoothing)

    def read(self, batch: Batch) -> list[str]:
        """Greedy readings of a batch."""
        if isinstance(self.head, ContentAttention):
            frames, steps = self(batch.images, batch.widths)
            return attention_read(self, self.head, frames, steps)
        return ctc_read(self, batch)

    def grown(self, charset: Charset, like: Mapping[str, str] | None = None) -> "Trba":
        """A copy that can write `charset` too; see `grown_head`, which raises ValueError."""
        net = copy.deepcopy(self)
        net.charset = charset
        net.head = (
            self.head.grown(self.charset, charset, like)
            if isinstance(self.head, ContentAttention)
            else grown_head(self.head, self.charset, charset, like)
        )
        return net

    def graphs(self) -> dict[str, GraphSpec]:
        """One graph, `reader`, with `ctc`; three with `attention`, see `attention_graphs`."""
        if isinstance(self.head, ContentAttention):
            return attention_graphs(self, self.head, self.height, 256)
        return ctc_graphs(self)

    def _initialise(self) -> None:
        """Kaiming-normal weights (He et al. 2015, arXiv:1502.01852), biases zero, the spline near the identity."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias") or "bias_" in name:
                nn.init.zeros_(parameter)
            elif parameter.ndim > 1:
                nn.init.kaiming_normal_(parameter)
        if self.transformation is not None:
            self.transformation.localiser.reset()


def _check(**stages: tuple[str, Collection[str]]) -> None:
    for stage, (chosen, known) in stages.items():
        if chosen not in known:
            raise SettingsError(f"the recogniser trba has no {stage} {chosen!r}; there are: {', '.join(known)}")
