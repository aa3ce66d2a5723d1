"""One page: its lines are read, its text is laid onto them, and what is doubtful or left over gets its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scriven.base import TextError
from scriven.base.settings import Share, Threads, validated
from scriven.images import Grey
from scriven.reader.ctc_paths import collapse, greedy, log_posteriors
from scriven.reader.page_align import Evidence, confidence, evidence, place
from scriven.reader.page_chain import ChainCosts
from scriven.reader.page_scores import LineScores
from scriven.reader.page_text import HYPHENS, PageText, stretches
from scriven.reader.session import Reader
from scriven.text import Charset, logical, name

MOST_LACKING = 0.5  # of the characters of a text, in no model that could place it
NAMED = 8  # characters that a message names


@validated
@dataclass(frozen=True)
class AlignSettings(ChainCosts):
    """What it costs to leave out or divide (ChainCosts), below which confidence a line is doubtful, and the machine."""

    doubt_below: Share = 0.9
    engine: str = "onnxruntime"  # or openvino
    device: str = "cpu"
    threads: Threads | None = None  # None: one per core
    level: str | None = None  # words or lines, of a folder that has both
    split: str | None = None  # of a lines folder; None: all


@dataclass(frozen=True)
class PlacedLine:
    """A line and its text: text[start:end] of its page, with a hyphen where it shows one that the transcript lacks.

    `confidence`: the probability that this is exactly its text; `doubt`: why it is doubtful, else empty.
    """

    id: str
    page: str
    text: str
    start: int
    end: int
    confidence: float
    doubt: str
    reading: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {**vars(self), "confidence": round(self.confidence, 4)}


@dataclass(frozen=True)
class PagePlacing:
    """The placed lines of a page by their index, the readings of all lines, and the stretches that no line shows."""

    placed: dict[int, PlacedLine]
    readings: list[str]
    left: list[tuple[int, int]]


def place_lines(
    reader: Reader, page: str, lines: Sequence[tuple[str, Grey]], text: str, settings: AlignSettings
) -> PagePlacing:
    """Lay the text of a page onto its lines (id, picture), which are in reading order. Raises ImageError."""
    body = PageText.of(text, reader.charset)
    scores = line_scores(reader, lines, body.backwards)
    found = place(scores, body, settings)
    hyphen = next((h for h in HYPHENS if h in reader.charset), "-")
    placed = {}
    for one, why in zip(found, evidence(scores, body, found, settings), strict=True):
        sure = confidence(why)
        shown = body.text[one.start : one.end] + hyphen * one.hyphen
        doubt = reasons(why) if sure < settings.doubt_below else ""
        placed[one.line] = PlacedLine(
            lines[one.line][0], page, shown, one.start, one.end, sure, doubt, scores[one.line].reading
        )
    return PagePlacing(
        placed, [one.reading for one in scores], stretches(body, [(one.start, one.end) for one in found])
    )


def line_scores(reader: Reader, lines: Sequence[tuple[str, Grey]], backwards: bool) -> list[LineScores]:
    """The CTC scores of lines (id, picture); `backwards`: scanned from the right. Raises ImageError."""
    classes = len(reader.charset) + 1
    found = []
    for _, frames in reader.frames(reader.prepare(id, picture) for id, picture in lines):
        log_probs = log_posteriors(frames[:, :classes], reader.info.temperature)
        reading = logical(reader.charset.decode(collapse(greedy(log_probs)))).strip()
        found.append(LineScores.of(log_probs, reader.charset, reading, backwards))
    return found


def check_characters(page: str, text: str, charset: Charset) -> str:
    """A sentence about the characters of a text that the model lacks, empty if it has all.

    Raises TextError where it lacks so many that nothing could be placed.
    """
    lacking = PageText.of(text, charset).lacking(charset)
    if not lacking:
        return ""
    named = ", ".join(name(c) for c, _ in lacking.most_common(NAMED)) + (" ..." if len(lacking) > NAMED else "")
    if sum(lacking.values()) > MOST_LACKING * len(text.replace(" ", "")):
        raise TextError(
            f"the model has few of the characters of the text of {page} (it lacks {named}); "
            "use a model of its script, or `scriven models grow`"
        )
    return f"the model lacks {named} of the text of {page}: any character is taken for them"


def reasons(found: Evidence) -> str:
    """Why a line is doubtful, in words."""
    said = {
        "what is read there differs": found.cer > 0.6 or found.deficit > 2,
        "it could begin or end elsewhere": found.margin < 6,
        "a word is divided": found.divided,
        "the line or the text beside it is not placed": found.beside,
    }
    return ", ".join(why for why, holds in said.items() if holds) or "its scores are low"
