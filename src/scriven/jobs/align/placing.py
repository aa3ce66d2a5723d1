"""One page: its lines are read, its text is laid onto them, and what is doubtful or left over gets its reason."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scriven.base import TextError
from scriven.base.settings import Share, Threads, validated
from scriven.reader.ctc_decoder import ctc_posteriors
from scriven.reader.ctc_paths import greedy_text
from scriven.reader.page_align import Evidence, confidence, evidence, place
from scriven.reader.page_chain import ChainCosts
from scriven.reader.page_scores import LineScores
from scriven.reader.page_text import HYPHENS, PageText, stretches
from scriven.reader.session import Picture, Reader
from scriven.text import Charset, logical, name

MOST_LACKING = 0.5  # of the characters of a text, in no model that could place it
LEAST_PLACED = 0.25  # of the lines or of the text of a page: if less of both is placed they do not belong together
MOST_ERRORS, LEAST_SURE, ENOUGH = 0.65, 0.9, 5  # nor above this median CER with a lower median confidence of the lines
MUCH, SMALL = 0.25, 10.0  # excess of the CER, and margin in nats, that are named as reasons
NAMED = 8  # characters that a message names


@validated
@dataclass(frozen=True)
class AlignSettings(ChainCosts):
    """What it costs to leave out or divide (ChainCosts), below which confidence a line is doubtful, and the machine."""

    doubt_below: Share = 0.96  # nine of ten wrong lines of other collections are below
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
    evidence: Evidence

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        why = {
            name: value if isinstance(value, bool) else round(value, 4) for name, value in vars(self.evidence).items()
        }
        return {**vars(self), "confidence": round(self.confidence, 4), "evidence": why}


@dataclass(frozen=True)
class PagePlacing:
    """The placed lines of a page by their index, the readings of all lines, and the stretches that no line shows."""

    placed: dict[int, PlacedLine]
    readings: list[str]
    left: list[tuple[int, int]]

    def misfit(self, characters: int) -> str:
        """Why the text, of so many characters, is not that of the lines; empty if it seems to be."""
        errors = statistics.median([one.evidence.cer for one in self.placed.values()] or [1.0])
        shown = 1 - sum(end - start for start, end in self.left) / max(1, characters)
        shares = (len(self.placed) / max(1, len(self.readings)), shown)
        sure = statistics.median([one.confidence for one in self.placed.values()] or [0.0])
        misread = errors > MOST_ERRORS and sure < LEAST_SURE and len(self.readings) >= ENOUGH
        if max(shares) >= LEAST_PLACED and not misread:
            return ""
        return (
            f"its text does not fit its lines (of {len(self.readings)}, {len(self.placed)} could show some of it, with "
            f"{100 * errors:.0f} % of the characters read differently): check that it is the text of this page, or "
            "train on some transcribed lines of this hand first"
        )


def place_lines(reader: Reader, page: str, lines: Sequence[Picture], text: str, settings: AlignSettings) -> PagePlacing:
    """Lay the text of a page onto its lines, which are in reading order. Raises TextError for too many of both."""
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
            lines[one.line].id, page, shown, one.start, one.end, sure, doubt, scores[one.line].reading, why
        )
    return PagePlacing(
        placed, [one.reading for one in scores], stretches(body, [(one.start, one.end) for one in found])
    )


def line_scores(reader: Reader, lines: Sequence[Picture], backwards: bool) -> list[LineScores]:
    """The CTC scores of prepared lines; `backwards`: scanned from the right."""
    found = []
    for _, frames in reader.frames(lines):
        log_probs = ctc_posteriors(reader.info, frames)
        reading = logical(greedy_text(log_probs, reader.charset)).strip()
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
        "what is read there differs": found.excess > MUCH,
        "it could begin or end elsewhere": found.margin < SMALL,
        "a word is divided": found.divided,
        "the line or the text beside it is not placed": found.beside,
    }
    return ", ".join(why for why, holds in said.items() if holds) or "its scores are low"
