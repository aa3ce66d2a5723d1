"""The report of an adaptation: the result, held-out readings before and after, pseudo-labels, metrics per round."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scriven.base import counted, evenly
from scriven.images import encode, size
from scriven.lines import Line, LinesFolder
from scriven.report import Figure, Html, headline, legend, page, pictures, prose, rounds, rounds_kept, section, text
from scriven.selftrain.held_out import HeldOut
from scriven.selftrain.pictures import LINE_ASPECT

MAX_SHOWN_PICTURES = 16  # in a section
ESTIMATED = """
The true text of the held-out pictures is unknown. Their CER is estimated from how much the readings change when a
picture is made wider (the rounds below use a narrower view). To measure it, transcribe about 20 lines and score the
model on them.
"""
UNCERTAIN = "The change of the estimated CER is within chance: it is not certain that the new model reads better."


def page_of(held_out: HeldOut, trained: int, rows: Sequence[dict[str, Any]], why: str, labels: Path | None) -> Html:
    """The page. `trained`: number of training pictures; `rows`: one per round, the parent's first.

    `why`: why the rounds ended; `labels`: the lines folder of the last accepted round, None where there is none.
    """
    kept = rounds_kept(rows)
    result = text(*result_sentences(kept, why), *([UNCERTAIN] if kept and not held_out.improved else []))
    sections = [
        section("Result", _numbers(held_out, trained, kept), result, prose(ESTIMATED)),
        section("Held-out pictures", *_held_out(held_out, bool(kept))),
    ]
    if labels is not None:
        sections.append(section("Pseudo-labels", *pseudo_label_pictures(labels)))
    sections.append(section("Rounds: metrics without labels", rounds(rows)))
    return page(title_of(rows), sections, f"From {counted(trained, 'picture')} without transcriptions.")


def title_of(rows: Sequence[dict[str, Any]]) -> str:
    """The title of a page about these rounds."""
    return "Adapted without transcriptions" if rounds_kept(rows) else "Not adapted: no round was accepted"


def result_sentences(kept: int, why: str) -> list[str]:
    """The result of the rounds, `kept` of which were accepted, and why they ended ("": all were done)."""
    if not kept:
        return [f"No round was accepted, and the weights of the parent are kept: {why}."]
    accepted = f"{counted(kept, 'round')} accepted."
    return [f"{accepted} Adaptation then ended: {why}." if why else accepted]


def pseudo_label_pictures(folder: Path) -> list[Html]:
    """A sample of the pseudo-labels in a lines folder, the most confident first."""
    lines = sorted(LinesFolder(folder).lines(), key=_confidence, reverse=True)
    shown = evenly(lines, MAX_SHOWN_PICTURES)
    return [
        text(
            f"{len(shown)} of {counted(len(lines), 'pseudo-label')}, by confidence. The model was trained on them as "
            "if they were correct: if many are wrong it can gain little. The pictures are shown as the model sees "
            "them, normalised and scaled to its height."
        ),
        _arranged([_figure(line) for line in shown]),
    ]


def _figure(line: Line) -> Figure:
    caption = f"mean confidence per character: {100 * _confidence(line):.0f} %"
    return Figure(line.image, line.text, label="pseudo-label", caption=caption)


def _confidence(line: Line) -> float:
    """The confidence of the whole line as the geometric mean of its characters, to compare lines of any length."""
    return float((line.confidence or 0.0) ** (1 / max(1, len(line.text or ""))))


def _arranged(figures: list[Figure]) -> Html:
    """Lines one below the other, words side by side."""
    sizes = [size(figure.image) for figure in figures]
    return pictures(figures, wide=any(width > LINE_ASPECT * height for width, height in sizes))


def _numbers(held_out: HeldOut, trained: int, kept: int) -> Html:
    cards = [
        ("training pictures", f"{trained:,}", f"{held_out.count:,} more held out"),
        ("rounds accepted", str(kept), ""),
    ]
    names = ("estimated CER before", "estimated CER after") if kept else ("estimated CER",)
    for name, found in zip(names, held_out.estimates, strict=False):
        if found is not None:
            low, high = found.interval
            cards.append((name, f"{found.cer:.0%}", f"95 % interval: {low:.0%} to {high:.0%}, n {found.n}"))
    return headline([(what, number.replace("%", " %"), note.replace("%", " %")) for what, number, note in cards])


def _held_out(held_out: HeldOut, kept: bool) -> list[Html]:
    if not held_out.pictures:
        return [text("None.")]
    shown = evenly(list(zip(held_out.pictures, held_out.before, held_out.after, strict=True)), MAX_SHOWN_PICTURES)
    figures = [
        Figure(
            encode(ink),
            after.text,
            confidences=[c.confidence for c in after.characters],
            before=before.text if kept else None,
        )
        for (_, ink), before, after in shown
    ]
    about = f"{len(shown)} of the {counted(held_out.count, 'held-out picture')}, evenly spaced, as the model sees them."
    return [text(about), legend(truth=False), _arranged(figures)]
