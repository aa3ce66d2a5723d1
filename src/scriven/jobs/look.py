"""A lines folder or a model folder in, one HTML page to look through out."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scriven.base import ImageError, InputError, OutputError, Refused
from scriven.images import size
from scriven.jobs.progress import progress
from scriven.lines import Line, LinesFolder
from scriven.reader.model import find_model, is_model, read_info
from scriven.report import Html, Picture, curve, headline, page, pictures, save, section, table, text
from scriven.text import name

SAMPLES = 24  # pictures shown of a split
MEASURED = 5_000  # pictures whose size is looked up where the folder does not say it
WIDE = 6  # times as wide as high: such pictures are shown one under the other
RARE = 5  # characters seen fewer times than this are named as rare
TITLE = "A look at "  # by it a page of this job is known, and may be written anew


def look(
    what: str | Path, out: str | Path | None = None, *, level: str = "", samples: int = SAMPLES
) -> tuple[Path, tuple[Refused, ...]]:
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
    return save(target, lines_page(folder, samples)), tuple(folder.refused)


def lines_page(folder: LinesFolder, samples: int = SAMPLES) -> Html:
    """Counts, pictures with their texts, sizes, characters, and what was left out."""
    columns = {s: folder.columns(s, ["text", "hand", "page", "origin", "width", "height"]) for s in folder.splits}
    texts = [t for c in columns.values() for t in c["text"] if t]
    letters = Counter(character for t in texts for character in t)
    shown = {split: _samples(folder, split, samples) for split in folder.splits}
    parts = [
        section("Counts", _numbers(columns, texts, letters), table(_split_rows(columns))),
        *(section(f"Pictures: {split}", _gallery(lines)) for split, lines in shown.items()),
        section("Sizes", *_sizes(folder, columns)),
        section("Characters", *_characters(letters)) if letters else section("Characters", text("No line has text.")),
    ]
    if folder.about:
        keys = ("command", "licence", "seed", "parents", "finished")
        parts.append(section("How it was made", table([{"": k, "value": _plain(folder.about.get(k))} for k in keys])))
    if folder.refused:
        rows = [{"id": r.id, "why": r.reason} for r in folder.refused]
        parts.append(section("Left out", table(rows, f"{len(rows)} lines cannot be used")))
    return page(f"{TITLE}{folder.path.resolve().name}", parts, "Lines folder")


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


def _split_rows(columns: dict[str, dict[str, list[Any]]]) -> list[dict[str, object]]:
    return [
        {
            "split": split,
            "lines": len(c["text"]),
            "with text": sum(1 for t in c["text"] if t),
            "hands": len({h for h in c["hand"] if h}),
            "pages": len({p for p in c["page"] if p}),
            "origin": ", ".join(f"{o} {n}" for o, n in Counter(o or "human" for o in c["origin"]).most_common()),
        }
        for split, c in columns.items()
    ]


def _spread(count: int, wanted: int) -> set[int]:
    """`wanted` of `count` places, evenly spread."""
    return {i * count // wanted for i in range(wanted)} if count > wanted else set(range(count))


def _samples(folder: LinesFolder, split: str, most: int) -> list[Line]:
    """Some lines of a split, evenly spread; only the row groups that hold them are read."""
    found: list[Line] = []
    count, start = folder.count(split), 0
    places = _spread(count, most or count)
    for group in folder.groups(split):
        if any(start <= p < start + group.rows for p in places):
            found += [line for i, line in enumerate(folder.read(group), start) if i in places]
        start += group.rows
    return found


def _gallery(lines: Sequence[Line]) -> Html:
    shown, broken = [], []
    for line in lines:
        trust = f"confidence {line.confidence:.2f}" if line.confidence is not None else ""
        origin = line.origin if line.origin != "human" else ""
        caption = " · ".join(part for part in (line.id, line.hand, origin, trust) if part)
        try:
            size(line.image, line.id)
            shown.append(Picture(line.image, truth=line.text, caption=caption))
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
    yield _histogram([w for w, _ in sizes], "width, px", "pictures")
    yield _histogram([h for _, h in sizes], "height, px", "pictures")
    yield _histogram(lengths, "length of the text, characters", "lines")


def _measured(folder: LinesFolder) -> Iterator[tuple[int, int]]:
    total = sum(folder.count(split) for split in folder.splits)
    every = max(1, -(-total // MEASURED))
    for number, line in enumerate(folder.lines()):
        progress("measuring", number + 1, total)
        if number % every == 0:
            try:
                yield size(line.image, line.id)
            except ImageError as error:
                folder.refused.append(Refused(line.id, str(error)))


def _histogram(values: Sequence[int], x: str, y: str, bins: int = 40) -> Html:
    """How many values fall into each of some equally wide bins; the highest hundredth is put into the last one."""
    if not values:
        return Html("")
    ordered = sorted(values)
    low, high = ordered[0], max(ordered[int(0.99 * (len(ordered) - 1))], ordered[0] + 1)
    width = max(1, -(-(high - low + 1) // bins))
    counts = Counter(min(v - low, high - low) // width for v in values)
    points = [(low + (b + 0.5) * width - 0.5, float(counts[b])) for b in range((high - low) // width + 1)]
    note = f"median {ordered[len(ordered) // 2]}, from {ordered[0]} to {ordered[-1]}"
    return Html(curve({note: points}, x=x, y=y))


def _characters(letters: Counter[str]) -> Iterator[Html]:
    rare = [c for c, n in letters.items() if n < RARE]
    rows = [{"character": c if c != " " else "␣", "times": n, "name": name(c)} for c, n in letters.most_common()]
    if rare:
        yield text(f"Seen fewer than {RARE} times: {' '.join(sorted(rare))}")
    yield table(rows, f"{len(letters)} characters, most frequent first")


def model_page(folder: Path) -> Html:
    """What a model says about itself: its scores, its training curve, its characters, its card. Raises ModelError."""
    info = read_info(folder)
    facts = ("network", "size", "height", "temperature", "licence", "languages", "parents", "versions")
    parts = [
        section("Facts", _score_line(info.scores), table([{"": k, "value": _plain(getattr(info, k))} for k in facts])),
        section("Scores", table(_score_rows(info.scores)) if info.scores else text("No scores are recorded.")),
    ]
    rows = _log_rows(folder / "log.jsonl")
    for key, what, percent in (("cer", "character errors", True), ("loss", "loss", False)):
        points = _points(rows, key)
        if points:
            parts.append(section(f"Training: {what}", curve({what: points}, x="step", y=what, percent=percent)))
    if info.data:
        parts.append(section("Trained on", table([{k: _plain(v) for k, v in row.items()} for row in info.data])))
    parts.append(section("Characters", text(" ".join(c if c != " " else "␣" for c in info.charset))))
    card = folder / "README.md"
    if card.is_file():
        body = card.read_text("utf-8", errors="replace").split("\n---\n", 1)[-1]
        parts.append(section("Card", text(*(p for p in body.split("\n\n") if p.strip()))))
    return page(f"{TITLE}{info.name or folder.resolve().name}", parts, f"Model: {info.network} {info.size}")


def _score_line(scores: dict[str, Any]) -> Html:
    found = [(s, v) for s, v in scores.items() if isinstance(v, dict) and isinstance(v.get("cer"), int | float)]
    return headline([(f"CER, {s}", f"{100 * v['cer']:.1f} %", f"n = {v.get('n', '?')}") for s, v in found])


def _score_rows(scores: dict[str, Any]) -> list[dict[str, object]]:
    return [
        {"set": s, **({k: _plain(x) for k, x in v.items()} if isinstance(v, dict) else {"value": _plain(v)})}
        for s, v in scores.items()
    ]


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


def _plain(value: Any) -> str | float | None:
    if value is None or isinstance(value, float):
        return value
    return str(value) if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)
