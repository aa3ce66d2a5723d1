"""Sampling: a word, a hand and noise to latents, with guidance, by one of the samplers."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from scriven.scribes.wordstylist.network import CHANNELS, COLUMNS, PAD, ROWS, Words, WordStylist
from scriven.scribes.wordstylist.noise import SAMPLERS

SHAPE = (1, CHANNELS, ROWS, COLUMNS)


class Sampling(NamedTuple):
    """A sampler, its steps, and how far text and hand are exaggerated against a prediction without them; 1 not."""

    sampler: str
    steps: int
    text: float = 1.0
    hand: float = 1.0


@torch.inference_mode()
def sampled(net: WordStylist, word: Words, hand: Tensor, draw: Callable[[], Tensor], how: Sampling) -> Tensor:
    """Latents (1, 4, 8, 32) of a word (1, L) in a hand, given as its code (1, 4 d).

    Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598), of the text and of the hand apart; what is guided
    against is predicted in the same call. `draw` returns noise of the shape of the latents.
    """
    weights, words, hands = _branches(word, hand, how)
    codes, seen = net.word(words.classes, words.lengths)

    def predict(noisy: Tensor, time: int) -> Tensor:
        every = noisy.expand(len(weights), -1, -1, -1)
        found = net(every, torch.full((len(weights),), time, device=noisy.device), codes, seen, hands)
        return torch.einsum("n,nchw->chw", weights, found)[None]

    return SAMPLERS[how.sampler](predict, draw(), draw, how.steps)


def _branches(word: Words, hand: Tensor, how: Sampling) -> tuple[Tensor, Words, Tensor]:
    """The predictions that are added: weights (B,), words (B, L), codes of hands (B, 4 d)."""
    more_text, more_hand = how.text - 1, how.hand - 1
    none = Words(torch.full_like(word.classes, PAD), torch.zeros_like(word.lengths))
    branches = [(1 + more_text + more_hand, word, hand)]
    if more_text:
        branches.append((-more_text, none, hand))
    if more_hand:
        branches.append((-more_hand, word, torch.zeros_like(hand)))
    weights = torch.tensor([weight for weight, _, _ in branches], device=hand.device)
    words = Words(*(torch.cat(parts) for parts in zip(*(one for _, one, _ in branches), strict=True)))
    return weights, words, torch.cat([code for _, _, code in branches])
