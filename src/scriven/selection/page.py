"""The HTML page of a selection: numbers, the 3 x 3 grid with examples, histograms, tables, samples."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from scriven.images import Grey, decode, encode
from scriven.report import Figure, Html, bars, curve, headline, page, pictures, prose, section, table, text
from scriven.report.document import escape
from scriven.report.pieces import embedded
from scriven.selection.measured import Measured
from scriven.selection.summary import CER_GRADES, CS_GRADES, GRADES, NMAE_GRADES, Selection, cer, grades_of, grid, mean

PICTURES = 12  # of each sample
ROWS = 30  # hands in the table
BINS = 20
ONE = 1 + 1e-9  # end of a histogram of shares: an axis of whole numbers would have no ticks inside
CELL_PX = 120  # height of the examples in the grid

EXPLAINED = """
Every picture was read by a recogniser and compared with the text that it should show. *CS*, the confidence score of
DiffusionHTR, is the product of the confidences of the characters of a reading; it falls with the length of a text,
unlike the *confidence*, their geometric mean. *NMAE* is the mean absolute difference, 0 to 1, to the real picture of
the same id, both 64 px high and centred: it is small only where both are written in the same places. *Style distance*
compares slant, stroke, height, density and width of the writing with those of the hand, in standard deviations between
hands.
"""


def selection_page(title: str, found: Selection, shown: Mapping[str, tuple[bytes, bytes | None]]) -> Html:
    """The page of a selection. `shown`: picture and real picture (or None), encoded, of some ids of first tries."""
    some = found.first
    parts = [
        section("Result", _numbers(found), text(*found.notes) if found.notes else Html(""), prose(EXPLAINED)),
        section("Categories", _grid(found, shown)),
        section("Distributions", *_histograms(found)),
        section("By length of the text", table(_shown(found.by_length(), "characters")), _by_length(found)),
        section("By hand", _hands(found)),
    ]
    chosen = [one for one in some if one.id in shown]
    ranked = sorted(chosen, key=lambda one: (one.cer, -one.confidence, one.id))
    if ranked:
        parts.append(section("Best read", _samples(ranked[:PICTURES], shown)))
        parts.append(section("Worst read", _samples(ranked[-PICTURES:][::-1], shown)))
    return page(title, parts, f"read by {found.model}")


def sample_ids(some: Sequence[Measured], most: int) -> set[str]:
    """The ids whose pictures the page needs: examples of all categories, the best and the worst."""
    cells = dict[tuple[str, str], str]()
    for one in some:
        cells.setdefault(grades_of(one), one.id)
    ranked = sorted(some, key=lambda one: (one.cer, -one.confidence, one.id))
    return {*cells.values(), *(one.id for one in [*ranked[:most], *ranked[-most:]])}


def _numbers(found: Selection) -> Html:
    some, kept = found.first, found.kept
    numbers = [
        ("lines", f"{len(some):,}", f"in {len({one.hand for one in some}):,} hands"),
        ("CER of the first pictures", _percent(cer(some)), f"of {sum(len(one.text) for one in some):,} characters"),
        ("confidence", f"{mean(one.confidence for one in some) or 0:.2f}", "mean of the first pictures"),
    ]
    if found.gate is not None:
        numbers.append(("kept", _percent(len(kept) / max(1, len(some))), f"{len(kept):,}, at most {found.tries} tries"))
        numbers.append(("CER of those kept", _percent(cer(kept)), f"ranked by {found.gate.by}"))
        if (check := found.gate.checked) and check.precision is not None:
            low, high = check.interval()
            numbers.append(
                ("read right", _percent(check.precision), f"{_percent(low)} to {_percent(high)}, n {check.n}, checked")
            )
    for name, values in (("NMAE", [one.nmae for one in some]), ("style distance", [one.style for one in some])):
        if (average := mean(values)) is not None:
            numbers.append((name, f"{average:.2f}", "mean of the first pictures"))
    return headline(numbers)


def _grid(found: Selection, shown: Mapping[str, tuple[bytes, bytes | None]]) -> Html:
    """The 3 x 3 table of counts, each with an example."""
    some = found.first
    counts, paired = grid(some), any(one.nmae is not None for one in some)
    across = "NMAE" if paired else "CER"
    examples = dict[tuple[str, str], str]()
    for one in some:
        if one.id in shown:
            picture = _small(decode(shown[one.id][0], one.id))
            examples.setdefault(grades_of(one), f'<img src="{embedded(encode(picture))}" alt="{escape(one.text)}">')
    head = "".join(f"<th>{across} {grade}</th>" for grade in GRADES)
    rows = [f"<tr><th></th>{head}</tr>"]
    for first in GRADES:
        cells = (
            f"<td>{counts[first][second]:,} ({_percent(counts[first][second] / max(1, len(some)))})"
            f"<br>{examples.get((first, second), '')}</td>"
            for second in GRADES
        )
        rows.append(f"<tr><th>CS {first}</th>{''.join(cells)}</tr>")
    first = f"CS is good above {CS_GRADES[0]:g}, average above {CS_GRADES[1]:g}."
    second = (
        f"NMAE is good below {NMAE_GRADES[0]:g}, average up to {NMAE_GRADES[1]:g}."
        if paired
        else "There are no real pictures of the texts, so CER stands in the place of NMAE: good at "
        f"{CER_GRADES[0]:.0f}, average up to {CER_GRADES[1]:.0%}.".replace("%", " %")
    )
    body = "\n".join(rows)
    return Html(f'<div class="scroll"><table>\n{body}\n</table></div>\n{text(f"{first} {second}")}')


def _histograms(found: Selection) -> list[Html]:
    kinds: list[tuple[str, Callable[[Measured], float | None], float]] = [
        ("confidence, per character", lambda one: one.confidence, ONE),
        ("CS, the product of the confidences", lambda one: one.product, ONE),
        ("CER", lambda one: min(one.cer, 1.0), ONE),
        ("NMAE", lambda one: one.nmae, 0.0),
        ("style distance", lambda one: one.style, 0.0),
    ]
    drawn = []
    for name, value, end in kinds:
        values = [v for one in found.first if (v := value(one)) is not None]
        if values:
            high = end or max(max(values), 1e-3)
            counts, _ = np.histogram(np.clip(values, 0, high), BINS, (0, high))
            note = f"{name}: mean {sum(values) / len(values):.3f}, n {len(values):,}"
            drawn.append(bars(counts.tolist(), low=0.0, width=high / BINS, x=name, y="pictures", note=note))
    return drawn


def _by_length(found: Selection) -> Html:
    """CER and confidence by length of the text."""
    lengths = sorted({len(one.text) for one in found.first})
    groups = {n: [one for one in found.first if len(one.text) == n] for n in lengths}
    points = [(float(n), min(cer(some), 1.0)) for n, some in groups.items()]
    sure = [(float(n), mean(one.confidence for one in some) or 0.0) for n, some in groups.items()]
    return curve({"CER": points, "confidence": sure}, x="characters of the text", y="share", percent=True)


def _hands(found: Selection) -> Html:
    rows = found.by_hand()
    more = text(f"{len(rows) - ROWS} more hands are in gate.json.") if len(rows) > ROWS else Html("")
    return Html(table(_shown(rows[:ROWS], "hand")) + more)


def _shown(rows: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, object]]:
    """Rows of a selection with the headings of the page."""
    return [
        {
            name: row["group"] or "unknown", "lines": row["lines"], "kept": row["kept"],
            "first pictures rejected": _percent(row["rejected_first"]), "lines rejected": _percent(row["rejected"]),
            "CER of the first pictures": _percent(row["cer"]),
            "CER of those kept": _percent(row["cer_kept"]) if row["kept"] else None,
        }
        for row in rows
    ]  # fmt: skip


def _samples(some: Sequence[Measured], shown: Mapping[str, tuple[bytes, bytes | None]]) -> Html:
    figures = []
    for one in some:
        made, real = shown[one.id]
        picture = made if real is None else encode(above(decode(real, one.id), decode(made, one.id)))
        where = "generated" if real is None else "written by hand, and below generated"
        values = [f"confidence {one.confidence:.2f}", f"CER {_percent(one.cer)}"]
        values += [f"NMAE {one.nmae:.2f}"] if one.nmae is not None else []
        values += [f"style distance {one.style:.2f}"] if one.style is not None else []
        caption = f"{one.hand or 'unknown hand'}, {where}: {', '.join(values)}"
        figures.append(Figure(picture, reading=one.reading, truth=one.text, caption=caption))
    return pictures(figures, wide=any(figure.wide for figure in figures))


def above(first: Grey, second: Grey) -> Grey:
    """Two pictures, scaled to the height of the second, one above the other, with paper right of the narrower one."""
    high = second.shape[0]
    width = max(1, round(first.shape[1] * high / first.shape[0]))
    both = [np.asarray(cv2.resize(first, (width, high), interpolation=cv2.INTER_AREA), np.uint8), second]
    wide = max(one.shape[1] for one in both)
    padded = [np.pad(one, ((0, 0), (0, wide - one.shape[1])), constant_values=255) for one in both]
    return np.asarray(np.vstack(padded), np.uint8)


def _small(picture: Grey) -> Grey:
    """A picture of at most 2 x CELL_PX width, for the grid."""
    scale = min(1.0, 2 * CELL_PX / picture.shape[1])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
