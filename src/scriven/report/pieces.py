"""The elements of a page: text, headline numbers, tables, confusions, pictures with their readings."""

import base64
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rapidfuzz.distance import Levenshtein

from scriven.images import as_stored, encode, size
from scriven.metrics import Confusion
from scriven.report.document import Html, escape
from scriven.text import name

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# The first bytes of picture files; WebP is recognised by its RIFF type.
IMAGE_SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8": "jpeg", b"GIF8": "gif", b"BM": "bmp"}
VERY_UNSURE, UNSURE = 0.5, 0.8  # confidences below which characters are shaded
WIDE = 6  # width by height above which a picture is that of a line


@dataclass(frozen=True)
class Figure:
    """An encoded picture with its readings and transcription.

    With `truth`, the errors of the readings are marked; with `confidences` (one per character of `reading`, 0..1),
    unsure characters are shaded. `legend` explains the marks.
    """

    image: bytes
    reading: str | None = None
    truth: str | None = None
    confidences: Sequence[float] | None = None
    caption: str = ""
    before: str | None = None  # an earlier reading, shown above this one
    label: str = ""  # shown before the reading, by default "read", or "after" below an earlier reading

    @property
    def wide(self) -> bool:
        """Whether the picture is that of a line, not of a word: above WIDE times as wide as high. Raises ImageError."""
        width, height = size(self.image)
        return width > WIDE * height


def text(*paragraphs: str) -> Html:
    """Plain paragraphs."""
    return Html("\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs))


def headline(numbers: Iterable[tuple[str, str, str]]) -> Html:
    """Large numbers side by side, given as (label, number, note such as n and interval)."""
    cards = (
        f"<div><span>{escape(what)}</span><b>{escape(number)}</b><span>{escape(note)}</span></div>"
        for what, number, note in numbers
    )
    return Html(f'<div class="headline">{"".join(cards)}</div>')


def table(rows: Sequence[Mapping[str, object]], caption: str = "") -> Html:
    """Rows with named columns, numbers aligned right; None is shown as a dash."""
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


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """A table of names and values; unknown values (None or empty) are left out."""
    rows = "\n".join(
        f'<tr><th scope="row">{escape(key)}</th><td>{escape(_shown(value))}</td></tr>'
        for key, value in pairs
        if value not in (None, "")
    )
    return Html(f'<div class="scroll"><table class="facts">\n{rows}\n</table></div>') if rows else Html("")


def prose(markdown: str) -> Html:
    """Markdown (CommonMark and tables) converted to HTML. Raw HTML, links and pictures are shown as text."""
    return Html(_markdown().render(markdown.encode("utf-8", "replace").decode("utf-8")).strip())


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["image", "link", "autolink", "reference"])
    parser.add_render_rule("heading_open", lambda *_: "<p><b>")  # sections of a page have headings of their own
    parser.add_render_rule("heading_close", lambda *_: "</b></p>\n")
    return parser


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float) or str(value).strip(" %+-–−.,×0123456789") == ""


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def confusions(found: Sequence[Confusion]) -> Html:
    """A table of the characters written, what was read instead, and how often, with bars."""
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


def pictures(items: Iterable[Figure], *, wide: bool = False) -> Html:
    """Pictures in a grid (`wide`: one below the other), each with its reading, its transcription and a caption."""
    figures = "\n".join(_figure(item) for item in items)
    return Html(f'<div class="pictures{" wide" if wide else ""}">\n{figures}\n</div>')


def legend(*, truth: bool = True, shades: bool = True) -> Html:
    """The legend of the marks in `pictures`: those of errors (`truth`) and of low confidence (`shades`)."""
    errors = (
        '<span><i class="x">red, underlined</i>: wrong</span> '
        '<span>a red wedge<i class="m"></i> : something is missing here</span> '
    )
    confidence = (
        f'<span><i class="u">yellow</i>: unsure (confidence below {UNSURE:.0%})</span> '
        f'<span><i class="d">darker yellow</i>: very unsure (below {VERY_UNSURE:.0%})</span>'
    ).replace("%", " %")
    return Html(f'<p class="legend">{errors if truth else ""}{confidence if shades else ""}</p>')


def _figure(item: Figure) -> str:
    width, height = size(item.image)
    source = embedded(item.image)
    alt = escape(item.truth or item.reading or item.caption or "picture")
    parts = [f'<img src="{source}" width="{width}" height="{height}" alt="{alt}" loading="lazy">']
    if item.before is not None:
        parts.append(_line("before", item.before, [""] * len(item.before), *marks_of(item.truth, item.before)))
    if item.reading is not None:
        label = item.label or ("read" if item.before is None else "after")
        shades = _shades(item.reading, item.confidences)
        parts.append(_line(label, item.reading, shades, *marks_of(item.truth, item.reading)))
    if item.truth is not None:
        parts.append(_line("truth", item.truth, [""] * len(item.truth)))
    if item.caption:
        parts.append(f"<figcaption>{escape(item.caption)}</figcaption>")
    return f"<figure>{''.join(parts)}</figure>"


def marks_of(truth: str | None, reading: str | None) -> tuple[set[int], set[int]]:
    """Indices of the characters of a reading that are wrong, and those before which something is missing."""
    wrong, missing = set[int](), set[int]()
    if truth is not None and reading is not None:
        for edit in Levenshtein.editops(reading, truth):
            (missing if edit.tag == "insert" else wrong).add(edit.src_pos)
    return wrong, missing


def _shades(reading: str, confidences: Sequence[float] | None) -> list[str]:
    if confidences is None:
        return [""] * len(reading)
    if len(confidences) != len(reading):
        raise ValueError(f"{len(confidences)} confidences for {len(reading)} characters")
    return ["d" if not c >= VERY_UNSURE else "u" if c < UNSURE else "" for c in confidences]


def _line(
    label: str, words: str, shades: Sequence[str], wrong: Collection[int] = (), missing: Collection[int] = ()
) -> str:
    """A line of text in which runs of equally marked characters share one element; an empty `m` is a wedge."""
    pieces: list[tuple[str, str]] = []
    for i, (character, shade) in enumerate(zip(words, shades, strict=True)):
        if i in missing:
            pieces.append(("m", ""))
        pieces.append((f"x {shade}".strip() if i in wrong else shade, character))
    if len(words) in missing:
        pieces.append(("m", ""))
    marked = []
    for mark, pairs in itertools.groupby(pieces, key=lambda piece: piece[0]):
        run = escape("".join(character for _, character in pairs))
        marked.append(f'<i class="{mark}">{run}</i>' if mark else run)
    shown = "".join(marked) if words else '<i class="note">nothing</i>'
    return f'<div class="say"><span>{escape(label)}</span><q dir="auto">{shown}</q></div>'


def embedded(data: bytes) -> str:
    """An encoded picture as a data URL; formats that browsers do not show (TIFF, JPEG 2000, PPM) become PNG."""
    kind = next((kind for start, kind in IMAGE_SIGNATURES.items() if data.startswith(start)), "")
    if data[8:12] == b"WEBP":
        kind = "webp"
    if not kind:
        data, kind = encode(as_stored(data, "a picture")), "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
