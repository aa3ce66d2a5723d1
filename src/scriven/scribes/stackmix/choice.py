"""The spans of a bank that a text is assembled from: the longest matches, and of their occurrences those that fit."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scriven.scribes.stackmix.bank import BREAK, Bank, Occurrences
from scriven.scribes.stackmix.measures import Measures

# Differences of measurements count in units of these, the largest spread that looks like one hand with one pen.
UNITS = Measures(middle=4.0, slope=0.03, body=3.0, slant=0.15, stroke=0.6, ink=25.0, paper=25.0, grain=4.0)
OTHER_HAND = 1.5  # cost of a span by another hand than the first
FIRST_VARIETY = 4.0  # of the choice of the first span, which the others are matched to
OTHER_NEIGHBOUR = 0.6  # cost of a span that stood beside another character, on each side: letters join differently


@dataclass(frozen=True)
class Span:
    """A part of a text and the place in the text of the bank where its picture is."""

    text: str
    place: int


@dataclass(frozen=True)
class Chooser:
    """Chooses the spans of texts from a bank."""

    bank: Bank

    @cached_property
    def _codes(self) -> npt.NDArray[np.uint32]:
        """The characters of the bank, after a break."""
        return np.frombuffer((BREAK + self.bank.text).encode("utf-32-le"), np.uint32)

    @cached_property
    def _measured(self) -> npt.NDArray[np.float32]:
        return (self.bank.measures / np.array(UNITS)).astype(np.float32)

    def tokens(self, text: str, longest: int, hand: int | None = None) -> list[Occurrences]:
        """The longest matches of `text` from left to right, of at most `longest` characters.

        Raises KeyError with the first character that the bank, or the hand, lacks.
        """
        found, at = list[Occurrences](), 0
        while at < len(text):
            token = self.bank.longest(text[at : at + longest], hand)
            if token is None:
                raise KeyError(text[at])
            found.append(token)
            at += len(token.text)
        return found

    def spans(self, text: str, tokens: list[Occurrences], rng: np.random.Generator, variety: float) -> list[Span]:
        """An occurrence of each token: the first at random, the others like it, the more so the smaller `variety`.

        The cost of an occurrence is the difference of the measurements of its line, and what stands beside it there.
        """
        chosen, at = list[Span](), 0
        like, hand = np.zeros(len(UNITS), np.float32), -1
        several = len(self.bank.hands) > 1
        for token in tokens:
            places, length = self.bank.sample(token, rng), len(token.text)
            lines = self.bank.line_of[places]
            before, after = self._codes[places], self._codes[places + (length + 1)]
            cost = OTHER_NEIGHBOUR * (before != ord(text[at - 1] if at else BREAK))
            cost += OTHER_NEIGHBOUR * (after != ord(text[at + length] if at + length < len(text) else BREAK))
            if chosen:
                cost += np.abs(self._measured[lines] - like).sum(axis=1)
                if several:
                    cost += OTHER_HAND * (self.bank.hand_of[lines] != hand)
            if variety:  # Gumbel noise: a choice with probabilities in proportion to exp(-cost / variety)
                cost -= (variety if chosen else FIRST_VARIETY) * rng.gumbel(size=len(places))
            best = int(cost.argmin())
            if not chosen:
                like, hand = self._measured[lines[best]], int(self.bank.hand_of[lines[best]])
            chosen.append(Span(token.text, int(places[best])))
            at += length
        return chosen
