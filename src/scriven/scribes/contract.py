"""The contract of scribes: writing a text in one of several hands, and refusing texts that cannot be written."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from scriven.base import Skipped


class Handwriting(NamedTuple):
    """A text written by a scribe."""

    picture: NDArray[np.uint8]  # (H, W), 255 = paper
    text: str  # as written: NFC, single-spaced
    hand: str  # name of the hand


class Scribe(Protocol):
    """Writes texts as pictures. A picture depends only on the arguments of `write` and on the settings.

    A scribe can be pickled, so that worker processes get a copy.
    """

    @property
    def origin(self) -> str:
        """Value of the column `origin` of the lines that it writes, and of its entry in a model's `data`."""
        ...

    @property
    def licence(self) -> str:
        """The licence of the pictures, apart from that of the texts; "" if there is nothing to state."""
        ...

    @property
    def augmented(self) -> bool:
        """Whether its pictures are augmented in training as those of lines folders are; else it varies them itself."""
        ...

    @property
    def settings(self) -> Any:
        """Its settings: a frozen dataclass of JSON-compatible values."""
        ...

    @property
    def skipped(self) -> Sequence[Skipped]:
        """The unusable parts of its material (font files, characters of a bank), with reasons."""
        ...

    @property
    def hands(self) -> int:
        """The number of hands; they are numbered 0 .. hands - 1."""
        ...

    def refusal(self, text: str) -> str | None:
        """Why no hand can write a text, with the missing characters; None if one can."""
        ...

    def write(
        self, text: str, rng: np.random.Generator, *, hand: int | None = None, strength: float = 1.0
    ) -> Handwriting:
        """Write a text in a hand by number; None: a random hand that can write it.

        `strength` scales all variation: 0 is clean and deterministic, 1 is as in the settings.
        Raises TextError, naming the characters, if the hand (or, for None, every hand) does not have some of them.
        """
        ...


EMPTY = "there is nothing to write in an empty text; leave it out"
OWN_TEXTS = "own-texts.txt"  # in the folder that is the argument of a scribe: texts to write, unless others are named

MakeScribe = Callable[..., Scribe]
"""A maker takes `(argument: str = "", settings: <frozen dataclass> = <its defaults>)`. `argument` is the part after the
colon of `NAME:ARGUMENT`, such as a folder; it has no default where the scribe cannot do without. `--set key=value`
changes the default of `settings`."""
