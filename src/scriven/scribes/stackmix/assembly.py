"""Assembling the picture of a line from spans: each made like the first in height, baseline, ink and paper; blended."""

from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from scriven.images import Grey
from scriven.scribes.stackmix.bank import Bank, Pixels
from scriven.scribes.stackmix.measures import Measures, shifts
from scriven.scribes.stackmix.suffixes import Ints

SCALES = (0.75, 1.33)  # a span is scaled to the height of the first one within these
CLOSE = 0.05  # relative difference of height below which a span is not scaled
SMOOTHED = 33  # px at height 64, width of the window that paper is averaged over
GREYS = np.arange(256, dtype=np.float64)

Floats = npt.NDArray[np.float64]


def assemble(bank: Bank, places: npt.ArrayLike, lengths: Ints, seam: int) -> tuple[Pixels, Measures]:
    """The upright picture (W, H) of spans side by side, with the measurements of the first, which all are made like.

    A span begins at a place in the text of the bank. Neighbours overlap by `seam` px of what stood beside them, blended
    linearly.
    """
    pieces, first = _pieces(bank, np.asarray(places), lengths, seam)
    width = sum(map(len, pieces)) - seam * (len(pieces) - 1)
    line = np.empty((width, bank.height), np.uint8)
    rising = np.repeat(((np.arange(seam, dtype=np.float32) + 0.5) / max(seam, 1))[:, None], bank.height, axis=1)
    falling = 1 - rising
    line[: len(pieces[0])] = pieces[0]
    end = len(pieces[0])
    for piece in pieces[1:]:
        start = end - seam
        end = start + len(piece)
        if seam:
            before = line[start : start + seam]
            cv2.blendLinear(before, piece[:seam], falling, rising, before)
        line[start + seam : end] = piece[seam:]
    return line, first


def _pieces(bank: Bank, places: Ints, lengths: Ints, seam: int) -> tuple[list[Pixels], Measures]:
    """The pixels (W, H) of each span and of half a seam on both sides, made like the first."""
    lines = bank.line_of[places]
    own = Measures(*bank.measures[lines].T)
    first = Measures(*bank.measures[lines[0]].tolist())
    left, right = bank.characters[places, 0], bank.characters[places + lengths - 1, 1]
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
            piece = _placed(piece, *change, seam, round(first.paper))
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


def _changes(bank: Bank, own: Measures, like: Measures, centres: Floats) -> list[tuple[float, int] | None]:
    """For each span its scale and the rows it moves down, so that it has the height and row of `like`; None: it has.

    The middle of the small letters comes to the row where it is at the beginning of the line of `like`.
    """
    scale = np.clip(like.body / np.maximum(own.body, 1.0), *SCALES)
    scale[np.abs(scale - 1) < CLOSE] = 1.0
    level = own.middle + own.slope * centres
    down = np.rint(like.middle - scale * level).astype(np.int64)
    found = zip(scale.tolist(), down.tolist(), strict=True)
    return [change if change != (1.0, 0) else None for change in found]


def _placed(piece: Pixels, scale: float, down: int, seam: int, paper: int) -> Pixels:
    """The piece scaled, at least as wide as a seam, and moved down by rows; paper where it does not reach."""
    high = piece.shape[1]
    if scale != 1:
        size = round(high * scale), max(seam + 1, round(len(piece) * scale))
        piece = cv2.resize(piece, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    moved = np.full((len(piece), high), paper, np.uint8)
    first, last = max(down, 0), min(down + piece.shape[1], high)
    if first < last:
        moved[:, first:last] = piece[:, first - down : last - down]
    return moved


def slanted(line: Pixels, like: Measures, margins: tuple[int, int], rng: np.random.Generator) -> Grey:
    """The picture (H, W) of an upright line (W, H): sheared by the slant, cropped to its ink, with margins of paper."""
    moves = shifts(line.shape[1], like.slant)
    moves -= min(0, int(moves.min()))
    rows = cv2.transpose(line)
    sheet = np.full((line.shape[1], len(line) + int(moves.max())), round(like.paper), np.uint8)
    changes = [0, *(np.flatnonzero(np.diff(moves)) + 1).tolist(), len(moves)]
    for top, bottom in pairwise(changes):  # rows that move alike
        start = int(moves[top])
        sheet[top:bottom, start : start + len(line)] = rows[top:bottom]
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
    contrast = max(like.paper - like.ink, 8.0)
    level = round(like.paper - min(max(0.25 * contrast, 3 * like.grain), 0.5 * contrast))  # darker is ink
    _, dark = cv2.threshold(image, level - 1, 255, cv2.THRESH_BINARY_INV)
    ink = cv2.dilate(dark, np.ones((3, 3), np.uint8))
    bare = cv2.bitwise_not(ink)
    reach = SMOOTHED * image.shape[0] // 128
    count = _windowed(bare, reach) / 255
    paper = np.where(count >= 1, _windowed(cv2.bitwise_and(image, bare), reach) / np.maximum(count, 1), like.paper)
    replaced = np.repeat(np.rint(paper).astype(np.uint8)[None], image.shape[0], axis=0)
    return np.asarray(cv2.copyTo(image, ink, replaced), np.uint8)


def _windowed(values: npt.ArrayLike, reach: int) -> Floats:
    """The sum of the values (H, W) of every column and of up to `reach` columns on both sides (W,)."""
    sums = np.append(0, np.asarray(values).sum(axis=0, dtype=np.int64).cumsum())
    columns = np.arange(len(sums) - 1)
    ends = np.minimum(columns + reach + 1, len(columns))
    return np.asarray(sums[ends] - sums[np.maximum(columns - reach, 0)], np.float64)
