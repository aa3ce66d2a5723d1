"""What generated pictures imitate: the hands of a scribe, and whether a recogniser was trained on the same pictures."""

from collections.abc import Iterable
from typing import Any

from scriven.lines.sketch import share_in
from scriven.reader.model import FolderInfo, entries, find_model, read_info
from scriven.scribes.flow.columns import picture_of
from scriven.scribes.flow.model import Hand
from scriven.selection.distances import mean_style, style_of
from scriven.selection.measured import StyleTarget


def hands_of_scribe(scribe: Any) -> dict[str, StyleTarget]:
    """Measurements of the hands of a trained scribe, by their names; empty if it does not hold the writing of them all.

    A hand whose writing cannot be measured gets the median of the others.
    """
    found: dict[str, StyleTarget | None] = {hand.name: style_of_hand(hand) for hand in getattr(scribe, "shown", ())}
    if set(getattr(scribe, "names", ())) - set(found):
        return {}
    median = mean_style([style for style in found.values() if style])
    return {name: style or median for name, style in found.items()} if median else {}


def style_of_hand(hand: Hand) -> StyleTarget | None:
    """Measurements of the writing that stands for a hand; None without ink."""
    characters = int(((hand.edges[:, 1] - hand.edges[:, 0]) >= 1).sum())
    return style_of(picture_of(hand.ink.T), characters) if hand.ink.any() else None


def known_to_reader(model: str, scribe: FolderInfo) -> list[str]:
    """Sentences for a recogniser that was trained on the lines a scribe imitates, or of which that is not known."""
    info = read_info(find_model(model))
    learnt = entries(scribe.data, scribe.parents)  # those of the scribe that it was trained from, too
    theirs = {one["fingerprint"]: one.get("path") for one in learnt if "fingerprint" in one}
    if not theirs:
        return [f"The scribe does not say which lines it was trained on; {model} may have been trained on them too"]
    both = sorted({str(path) for mark, path in theirs.items() if mark in info.learnt()})
    return [_warning(model, ", ".join(both))] if both else []


def lines_known_to_reader(model: str, digests: Iterable[str]) -> list[str]:
    """A sentence for a recogniser that was trained on pictures that are imitated, by their digests."""
    share = share_in(read_info(find_model(model)).sketches(), digests)
    return (
        [_warning(model, f"about {100 * share:.0f} % of the imitated pictures, as its model.json says")]
        if share
        else []
    )


def _warning(model: str, what: str) -> str:
    return f"Note that {model} was trained on {what}; a recogniser that was not (--reader; judge -m) judges better"
