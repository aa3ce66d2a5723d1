"""How a hand looks, measured without labels: ink, paper, stroke width, slant, x-height, blur.

Slant: the shear with the most uneven column projection (Vinciarelli and Luettin, 2001). Stroke width: twice the area
over the outline, the outline by Crofton's formula.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from scriven.images.ink import Grey, background, to_height

HEIGHT = 64  # px; lengths are measured at this height


@dataclass(frozen=True)
class Appearance:
    """A picture in seven numbers. Lengths are px at a picture height of 64."""

    ink: float  # grey value of the strokes, 0 to 255
    paper: float  # grey value of the paper, 0 to 255
    stroke: float  # stroke width, px
    slant: float  # degrees, positive leaning to the right
    x_height: float  # height of the band where most ink lies, px
    blur: float  # width of an edge from paper to ink, px
    coverage: float  # share of the picture that is ink, 0 to 1


def slant_of(image: Grey) -> float:
    """Slant of the writing in degrees, positive leaning to the right; 0 for a blank picture."""
    return _slant(ink_mask(to_height(image, HEIGHT)))


def appearance(image: Grey) -> Appearance:
    """Measure a grey picture of one line or word; about 2 ms."""
    image = to_height(image, HEIGHT)
    paper = background(image)
    depth = np.asarray(cv2.subtract(paper, image), np.uint8)  # how much darker than its paper each pixel is
    mask = ink_mask(image)
    area = int(mask.sum())
    level = float(np.median(paper))
    if area < HEIGHT // 4:
        return Appearance(level, level, 0.0, 0.0, 0.0, 0.0, area / mask.size)
    inked = depth[mask > 0]
    strength = float(np.percentile(inked, 75))
    edges = np.count_nonzero(np.diff(mask, axis=0)) + np.count_nonzero(np.diff(mask, axis=1))
    outline = max(np.pi / 4 * edges, 1.0)
    return Appearance(
        ink=max(level - strength, 0.0),
        paper=level,
        stroke=2 * area / outline,
        slant=_slant(mask),
        x_height=_x_height(mask),
        blur=_blur(depth, strength),
        coverage=area / mask.size,
    )


def ink_mask(image: Grey) -> Grey:
    """1 where there is ink, 0 on paper (H, W): Otsu's threshold on the depth below the paper, at least 12 grey."""
    depth = cv2.subtract(background(image), image)
    threshold, _ = cv2.threshold(depth, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(depth > max(threshold, 12), np.uint8)


def _slant(mask: Grey) -> float:
    """Best shear of an ink mask (H, W) from -44 to 64 degrees: steps of 6, then of 2, then a parabola."""
    ink = mask.astype(np.float32)
    if ink.sum() < len(ink) / 4:
        return 0.0
    coarse = np.arange(-44, 65, 6)
    near = coarse[int(np.argmax([_unevenness(ink, float(degrees)) for degrees in coarse]))]
    fine = near + np.arange(-4, 5, 2)
    scores = [_unevenness(ink, float(degrees)) for degrees in fine]
    best = int(np.argmax(scores))
    if not 0 < best < len(fine) - 1:
        return float(fine[best])
    before, peak, after = scores[best - 1 : best + 2]
    return float(fine[best] + 2 * 0.5 * (before - after) / min(before - 2 * peak + after, -1e-9))


def _unevenness(ink: npt.NDArray[np.float32], degrees: float) -> float:
    """Sum of squares of the column sums once a slant is taken out.

    The sums are smoothed, or else angles that fall on whole pixels (0 and 45 degrees) would always look best.
    """
    high, wide = ink.shape
    tangent = np.tan(np.radians(degrees))
    margin = int(1.2 * high)
    shear = np.array([[1, tangent, margin - tangent * high / 2], [0, 1, 0]], np.float32)
    straight = cv2.warpAffine(ink, shear, (wide + 2 * margin, high), flags=cv2.INTER_LINEAR)
    columns = cv2.GaussianBlur(cv2.reduce(straight, 0, cv2.REDUCE_SUM), (0, 0), 2)
    return float((columns.astype(np.float64) ** 2).sum())


def _x_height(mask: Grey) -> float:
    """Height of the run of rows about the densest one that hold at least half its ink."""
    rows = cv2.blur(mask.sum(axis=1, dtype=np.float32)[:, None], (1, 3)).ravel()
    full = rows >= rows.max() / 2
    peak = int(rows.argmax())
    above = int((~full[:peak])[::-1].argmax()) if not full[:peak].all() else peak
    below = int((~full[peak:]).argmax()) if not full[peak:].all() else len(full) - peak
    return float(above + below)


def _blur(depth: Grey, strength: float) -> float:
    """Depth of the ink over the steepest slope (99th percentile): the px an edge takes."""
    across = cv2.Sobel(depth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(depth, cv2.CV_32F, 0, 1, scale=1 / 8)
    slope = float(np.percentile(cv2.magnitude(across, down), 99))
    return strength / max(slope, 1.0)
