"""StackMix: lines of new texts, assembled from the spans of real lines.

After Shonenkov, Karachev, Novopoltsev, Potanin and Dimitrov, "StackMix and Blot Augmentations for Handwritten Text
Recognition" (2021, arXiv:2108.11667): a text is cut into the longest pieces that some line holds, and pictures of them
are set side by side. Here the pieces are cut along the slant of the writing, chosen to go together, and made alike.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from scriven.base import Skipped, TextError
from scriven.scribes.contract import OWN_TEXTS, Handwriting
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
        """The texts of the lines that were cut, in logical order."""
        return (self.bank.folder / OWN_TEXTS).read_text("utf-8").splitlines()

    def refusal(self, text: str) -> str | None:
        """Why a text cannot be written, naming the characters that the bank lacks; None if it can."""
        text = visual(normalise(text))
        if not text:
            return "there is nothing to write in an empty text; leave it out"
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
        if hand is None and settings.mixing == "hand":
            able = self._able(seen)
            hand = able[int(rng.integers(len(able)))]
        longest = (
            1 + int(np.searchsorted(self._longest, rng.random(), side="right")) if strength else len(self._longest)
        )
        try:
            tokens = self._chooser.tokens(seen, longest, hand)
        except KeyError as error:
            assert hand is not None
            lacking = name(error.args[0])
            raise TextError(f"the hand {self.bank.hands[hand]!r} has no picture of {lacking}; choose another") from None
        spans = self._chooser.spans(seen, tokens, rng, strength * settings.variety)
        line, like = assemble(self.bank, spans, settings.seam)
        scale = self.bank.height / 64
        low, high = settings.margin
        margins = [round(scale * (low + (high - low) * (rng.random() if strength else 0.5))) for _ in range(2)]
        picture = slanted(line, like, (margins[0], margins[1]), rng)
        if strength and rng.random() < strength * settings.smoothing:
            picture = smoothed(picture, like)
        wrote = self.bank.hands[int(self.bank.hand_of[self.bank.line_of[spans[0].place]])]
        return Handwriting(picture, text, wrote)

    def _able(self, text: str) -> list[int]:
        """The hands that have all characters of a text in visual order."""
        needed = set(text)
        return [number for number, alphabet in enumerate(self.bank.alphabets) if needed <= alphabet]
