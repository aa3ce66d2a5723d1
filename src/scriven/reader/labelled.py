"""Labelled lines through a recogniser, streamed: the texts with the posteriors of their pictures."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from scriven.base import ImageError, InputError, Skipped
from scriven.images import Grey
from scriven.lines import Line
from scriven.reader.ctc_decoder import ctc_posteriors
from scriven.reader.decoder_contract import Frames
from scriven.reader.session import Picture, Reader
from scriven.reader.trainable import text_fault
from scriven.text import name, normalise, visual

Lines = Iterable[tuple[Line, Callable[[], Grey]] | Skipped]  # lines and their pictures; what was skipped before


class LabelledFrames(NamedTuple):
    """A line, its text as it is seen, its picture as `kept`, as prepared and stretched, and log posteriors (T, C)."""

    line: Line
    text: str
    kept: Grey
    picture: Picture
    log_probs: Frames


def require_ctc(reader: Reader) -> None:
    """Raises InputError for a reader whose network was not trained with CTC, by which characters are found."""
    if "ctc" not in reader.info.decoders:
        raise InputError("characters are found with a model that decodes by CTC; choose one with `scriven models list`")


def labelled_frames(
    reader: Reader, lines: Lines, kept: Callable[[Grey, Picture], Grey], fault: Callable[[Line], str] = lambda line: ""
) -> Iterator[LabelledFrames | Skipped]:
    """The usable ones of some lines, in order, or why they are left out.

    Of every picture `kept(picture, prepared)` stays in memory until the line is yielded. `fault`: why a line is left
    out; "" if it is not. The texts are taken as correct. Raises InputError as `require_ctc` does.
    """
    require_ctc(reader)
    waiting: deque[tuple[Line, str, Grey] | Skipped] = deque()

    def prepared() -> Iterator[Picture]:
        for given in lines:
            if isinstance(given, Skipped):
                waiting.append(given)
                continue
            line, picture = given
            text = visual(normalise(line.text or ""))
            if why := _unusable(reader, line, text) or fault(line):
                waiting.append(Skipped(line.id, why))
                continue
            try:
                grey = picture()
                ready = reader.prepare(line.id, grey)
                stays = kept(grey, ready)
            except ImageError as error:
                waiting.append(Skipped(line.id, str(error)))
                continue
            waiting.append((line, text, stays))
            yield ready

    for picture, frames in reader.frames(prepared()):
        while isinstance(first := waiting.popleft(), Skipped):
            yield first
        yield LabelledFrames(*first, picture, ctc_posteriors(reader.info, frames))
    yield from (one for one in waiting if isinstance(one, Skipped))


def _unusable(reader: Reader, line: Line, text: str) -> str:
    """Why the text of a line cannot be used; "" if it can."""
    if fault := text_fault(line.text and text):
        return fault.reason
    if missing := reader.charset.missing([text]):
        return f"the model does not know {', '.join(map(name, missing))}; take one that does"
    return ""
