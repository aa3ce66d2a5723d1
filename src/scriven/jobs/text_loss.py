"""The loss of a model on transcribed lines: the mean negative log probability of a character of the true text."""

import math
from dataclasses import dataclass, field

from scriven.reader.decoder_contract import Decoder, Frames
from scriven.text import normalise, visual

WAITING = 8192  # frames of lines whose losses are computed together
OUTSIDE = "characters that the model cannot write"
TOO_LONG = "a text too long for its picture"
SPACED = "a space, where single words are read"


@dataclass
class TextLoss:
    """Summed negative log probabilities in nats of the texts of some lines, and the lines that have none.

    unscored: the ids of lines that were left out, by the reason.
    """

    nats: float = 0.0
    characters: int = 0
    lines: int = 0
    unscored: dict[str, list[str]] = field(default_factory=dict)

    @property
    def per_character(self) -> float | None:
        """Nats per character; None if no line was scored."""
        return self.nats / max(self.characters, 1) if self.lines else None

    def __add__(self, other: "TextLoss") -> "TextLoss":
        both = {**self.unscored}
        for reason, ids in other.unscored.items():
            both[reason] = [*both.get(reason, []), *ids]
        return TextLoss(self.nats + other.nats, self.characters + other.characters, self.lines + other.lines, both)


class LossMeter:
    """Adds up a TextLoss over lines. They wait until many can be computed at once; `finish` computes the last."""

    def __init__(self, decoder: Decoder):
        self.decoder, self.loss = decoder, TextLoss()
        self._waiting: list[tuple[str, Frames, list[int]]] = []

    def add(self, id: str, frames: Frames, text: str) -> None:
        """A line by its frames (T, D) and its true text, in logical order."""
        shown, charset = visual(normalise(text)), self.decoder.charset
        if self.decoder.settings.word and " " in shown:
            self._leave_out(SPACED, id)
        elif charset.missing([shown]):
            self._leave_out(OUTSIDE, id)
        else:
            self._waiting.append((id, frames, charset.encode(shown)))
            if sum(len(one) for _, one, _ in self._waiting) > WAITING:
                self.finish()

    def finish(self) -> TextLoss:
        """The loss of all lines so far."""
        every, self._waiting = self._waiting, []
        likelihoods = self.decoder.log_likelihoods([frames for _, frames, _ in every], [text for *_, text in every])
        for (id, _, text), found in zip(every, likelihoods.tolist(), strict=True):
            if found == -math.inf:
                self._leave_out(TOO_LONG, id)
                continue
            self.loss.nats -= found
            self.loss.characters += len(text)
            self.loss.lines += 1
        return self.loss

    def _leave_out(self, reason: str, id: str) -> None:
        self.loss.unscored.setdefault(reason, []).append(id)
