"""What every scribe does: it writes a text in one of its hands, and says which texts it cannot write and why."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from scriven.base import Skipped


class Handwriting(NamedTuple):
    """A written text."""

    picture: NDArray[np.uint8]  # (H, W), 255 = paper
    text: str  # as it was written: NFC, single-spaced
    hand: str  # name of the hand


class Scribe(Protocol):
    """Writes texts as pictures. A picture depends on the arguments of `write` and on the settings alone.

    It can be pickled: worker processes are given a copy.
    """

    @property
    def origin(self) -> str:
        """Value of the column `origin` of the lines that it writes, and of its entry in a model's `data`."""
        ...

    @property
    def licence(self) -> str:
        """What a user must know about the licence of the pictures, besides that of the texts; "" if nothing."""
        ...

    @property
    def settings(self) -> Any:
        """How it writes: a frozen dataclass of values that JSON can hold."""
        ...

    @property
    def skipped(self) -> Sequence[Skipped]:
        """The parts of its material (font files, characters of a bank) that it cannot use, with reasons."""
        ...

    @property
    def hands(self) -> int:
        """The number of hands; they are numbered 0 .. hands - 1."""
        ...

    def refusal(self, text: str) -> str | None:
        """Why no hand can write a text, naming the characters that are missing; None where one can."""
        ...

    def write(
        self, text: str, rng: np.random.Generator, *, hand: int | None = None, strength: float = 1.0
    ) -> Handwriting:
        """Write a text in a hand; None takes a random one that can write it.

        `strength` scales all variation: 0 is clean and always the same, 1 is as the settings say.
        Raises TextError, naming the characters, where the hand, or every hand, lacks some of them.
        """
        ...


MakeScribe = Callable[..., Scribe]
"""A maker takes `(argument: str = "", settings: <frozen dataclass> = <its defaults>)`. `argument` is what follows the
colon of `NAME:ARGUMENT`: a folder, say. The default of `settings` is what `--set key=value` changes."""
