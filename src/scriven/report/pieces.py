"""The pieces of a page: text, headline numbers, tables, confusions, pictures with their readings."""

import base64
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from scriven.images import as_stored, encode, size
from scriven.report.document import Html, escape
from scriven.score import Confusion
from scriven.text import name

SHOWN = {b"\x89PNG": "png", b"\xff\xd8": "jpeg", b"GIF8": "gif", b"BM": "bmp"}  # first bytes; WebP has none of its own
DOUBT, UNSURE = 0.5, 0.8  # characters read with less confidence than these are shaded


@dataclass(frozen=True)
class Picture:
    """An encoded picture and what is known of it.

    With `truth` the characters that differ are marked; with `confidences` (one a character of `reading`, 0 to 1) the
    doubtful ones are shaded.
    """

    image: bytes
    reading: str | None = None
    truth: str | None = None
    confidences: Sequence[float] | None = None
    caption: str = ""
    before: str | None = None  # an earlier reading, shown above this one


def text(*paragraphs: str) -> Html:
    """Plain paragraphs."""
    return Html("\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs))


def headline(numbers: Iterable[tuple[str, str, str]]) -> Html:
    """Large numbers side by side: (what it is, the number, a note such as n and interval)."""
    cards = (
        f"<div><span>{escape(what)}</span><b>{escape(number)}</b><span>{escape(note)}</span></div>"
        for what, number, note in numbers
    )
    return Html(f'<div class="headline">{"".join(cards)}</div>')


def table(rows: Sequence[Mapping[str, object]], caption: str = "") -> Html:
    """Rows with named columns, numbers to the right; None is a dash."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[row.get(key) for key in columns] for row in rows]
    right = [all(_is_number(line[i]) for line in cells) for i in range(len(columns))]

    def row_of(values: Iterable[object], tag: str) -> str:
        opened = [f'<{tag} class="n">' if is_number else f"<{tag}>" for is_number in right]
        return (
            "<tr>" + "".join(f"{o}{escape(_shown(v))}</{tag}>" for o, v in zip(opened, values, strict=True)) + "</tr>"
        )

    body = "\n".join(row_of(line, "td") for line in cells)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return Html(f'<div class="scroll"><table>{title}\n{row_of(columns, "th")}\n{body}\n</table></div>')


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float) or str(value).strip(" %+-–−.,×0123456789") == ""


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def confusions(found: Sequence[Confusion]) -> Html:
    """What was read as what, how often, with bars."""
    if not found:
        return text("No character was misread.")
    most = max(c.count for c in found)
    rows = "\n".join(
        f"<tr><td>{_letter(c.reference, 'added')}</td><td>{_letter(c.prediction, 'lost')}</td>"
        f'<td class="n">{c.count}</td><td class="n">{c.occurrences}</td>'
        f'<td><span class="bar" style="width:{8 * c.count / most:.2f}rem"></span></td></tr>'
        for c in found
    )
    head = '<tr><th>written</th><th>read</th><th class="n">times</th><th class="n">of</th><th></th></tr>'
    return Html(f'<div class="scroll"><table>\n{head}\n{rows}\n</table></div>')


def _letter(character: str, if_empty: str) -> str:
    if not character:
        return f'<span class="note">{if_empty}</span>'
    return f'<span class="letter" title="{escape(name(character))}">{escape(character.replace(" ", "␣"))}</span>'


def pictures(items: Iterable[Picture], *, wide: bool = False) -> Html:
    """Pictures in a grid (`wide`: one under the other), each with its reading, its truth and a caption."""
    figures = "\n".join(_figure(item) for item in items)
    return Html(f'<div class="pictures{" wide" if wide else ""}">\n{figures}\n</div>')


def _figure(item: Picture) -> str:
    width, height = size(item.image)
    source = _embedded(item.image)
    alt = escape(item.truth or item.reading or item.caption or "picture")
    parts = [f'<img src="{source}" width="{width}" height="{height}" alt="{alt}" loading="lazy">']
    truth_marks, reading_marks = marks_of(item.truth, item.reading)
    if item.before is not None:
        marks = ["x" if wrong else "" for wrong in marks_of(item.truth, item.before)[1]]
        parts.append(_line("before", item.before, marks))
    if item.reading is not None:
        shades = _shades(item.reading, item.confidences)
        marks = ["x" if wrong else shade for wrong, shade in zip(reading_marks, shades, strict=True)]
        parts.append(_line("read" if item.before is None else "after", item.reading, marks))
    if item.truth is not None:
        parts.append(_line("truth", item.truth, ["x" if wrong else "" for wrong in truth_marks]))
    if item.caption:
        parts.append(f"<figcaption>{escape(item.caption)}</figcaption>")
    return f"<figure>{''.join(parts)}</figure>"


def marks_of(truth: str | None, reading: str | None) -> tuple[list[bool], list[bool]]:
    """For each character of the truth and of the reading: does it differ? Where one of them is unknown, none does."""
    in_truth, in_reading = [False] * len(truth or ""), [False] * len(reading or "")
    if truth is not None and reading is not None:
        for edit in Levenshtein.editops(truth, reading):
            if edit.tag != "insert":
                in_truth[edit.src_pos] = True
            if edit.tag != "delete":
                in_reading[edit.dest_pos] = True
    return in_truth, in_reading


def _shades(reading: str, confidences: Sequence[float] | None) -> list[str]:
    if confidences is None:
        return [""] * len(reading)
    if len(confidences) != len(reading):
        raise ValueError(f"{len(confidences)} confidences for {len(reading)} characters")
    return ["d" if not c >= DOUBT else "u" if c < UNSURE else "" for c in confidences]


def _line(label: str, words: str, marks: Sequence[str]) -> str:
    """A line of text in which runs of equally marked characters share one element."""
    runs = itertools.groupby(zip(words, marks, strict=True), key=lambda pair: pair[1])
    marked = []
    for mark, pairs in runs:
        run = escape("".join(character for character, _ in pairs))
        marked.append(f'<i class="{mark}">{run}</i>' if mark else run)
    shown = "".join(marked) if words else '<i class="note">nothing</i>'
    return f'<div class="say"><span>{label}</span><q dir="auto">{shown}</q></div>'


def _embedded(data: bytes) -> str:
    """An encoded picture as a data URL; kinds that browsers do not show (TIFF, JPEG 2000, PPM) become PNG."""
    kind = next((kind for start, kind in SHOWN.items() if data.startswith(start)), "")
    if data[8:12] == b"WEBP":
        kind = "webp"
    if not kind:
        data, kind = encode(as_stored(data, "a picture")), "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
