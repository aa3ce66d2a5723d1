"""Which lines can be trained on: the one rule that the loader applies and `doctor` reports in advance."""

from dataclasses import dataclass
from typing import Protocol, Self

from scriven.base import counted
from scriven.reader.charsets import TextMapping
from scriven.reader.decoders import DECODERS
from scriven.text import Charset, name, visual

OUTSIDE = "it has characters outside the character set"  # begins the reason of such lines
NARROWEST, WIDEST = 8, 4096  # px at the height of the recogniser


class Described(Protocol):
    """What a network and a model.json say of the pictures that they take."""

    @property
    def height(self) -> int: ...
    @property
    def stride(self) -> int: ...
    @property
    def frames(self) -> int | None: ...
    @property
    def decoders(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class InputSpec:
    """The pictures and texts that a recogniser takes: px of picture height and per frame, decoders, character set.

    The character set is None where any character will do.
    """

    height: int
    stride: int
    charset: Charset | None = None
    decoders: tuple[str, ...] = ("ctc",)
    frames: int | None = None  # of every picture, whatever its width; None: one for each `stride` px
    mapping: TextMapping | None = None  # applied to the texts that are trained on

    @classmethod
    def of(cls, model: Described, charset: Charset | None = None, mapping: TextMapping | None = None) -> Self:
        """What a network or the model of a model.json takes."""
        return cls(model.height, model.stride, charset, model.decoders, model.frames, mapping)

    def min_width(self, text: str) -> int:
        """The smallest width of a picture, px, from which `text` can be decoded; 0 for the empty text.

        Beyond WIDEST where the frames of no picture suffice.
        """
        needed = max(DECODERS[name].frames_needed(visual(text)) for name in self.decoders)
        if self.frames is not None:
            return 0 if needed <= self.frames else WIDEST + 1
        return max(0, (needed - 1) * self.stride + 1)  # frames are rounded up


@dataclass(frozen=True)
class Fault:
    """Why a line cannot be trained on: `kind` is no-text, empty-text, width, characters or frames."""

    kind: str
    reason: str


def faults(text: str | None, width: int, spec: InputSpec) -> list[Fault]:
    """Every reason why a line of `width` px (at the recogniser's height) cannot be trained on."""
    found = [fault for fault in (text_fault(text), misfit(width)) if fault]
    if not text:
        return found
    if spec.charset is not None and (unknown := spec.charset.missing([visual(text)])):
        names = ", ".join(map(name, unknown))
        found.append(Fault("characters", f"{OUTSIDE}: {names}"))
    if (narrowest := spec.min_width(text)) > width:
        found.append(Fault("frames", too_long(text, width, narrowest)))
    return found


def text_fault(text: str | None) -> Fault | None:
    """The fault of a text, whatever its picture; None if there is a text."""
    if text is None:
        return Fault("no-text", "it has no text; transcribe it or leave it to `scriven adapt`")
    return (
        None if text else Fault("empty-text", "its text is empty; transcribe it, or leave it out of the training data")
    )


def too_long(text: str, width: int, narrowest: int) -> str:
    """The message for a text whose picture of `width` px has too few frames for it; `narrowest`: px that it needs."""
    if narrowest > WIDEST:
        return (
            f"its text ({counted(len(text), 'character')}) is longer than this network can read in any picture; split "
            "the line, or train a network with a frame for each few px of width"
        )
    return (
        f"its text ({counted(len(text), 'character')}) is too long for its picture, which is {width} px wide at the "
        f"recogniser's height (at least {narrowest} px are needed); check that they belong together"
    )


def misfit(width: int) -> Fault | None:
    """The fault of a picture of `width` px (at the recogniser's height), whatever its text; None if it is usable."""
    if NARROWEST <= width <= WIDEST:
        return None
    asked = f"{NARROWEST} to {WIDEST} px can be used"
    return Fault("width", f"its picture is {width} px wide at the recogniser's height; {asked}")


def unusable(text: str | None, width: int, spec: InputSpec) -> str | None:
    """The first reason of `faults`, or None."""
    return next((fault.reason for fault in faults(text, width, spec)), None)


def prepared_width(width: int, height: int, at: int) -> int:
    """The width in px of a picture of width x height px after `images.prepare` to the height `at`."""
    return max(at // 2, 1, round(width * at / height))
