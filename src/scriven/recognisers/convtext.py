"""ConvText: a convolutional network with a CTC head and, if asked for, an attention head, for lines of 64 px in height.

The backbone is a small residual network (He et al. 2015, arXiv:1512.03385) with one output vector per frame of 4 px.
Context along the line comes from residual pairs of dilated one-dimensional convolutions (Yu & Koltun 2015,
arXiv:1511.07122), which reach as far as a recurrent layer at a lower cost on a CPU.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.base import SettingsError
from scriven.reader.attention_decoder import FIRST
from scriven.reader.attention_extent import bounds
from scriven.recognisers.attention import attention_loss, attention_read, head_graphs
from scriven.recognisers.contract import GraphSpec, Method
from scriven.recognisers.conv import ConvNorm
from scriven.recognisers.ctc_head import ctc_graphs, ctc_loss, ctc_read, grown_head
from scriven.recognisers.norm import Columns, MaskedBatchNorm
from scriven.recognisers.transformer_head import TransformerHead, emitted
from scriven.tensors import Batch, length_mask, strided_widths
from scriven.text import Charset

Channels = Annotated[int, Field(ge=1, le=4096)]
Blocks = Annotated[int, Field(ge=0, le=64)]
DecoderLayers = Annotated[int, Field(ge=0, le=16)]
DecoderWidth = Annotated[int, Field(ge=8, le=4096, multiple_of=8)]

DILATIONS = (1, 2, 4, 8)
DROPOUT = 0.1
DECODER_WIDTH = 192
ATTENTION_SHARE = 0.3  # of the loss of the attention head in that of both heads
RENAMED_MODULES = {"name": "head", "along": "context"}  # names of modules in weights of version 0.1


@dataclass(frozen=True)
class ConvTextSize:
    """Channels of the four stages, residual blocks of the last three, width and number of the context blocks."""

    channels: tuple[Channels, Channels, Channels, Channels]
    blocks: tuple[Blocks, Blocks, Blocks]
    width: Channels
    depth: Blocks


SIZES = {
    "tiny": ConvTextSize((24, 48, 96, 128), (1, 1, 0), 192, 6),
    "small": ConvTextSize((24, 48, 96, 160), (1, 1, 0), 288, 8),
    "base": ConvTextSize((32, 64, 128, 224), (2, 2, 1), 352, 11),
}


class Residual(nn.Module):
    """A residual block of two 3x3 convolutions."""

    def __init__(self, c: int):
        super().__init__()
        self.a, self.b = ConvNorm(c, c), ConvNorm(c, c, act=False)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:
        return F.relu(x + self.b(self.a(x, columns), columns))


class ContextBlock(nn.Module):
    """A residual pair of dilated convolutions along the line, initialised to the identity."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.a, self.b = DilatedConv(width, dilation), DilatedConv(width, dilation, act=False)
        nn.init.zeros_(self.b.norm.weight)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:  # (N, D, 1, T)
        return F.relu(x + self.b(self.a(x, columns), columns))


class DilatedConv(nn.Module):
    """1x3 dilated convolution, masked batch norm, ReLU if `act`."""

    def __init__(self, width: int, dilation: int, act: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(width, width, (1, 3), padding=(0, dilation), dilation=(1, dilation), bias=False)
        self.norm = MaskedBatchNorm(width, act)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:  # (N, D, 1, T)
        return self.norm(self.conv(x), columns)


class ConvText(nn.Module):
    """The network; `size` is a key of SIZES, whose single values the other arguments replace (see ConvTextSize).

    With `decoder_layers`, it has a TransformerHead of `decoder_width` (192) beside the CTC head, and can be decoded by
    either or by both. Raises SettingsError for another size.
    """

    height, stride = 64, 4
    frames: int | None = None

    def __init__(
        self,
        charset: Charset,
        size: str = "small",
        *,
        channels: tuple[Channels, Channels, Channels, Channels] | None = None,
        blocks: tuple[Blocks, Blocks, Blocks] | None = None,
        width: Channels | None = None,
        depth: Blocks | None = None,
        decoder_layers: DecoderLayers = 0,
        decoder_width: DecoderWidth | None = None,
    ):
        if size not in SIZES:
            raise SettingsError(f"the recogniser convtext has no size {size!r}; there are: {', '.join(SIZES)}")
        super().__init__()
        self.charset = charset
        given = {"channels": channels, "blocks": blocks, "width": width, "depth": depth}
        own = {key: v for key, v in given.items() if v is not None and v != getattr(SIZES[size], key)}
        self.sizes: dict[str, Any] = {
            "size": size,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in own.items()},
        }
        if decoder_layers:
            decoder_width = decoder_width or DECODER_WIDTH
            self.sizes |= {"decoder_layers": decoder_layers, "decoder_width": decoder_width}
        elif decoder_width:
            raise SettingsError("the size setting 'decoder_width' has no effect without decoder_layers; set both")
        self.decoders: tuple[str, ...] = ("ctc", "attention", "both") if decoder_layers else ("ctc",)
        chosen = replace(SIZES[size], **own)  # type: ignore[arg-type]
        c0, c1, c2, c3 = chosen.channels
        self.stem = ConvNorm(1, c0, stride=(2, 2))
        self.enter = nn.ModuleList(
            [ConvNorm(i, o, stride=by) for i, o, by in ((c0, c1, (2, 2)), (c1, c2, (2, 1)), (c2, c3, (2, 1)))]
        )
        self.stages = nn.ModuleList(
            nn.ModuleList(Residual(c) for _ in range(blocks))
            for c, blocks in zip((c1, c2, c3), chosen.blocks, strict=True)
        )
        self.column = nn.Conv2d(c3, chosen.width, (self.height // 16, 1))
        self.context = nn.ModuleList(
            ContextBlock(chosen.width, DILATIONS[i % len(DILATIONS)]) for i in range(chosen.depth)
        )
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(chosen.width, len(charset) + 1)  # class 0 is the blank
        self.attention = (
            TransformerHead(len(charset) + 1, chosen.width, decoder_width, decoder_layers) if decoder_width else None
        )

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, 64, W) ink and (N,) px to (N, T, C) logits and (N,) frames before padding; T = ceil(W / 4)."""
        features, steps = self.features(images, widths)
        return self.logits(features), steps

    def logits(self, features: Tensor) -> Tensor:
        """(N, T, D) features to (N, T, C) logits."""
        return self.head(self.dropout(features))

    def features(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, 64, W) ink and (N,) px to (N, T, D) features and (N,) frames before padding."""
        w, t = -(-images.shape[3] // 2), -(-images.shape[3] // 4)
        steps = strided_widths(widths, self.stride)
        known = self.training and not images.is_cuda
        half = Columns.of(strided_widths(widths, 2), w, known=known)
        columns = Columns.of(steps, t, known=known)
        x = self.stem(images, half)  # (N, c0, 32, W / 2)
        for enter, stage in zip(self.enter, self.stages, strict=True):
            x = enter(x, columns)  # (N, c1, 16, T), (N, c2, 8, T), (N, c3, 4, T)
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x, columns)
        x = columns.blank(self.column(x))  # (N, D, 1, T)
        for block in self.context:
            x = block(x, columns)
        return x.squeeze(2).transpose(1, 2), steps

    def joint(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (N, T, C), frames before padding (N,), and the frames (N, T, C + D) of the attention head."""
        features, steps = self.features(images, widths)
        logits = self.logits(features)
        return logits, steps, torch.cat([logits, features], 2)

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """Mean loss per character: of CTC, and with an attention head ATTENTION_SHARE of its own.

        Raises TextError as `ctc_loss` does.
        """
        if self.attention is None:
            logits, steps = self(batch.images, batch.widths)
            return ctc_loss(logits, steps, batch.texts, self.charset, smoothing)
        logits, steps, frames = self.joint(batch.images, batch.widths)
        ctc = ctc_loss(logits, steps, batch.texts, self.charset, smoothing)
        attention = attention_loss(self.attention, frames, steps, batch.texts, self.charset, smoothing)
        return (1 - ATTENTION_SHARE) * ctc + ATTENTION_SHARE * attention

    def read(self, batch: Batch) -> list[str]:
        """Greedy readings of a batch, by the attention head if there is one."""
        if self.attention is None:
            return ctc_read(self, batch)
        with torch.inference_mode():
            logits, steps, frames = self.joint(batch.images, batch.widths)
            counts = (emitted(logits) * length_mask(steps, logits.shape[1])).amax(1).tolist()
        limits = torch.tensor([bounds(int(count))[1] for count in counts], device=steps.device)
        return attention_read(self, self.attention, frames, steps, limits)

    def grown(self, charset: Charset, like: Mapping[str, str] | None = None) -> "ConvText":
        """A copy with the larger `charset`. Raises ValueError as `grown_head` does."""
        net = copy.deepcopy(self)
        net.head, net.charset = grown_head(self.head, self.charset, charset, like), charset
        net.attention = self.attention.grown(self.charset, charset, like) if self.attention else None
        return net

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As torch.nn.Module does; the module names of version 0.1 are mapped to the present ones."""
        parts = ((key.partition("."), value) for key, value in state_dict.items())
        present = {RENAMED_MODULES.get(first, first) + dot + rest: value for (first, dot, rest), value in parts}
        return super().load_state_dict(present, strict, assign)

    def graphs(self) -> dict[str, GraphSpec]:
        """One graph, `reader`; with an attention head also `rank` and those of `head_graphs`."""
        graphs = ctc_graphs(self)
        if self.attention is None:
            return graphs
        plain = graphs["reader"]
        reader = replace(plain, module=Method(self, "joint"), outputs=(*plain.outputs, "frames"))
        with torch.no_grad():
            _, steps, frames = self.eval().joint(*plain.inputs.values())
        texts = torch.full((3, 4), FIRST)
        given = {"frames": frames[:1], "steps": steps[:1], "previous": texts}
        free = {"frames": {1: "t"}, "previous": {0: "b", 1: "l"}}
        rank = GraphSpec(Method(self.attention, "several"), given, ("logits",), free)
        return {"reader": reader, **head_graphs(self.attention, frames, steps), "rank": rank}
