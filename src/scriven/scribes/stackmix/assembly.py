"""Assembling the picture of a line from spans: each made like the first in height, baseline, ink and paper; blended."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from scriven.images import Grey
from scriven.scribes.stackmix.bank import Bank, Pixels
from scriven.scribes.stackmix.measures import Measures, shifts
from scriven.scribes.stackmix.suffixes import Ints

SCALES = (0.75, 1.33)  # a span is scaled to the height of the first one within these
CLOSE = 0.04, 0.5  # relative difference of height and px of baseline below which a span is left as it is
SMOOTHED = 33  # px, width of the window that paper is averaged over
GREYS = np.arange(256, dtype=np.float64)

Floats = npt.NDArray[np.float64]


def assemble(bank: Bank, places: Sequence[int], lengths: Ints, seam: int) -> tuple[Pixels, Measures]:
    """The upright picture (W, H) of spans side by side, with the measurements of the first, which all are made like.

    A span begins at a place in the text of the bank. Neighbours overlap by `seam` px of what stood beside them, blended
    linearly.
    """
    pieces, first = _pieces(bank, np.asarray(places), lengths, seam)
    width = sum(map(len, pieces)) - seam * (len(pieces) - 1)
    line = np.empty((width, bank.height), np.uint8)
    rising = ((np.arange(seam) + 0.5) / max(seam, 1)).astype(np.float32)[:, None]
    line[: len(pieces[0])] = pieces[0]
    end = len(pieces[0])
    for piece in pieces[1:]:
        start = end - seam
        end = start + len(piece)
        if seam:
            before = line[start : start + seam].astype(np.float32)
            before += (piece[:seam] - before) * rising
            line[start : start + seam] = before
        line[start + seam : end] = piece[seam:]
    return line, first


def _pieces(bank: Bank, places: Ints, lengths: Ints, seam: int) -> tuple[list[Pixels], Measures]:
    """The pixels (W, H) of each span and of half a seam on both sides, made like the first."""
    lines = bank.line_of[places]
    own = Measures(*bank.measures[lines].T)
    first = Measures(*bank.measures[lines[0]].tolist())
    left, right = bank.characters[places, 0].astype(np.float64), bank.characters[places + lengths - 1, 1]
    low = np.rint(left).astype(np.int64) - seam // 2
    high = np.maximum(np.rint(right).astype(np.int64) + (seam - seam // 2), low + seam + 1)
    tables = _tables(own, first)
    changes = _changes(bank, own, first, (left + right) / 2 - np.array([bank.starts[line] for line in lines]))
    pieces = []
    cuts = zip(*map(np.ndarray.tolist, (lines, low, high, np.asarray(own.paper))), strict=True)
    for (line, begin, end, paper), table, change in zip(cuts, tables, changes, strict=True):
        piece = _cropped(bank, line, begin, end, round(paper))
        if table is not None:
            piece = np.asarray(cv2.LUT(piece, table), np.uint8)
        if change is not None:
            piece = _placed(piece, change, seam, round(first.paper))
        pieces.append(piece)
    return pieces, first


def _cropped(bank: Bank, line: int, low: int, high: int, paper: int) -> Pixels:
    """Columns of a line of a bank, with paper beyond its ends."""
    begin, end = bank.starts[line], bank.starts[line + 1]
    if begin <= low and high <= end:
        return bank.pixels[low:high]
    piece = np.full((high - low, bank.height), paper, np.uint8)
    first, last = min(max(begin, low), high), max(min(end, high), low)
    piece[first - low : last - low] = bank.pixels[first:last]
    return piece


def _tables(own: Measures, like: Measures) -> list[Pixels | None]:
    """For each span the new grey values (256,) that give it the ink and the paper of `like`; None: it has them."""
    paper, ink = np.asarray(own.paper), np.asarray(own.ink)
    gain = (like.paper - like.ink) / np.maximum(paper - ink, 1.0)
    other = (np.abs(gain - 1) >= 0.02) | (np.abs(like.paper - paper) >= 2)
    values = gain[other, None] * (GREYS - paper[other, None]) + (like.paper + 0.5)
    tables = iter(np.clip(values, 0, 255).astype(np.uint8))
    return [next(tables) if changed else None for changed in other.tolist()]


def _changes(bank: Bank, own: Measures, like: Measures, centres: Floats) -> list[tuple[float, float] | None]:
    """For each span its scale and the rows it moves down, so that it has the height and row of `like`; None: it has.

    The middle of the small letters comes to the row where it is at the beginning of the line of `like`.
    """
    scale = np.clip(like.body / np.maximum(own.body, 1.0), *SCALES)
    scale[np.abs(scale - 1) < CLOSE[0]] = 1.0
    level = own.middle + own.slope * centres
    same = (scale == 1) & (np.abs(level - like.middle) < CLOSE[1] * bank.height / 64)
    found = zip(scale.tolist(), (like.middle - scale * level).tolist(), same.tolist(), strict=True)
    return [None if close else (size, down) for size, down, close in found]


def _placed(piece: Pixels, change: tuple[float, float], seam: int, paper: int) -> Pixels:
    """The piece scaled and moved down, at least as wide as a seam."""
    scale, down = change
    wide = max(seam + 1, round(len(piece) * scale))
    matrix = np.array([[scale, 0, down], [0, wide / len(piece), 0]], np.float32)
    return cv2.warpAffine(  # type: ignore[return-value]
        piece, matrix, (piece.shape[1], wide), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
        borderValue=(paper,),
    )  # fmt: skip


def slanted(line: Pixels, like: Measures, margins: tuple[int, int], rng: np.random.Generator) -> Grey:
    """The picture (H, W) of an upright line (W, H): sheared by the slant, cropped to its ink, with margins of paper."""
    moves = shifts(line.shape[1], like.slant)
    starts = (moves - min(0, int(moves.min()))).tolist()
    rows = cv2.transpose(line)
    sheet = np.full((line.shape[1], len(line) + max(starts)), round(like.paper), np.uint8)
    for row, start in enumerate(starts):
        sheet[row, start : start + len(line)] = rows[row]
    level = like.paper - 0.3 * (like.paper - like.ink)
    inked = np.flatnonzero(sheet.min(axis=0) < level)
    if len(inked):
        sheet = sheet[:, max(int(inked[0]) - 1, 0) : int(inked[-1]) + 2]
    return _with_margins(sheet, like, margins, rng)


def _with_margins(sheet: Grey, like: Measures, margins: tuple[int, int], rng: np.random.Generator) -> Grey:
    """The picture with paper of the same grain on the left and right, px."""
    left, right = margins
    noise = rng.standard_normal((sheet.shape[0], left + right), np.float32) * np.float32(0.7 * like.grain)
    blank = np.clip(noise + np.float32(like.paper), 0, 255).astype(np.uint8)
    return np.concatenate([blank[:, :left], sheet, blank[:, left:]], axis=1)


def smoothed(image: Grey, like: Measures) -> Grey:
    """The picture (H, W) with its paper replaced by the mean of the paper near by, whatever its width and tone."""
    level = round(like.paper - 0.25 * max(like.paper - like.ink, 8.0))
    ink = cv2.dilate(np.asarray(image < level, np.uint8), np.ones((3, 3), np.uint8))
    bare = np.asarray(1 - ink, np.float32)
    window = (SMOOTHED, 2 * image.shape[0] + 1)  # the whole height, and about half of it in width
    count = cv2.boxFilter(bare, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
    total = cv2.boxFilter(bare * image, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
    paper = np.where(count >= 1, total / np.maximum(count, 1), np.float32(like.paper))
    return np.where(ink > 0, image, np.rint(paper)).astype(np.uint8)
