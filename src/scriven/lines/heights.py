"""One scale for the words of a page.

A word is cut out close, and every picture is scaled to one height to be read: "us" would come out with letters twice as
large as "fly". Words of one page were scanned alike, so each gets as much paper above and below as makes it as high as
nine tenths of them. Lines stay as they are: they are mostly cut out alike, and where their heights differ, so do the
scans (docs/experiments/2026-11-26-word-scale.md).
"""

from collections.abc import Iterable

import numpy as np

MIN_LINE_ASPECT_RATIO = 5.0  # times as wide as high: lines mostly are, words hardly ever
MOSTLY = 0.25  # share of wide pictures from which on they are not words
LOOK = 200  # pictures after which a half of wide ones is enough to know
WORD_HEIGHT_QUANTILE = 0.9  # the share of words that are no higher than a word is made
MOST = 2.0  # times the median: no word is made higher for a few whole pages among them
MIN_PAGE_WORDS = 20  # words of a page; where it has fewer, those of all pages together


class Heights:
    """How high the pictures of words should be made, in px, by their page; of lines 0."""

    def __init__(self, pictures: Iterable[tuple[str, int, int]]):
        """`pictures`: the page, the width and the height of each, in px; of lines only the first are looked at."""
        pages: dict[str, list[int]] = {}
        wide = count = 0
        for page, width, height in pictures:
            pages.setdefault(page, []).append(height)
            wide += width > MIN_LINE_ASPECT_RATIO * height
            count += 1
            if count >= LOOK and wide >= count / 2:
                break
        self.words = count >= MIN_PAGE_WORDS and wide < MOSTLY * count
        every = [height for heights in pages.values() for height in heights]
        self._any = _high(every) if self.words else 0
        self._of = {page: self._of_page(heights) for page, heights in pages.items() if self.words}

    def of(self, page: str) -> int:
        return self._of.get(page, self._any)

    def _of_page(self, heights: list[int]) -> int:
        if len(heights) >= MIN_PAGE_WORDS:
            return _high(heights)
        return min(self._any, round(MOST * float(np.median(heights))))


def _high(heights: list[int]) -> int:
    return round(min(float(np.quantile(heights, WORD_HEIGHT_QUANTILE)), MOST * float(np.median(heights))))
