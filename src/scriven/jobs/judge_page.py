"""The page of `judge`: the numbers, generated beside real pictures, the nearest and the farthest ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from scriven.base import OutputError, Skipped, evenly
from scriven.images import decode, encode, to_height
from scriven.judging.hands import nearest, positions
from scriven.judging.pictures import HEIGHT
from scriven.judging.sets import JudgedSet
from scriven.report import Figure, Html, is_page, page, pictures, section, table, text

TITLE = "Judged: "  # identifies a page of this job, which may be overwritten
GAP = 48  # px between the two pictures of a pair
PAIRS, EXTREMES = 12, 8  # hands shown side by side, and nearest and farthest pictures

MEASURES = (
    "Frechet and kernel distance compare the distributions of the features: 0 is a perfect imitation. The distance of "
    "hands is that between the mean features of a hand and of its imitation.",
    "The column real is what real pictures reach: the second half of the pictures of each hand, measured against the "
    "first half. Intervals of 95 % are resampled by hand, where there are enough hands.",
)
NEAREST = (
    "A generated picture that nearly equals a real one of the same text is a copy rather than an imitation. Each is "
    "beside the real picture with the nearest features."
)


def check_place(file: Path) -> None:
    """Raise OutputError if a file exists that is not a page of `judge`."""
    if file.exists() and not is_page(file, TITLE):
        raise OutputError(f"{file} exists and is not a page of `scriven judge`; choose another -o")


def judge_page(
    about: str, rows: Sequence[Mapping[str, str]], made: JudgedSet, true: JudgedSet, skipped: Sequence[Skipped]
) -> Html:
    """The page: the table, samples of hands side by side, nearest and farthest pictures, and what was skipped."""
    away, place = nearest(made.features, true.features)
    order = np.argsort(away, kind="stable")
    parts = [
        section("Numbers", table(rows), text(*MEASURES)),
        section("Generated beside real", _side_by_side(made, true)),
        section("Nearest to a real picture", text(NEAREST), _extremes(made, true, order[:EXTREMES], away, place)),
        section("Farthest from all real pictures", _extremes(made, true, order[::-1][:EXTREMES], away, place)),
    ]
    if skipped:
        parts.append(section("Skipped", table([{"id": one.id, "reason": one.reason} for one in skipped])))
    return page(f"{TITLE}{made.name}", parts, about)


def _side_by_side(made: JudgedSet, true: JudgedSet) -> Html:
    """A generated and a real picture of some hands; of pictures without common hands, some of each."""
    own, real = positions(made.hands), positions(true.hands)
    common = evenly([hand for hand in own if hand in real], PAIRS)
    pairs = [(int(own[hand][0]), int(real[hand][0])) for hand in common]
    if len(common) == 1:
        hand = common[0]
        pairs = list(zip(evenly(own[hand].tolist(), PAIRS), evenly(real[hand].tolist(), PAIRS), strict=False))
    if not pairs:
        pairs = list(zip(evenly(range(len(made)), PAIRS), evenly(range(len(true)), PAIRS), strict=False))
    return pictures([_pair(made, a, true, b) for a, b in pairs], wide=True)


def _extremes(
    made: JudgedSet, true: JudgedSet, chosen: Sequence[int] | np.ndarray, away: np.ndarray, place: np.ndarray
) -> Html:
    figures = [_pair(made, i, true, int(place[i]), f"distance {away[i]:.2f}") for i in map(int, chosen)]
    return pictures(figures, wide=True)


def _pair(made: JudgedSet, one: int, true: JudgedSet, other: int, note: str = "") -> Figure:
    """A generated picture and, to its right, a real one."""
    left, right = (to_height(decode(some.images[i], some.ids[i]), HEIGHT) for some, i in ((made, one), (true, other)))
    gap = np.full((HEIGHT, GAP), 255, np.uint8)
    image = encode(np.asarray(np.hstack([left, gap, right]), np.uint8), "png")
    texts = (f"{kind}: {' · '.join(part for part in (some.texts[i], some.hands[i], some.ids[i]) if part)}"
             for kind, some, i in (("left, generated", made, one), ("right, real", true, other)))  # fmt: skip
    return Figure(image, caption="; ".join([*texts, *([note] if note else [])]))
