"""Which lines can be trained on: the one rule that the loader applies and `doctor` reports in advance."""

from dataclasses import dataclass

from scriven.base import counted
from scriven.reader.align import frames_needed
from scriven.text import Charset, name, visual

NARROWEST, WIDEST = 8, 4096  # px at the height of the recogniser


@dataclass(frozen=True)
class InputSpec:
    """The pictures and texts that a recogniser takes: px of picture height and per frame, its character set.

    The character set is None where any character will do.
    """

    height: int
    stride: int
    charset: Charset | None = None


@dataclass(frozen=True)
class Fault:
    """Why a line cannot be trained on: `kind` is no-text, empty-text, width, characters or frames."""

    kind: str
    reason: str


def faults(text: str | None, width: int, charset: Charset | None, stride: int) -> list[Fault]:
    """Every reason why a line of `width` px (at the recogniser's height) cannot be trained on.

    `charset`: of the recogniser, None if any character will do; `stride`: its px per frame.
    """
    found = [fault for fault in (text_fault(text), misfit(width)) if fault]
    if not text:
        return found
    seen = visual(text)
    if charset is not None and (unknown := charset.missing([seen])):
        names = ", ".join(map(name, unknown))
        found.append(Fault("characters", f"it has characters outside the character set: {names}"))
    narrowest = (frames_needed(seen) - 1) * stride + 1  # px; frames are rounded up
    if narrowest > width:
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


def unusable(text: str | None, width: int, charset: Charset | None, stride: int) -> str | None:
    """The first reason of `faults`, or None."""
    return next((fault.reason for fault in faults(text, width, charset, stride)), None)


def prepared_width(width: int, height: int, at: int) -> int:
    """The width in px of a picture of width x height px after `images.prepare` to the height `at`."""
    return max(at // 2, 1, round(width * at / height))
