"""The flow network: the velocity of noisy column latents towards writing, given a text laid out and a hand shown.

A one-dimensional transformer (Peebles & Xie 2022, arXiv:2212.09748: modulation by time and style) over columns, of
their pixels or of the latents of an autoencoder. Of pixels it predicts the clean column, from which the velocity
follows (Li & He 2025, arXiv:2511.13720), since pixels lie near few dimensions and noise does not. A column is told
which characters cover it, so that text and picture need not be aligned by attention; it attends to columns near it, so
that lines of any length are written as words are, and to a piece of the hand's own writing whose characters are given
likewise, in place of a table of writers.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.scribes.flow.autoencoder import ColumnAutoencoder, ColumnPixels
from scriven.scribes.flow.blocks import CleanBlock, FlowBlock, Norm, band, zero
from scriven.scribes.flow.columns import COLUMN, HEIGHT, PARTS, PLACES
from scriven.text import Charset

CODE = 64  # numbers for each character
CLEAN_BLOCKS, TEXT_BLOCKS = 2, 1  # blocks of the reference, and of the text
WAVES = 32  # frequencies of the code of the time
DROP_TEXT, DROP_STYLE, DROP_BOTH, DROP_REFERENCE_TEXT = 0.08, 0.08, 0.04, 0.2  # probabilities in training
TIME_MEAN, TIME_DEVIATION = -0.6, 0.9  # of the logit of the time in training
LATEST = 0.1  # time before the end from which on the error of a predicted column is not weighted more
BOTTLENECK = 96  # numbers that the pixels of a column are reduced to where they enter the network


class Layout(NamedTuple):
    """Texts laid out over columns: classes (N, K), overlap (N, PARTS * T, K), places (N, PARTS * T, PLACES)."""

    classes: Tensor
    overlap: Tensor
    places: Tensor


class ShownWriting(NamedTuple):
    """Writing of hands: ink (N, 1, HEIGHT, 8 R), its layout, and which columns (N, R) are given (1) or empty (0)."""

    ink: Tensor
    layout: Layout
    given: Tensor


class Style(NamedTuple):
    """Keys and values (N, L, R, 2 d) of a reference for every block, its bias (N, R), and its mean (N, d)."""

    keys: Tensor
    bias: Tensor
    mean: Tensor


class FlowNetwork(nn.Module):
    """Autoencoder, reference encoder, text encoder, widths of characters, and the network of the flow."""

    def __init__(self, charset: Charset, width: int = 192, layers: int = 6, latent: int = 0):
        """`width`: d, a multiple of 2 * HEADS. `latent`: D, numbers in the code of a column; 0: its 512 pixels."""
        super().__init__()
        self.charset, self.width = charset, width
        self.sizes: dict[str, Any] = {"width": width, "layers": layers, "latent": latent}
        self.codec = ColumnAutoencoder(latent) if latent else ColumnPixels()
        self.code = size = latent or HEIGHT * COLUMN  # D
        self.codes = nn.Embedding(len(charset) + 1, CODE)  # 0: unknown
        self.enter_text = nn.Linear(PARTS * (CODE + PLACES), width)
        self.text_blocks = nn.ModuleList(CleanBlock(width) for _ in range(TEXT_BLOCKS))
        self.enter_reference = narrowed(size, width)
        self.reference_blocks = nn.ModuleList(CleanBlock(width) for _ in range(CLEAN_BLOCKS))
        self.reference_norm = Norm(width)
        self.style = nn.Linear(width, width)
        self.no_style = nn.Parameter(torch.randn(width) * 0.02)
        self.time = nn.Sequential(nn.Linear(2 * WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.modulation = zero(nn.Linear(width, 6 * width))
        self.enter = narrowed(size, width)
        self.blocks = nn.ModuleList(FlowBlock(width) for _ in range(layers))
        self.norm = Norm(width)
        self.out = zero(nn.Linear(width, size))
        self.character_widths = CharacterWidths(width)

    def grown(self, charset: Charset, like: Mapping[str, str]) -> "FlowNetwork":
        """A copy that can write `charset` too. `like`: for new characters, the old ones whose codes they start from.

        A new character that is not in `like` starts from the mean of all codes. Raises ValueError when `charset` does
        not begin with the characters of this network.
        """
        if charset.characters[: len(self.charset)] != self.charset.characters:
            raise ValueError("the new character set must begin with the old one")
        old = self.codes.weight.detach()
        rows = [old]
        for character in charset.characters[len(self.charset) :]:
            known = like.get(character)
            rows.append(old[self.charset.encode(known)] if known else old[1:].mean(0, keepdim=True))
        net = FlowNetwork(charset, **self.sizes)
        net.load_state_dict({**self.state_dict(), "codes.weight": torch.cat(rows)})
        return net

    def text(self, classes: Tensor, overlap: Tensor, places: Tensor) -> Tensor:
        """What is to be written in every column, (N, T, d); see `Layout`."""
        x = self._laid_out(classes, overlap, places)
        for block in self.text_blocks:
            x = block(x, None)
        return x

    def _laid_out(self, classes: Tensor, overlap: Tensor, places: Tensor) -> Tensor:
        each = torch.cat([overlap @ self.codes(classes), places], 2)  # (N, PARTS * T, CODE + PLACES)
        return self.enter_text(each.reshape(each.shape[0], -1, PARTS * (CODE + PLACES)))  # (N, T, d)

    def reference(self, ink: Tensor, classes: Tensor, overlap: Tensor, places: Tensor, given: Tensor) -> Tensor:
        """The code (N, R, d) of `ShownWriting`, 0 in columns that are not given."""
        latents = self.codec.encode(ink)  # (N, R, D)
        return self._coded(latents, self._laid_out(classes, overlap, places), given)

    def _coded(self, latents: Tensor, text: Tensor, given: Tensor) -> Tensor:
        x, hidden = self.enter_reference(latents) + text, ((given - 1) * 1e4)[:, None, None]  # (N, R, d), (N, 1, 1, R)
        for block in self.reference_blocks:
            x = block(x, hidden)
        return self.reference_norm(x) * given[:, :, None]

    def style_of(self, code: Tensor, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The `Style` of the code (N, R, d) of a hand; that of no hand where no column is given."""
        some = given.amax(1)[:, None]  # (N, 1): 0 where there is no reference
        x = code * some[:, :, None] + self.no_style * (1 - some[:, :, None])
        keys = torch.stack([cast(FlowBlock, block).cross.keys_values(x) for block in self.blocks], 1)  # (N, L, R, 2 d)
        return keys, (given - 1) * 1e4 * some, mean_of(code, given)

    def velocity(self, noisy: Tensor, time: Tensor, text: Tensor, keys: Tensor, bias: Tensor, mean: Tensor) -> Tensor:
        """Velocity (N, T, D) of noisy latents (N, T, D) at times (N,), 0 noise to 1 writing."""
        found = self._predicted(noisy, time, text, keys, bias, mean)
        return found if self.sizes["latent"] else (found - noisy) / (1 - time)[:, None, None].clamp(min=1e-3)

    def _predicted(self, noisy: Tensor, time: Tensor, text: Tensor, keys: Tensor, bias: Tensor, mean: Tensor) -> Tensor:
        """Of latents their velocity, of pixels the clean columns, (N, T, D)."""
        code = self.time(waves(time)) + self.style(mean)  # (N, d)
        modulation = self.modulation(F.silu(code)).reshape(-1, 6, self.width)  # (N, 6, d)
        x = self.enter(noisy) + text  # (N, T, d)
        near = band(x)
        for number, block in enumerate(self.blocks):
            x = block(x, modulation, near, keys[:, number], bias[:, None, None])
        return self.out(self.norm(x))

    def widths(self, classes: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation (N, K) of the logarithm of the widths, px, of characters (N, K), in hands (N, d)."""
        return self.character_widths(self.codes(classes), mean, (classes > 0)[:, :, None].to(mean))

    def decode(self, latents: Tensor) -> Tensor:
        """Ink (N, 1, HEIGHT, 8 T) of latents (N, T, D)."""
        return self.codec.decode(latents)

    def predict(self, ink: Tensor, layout: Layout, references: ShownWriting, drawn: "Draws") -> "Prediction":
        """What the network makes of noisy pictures (N, 1, HEIGHT, 8 T) whose text and hand are given."""
        with torch.no_grad():
            latents = self.codec.encode(ink)  # (N, T, D)
            shown = self.codec.encode(references.ink)  # (N, R, D)
        time = torch.sigmoid(TIME_MEAN + TIME_DEVIATION * drawn.time)  # (N,)
        noisy = torch.lerp(drawn.noise, latents, time[:, None, None])
        with_text = drawn.chance >= DROP_TEXT + DROP_BOTH
        text = self.text(*layout) * with_text.to(ink)[:, None, None]
        with_style = (drawn.chance >= DROP_BOTH) & (drawn.chance < 1 - DROP_STYLE)
        shown_text = self._laid_out(*references.layout)
        shown_text = shown_text * (drawn.other >= DROP_REFERENCE_TEXT).to(ink)[:, None, None]
        code, kept = self._coded(shown, shown_text, references.given), with_style.to(ink)[:, None]
        style = self.style_of(code * kept[:, :, None], references.given * kept)
        found = self._predicted(noisy, time, text, *style)
        rest = (1 - time)[:, None, None]  # (N, 1, 1)
        if self.sizes["latent"]:
            loss, clean = F.mse_loss(found, latents - drawn.noise), noisy + rest * found
        else:
            loss, clean = ((found - latents) / rest.clamp(min=LATEST)).square().mean(), found
        return Prediction(loss, clean, time, with_text, mean_of(code, references.given).detach())

    def widths_loss(self, classes: Tensor, log_widths: Tensor, known: Tensor, hands: Tensor) -> Tensor:
        """Negative log-likelihood of the logarithms of widths (N, K) of the `known` (1) of some characters (N, K).

        `hands` (N, d): the means of their codes.
        """
        mean, deviation = self.widths(classes, hands)
        each = ((log_widths - mean) / deviation).square() / 2 + deviation.log()
        return (each * known).sum() / known.sum().clamp(min=1)


def mean_of(code: Tensor, given: Tensor) -> Tensor:
    """The mean (N, d) of the codes (N, R, d) of the columns that are given (N, R); 0 where none is."""
    return code.sum(1) / given.sum(1)[:, None].clamp(min=1)


class Prediction(NamedTuple):
    """Of noisy pictures: the mean squared error of the velocity, and the clean latents that the network predicts."""

    loss: Tensor  # a scalar
    clean: Tensor  # (N, T, D)
    time: Tensor  # (N,)
    with_text: Tensor  # (N,): whether the network was told the text
    hands: Tensor  # (N, d): the means of the codes of the hands, without gradient


class Draws(NamedTuple):
    """The random numbers of a batch: noise (N, T, D) and time (N,), normal; chance and other (N,), 0..1."""

    noise: Tensor
    time: Tensor
    chance: Tensor
    other: Tensor

    @classmethod
    def of(cls, count: int, columns: int, latent: int, random: torch.Generator) -> "Draws":
        """Drawn from a generator."""
        noise, time = torch.randn(count, columns, latent, generator=random), torch.randn(count, generator=random)
        return cls(noise, time, torch.rand(count, generator=random), torch.rand(count, generator=random))

    def to(self, device: torch.device) -> "Draws":
        return Draws(*(one.to(device) for one in self))


class CharacterWidths(nn.Module):
    """How wide characters are, from their codes, those of their neighbours, and the hand."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv1d(CODE, 96, 5, padding=2)
        self.hand = nn.Linear(width, 96)
        self.second = nn.Conv1d(96, 96, 3, padding=1)
        self.out = nn.Conv1d(96, 2, 1)
        nn.init.zeros_(self.out.weight)
        assert self.out.bias is not None
        with torch.no_grad():
            self.out.bias.copy_(torch.tensor([2.7, -0.7]))  # 15 px, and half of that more or less

    def forward(self, codes: Tensor, hand: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation (N, K) of the logarithm of the widths; codes (N, K, CODE), hand (N, d).

        `there` (N, K, 1): 0 where a text is padded, which is then as if it ended before.
        """
        there = there.transpose(1, 2)
        x = F.silu(self.first(codes.transpose(1, 2) * there) + self.hand(hand)[:, :, None]) * there
        mean, log_deviation = self.out(F.silu(self.second(x))).unbind(1)
        return mean, log_deviation.clamp(-3, 1).exp()


def narrowed(size: int, width: int) -> nn.Sequential:
    """A linear layer from `size` to `width` of rank BOTTLENECK at most."""
    return nn.Sequential(nn.Linear(size, BOTTLENECK, bias=False), nn.Linear(BOTTLENECK, width))


def waves(time: Tensor) -> Tensor:
    """Sines and cosines (N, 2 * WAVES) of times (N,)."""
    rates = torch.exp(torch.arange(WAVES, device=time.device, dtype=time.dtype) * (-math.log(1000.0) / WAVES))
    angles = 1000 * time[:, None] * rates[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


def hidden_matrices(net: FlowNetwork) -> list[Tensor]:
    """The weights that Muon updates as matrices: those of linear layers between activations."""
    outer = {id(one.weight) for one in (net.out, net.enter[0], net.enter_reference[0], net.modulation)}
    linear = (module for module in net.modules() if isinstance(module, nn.Linear))
    return [module.weight for module in linear if id(module.weight) not in outer]
