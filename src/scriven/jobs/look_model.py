"""The page of `look` about a model."""

import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scriven.base import counted
from scriven.images import encode
from scriven.reader.model import FolderInfo, read_info, read_json
from scriven.report import (
    Figure,
    Html,
    as_text,
    curve,
    facts,
    headline,
    page,
    pictures,
    prose,
    rounds,
    section,
    short_path,
    table,
    text,
    value_of,
)
from scriven.scribes.flow.columns import picture_of
from scriven.scribes.flow.generator import read_scribe_info
from scriven.scribes.flow.model import KIND, AnyHand, EncodedHand, Hand, load_hands
from scriven.scribes.flow.scribe import FlowScribe
from scriven.scribes.specs import network_of
from scriven.scribes.wordstylist.info import NETWORK as WORDSTYLIST
from scriven.scribes.wordstylist.info import read_wordstylist_info

TITLE = "A look at "  # identifies a page of `look`, which may be overwritten
MOST_HANDS = 60  # of a scribe that are shown
SAMPLE_TEXT = "a sample of this hand, 1872"  # what is written in a hand that has no picture
MIN_HEADLINE_LINES = 50  # lines; an error rate over fewer is not shown as a headline


def model_page(folder: Path) -> Html:
    """The scores, training curves, training data, characters and card of a model. Raises ModelError."""
    if read_json(folder).get("kind") == KIND:
        return scribe_page(folder)
    info = read_info(folder)
    keys = ("network", "size", "height", "temperature", "licence")
    known = [
        *((k, as_text(getattr(info, k))) for k in keys),
        ("languages", as_text(info.languages)),
        ("parents", info.came_from()),
        ("made with", as_text(info.versions)),
    ]
    trained = info.scores.get("rounds")
    scores = {k: v for k, v in info.scores.items() if k != "rounds"}
    parts = [section("Facts", *_score_line(scores), facts(known))]
    if scores or not trained:
        parts.append(section("Scores", table(_score_rows(scores)) if scores else text("No scores are recorded.")))
    if isinstance(trained, list) and trained:
        parts.append(section("Round by round, without labels", rounds(trained)))
    rows = _log_rows(folder / "log.jsonl")
    for key, what, percent in (("cer", "character errors", True), ("loss", "loss", False)):
        points = _points(rows, key)
        if points:
            parts.append(section(f"Training: {what}", curve({what: points}, x="step", y=what, percent=percent)))
    if info.data:
        data = [{k: value_of(k, v) for k, v in row.items() if k != "sketch"} for row in info.data]
        parts.append(section("Trained on", table(data)))
    parts.append(section("Characters", *_charset(info.charset)))
    card = folder / "README.md"
    if card.is_file():
        body = card.read_text("utf-8", errors="replace").split("\n---\n", 1)[-1]
        parts.append(section("Card", prose(body)))
    return page(f"{TITLE}{info.name or short_path(folder)}", parts, f"Model: {info.network} {info.size}")


def scribe_page(folder: Path) -> Html:
    """The hands, with a piece of the writing of each, training curves, data, characters and card of a scribe."""
    info, count, shown = _of_table(folder) if network_of(folder) == WORDSTYLIST else _of_pieces(folder)
    rows = _log_rows(folder / "log.jsonl")
    known = [("network", f"{info.network} {info.size}"), ("hands", count), ("licence", info.licence)]
    parts = [section("Facts", facts(known)), section("Hands", *shown)]
    for key, what in (("cer", "CER of texts read back"), ("valid", "loss on held-out lines")):
        if points := _points(rows, key):
            parts.append(section(f"Training: {what}", curve({what: points}, x="step", y=what, percent=key == "cer")))
    parts.append(section("Trained on", table([{k: value_of(k, v) for k, v in row.items()} for row in info.data])))
    parts.append(section("Characters", *_charset(info.charset)))
    return page(f"{TITLE}{info.name or short_path(folder)}", parts, f"Scribe: {info.network}")


def _of_pieces(folder: Path) -> tuple[FolderInfo, int, list[Html]]:
    """Of a flow scribe: its description, the number of its hands, and a piece of the writing of each."""
    info = read_scribe_info(folder)
    hands = load_hands(folder, info.characters)
    figures = list(_hands(folder, hands[:MOST_HANDS]))
    return info, len(hands), [pictures(figures), text(f"{len(figures)} of {counted(len(hands), 'hand')}.")]


def _of_table(folder: Path) -> tuple[FolderInfo, int, list[Html]]:
    """Of a WordStylist: its description, the number of its hands, and their names, of which it has no pictures."""
    info = read_wordstylist_info(folder)
    return info, len(info.hands), [text(", ".join(info.hands))]


def _hands(folder: Path, hands: Sequence[AnyHand]) -> Iterator[Figure]:
    """The piece of each hand; of an encoded hand, which has none, a text that the scribe writes in it."""
    scribe = FlowScribe(folder) if any(isinstance(one, EncodedHand) for one in hands) else None
    for number, one in enumerate(hands):
        if isinstance(one, Hand):
            yield Figure(encode(picture_of(one.ink.T)), caption=one.name)
        elif scribe is not None:
            known = "".join(c for c in SAMPLE_TEXT if c in scribe.generator.charset.characters)
            made = scribe.write(known or scribe.generator.charset.characters[0], np.random.default_rng(0), hand=number)
            yield Figure(encode(made.picture), caption=f"{one.name}, generated", truth=made.text)


def _score_line(scores: dict[str, Any]) -> Iterator[Html]:
    """Error rates as headline numbers, or as a sentence if they are of too few lines."""
    found = [(s, v) for s, v in scores.items() if isinstance(v, dict) and isinstance(v.get("cer"), int | float)]
    few = [s for s, v in found if isinstance(v.get("n"), int) and v["n"] < MIN_HEADLINE_LINES]
    large = [(f"CER, {s}", value_of("cer", v["cer"]), f"n = {v.get('n', '?')}") for s, v in found if s not in few]
    if large:
        yield headline((what, str(number), note) for what, number, note in large)
    for s in few:
        n, rate = scores[s]["n"], value_of("cer", scores[s]["cer"])
        yield text(f"CER, {s}: {rate}, n = {n}: too few lines for a reliable rate.")


def _score_rows(scores: dict[str, Any]) -> list[dict[str, object]]:
    return [
        {"set": s, **({k: value_of(k, x) for k, x in v.items()} if isinstance(v, dict) else {"value": as_text(v)})}
        for s, v in scores.items()
    ]


def _charset(characters: Sequence[str]) -> Iterator[Html]:
    """All characters, then a table of those that many typefaces do not have."""
    yield text(" ".join(c if c != " " else "␣" for c in characters))
    rows = [
        {"code point": f"U+{ord(c):04X}", "character": c, "name": unicodedata.name(c, "unnamed")}
        for c in characters
        if not _common(c)
    ]
    if rows:
        yield table(rows, "An empty box above means that the font of your browser does not have the character")


def _common(character: str) -> bool:
    """Whether it is a Latin letter, digit or punctuation mark that every typeface has."""
    code = ord(character)
    return code < 0x250 or 0x1E00 <= code <= 0x1EFF or 0x2010 <= code <= 0x203A or character == "€"


def _log_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a training log; incomplete lines are left out."""
    rows: list[dict[str, Any]] = []
    for line in file.read_text("utf-8", errors="replace").splitlines() if file.is_file() else ():
        try:
            rows.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            continue
    return rows


def _points(rows: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    number: Callable[[Any], bool] = lambda v: isinstance(v, int | float)  # noqa: E731
    return [(float(r["step"]), float(r[key])) for r in rows if number(r.get("step")) and number(r.get(key))]
