"""Reading without regard to case by a model that tells cases apart: the probabilities of case variants are summed.

The variants of a character are those with the same lower case. Everything is summed into the class of one of them,
which is read as the lower case; the classes keep their numbers.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from scriven.text import Charset

Floats = npt.NDArray[np.float32]
NEVER = np.float32(-1e4)  # log probability of a variant whose probability was added to another


def folded(text: str) -> str:
    """A text in lower case; letters whose lower case is more than one character stay."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


class CaseVariants:
    """The case variants of a character set.

    `charset`: the same classes; the one that takes the sum of a group is its lower case, in the set before or not.
    """

    def __init__(self, charset: Charset):
        groups: dict[str, list[int]] = {}
        for place, character in enumerate(charset.characters):
            groups.setdefault(folded(character), []).append(place)
        names = list(charset.characters)
        self._rounds: list[tuple[list[int], list[int]]] = []  # (places that take, places that are added)
        for key, places in groups.items():
            taker = names.index(key) if key in charset else places[0]
            names[taker] = key
            for number, place in enumerate(p for p in places if p != taker):
                if number == len(self._rounds):
                    self._rounds.append(([], []))
                self._rounds[number][0].append(taker)
                self._rounds[number][1].append(place)
        self.charset = Charset(tuple(names))

    def summed(self, log_probs: npt.NDArray[Any], first: int) -> npt.NDArray[Any]:
        """Log probabilities (..., C), character i in column `first` + i, with those of variants added up."""
        found = np.array(log_probs, copy=True)
        for takers, others in self._rounds:
            into, added = np.array(takers) + first, np.array(others) + first
            found[..., into] = np.logaddexp(found[..., into], found[..., added])
            found[..., added] = NEVER
        return found

    def likeliest(self, log_probs: Floats, first: int) -> npt.NDArray[np.int64]:
        """For every column of (..., C), the column of its likeliest variant before they were summed."""
        best = np.broadcast_to(np.arange(log_probs.shape[-1]), log_probs.shape).copy()
        top = log_probs.copy()
        for takers, others in self._rounds:
            into, added = np.array(takers) + first, np.array(others) + first
            more = top[..., added] > top[..., into]
            best[..., into] = np.where(more, added, best[..., into])
            top[..., into] = np.maximum(top[..., into], top[..., added])
        return best
