"""Assembling the picture of a line from spans: each made like the first in height, baseline, ink and paper; blended."""

from collections.abc import Sequence

import cv2
import numpy as np

from scriven.images import Grey
from scriven.scribes.stackmix.bank import Bank, Pixels
from scriven.scribes.stackmix.choice import Span
from scriven.scribes.stackmix.measures import Measures, shifts

SCALES = (0.75, 1.33)  # a span is scaled to the height of the first one within these
CLOSE = 0.04, 0.5  # relative difference of height and px of baseline below which a span is left as it is
SMOOTHED = 33  # px, width of the window that paper is averaged over
GREYS = np.arange(256, dtype=np.float64)


def assemble(bank: Bank, spans: Sequence[Span], seam: int) -> tuple[Pixels, Measures]:
    """The upright picture (W, H) of spans side by side, with the measurements of the first, which all are made like.

    Neighbours overlap by `seam` px of what stood beside them, blended linearly.
    """
    first = Measures(*bank.measures[bank.line_of[spans[0].place]].tolist())
    pieces = [_piece(bank, span, seam, first) for span in spans]
    width = sum(len(piece) for piece in pieces) - seam * (len(pieces) - 1)
    line = np.empty((width, bank.height), np.uint8)
    rising = ((np.arange(seam) + 0.5) / max(seam, 1)).astype(np.float32)[:, None]
    line[: len(pieces[0])] = pieces[0]
    end = len(pieces[0])
    for piece in pieces[1:]:
        start = end - seam
        end = start + len(piece)
        if seam:
            blended = line[start : start + seam] * (1 - rising) + piece[:seam] * rising
            line[start : start + seam] = blended
        line[start + seam : end] = piece[seam:]
    return line, first


def _piece(bank: Bank, span: Span, seam: int, like: Measures) -> Pixels:
    """The pixels (W, H) of a span and of half a seam on both sides, made like other measurements."""
    place, last = span.place, span.place + len(span.text) - 1
    number = int(bank.line_of[place])
    own = Measures(*bank.measures[number].tolist())
    begin, end = bank.starts[number], bank.starts[number + 1]
    left, right = float(bank.characters[place, 0]), float(bank.characters[last, 1])
    low = round(left) - seam // 2
    high = max(round(right) + seam - seam // 2, low + seam + 1)
    piece = np.asarray(bank.pixels[max(low, begin) : min(high, end)])
    if low < begin or high > end:
        around = ((max(begin - low, 0), max(high - end, 0)), (0, 0))
        piece = np.pad(piece, around, constant_values=round(own.paper))
    piece = _toned(piece, own, like)
    return _placed(piece, own, like, (left + right) / 2 - begin)


def _toned(piece: Pixels, own: Measures, like: Measures) -> Pixels:
    """The piece with the grey values of the ink and the paper of `like`."""
    gain = (like.paper - like.ink) / max(own.paper - own.ink, 1.0)
    if abs(gain - 1) < 0.02 and abs(like.paper - own.paper) < 2:
        return piece
    table = np.clip(like.paper + (GREYS - own.paper) * gain + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(piece, table), np.uint8)


def _placed(piece: Pixels, own: Measures, like: Measures, centre: float) -> Pixels:
    """The piece scaled to the height of the letters of `like`, with their middle on the same row."""
    scale = min(max(like.body / max(own.body, 1.0), SCALES[0]), SCALES[1])
    level = own.middle + own.slope * centre
    wanted = like.middle  # of the beginning of the first line: the assembled line is level
    if abs(scale - 1) < CLOSE[0] and abs(level - wanted) < CLOSE[1]:
        return piece
    if abs(scale - 1) < CLOSE[0]:
        scale = 1.0
    high, wide = piece.shape[1], max(1, round(len(piece) * scale))
    matrix = np.array([[scale, 0, wanted - scale * level], [0, wide / len(piece), 0]], np.float32)
    return np.asarray(
        cv2.warpAffine(
            piece, matrix, (high, wide), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
            borderValue=(round(like.paper),),
        ), np.uint8,
    )  # fmt: skip


def slanted(line: Pixels, like: Measures, margins: tuple[int, int], rng: np.random.Generator) -> Grey:
    """The picture (H, W) of an upright line (W, H): sheared by the slant, cropped to its ink, with margins of paper."""
    moves = shifts(line.shape[1], like.slant)
    before, after = max(0, -int(moves.min())), max(0, int(moves.max()))
    wide, high = len(line) + before + after, line.shape[1]
    sheet = np.full((high, wide), round(like.paper), np.uint8)
    for row in range(high):
        start = before + int(moves[row])
        sheet[row, start : start + len(line)] = line[:, row]
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
