"""WordStylist's network: the noise in the latents of a word's picture, from the word and the number of its hand.

Nikolaidou et al. 2023 (arXiv:2303.16576). Names and shapes of its tensors are those of the published files. Two faults
of the original are mended. Its padding has the row of the last letter; here row 0, which no letter has, is padding, and
padding is not attended to. Its guidance compares a prediction with itself; here the word and the hand are left out of a
part of the training, so that there is a prediction without them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scriven.base import SettingsError
from scriven.scribes.wordstylist.blocks import (
    GROUPS,
    CharacterEncoder,
    Doubled,
    Halved,
    ResBlock,
    SpatialTransformer,
    time_waves,
    zeroed,
)  # fmt: skip
from scriven.scribes.wordstylist.noise import noised
from scriven.scribes.wordstylist.settings import NOISE_STEPS
from scriven.text import Charset

HEIGHT, WIDTH = 64, 256  # px of a picture
CHANNELS, ROWS, COLUMNS = 4, HEIGHT // 8, WIDTH // 8  # of its latents
PAD = 0  # the row of padding; characters have 1 ...
LONGEST = 10  # characters of a word
DROP_TEXT, DROP_HAND, DROP_BOTH = 0.1, 0.1, 0.05  # shares of the training without the word, the hand, or both


class WordStylist(nn.Module):
    """The network for the characters of `charset` and a number of hands.

    `longest`: characters of a word. `padding`: "masked", or "seen" as historically: padding is attended to.
    Raises SettingsError for a width that the group norms or the heads do not divide.
    """

    def __init__(
        self, charset: Charset, hands: int, width: int = 320, heads: int = 4, longest: int = LONGEST,
        padding: str = "masked",
    ):  # fmt: skip
        super().__init__()
        if width % GROUPS or width % heads:
            raise SettingsError(
                f"the width of the network is {width}; it must be a multiple of {GROUPS} and of heads={heads}"
            )
        self.charset, self.longest, self.padding, self.width = charset, longest, padding, width
        self.sizes: dict[str, Any] = {
            "hands": hands, "width": width, "heads": heads, "longest": longest, "padding": padding
        }  # fmt: skip
        code = 4 * width
        self.time_embed = nn.Sequential(nn.Linear(width, code), nn.SiLU(), nn.Linear(code, code))
        self.word_emb = CharacterEncoder(1 + len(charset), width)
        self.label_emb = nn.Embedding(hands, code)

        def res(i: int) -> ResBlock:
            return ResBlock(i, width, code)

        def attended() -> SpatialTransformer:
            return SpatialTransformer(width, heads, width)

        first = nn.Conv2d(CHANNELS, width, 3, padding=1)
        down: list[list[nn.Module]] = [[first], [res(width), attended()], [Halved(width)], [res(width)]]
        self.input_blocks = nn.ModuleList(nn.ModuleList(one) for one in down)
        self.middle_block = nn.ModuleList([res(width), attended(), res(width)])
        twice = 2 * width  # with what goes past the middle
        up: list[list[nn.Module]] = [
            [res(twice)], [res(twice), Doubled(width)], [res(twice), attended()], [res(twice), attended()]
        ]  # fmt: skip
        self.output_blocks = nn.ModuleList(nn.ModuleList(one) for one in up)
        last = zeroed(nn.Conv2d(width, CHANNELS, 3, padding=1))
        self.out = nn.Sequential(nn.GroupNorm(GROUPS, width), nn.SiLU(), last)

    def word(self, classes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Words (N, L), padded with PAD, of lengths (N,) to their codes (N, L, d) and what is attended to (N, L) bool.

        A word of length 0 is no word: of it a single PAD is attended to.
        """
        at = torch.arange(classes.shape[1], device=classes.device)
        seen = at[None] < lengths.clamp(min=1)[:, None]
        if self.padding != "masked":
            seen = torch.ones_like(seen)
        return self.word_emb(classes, seen), seen

    def hand(self, numbers: Tensor) -> Tensor:
        """Codes (N, 4 d) of hands (N,); that of no hand is 0."""
        return self.label_emb(numbers)

    def forward(self, noisy: Tensor, time: Tensor, word: Tensor, seen: Tensor, hand: Tensor) -> Tensor:
        """The noise in latents (N, 4, 8, 32) after noise steps (N,), with the codes of `word` and `hand`."""
        code = self.time_embed(time_waves(time, self.width)) + hand  # (N, 4 d)
        kept, x = list[Tensor](), noisy
        for block in self.input_blocks:
            x = _run(block, x, code, word, seen)  # (N, d, 8, 32), from the third on (N, d, 4, 16)
            kept.append(x)
        x = _run(self.middle_block, x, code, word, seen)  # (N, d, 4, 16)
        for block in self.output_blocks:
            x = _run(block, torch.cat([x, kept.pop()], 1), code, word, seen)  # (N, d, 4, 16), then (N, d, 8, 32)
        return self.out(x)

    def loss(self, latents: Tensor, words: "Words", hands: Tensor, drawn: "Draws") -> Tensor:
        """The mean squared error of the noise in latents (N, 4, 8, 32) of words in hands (N,)."""
        without_text = drawn.chance < DROP_TEXT + DROP_BOTH
        kept_hand = (drawn.chance >= DROP_BOTH) & (drawn.chance < 1 - DROP_HAND)
        classes = words.classes * ~without_text[:, None]
        word, seen = self.word(classes, words.lengths * ~without_text)
        hand = self.hand(hands) * kept_hand[:, None]
        found = self(noised(latents, drawn.noise, drawn.time), drawn.time, word, seen, hand)
        return F.mse_loss(found, drawn.noise)

    def grown(self, charset: Charset, hands: int, like: Mapping[str, str] | None = None) -> "WordStylist":
        """This network with more characters, which start as those of `like`, and more hands; padding is masked.

        New hands start at the mean of the others.
        """
        net = WordStylist(charset, **{**self.sizes, "hands": hands, "padding": "masked"})
        own = self.state_dict()
        letters, table = own.pop("word_emb.embedding.weight"), own.pop("label_emb.weight")
        net.load_state_dict(own, strict=False)
        numbers = {character: number for number, character in enumerate(self.charset.characters, start=1)}
        with torch.no_grad():
            net.word_emb.embedding.weight[PAD] = letters[PAD]
            for number, character in enumerate(charset.characters, start=1):
                if (known := numbers.get(character) or numbers.get((like or {}).get(character, ""))) is not None:
                    net.word_emb.embedding.weight[number] = letters[known]
            net.label_emb.weight[: len(table)] = table
            net.label_emb.weight[len(table) :] = table.mean(0)
        return net


class Words(NamedTuple):
    """Words as classes (N, L), padded with PAD, and their lengths (N,)."""

    classes: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, texts: Sequence[str], charset: Charset, longest: int) -> "Words":
        """Of texts of at most `longest` characters, as they are seen from left to right."""
        classes = torch.full((len(texts), longest), PAD, dtype=torch.int64)
        for row, text in zip(classes, texts, strict=True):
            row[: len(text)] = torch.tensor(charset.encode(text), dtype=torch.int64)
        return cls(classes, torch.tensor([len(text) for text in texts]))

    def to(self, device: torch.device | str) -> "Words":
        return Words(self.classes.to(device), self.lengths.to(device))


class Draws(NamedTuple):
    """The random numbers of a batch: noise (N, 4, 8, 32), noise steps (N,) from 1 on, and chance (N,), 0..1."""

    noise: Tensor
    time: Tensor
    chance: Tensor

    @classmethod
    def of(cls, count: int, random: torch.Generator) -> "Draws":
        """Drawn from a generator."""
        noise = torch.randn(count, CHANNELS, ROWS, COLUMNS, generator=random)
        time = torch.randint(1, NOISE_STEPS, (count,), generator=random)
        return cls(noise, time, torch.rand(count, generator=random))

    def to(self, device: torch.device | str) -> "Draws":
        return Draws(*(one.to(device) for one in self))


def _run(block: nn.Module, x: Tensor, code: Tensor, word: Tensor, seen: Tensor) -> Tensor:
    """The layers of a block, each with what it takes."""
    assert isinstance(block, nn.ModuleList)
    for layer in block:
        if isinstance(layer, ResBlock):
            x = layer(x, code)
        elif isinstance(layer, SpatialTransformer):
            x = layer(x, word, seen)
        else:
            x = layer(x)
    return x
