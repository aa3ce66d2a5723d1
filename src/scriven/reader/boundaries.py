"""Where one character ends and the next begins, in px, from the frames of a CTC path and the ink of the picture.

A network trained with CTC (Graves et al. 2006, doi:10.1145/1143844.1143891) emits a character in a frame or two,
somewhere along it; where, differs from network to network. `best_place` finds it without labels: boundaries lie in
columns with little ink, so the right place is the one at which the cuts of many lines meet the least of it. `refined`
then moves every cut to a column with less ink near by, and the edges of words to their ink.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scriven.images import Grey
from scriven.reader.align import align
from scriven.reader.ctc_paths import Runs, runs, spans
from scriven.reader.decoder_contract import Frames, frame_px
from scriven.reader.model import ModelInfo
from scriven.text import Charset

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PLACES = np.arange(0.4, 1.001, 0.025)  # tried: parts of the way from one emission to the next
BAND = (0.2, 0.8)  # of the height of a line: beyond it, neighbouring lines reach into the picture
EVERYWHERE = 5  # percentile of the ink of the columns that is taken for that of the paper
WINDOW, CANDIDATES = 0.3, 25  # a cut is moved by at most this part of the way, to one of so many places
DISTANCE_COST = 0.2  # of moving a cut by 1/64 of the height, in units of the mean ink of a column
BLANK = 0.15  # ink of a column, relative to the mean, below which it is taken for paper


@dataclass(frozen=True)
class Emissions:
    """The K characters of a line: where each is emitted, px of its prepared picture, and which are spaces."""

    centres: Floats  # (K,)
    spaces: Bools  # (K,)
    profile: Floats  # (W,): see `ink_profile`
    height: int  # px of the picture

    @classmethod
    def of(cls, found: Runs, charset: Charset, frame_px: float, ink: Grey) -> "Emissions":
        """Of the runs of a path over the classes of a character set; a frame is `frame_px` px wide."""
        space = charset.encode(" ")[0] if " " in charset else 0
        centres = (found.first + found.last + 1) / 2 * frame_px
        return cls(centres, (found.classes == space) & (space > 0), ink_profile(ink), ink.shape[0])


def ink_profile(ink: Grey) -> Floats:
    """The ink of every column (W,) of a grey picture (H, W), 255 paper, relative to the mean of the line.

    What is in nearly every column, such as grain and ruling, is subtracted.
    """
    top, bottom = (round(part * ink.shape[0]) for part in BAND)
    dark = np.maximum(float(np.median(ink)) - ink[top : max(bottom, top + 1)].astype(np.float64), 0).mean(axis=0)
    dark = np.maximum(dark - np.percentile(dark, EVERYWHERE), 0)
    return np.asarray(dark / max(float(dark.mean()), 1e-9))


def best_place(lines: Iterable[Emissions], otherwise: float) -> float:
    """The part of the way from one emission to the next (0..1) at which cuts between letters meet the least ink.

    `otherwise` where no line has two letters side by side.
    """
    met, count = np.zeros(len(PLACES)), 0
    for line in lines:
        inside = ~(line.spaces[1:] | line.spaces[:-1])
        begin, step = line.centres[:-1][inside], np.diff(line.centres)[inside]
        columns = (begin + PLACES[:, None] * step).astype(np.int64)  # (places, cuts)
        met += line.profile[np.clip(columns, 0, len(line.profile) - 1)].sum(axis=1)
        count += len(begin)
    return float(PLACES[met.argmin()]) if count else otherwise


def refined(line: Emissions, found: Runs, place: float, frame_px: float, steps: int) -> Floats:
    """Left and right edge (K, 2) of every character, px of the prepared picture, increasing, not overlapping.

    Between letters the cut is moved to a column with little ink; a space is the paper between two words; the first and
    the last character end with their ink.
    """
    edges = spans(found, steps, 1, place) * frame_px
    if not len(edges):
        return edges
    cuts = _moved(line, np.asarray(edges[1:, 0]))
    left, right = np.append(edges[0, 0], cuts), np.append(cuts, edges[-1, 1])
    blank = line.profile < BLANK
    for k in np.flatnonzero(line.spaces):
        if 0 < k < len(left) - 1:
            begin, end = _paper(blank, line.profile, line.centres[k - 1], line.centres[k + 1])
            left[k], right[k - 1], right[k], left[k + 1] = begin, begin, end, end
    reach = float(np.median(np.diff(line.centres))) if len(left) > 1 else edges[0, 1] - edges[0, 0]
    left[0] = _outwards(blank, line.centres[0], -1, reach, left[0])
    right[-1] = _outwards(blank, line.centres[-1], 1, 2 * reach, right[-1])
    ordered = np.maximum.accumulate(np.stack([left, right], axis=1).ravel()).reshape(-1, 2)
    return np.clip(ordered, 0, len(line.profile))


def aligned_edges(
    info: ModelInfo, charset: Charset, text: str, prepared: Grey, log_probs: Frames, picture: Grey
) -> tuple[Floats, Floats]:
    """The edges (K, 2) of the characters of a text in visual order, px of `picture`, by forced alignment.

    With them the posteriors (K,) of the characters where they are emitted. `log_probs` (T, C) are those of the
    `prepared` picture, of which `picture` shows the same at another width. Raises TooFewFrames for a text that does not
    fit.
    """
    found = runs(align(log_probs, charset.encode(text)), log_probs)
    scale = picture.shape[1] / prepared.shape[1]
    step = frame_px(info, len(log_probs), scale, picture.shape[1])
    emitted = Emissions.of(found, charset, step, picture)
    edges = refined(emitted, found, info.boundary, step, len(log_probs))
    return edges, np.exp(log_probs[found.peak, found.classes].astype(np.float64))


def _moved(line: Emissions, cuts: Floats) -> Floats:
    """Cuts (K - 1,) moved to a column with less ink; the cost of a column is its ink and its distance."""
    reach = WINDOW * np.diff(line.centres)[:, None]
    places = cuts[:, None] + reach * np.linspace(-1, 1, CANDIDATES)  # (K - 1, CANDIDATES)
    columns = np.clip(places.astype(np.int64), 0, len(line.profile) - 1)
    cost = line.profile[columns] + DISTANCE_COST * 64 / line.height * np.abs(places - cuts[:, None])
    return np.asarray(places[np.arange(len(cuts)), cost.argmin(axis=1)])


def _paper(blank: Bools, profile: Floats, begin: float, end: float) -> tuple[float, float]:
    """The longest run of blank columns between two places, px; the column with the least ink where there is none."""
    low, high = max(0, int(begin)), min(len(blank), int(np.ceil(end)))
    if high - low < 1:
        return begin, begin
    changes = np.flatnonzero(np.diff(np.concatenate([[False], blank[low:high], [False]]).astype(np.int8)))
    starts, ends = changes[::2], changes[1::2]
    if not len(starts):
        least = float(low + profile[low:high].argmin() + 0.5)
        return least, least
    longest = int((ends - starts).argmax())
    return float(low + starts[longest]), float(low + ends[longest])


def _outwards(blank: Bools, centre: float, step: int, reach: float, otherwise: float) -> float:
    """Where the ink around an emission ends, at most `reach` px from it in the direction `step`."""
    at = int(np.clip(centre, 0, len(blank) - 1))
    ahead = blank[at::-1] if step < 0 else blank[at:]
    inked = np.flatnonzero(~ahead[: max(1, round(reach))])
    if not len(inked):
        return otherwise
    ends = np.flatnonzero(ahead[inked[0] :])
    far = min(inked[0] + (ends[0] if len(ends) else len(ahead)), round(reach))
    return float(at - far + 1) if step < 0 else float(at + far)
