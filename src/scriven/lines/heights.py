"""One scale for the words of a page.

A word is cut out close, and every picture is scaled to one height to be read: "us" would come out with letters twice as
large as "fly". Words of one page were scanned alike, so each gets as much paper above and below as makes it as high as
the highest of them. Lines are left alone: they are cut out as high as each other, or lie on pages of several scans.
"""

from collections.abc import Iterable

import numpy as np

WIDE = 5.0  # times as wide as high: lines mostly are, words hardly ever
MOSTLY = 0.25  # share of wide pictures from which on they are not words
HIGHEST = 0.9  # the share of words that are no higher than a word is made
FEWEST = 20  # words of a page; where it has fewer, those of all pages together


class Heights:
    """How high the pictures of words should be made, in px, by their page; of lines 0."""

    def __init__(self, pictures: Iterable[tuple[str, int, int]]):
        """`pictures`: the page, the width and the height of each, in px."""
        pages: dict[str, list[int]] = {}
        wide = count = 0
        for page, width, height in pictures:
            pages.setdefault(page, []).append(height)
            wide += width > WIDE * height
            count += 1
        self.words = count >= FEWEST and wide < MOSTLY * count
        every = [height for heights in pages.values() for height in heights]
        self._any = _high(every) if self.words else 0
        self._of = {p: _high(heights) for p, heights in pages.items() if self.words and len(heights) >= FEWEST}

    def of(self, page: str) -> int:
        return self._of.get(page, self._any)


def _high(heights: list[int]) -> int:
    return round(float(np.quantile(heights, HIGHEST)))
