"""look: a lines folder, a model or a bank as one HTML page."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scriven.base import ImageError, InputError, OutputError, Skipped, evenly
from scriven.base.progress import progress
from scriven.images import size
from scriven.jobs.look_bank import bank_page, is_bank
from scriven.jobs.look_model import TITLE, model_page
from scriven.lines import Line, LinesFolder
from scriven.lines.records import per_character, source_of
from scriven.reader.model import find_model, is_model
from scriven.report import (
    Figure,
    Html,
    as_text,
    facts,
    headline,
    histogram,
    is_page,
    page,
    pictures,
    save,
    section,
    short_path,
    table,
    text,
)
from scriven.text import name

SAMPLES = 24  # pictures shown per split
MEASURED = 5_000  # pictures measured, at most, if the folder does not store their sizes
RARE_BELOW = 5  # characters with fewer occurrences are listed as rare
LABELS = {"pseudo": "pseudo-label", "generated": "read"}  # labels of texts by origin; else "text"


def look(
    what: str | Path, out: str | Path | None = None, *, level: str = "", samples: int = SAMPLES
) -> tuple[Path, tuple[Skipped, ...]]:
    """Write one self-contained page about a lines folder, a model or a bank; return its path and the lines skipped.

    `samples` pictures are shown, per split of a lines folder, 0 for all of them. Without `out` it is `<name>-look.html`
    in the current folder. A page of this job is overwritten, any other file is not. Raises InputError if there is
    nothing to show, OutputError.

    >>> import scriven
    >>> page, skipped = scriven.look("letters/")
    >>> page.name
    'letters-look.html'
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
    if is_bank(path):
        return save(target, bank_page(path, samples)), ()
    folder = LinesFolder(path, level or None)
    return save(target, lines_page(folder, samples)), tuple(folder.skipped)


def lines_page(folder: LinesFolder, samples: int = SAMPLES) -> Html:
    """Counts, pictures with their texts, sizes, characters, and the lines skipped.

    Raises InputError where every line was skipped.
    """
    names = ["text", "hand", "page", "origin", "confidence", "width", "height"]
    columns = {split: folder.columns(split, names) for split in folder.splits}
    texts = [t for c in columns.values() for t in c["text"] if t]
    letters = Counter(character for t in texts for character in t)
    shown = {split: _samples(folder, split, samples) for split in folder.splits}
    if folder.skipped and not any(shown.values()):
        raise InputError(
            f"{folder.path} has no line that can be shown; the first of {len(folder.skipped)} skipped: "
            f"{folder.skipped[0].sentence()}; check it with `scriven doctor`"
        )
    parts = [
        section("Counts", _numbers(columns, texts, letters), *_splits(columns)),
        *(section(f"Pictures: {s}", _some(len(found), folder.count(s)), _gallery(found)) for s, found in shown.items()),
        section("Sizes", *_sizes(folder, columns)),
        section("Characters", *_characters(letters)) if letters else section("Characters", text("No line has text.")),
    ]
    if folder.about:
        keys = ("command", "what", "licence", "seed", "parents", "finished")
        parts.append(section("How it was made", facts((k, as_text(folder.about.get(k))) for k in keys)))
    if folder.skipped:
        rows = [{"id": r.id, "reason": r.reason} for r in folder.skipped]
        parts.append(section("Skipped", table(rows, f"{len(rows)} lines cannot be used")))
    return page(
        f"{TITLE}{short_path(folder.path)}", parts, "Lines folder" if folder.path.is_dir() else "Table of lines"
    )


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
        doubt = f"doubtful: {line.extra['doubt']}" if line.extra.get("doubt") else ""  # of `align`
        caption = " · ".join(part for part in (line.id, line.hand, origin, trust, doubt) if part)
        try:
            size(line.image, line.id)
            shown.append(Figure(line.image, line.text, caption=caption, label=label))
        except ImageError as error:
            broken.append({"id": line.id, "reason": str(error)})
    wide = sum(figure.wide for figure in shown) > len(shown) / 2
    return Html(pictures(shown, wide=wide) + (table(broken, "pictures that cannot be shown") if broken else ""))


def _sizes(folder: LinesFolder, columns: dict[str, dict[str, list[Any]]]) -> Iterator[Html]:
    sizes = [(w, h) for c in columns.values() for w, h in zip(c["width"], c["height"], strict=True) if w and h]
    if not sizes:
        sizes = list(_measured(folder))
        yield text(f"The folder does not store the sizes of its pictures; {len(sizes):,} of them were measured.")
    lengths = [len(t) for c in columns.values() for t in c["text"] if t]
    yield histogram([w for w, _ in sizes], "width", "px", "pictures")
    yield histogram([h for _, h in sizes], "height", "px", "pictures")
    yield histogram(lengths, "length of the text", "characters", "lines")


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


def _characters(letters: Counter[str]) -> Iterator[Html]:
    rare = [c for c, n in letters.items() if n < RARE_BELOW]
    rows = [{"character": c if c != " " else "␣", "times": n, "name": name(c)} for c, n in letters.most_common()]
    if rare:
        yield text(f"Rare, fewer than {RARE_BELOW} occurrences: {' '.join(sorted(rare))}")
    yield table(rows, f"{len(letters)} characters, most frequent first")
