"""A common scale for the words of a page.

Words are cut out tightly, and every picture is scaled to one height to be read: "us" would get letters twice as large
as those of "fly". The words of a page were scanned at one scale, so each is padded with paper to the 90th percentile of
their heights. Lines are not padded: they are mostly cut out alike, and lines that differ in height mostly differ in
scale too (docs/experiments/2026-11-26-word-scale.md).
"""

from collections.abc import Iterable

import numpy as np

MIN_LINE_ASPECT_RATIO = 5.0  # width / height that most lines exceed, and hardly any word
MAX_WIDE_SHARE = 0.25  # of pictures above that aspect ratio: from here on, the pictures are not words
WIDE_SAMPLE = 200  # pictures after which counting stops if half of them are wide
WORD_HEIGHT_QUANTILE = 0.9  # of the heights of a page: the height to which its words are padded
MAX_OF_MEDIAN = 2.0  # limit of the padded height, in medians, in case a few whole pages are among the words
MIN_PAGE_WORDS = 20  # words of a page; with fewer, the heights of all pages are used


class Heights:
    """The height in px to which the pictures of words are padded, by page; 0 for lines, which are not padded."""

    def __init__(self, pictures: Iterable[tuple[str, int, int]]):
        """`pictures`: (page, width, height) of each, px. If they are lines, only the first ones are consumed."""
        pages: dict[str, list[int]] = {}
        wide = count = 0
        for page, width, height in pictures:
            pages.setdefault(page, []).append(height)
            wide += width > MIN_LINE_ASPECT_RATIO * height
            count += 1
            if count >= WIDE_SAMPLE and wide >= count / 2:
                break
        self.words = count >= MIN_PAGE_WORDS and wide < MAX_WIDE_SHARE * count
        every = [height for heights in pages.values() for height in heights]
        self._default = _padded_height(every) if self.words else 0
        self._by_page = {page: self._of_page(heights) for page, heights in pages.items() if self.words}

    def of(self, page: str) -> int:
        """The padded height of the words of a page, px; for an unknown page, that of all words."""
        return self._by_page.get(page, self._default)

    def _of_page(self, heights: list[int]) -> int:
        if len(heights) >= MIN_PAGE_WORDS:
            return _padded_height(heights)
        return min(self._default, round(MAX_OF_MEDIAN * float(np.median(heights))))


def _padded_height(heights: list[int]) -> int:
    return round(min(float(np.quantile(heights, WORD_HEIGHT_QUANTILE)), MAX_OF_MEDIAN * float(np.median(heights))))
