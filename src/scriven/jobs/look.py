"""look: a lines folder or a model as one HTML page."""

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
from scriven.lines.records import per_character, source_of
from scriven.reader.model import find_model, is_model, read_info
from scriven.report import (
    Figure,
    Html,
    bars,
    curve,
    facts,
    headline,
    is_page,
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

SAMPLES = 24  # pictures shown per split
MEASURED = 5_000  # pictures measured, at most, if the folder does not store their sizes
WIDE = 6  # times as wide as high: such pictures are shown one below the other
RARE = 5  # characters with fewer occurrences are listed as rare
FEW = 50  # lines; an error rate over fewer is not shown as a headline
BINS = 40  # bars of a histogram, at most
LABELS = {"pseudo": "pseudo-label", "generated": "read"}  # labels of texts by origin; else "text"
TITLE = "A look at "  # identifies a page of this job, which may be overwritten


def look(
    what: str | Path, out: str | Path | None = None, *, level: str = "", samples: int = SAMPLES
) -> tuple[Path, tuple[Skipped, ...]]:
    """Write one self-contained page about a lines folder or a model; return its path and the lines skipped.

    `samples` pictures per split are shown, 0 for all of them. Without `out` it is `<name>-look.html` in the current
    folder. A page of this job is overwritten, any other file is not. Raises InputError if there is nothing to show,
    OutputError.
    """
    path = Path(what)
    if not is_model(path) and not path.exists():
        raise InputError(f"there is no folder and no bundled model {str(what)!r}; check the path")
    target = Path(out) if out else Path(f"{path.resolve().name}-look.html")
    if target.is_dir():
        target = target / "look.html"
    if target.exists() and not is_page(target, TITLE):
        raise OutputError(f"{target} exists and is not a page of `scriven look`; choose another -o")
    if is_model(path):
        return save(target, model_page(find_model(what))), ()
    folder = LinesFolder(path, level or None)
    return save(target, lines_page(folder, samples)), tuple(folder.skipped)


def lines_page(folder: LinesFolder, samples: int = SAMPLES) -> Html:
    """Counts, pictures with their texts, sizes, characters, and the lines skipped."""
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
        rows = [{"id": r.id, "reason": r.reason} for r in folder.skipped]
        parts.append(section("Skipped", table(rows, f"{len(rows)} lines cannot be used")))
    return page(f"{TITLE}{_called(folder.path)}", parts, "Lines folder" if folder.path.is_dir() else "Table of lines")


def _called(path: Path) -> str:
    """The last three parts of a folder's path, as it was given (`01` alone says nothing)."""
    given = path if path.name and ".." not in path.parts else path.resolve()
    return "/".join([part for part in given.parts if part != given.anchor][-3:])


def _numbers(columns: dict[str, dict[str, list[Any]]], texts: Sequence[str], letters: Counter[str]) -> Html:
    lines = sum(len(c["text"]) for c in columns.values())
    hands = {h for c in columns.values() for h in c["hand"] if h}
    return headline(
        [
            ("lines", f"{lines:,}", f"{len(texts):,} with text"),
            ("hands", f"{len(hands):,}" if hands else "unknown", "writers named in the folder"),
            ("characters", f"{sum(letters.values()):,}", f"{len(letters)} distinct"),
        ]
    )


def _splits(columns: dict[str, dict[str, list[Any]]]) -> Iterator[Html]:
    """A row per split, and a note if some of the texts were read by a model."""
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
            "A line with a confidence counts as read by a model. Empty the confidence of lines that you have corrected."
        )


def _some(shown: int, count: int) -> Html:
    """How many of the pictures are shown, if not all."""
    few = shown < count
    return text(f"{shown:,} of {count:,} pictures, evenly spread; use --samples 0 for all.") if few else Html("")


def _samples(folder: LinesFolder, split: str, most: int) -> list[Line]:
    """Some lines of a split, evenly spread; only row groups that contain them are read."""
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
        sure = per_character(line.confidence, line.text or "")
        trust = f"confidence per character {100 * sure:.0f} %" if sure is not None else ""
        origin = line.origin if line.origin not in ("human", "pseudo") else ""
        label = LABELS.get(line.origin, "text" if line.confidence is None else "read")
        caption = " · ".join(part for part in (line.id, line.hand, origin, trust) if part)
        try:
            size(line.image, line.id)
            shown.append(Figure(line.image, line.text, caption=caption, label=label))
        except ImageError as error:
            broken.append({"id": line.id, "reason": str(error)})
    wide = sum(figure.wide(WIDE) for figure in shown) > len(shown) / 2
    return Html(pictures(shown, wide=wide) + (table(broken, "pictures that cannot be shown") if broken else ""))


def _sizes(folder: LinesFolder, columns: dict[str, dict[str, list[Any]]]) -> Iterator[Html]:
    sizes = [(w, h) for c in columns.values() for w, h in zip(c["width"], c["height"], strict=True) if w and h]
    if not sizes:
        sizes = list(_measured(folder))
        yield text(f"The folder does not store the sizes of its pictures; {len(sizes):,} of them were measured.")
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
    """A histogram of equally wide bins; the last one contains the highest hundredth of the values."""
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
        yield text(f"Rare, fewer than {RARE} occurrences: {' '.join(sorted(rare))}")
    yield table(rows, f"{len(letters)} characters, most frequent first")


def model_page(folder: Path) -> Html:
    """The scores, training curves, training data, characters and card of a model. Raises ModelError."""
    info = read_info(folder)
    keys = ("network", "size", "height", "temperature", "licence")
    known = [
        *((k, _plain(getattr(info, k))) for k in keys),
        ("languages", _plain(info.languages)),
        ("parents", info.came_from()),
        ("made with", _plain(info.versions)),
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
        data = [{k: _cell(k, v) for k, v in row.items() if k != "sketch"} for row in info.data]
        parts.append(section("Trained on", table(data)))
    parts.append(section("Characters", *_charset(info.charset)))
    card = folder / "README.md"
    if card.is_file():
        body = card.read_text("utf-8", errors="replace").split("\n---\n", 1)[-1]
        parts.append(section("Card", prose(body)))
    return page(f"{TITLE}{info.name or _called(folder)}", parts, f"Model: {info.network} {info.size}")


def _score_line(scores: dict[str, Any]) -> Iterator[Html]:
    """Error rates as headline numbers, or as a sentence if they are of too few lines."""
    found = [(s, v) for s, v in scores.items() if isinstance(v, dict) and isinstance(v.get("cer"), int | float)]
    few = [s for s, v in found if isinstance(v.get("n"), int) and v["n"] < FEW]
    large = [(f"CER, {s}", _cell("cer", v["cer"]), f"n = {v.get('n', '?')}") for s, v in found if s not in few]
    if large:
        yield headline((what, str(number), note) for what, number, note in large)
    for s in few:
        n, rate = scores[s]["n"], _cell("cer", scores[s]["cer"])
        yield text(f"CER, {s}: {rate}, n = {n}: too few lines for a reliable rate.")


def _score_rows(scores: dict[str, Any]) -> list[dict[str, object]]:
    return [
        {"set": s, **({k: _cell(k, x) for k, x in v.items()} if isinstance(v, dict) else {"value": _plain(v)})}
        for s, v in scores.items()
    ]


def _charset(characters: Sequence[str]) -> Iterator[Html]:
    """All characters, then by name those that many typefaces lack."""
    yield text(" ".join(c if c != " " else "␣" for c in characters))
    rows = [
        {"code point": f"U+{ord(c):04X}", "character": c, "name": unicodedata.name(c, "unnamed")}
        for c in characters
        if not _common(c)
    ]
    if rows:
        yield table(rows, "An empty box above means that the typeface of your browser lacks one of these")


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


def _cell(key: str, value: Any) -> str | float | None:
    """A value for display: error rates in percent, fingerprints shortened."""
    if key in ("cer", "wer") and isinstance(value, int | float):
        return f"{100 * value:.1f} %"
    return value[:12] if key in ("fingerprint", "sha256") and isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str | float | None:
    """Any JSON value as text; lists are joined by commas."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_cell(k, v)}" for k, v in value.items())
    return ", ".join(str(_plain(v)) for v in value) if isinstance(value, list | tuple) else str(value)
