"""What scribes with a trained network share: why a text is refused, and which hand of the model writes."""

from collections.abc import Sequence

import numpy as np

from scriven.base import SettingsError, TextError
from scriven.scribes.contract import EMPTY
from scriven.text import name

SHOWN = 5  # names of hands in a message


def licence_of(model: str) -> str:
    """The licence of pictures that a model under a licence writes; "" where that is unknown."""
    return f"written by a model under {model}" if model else ""


def refusal_of(text: str, missing: Sequence[str]) -> str | None:
    """Why a text is not written: it is empty, or has characters that are `missing`; None if it can be."""
    if not text:
        return EMPTY
    if missing:
        names = ", ".join(map(name, missing))
        return f"the model cannot write {names} of {text!r}; train it on lines that have them, or leave the text out"
    return None


def chosen_hand(hand: int | None, hands: int, rng: np.random.Generator) -> int:
    """The hand that writes; None: a random one of them. Raises TextError for one that the model does not have."""
    if hand is not None and not 0 <= hand < hands:
        raise TextError(f"the model has no hand {hand}; its hands are numbered 0 to {hands - 1}")
    return int(rng.integers(hands)) if hand is None else hand


def number_of(hand: str, names: Sequence[str]) -> int:
    """The number of a hand by its name. Raises SettingsError for one that the model does not have."""
    if hand not in names:
        known = ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
        raise SettingsError(f"the model has no hand {hand!r}; it has {known}; see them with `scriven look MODEL`")
    return names.index(hand)
