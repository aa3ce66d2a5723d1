"""A lines folder or a model folder in, one HTML page to look through out."""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scriven.base import ImageError, InputError, OutputError, Skipped, evenly
from scriven.base.progress import progress
from scriven.images import size
from scriven.lines import Line, LinesFolder
from scriven.lines.records import source_of
from scriven.reader.model import find_model, is_model, read_info
from scriven.report import (
    Html,
    Picture,
    bars,
    curve,
    facts,
    headline,
    page,
    pictures,
    prose,
    rounds,
    save,
    section,
    table,
    text,
)
from scriven.text import name

SAMPLES = 24  # pictures shown of a split
MEASURED = 5_000  # pictures whose size is looked up where the folder does not say it
WIDE = 6  # times as wide as high: such pictures are shown one under the other
RARE = 5  # characters seen fewer times than this are named as rare
FEW = 50  # lines; an error rate of fewer says next to nothing
BINS = 40  # bars of a histogram, at most
LABELS = {"pseudo": "pseudo-label", "generated": "read"}  # what the text of such a line is called; else "text"
TITLE = "A look at "  # by it a page of this job is known, and may be written anew


def look(
    what: str | Path, out: str | Path | None = None, *, level: str = "", samples: int = SAMPLES
) -> tuple[Path, tuple[Skipped, ...]]:
    """Write one self-contained page about a lines folder or a model; return its path and the lines left out.

    `samples` pictures of each split are shown, 0 for all of them.

    Without `out` it is `<name>-look.html` in the current folder. A page of this job is written anew, any other file is
    not touched. Raises InputError when there is nothing to look at, OutputError.
    """
    path = Path(what)
    if not is_model(path) and not path.exists():
        raise InputError(f"there is no folder and no bundled model {str(what)!r}; check the path")
    target = Path(out) if out else Path(f"{path.resolve().name}-look.html")
    if target.is_dir():
        target = target / "look.html"
    if target.exists() and f"<title>{TITLE}".encode() not in target.read_bytes()[:1000]:
        raise OutputError(f"{target} exists and is no page of `scriven look`; choose another -o")
    if is_model(path):
        return save(target, model_page(find_model(what))), ()
    folder = LinesFolder(path, level or None)
    return save(target, lines_page(folder, samples)), tuple(folder.skipped)


def lines_page(folder: LinesFolder, samples: int = SAMPLES) -> Html:
    """Counts, pictures with their texts, sizes, characters, and what was left out."""
    names = ["text", "hand", "page", "origin", "confidence", "width", "height"]
    columns = {split: folder.columns(split, names) for split in folder.splits}
    texts = [t for c in columns.values() for t in c["text"] if t]
    letters = Counter(character for t in texts for character in t)
    shown = {split: _samples(folder, split, samples) for split in folder.splits}
    parts = [
        section("Counts", _numbers(columns, texts, letters), *_splits(columns)),
        *(section(f"Pictures: {s}", _some(len(found), folder.count(s)), _gallery(found)) for s, found in shown.items()),
        section("Sizes", *_sizes(folder, columns)),
        section("Characters", *_characters(letters)) if letters else section("Characters", text("No line has text.")),
    ]
    if folder.about:
        keys = ("command", "what", "licence", "seed", "parents", "finished")
        parts.append(section("How it was made", facts((k, _plain(folder.about.get(k))) for k in keys)))
    if folder.skipped:
        rows = [{"id": r.id, "why": r.reason} for r in folder.skipped]
        parts.append(section("Left out", table(rows, f"{len(rows)} lines cannot be used")))
    return page(f"{TITLE}{_called(folder.path)}", parts, "Lines folder" if folder.path.is_dir() else "Table of lines")


def _called(path: Path) -> str:
    """A folder as it was given, its last three parts: `01` alone says nothing."""
    given = path if path.name and ".." not in path.parts else path.resolve()
    return "/".join([part for part in given.parts if part != given.anchor][-3:])


def _numbers(columns: dict[str, dict[str, list[Any]]], texts: Sequence[str], letters: Counter[str]) -> Html:
    lines = sum(len(c["text"]) for c in columns.values())
    hands = {h for c in columns.values() for h in c["hand"] if h}
    return headline(
        [
            ("lines", f"{lines:,}", f"{len(texts):,} with text"),
            ("hands", f"{len(hands):,}" if hands else "unknown", "writers named in the folder"),
            ("characters", f"{sum(letters.values()):,}", f"{len(letters)} different"),
        ]
    )


def _splits(columns: dict[str, dict[str, list[Any]]]) -> Iterator[Html]:
    """A row for each split, and where some of the texts come from a model, that they do."""
    origins = {s: [source_of(*p) for p in zip(c["origin"], c["confidence"], strict=True)] for s, c in columns.items()}
    yield table(
        [
            {
                "split": split,
                "lines": len(c["text"]),
                "with text": sum(1 for t in c["text"] if t),
                "hands": len({h for h in c["hand"] if h}),
                "pages": len({p for p in c["page"] if p}),
                "origin": ", ".join(f"{o} {n}" for o, n in Counter(origins[split]).most_common()),
            }
            for split, c in columns.items()
        ]
    )
    if any("read by a model" in found for found in origins.values()):
        yield text(
            "A line that has a confidence counts as read by a model. Empty its confidence where you have corrected it."
        )


def _some(shown: int, count: int) -> Html:
    """How many of the pictures are shown, where it is not all of them."""
    few = shown < count
    return text(f"{shown:,} of {count:,} pictures, evenly spread; all with --samples 0.") if few else Html("")


def _samples(folder: LinesFolder, split: str, most: int) -> list[Line]:
    """Some lines of a split, evenly spread; only the row groups that hold them are read."""
    found: list[Line] = []
    count, start = folder.count(split), 0
    places = set(evenly(range(count), most or count))
    for group in folder.groups(split):
        if any(start <= p < start + group.rows for p in places):
            found += [line for i, line in enumerate(folder.read(group), start) if i in places]
        start += group.rows
    return found


def _gallery(lines: Sequence[Line]) -> Html:
    shown, broken = [], []
    for line in lines:
        sure = "below 0.01" if (line.confidence or 0) < 0.01 else f"{line.confidence:.2f}"
        trust = f"confidence {sure}" if line.confidence is not None else ""
        origin = line.origin if line.origin not in ("human", "pseudo") else ""
        label = LABELS.get(line.origin, "text" if line.confidence is None else "read")
        caption = " · ".join(part for part in (line.id, line.hand, origin, trust) if part)
        try:
            size(line.image, line.id)
            shown.append(Picture(line.image, line.text, caption=caption, label=label))
        except ImageError as error:
            broken.append({"id": line.id, "why": str(error)})
    wide = sum(w > WIDE * h for w, h in (size(p.image) for p in shown)) > len(shown) / 2
    return Html(pictures(shown, wide=wide) + (table(broken, "pictures that cannot be shown") if broken else ""))


def _sizes(folder: LinesFolder, columns: dict[str, dict[str, list[Any]]]) -> Iterator[Html]:
    sizes = [(w, h) for c in columns.values() for w, h in zip(c["width"], c["height"], strict=True) if w and h]
    if not sizes:
        sizes = list(_measured(folder))
        yield text(f"The folder does not say how large its pictures are; {len(sizes):,} of them were measured.")
    lengths = [len(t) for c in columns.values() for t in c["text"] if t]
    yield _histogram([w for w, _ in sizes], "width", "px", "pictures")
    yield _histogram([h for _, h in sizes], "height", "px", "pictures")
    yield _histogram(lengths, "length of the text", "characters", "lines")


def _measured(folder: LinesFolder) -> Iterator[tuple[int, int]]:
    total = sum(folder.count(split) for split in folder.splits)
    every = max(1, -(-total // MEASURED))
    for number, line in enumerate(folder.lines()):
        progress("measuring", number + 1, total)
        if number % every == 0:
            try:
                yield size(line.image, line.id)
            except ImageError as error:
                folder.skipped.append(Skipped(line.id, str(error)))


def _histogram(values: Sequence[int], what: str, unit: str, y: str) -> Html:
    """How many values fall into each of some equally wide bins; the last one takes in the highest hundredth."""
    if not values:
        return Html("")
    ordered = sorted(values)
    low, high, most = ordered[0], ordered[int(0.99 * (len(ordered) - 1))], ordered[-1]
    if low == most:
        return text(f"The {what} of all {len(values):,} {y} is {low:,} {unit}.")
    width = next(w for p in range(20) for w in (10**p, 2 * 10**p, 5 * 10**p) if w * (BINS - 1) >= high - low + 1)
    first = low // width
    last = high // width - first
    counts = Counter(min(v // width - first, last) for v in ordered)
    note = f"median {ordered[len(ordered) // 2]:,}, from {low:,} to {most:,} {unit}"
    columns = [counts[i] for i in range(last + 1)]
    rest = most // width - first > last
    return bars(columns, low=first * width, width=width, x=f"{what}, {unit}", y=y, note=note, and_more=rest)


def _characters(letters: Counter[str]) -> Iterator[Html]:
    rare = [c for c, n in letters.items() if n < RARE]
    rows = [{"character": c if c != " " else "␣", "times": n, "name": name(c)} for c, n in letters.most_common()]
    if rare:
        yield text(f"Seen fewer than {RARE} times: {' '.join(sorted(rare))}")
    yield table(rows, f"{len(letters)} characters, most frequent first")


def model_page(folder: Path) -> Html:
    """What a model says about itself: its scores, its training curve, its characters, its card. Raises ModelError."""
    info = read_info(folder)
    keys = ("network", "size", "height", "temperature", "licence")
    known = [
        *((k, _plain(getattr(info, k))) for k in keys),
        ("languages", _plain(info.languages)),
        ("came from", info.came_from()),
        ("made with", _plain(info.versions)),
    ]
    learnt = info.scores.get("rounds")
    scores = {k: v for k, v in info.scores.items() if k != "rounds"}
    parts = [section("Facts", *_score_line(scores), facts(known))]
    if scores or not learnt:
        parts.append(section("Scores", table(_score_rows(scores)) if scores else text("No scores are recorded.")))
    if isinstance(learnt, list) and learnt:
        parts.append(section("Round by round, without labels", rounds(learnt)))
    rows = _log_rows(folder / "log.jsonl")
    for key, what, percent in (("cer", "character errors", True), ("loss", "loss", False)):
        points = _points(rows, key)
        if points:
            parts.append(section(f"Training: {what}", curve({what: points}, x="step", y=what, percent=percent)))
    if info.data:
        taught = [{k: _cell(k, v) for k, v in row.items() if k != "sketch"} for row in info.data]
        parts.append(section("Trained on", table(taught)))
    parts.append(section("Characters", *_charset(info.charset)))
    card = folder / "README.md"
    if card.is_file():
        body = card.read_text("utf-8", errors="replace").split("\n---\n", 1)[-1]
        parts.append(section("Card", prose(body)))
    return page(f"{TITLE}{info.name or _called(folder)}", parts, f"Model: {info.network} {info.size}")


def _score_line(scores: dict[str, Any]) -> Iterator[Html]:
    """Error rates, large; small where they are of too few lines."""
    found = [(s, v) for s, v in scores.items() if isinstance(v, dict) and isinstance(v.get("cer"), int | float)]
    few = [s for s, v in found if isinstance(v.get("n"), int) and v["n"] < FEW]
    large = [(f"CER, {s}", _cell("cer", v["cer"]), f"n = {v.get('n', '?')}") for s, v in found if s not in few]
    if large:
        yield headline((what, str(number), note) for what, number, note in large)
    for s in few:
        n, rate = scores[s]["n"], _cell("cer", scores[s]["cer"])
        yield text(f"CER, {s}: {rate}, n = {n}: too few lines to mean anything.")


def _score_rows(scores: dict[str, Any]) -> list[dict[str, object]]:
    return [
        {"set": s, **({k: _cell(k, x) for k, x in v.items()} if isinstance(v, dict) else {"value": _plain(v)})}
        for s, v in scores.items()
    ]


def _charset(characters: Sequence[str]) -> Iterator[Html]:
    """All characters, then by name those for which many typefaces have no picture."""
    yield text(" ".join(c if c != " " else "␣" for c in characters))
    rows = [
        {"code point": f"U+{ord(c):04X}", "character": c, "name": unicodedata.name(c, "unnamed")}
        for c in characters
        if not _common(c)
    ]
    if rows:
        yield table(rows, "Where you see an empty box above, the typeface of your browser lacks one of these")


def _common(character: str) -> bool:
    """Is it a letter, a digit or punctuation of Latin as every typeface has them?"""
    code = ord(character)
    return code < 0x250 or 0x1E00 <= code <= 0x1EFF or 0x2010 <= code <= 0x203A or character == "€"


def _log_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a training log; a last line that was cut short is not one."""
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


def _cell(key: str, value: Any) -> str | float | None:
    """A value by its name: error rates in percent, fingerprints short."""
    if key in ("cer", "wer") and isinstance(value, int | float):
        return f"{100 * value:.1f} %"
    return value[:12] if key in ("fingerprint", "sha256") and isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str | float | None:
    """Any value of JSON as words; lists are joined by commas."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_cell(k, v)}" for k, v in value.items())
    return ", ".join(str(_plain(v)) for v in value) if isinstance(value, list | tuple) else str(value)
