"""What an adaptation did, as a page: whether it helped and why not, its pseudo-labels, how it reads now."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scriven.base import counted, evenly
from scriven.estimate.cer import Estimate
from scriven.images import Grey, encode, size
from scriven.lines import Line, LinesFolder, Reading
from scriven.report import Figure, Html, headline, legend, page, pictures, prose, rounds, rounds_kept, section, text
from scriven.selftrain.pictures import WIDE

SHOWN = 16  # pictures of a kind
ESTIMATED = """
Of the pictures put aside nobody knows the text. Their error rate is an estimate, from how much the readings change
when a picture is made wider (the rounds below look at a narrower view). Transcribe some 20 lines and score the model on
them to be sure.
"""


@dataclass(frozen=True)
class Aside:
    """Pictures that only judge: how they were read before and are read now; no text is known of them."""

    count: int  # of all that were put aside
    pictures: Sequence[tuple[str, Grey]]
    before: Sequence[Reading]
    after: Sequence[Reading]
    estimates: tuple[Estimate | None, Estimate | None]


def page_of(aside: Aside, learnt: int, rows: Sequence[dict[str, Any]], why: str, pseudo_labels: Path | None) -> Html:
    """The page. `learnt`: pictures to learn from; `rows`: one a round, the parent's first; `pseudo_labels`: the lines
    folder of the last round that was kept, None where none was."""
    kept = rounds_kept(rows)
    sections = [
        section("Result", _numbers(aside, learnt, kept), text(*_result(kept, why)), prose(ESTIMATED)),
        section("Pictures put aside", *_put_aside(aside, bool(kept))),
    ]
    if pseudo_labels is not None:
        sections.append(section("Pseudo-labels", *pseudo_label_pictures(pseudo_labels)))
    sections.append(section("Round by round, without labels", rounds(rows)))
    return page(title_of(rows), sections, f"From {counted(learnt, 'picture')} without transcriptions.")


def title_of(rows: Sequence[dict[str, Any]]) -> str:
    """What a page about these rounds is called."""
    return "A hand learnt without labels" if rounds_kept(rows) else "A hand that was not learnt"


def pseudo_label_pictures(folder: Path) -> list[Html]:
    """Some of the readings that a round learnt from, the most confident first."""
    lines = sorted(LinesFolder(folder).lines(), key=_sure, reverse=True)
    shown = evenly(lines, SHOWN)
    return [
        text(
            f"{len(shown)} of {counted(len(lines), 'reading')} that were taken for true, by confidence. The model "
            "learnt from them: where many are wrong it can learn little. The pictures are as it sees them, of even "
            "light and height."
        ),
        _laid([_labelled(line) for line in shown]),
    ]


def _labelled(line: Line) -> Figure:
    return Figure(
        line.image, line.text, label="pseudo-label", caption=f"confidence a character: {100 * _sure(line):.0f} %"
    )


def _sure(line: Line) -> float:
    """The confidence of a line, that all of it is right, as the geometric mean of its characters': lengths compare."""
    return float((line.confidence or 0.0) ** (1 / max(1, len(line.text or ""))))


def _laid(figures: list[Figure]) -> Html:
    """Lines one under the other, words side by side."""
    return pictures(figures, wide=any(w > WIDE * h for w, h in (size(figure.image) for figure in figures)))


def _numbers(aside: Aside, learnt: int, kept: int) -> Html:
    cards = [
        ("pictures to learn from", f"{learnt:,}", f"{aside.count:,} more put aside"),
        ("rounds kept", str(kept), ""),
    ]
    named = ("estimated CER before", "estimated CER now") if kept else ("estimated CER",)
    for name, found in zip(named, aside.estimates, strict=False):
        if found is not None:
            low, high = found.interval
            cards.append((name, f"{found.cer:.0%}", f"95 % interval: {low:.0%} to {high:.0%}, n {found.n}"))
    return headline([(what, number.replace("%", " %"), note.replace("%", " %")) for what, number, note in cards])


def _result(kept: int, why: str) -> list[str]:
    if not kept:
        return [f"No round was better, and the old weights are kept: {why}."]
    said = f"The hand was learnt in {counted(kept, 'round')}."
    return [f"{said} Then it ended: {why}." if why else said]


def _put_aside(aside: Aside, helped: bool) -> list[Html]:
    if not aside.pictures:
        return [text("None.")]
    shown = evenly(list(zip(aside.pictures, aside.before, aside.after, strict=True)), SHOWN)
    figures = [
        Figure(
            encode(ink),
            after.text,
            confidences=[c.confidence for c in after.characters],
            before=before.text if helped else None,
        )
        for (_, ink), before, after in shown
    ]
    told = (
        f"{len(shown)} of the {counted(aside.count, 'picture')} that were not learnt from, evenly spread, as the model "
        "sees them."
    )
    return [text(told), legend(truth=False), _laid(figures)]
