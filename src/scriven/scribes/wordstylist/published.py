"""Weights of WordStylist and DiffusionHTR as they were published (`ckpt.pt`, `ema_ckpt.pt`), for the network here.

Nothing is read from disk here: see `scriven.training.weight_files`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from scriven.base import InputError
from scriven.scribes.wordstylist.network import CHANNELS, LONGEST, PAD, WordStylist
from scriven.text import Charset

NAME = "WordStylist or DiffusionHTR"
LETTERS, HANDS = "word_emb.embedding.weight", "label_emb.weight"
FIRST = "input_blocks.0.0.weight"
WRAPPER = "module."  # before all names of a file, added by what wrapped the network
HEADS = 4  # not in the files; all that were published have it
LETTERS_ALONE, LONGER = 52, 16  # characters of the first networks; those with more take words of 16, not of 10

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class PublishedWordStylist:
    """The weights of a published file, and the sizes that follow from them."""

    tensors: dict[str, Tensor]
    characters: int  # how many it writes
    hands: int
    width: int

    def network(self, charset: Charset) -> WordStylist:
        """The network with these weights, for its characters in the order of their rows.

        Padding is what it was trained with: a copy of the row of the last letter.
        """
        longest = LONGEST if self.characters <= LETTERS_ALONE else LONGER
        with torch.device("meta"):
            net = WordStylist(charset, self.hands, self.width, HEADS, longest, padding="seen")
        tensors = dict(self.tensors)
        letters = tensors[LETTERS].clone()
        letters[PAD] = letters[-1]  # row 0 was never used, and padding had the row of the last letter
        net.load_state_dict({**tensors, LETTERS: letters}, assign=True)
        return net.eval()


def as_published(tensors: Tensors) -> Tensors | None:
    """The tensors by their published names, if they are of this network; else None."""
    if all(name.startswith(WRAPPER) for name in tensors):
        tensors = {name.removeprefix(WRAPPER): value for name, value in tensors.items()}
    return tensors if LETTERS in tensors and HANDS in tensors and FIRST in tensors else None


def published_wordstylist(tensors: Tensors, file: str | Path) -> PublishedWordStylist:
    """The weights of `file`, whose tensors `as_published` knows.

    Raises InputError, naming the tensor, for one too many, too few, of another shape, or with values that are not
    finite, and for a network that draws pixels.
    """
    refused = f"{file} is not of {NAME} as it was published"
    if tensors[FIRST].ndim == 4 and tensors[FIRST].shape[1] != CHANNELS:
        raise InputError(
            f"{refused}: it has {tensors[FIRST].shape[1]} input channels, that is, it draws pixels; give one that was "
            "trained on latents"
        )
    if tensors[LETTERS].ndim != 2 or tensors[HANDS].ndim != 2 or min(*tensors[LETTERS].shape, len(tensors[HANDS])) < 2:
        raise InputError(f"{refused}: it has no table of letters or of hands; give a complete file")
    (rows, width), hands = tensors[LETTERS].shape, len(tensors[HANDS])
    with torch.device("meta"):
        own = WordStylist(_placeholder(rows - 1), hands, _known(width, refused), HEADS).state_dict()
    if missing := [name for name in own if name not in tensors]:
        raise InputError(f"{refused}: it lacks {missing[0]}; give a complete file")
    if unknown := [name for name in tensors if name not in own]:
        raise InputError(f"{refused}: it has {unknown[0]}, which they have not; give a complete file")
    for name, value in own.items():
        if tensors[name].shape != value.shape:
            shapes = f"{tuple(tensors[name].shape)}, where {tuple(value.shape)} is expected"
            raise InputError(f"{refused}: {name} is {shapes}; give that file")
        if not bool(tensors[name].isfinite().all()):
            raise InputError(f"{name} of {file} has values that are not finite; give another checkpoint")
    return PublishedWordStylist({name: tensors[name].float() for name in own}, rows - 1, hands, width)


def _placeholder(count: int) -> Charset:
    """Any `count` characters."""
    return Charset(tuple(chr(0xF0000 + number) for number in range(count)))


def _known(width: int, refused: str) -> int:
    if width % 32:
        raise InputError(f"{refused}: its width is {width}, which 32 does not divide; give a complete file")
    return width
