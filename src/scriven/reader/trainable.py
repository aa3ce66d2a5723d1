"""Which lines can be trained on: the one rule that the loader keeps and `doctor` foretells."""

from dataclasses import dataclass

from scriven.reader.align import frames_needed
from scriven.text import Charset, name

HEIGHT, STRIDE = 64, 4  # px of a prepared picture and of a frame, where no model says otherwise
NARROWEST, WIDEST = 8, 4096  # px at the height of the recogniser


@dataclass(frozen=True)
class Fault:
    """Why a line cannot be trained on: `kind` is no-text, width, characters or frames."""

    kind: str
    reason: str


def faults(text: str | None, width: int, charset: Charset | None, stride: int = STRIDE) -> list[Fault]:
    """All that keeps a line of `width` px (at the recogniser's height) from being trained on; empty if nothing does."""
    found = []
    if not text:
        found.append(Fault("no-text", "it has no text; transcribe it or leave it to `scriven adapt`"))
    if fault := misfit(width):
        found.append(fault)
    if not text:
        return found
    if charset is not None and (unknown := charset.missing([text])):
        names = ", ".join(map(name, unknown))
        found.append(Fault("characters", f"it has characters outside the character set: {names}"))
    needed, frames = frames_needed(text), -(-width // stride)
    if needed > frames:
        given = f"its text needs {needed} frames and its picture gives {frames}"
        found.append(Fault("frames", f"{given}; check that they belong together"))
    return found


def misfit(width: int) -> Fault | None:
    """What is wrong with a picture of `width` px (at the recogniser's height), whatever its text; None if nothing."""
    if NARROWEST <= width <= WIDEST:
        return None
    asked = f"{NARROWEST} to {WIDEST} px can be used"
    return Fault("width", f"its picture is {width} px wide at the recogniser's height; {asked}")


def unusable(text: str | None, width: int, charset: Charset | None) -> str | None:
    """Why a line of `width` px (at the recogniser's height) cannot be trained on, or None."""
    return next((fault.reason for fault in faults(text, width, charset)), None)


def prepared_width(width: int, height: int, at: int = HEIGHT) -> int:
    """How wide `images.prepare` makes a picture of width x height px at the height `at`, from the numbers alone."""
    return max(at // 2, 1, round(width * at / height))
