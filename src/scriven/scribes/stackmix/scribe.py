"""StackMix: lines of new texts, assembled from the spans of real lines.

After Shonenkov, Karachev, Novopoltsev, Potanin and Dimitrov, "StackMix and Blot Augmentations for Handwritten Text
Recognition" (2021, arXiv:2108.11667): a text is cut into the longest pieces that some line holds, and pictures of them
are set side by side. Here the pieces are cut along the slant of the writing, chosen to go together, and made alike.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from scriven.base import InputError, Skipped, TextError
from scriven.scribes.contract import EMPTY, OWN_TEXTS, Handwriting
from scriven.scribes.stackmix.assembly import assemble, slanted, smoothed
from scriven.scribes.stackmix.bank import Bank
from scriven.scribes.stackmix.choice import Chooser
from scriven.scribes.stackmix.settings import STACKMIX_DEFAULTS, StackMixSettings
from scriven.text import name, normalise, visual


class StackMixScribe:
    """Writes with the spans of a bank. A picture depends on the arguments of `write`, the settings and the bank."""

    origin = "stackmix"
    augmented = True

    def __init__(self, bank: str | Path, settings: StackMixSettings = STACKMIX_DEFAULTS):
        """Raises InputError if there is no bank at the path."""
        self.bank, self.settings = Bank.open(bank), settings
        self.skipped: Sequence[Skipped] = ()
        self._chooser = Chooser(self.bank)
        weights = np.cumsum(settings.longest)
        self._longest = weights / weights[-1]

    def __reduce__(self) -> tuple[Callable[..., "StackMixScribe"], tuple[Path, StackMixSettings]]:
        """Pickled as its arguments: a worker process opens the bank itself."""
        return StackMixScribe, (self.bank.folder, self.settings)

    @property
    def licence(self) -> str:
        """The licence of the lines that were cut."""
        known = str(self.bank.about.get("licence") or "")
        return f"assembled from lines under {known}" if known else ""

    @property
    def hands(self) -> int:
        """The number of hands; they are numbered 0 .. hands - 1."""
        return len(self.bank.hands)

    @property
    def texts(self) -> list[str]:
        """The texts of the lines that were cut. Raises InputError if their file is gone."""
        try:
            return (self.bank.folder / OWN_TEXTS).read_text("utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise InputError(f"the bank {self.bank.folder} is damaged ({error}); cut it again") from error

    def refusal(self, text: str) -> str | None:
        """Why a text cannot be written, naming the characters that the bank lacks; None if it can."""
        text = visual(normalise(text))
        if not text:
            return EMPTY
        if missing := [c for c in dict.fromkeys(text) if c not in self.bank.alphabet]:
            names = ", ".join(map(name, missing))
            return f"the bank has no picture of {names} of {text!r}; cut more lines, or leave the text out"
        if self.settings.mixing == "hand" and not self._able(text):
            return f"no single hand of the bank has all characters of {text!r}; set mixing=free, or split the text"
        return None

    def write(
        self, text: str, rng: np.random.Generator, *, hand: int | None = None, strength: float = 1.0
    ) -> Handwriting:
        """Assemble a word or a line, as high as the pictures of the bank.

        `hand`: of this hand alone; None: as the setting `mixing` says. Raises TextError, naming the characters that the
        bank, or the hand, lacks.
        """
        text, settings = normalise(text), self.settings
        seen, strength = visual(text), strength * self.settings.strength
        if why := self.refusal(text):
            raise TextError(why)
        if hand is not None and not 0 <= hand < self.hands:
            raise TextError(f"the bank has no hand {hand}; its hands are numbered 0 to {self.hands - 1}")
        if hand is None and settings.mixing == "hand":
            able = self._able(seen)
            hand = able[int(rng.integers(len(able)))]
        noise = rng if strength else np.random.default_rng(0)
        longest = 1 + int(self._longest.searchsorted(noise.random(), "right")) if strength else len(self._longest)
        try:
            tokens = self.bank.tokens(seen, longest, hand)
        except KeyError as error:
            assert hand is not None
            lacking = name(error.args[0])
            raise TextError(f"the hand {self.bank.hands[hand]!r} has no picture of {lacking}; choose another") from None
        places = self._chooser.places(seen, tokens, rng if strength else None, strength * settings.variety)
        scale = self.bank.height / 64
        line, like = assemble(self.bank, places, tokens.lengths, round(scale * settings.seam))
        low, high = settings.margin
        part = noise.random(2).tolist() if strength else (0.5, 0.5)
        left, right = (round(scale * (low + (high - low) * one)) for one in part)
        picture = slanted(line, like, (left, right), noise)
        if strength and rng.random() < strength * settings.smoothing:
            picture = smoothed(picture, like)
        wrote = self.bank.hands[int(self.bank.hand_of[self.bank.line_of[places[0]]])]
        return Handwriting(picture, text, wrote)

    def _able(self, text: str) -> list[int]:
        """The hands that have all characters of a text in visual order."""
        needed = set(text)
        return [number for number, alphabet in enumerate(self.bank.alphabets) if needed <= alphabet]
