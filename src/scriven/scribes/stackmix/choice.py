"""The spans of a bank that a text is assembled from: the longest matches, and of their occurrences those that fit."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scriven.scribes.stackmix.bank import Bank, Tokens
from scriven.scribes.stackmix.measures import Measures
from scriven.scribes.stackmix.suffixes import BREAK

# Differences of measurements count in units of these, the largest spread that looks like one hand with one pen; lengths
# in px at height 64.
UNITS = Measures(middle=4.0, slope=0.03, body=3.0, slant=0.15, stroke=0.6, ink=25.0, paper=25.0, grain=4.0)
LENGTHS = Measures(middle=1, slope=0, body=1, slant=0, stroke=1, ink=0, paper=0, grain=0)
OTHER_HAND = 1.5  # cost of a span by another hand than the first
FIRST_VARIETY = 4.0  # of the choice of the first span, which the others are matched to
OTHER_NEIGHBOUR = 0.6  # cost of a span that stood beside another character, on each side: letters join differently

TINY = np.float32(1e-12)  # added to noise of which the logarithm is taken
ONES = np.ones(len(UNITS), np.float32)


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
        units = np.array(UNITS) * np.where(np.array(LENGTHS), self.bank.height / 64, 1)
        return (self.bank.measures / units).astype(np.float32)

    def places(
        self, text: str, tokens: Tokens, rng: np.random.Generator | None, variety: float
    ) -> npt.NDArray[np.int32]:
        """The place in the text of the bank of an occurrence of each token of a text.

        The first is chosen at random, the others like it, the more so the smaller `variety`; without `rng` the best are
        taken. The cost of an occurrence is the difference of the measurements of its line from those of the first one,
        and what stands beside it there.
        """
        places, firsts = self.bank.sample(tokens, rng)
        counts = np.diff(firsts, append=len(places))
        around = np.frombuffer(f"{BREAK}{text}{BREAK}".encode("utf-32-le"), np.uint32)
        before, after = around[tokens.begins], around[tokens.begins + tokens.lengths + 1]
        others = self._codes[places] != before.repeat(counts)
        others = others + (self._codes[places + (tokens.lengths + 1).repeat(counts)] != after.repeat(counts)).view(
            np.int8
        )
        cost = np.multiply(others, OTHER_NEIGHBOUR, dtype=np.float32)
        if rng is not None and variety:  # Gumbel noise: a choice with probabilities in proportion to exp(-cost/variety)
            noise = np.log(rng.standard_exponential(len(cost), np.float32) + TINY)
            noise[: counts[0]] *= FIRST_VARIETY / variety
            cost += noise * np.float32(variety)
        first = int(cost[: counts[0]].argmin())
        if len(firsts) > 1:
            lines = self.bank.line_of[places]
            line = lines[first]
            differences = self._measured[lines]
            differences -= self._measured[line]
            cost += np.abs(differences, out=differences) @ ONES
            if len(self.bank.hands) > 1:
                cost += OTHER_HAND * (self.bank.hand_of[lines] != self.bank.hand_of[line])
        chosen = [
            int(cost[a : a + n].argmin()) + a for a, n in zip(firsts.tolist()[1:], counts.tolist()[1:], strict=True)
        ]
        return places[[first, *chosen]]
