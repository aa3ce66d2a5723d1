"""Hands of lines without writer labels: strokes that turn alike are of one hand, whatever is written."""

import cv2
import numpy as np
import pytest

from scriven.text import Charset
from scriven.training.aligned_lines import AlignedLines, LineOfHand
from scriven.training.hand_clusters import BINS, FEWEST, MOST, SAME, cluster_hands, clusters, distances, hinges


def writing(slant: float, round_: bool, seed: int, width: int = 700) -> np.ndarray:
    """A line (64, W) of strokes that lean by `slant`, with round or pointed joins, in a random order."""
    rng, picture = np.random.default_rng(seed), np.full((64, width), 255, np.uint8)
    at = 14
    while at < width - 40:
        high, wide = int(rng.integers(12, 30)), int(rng.integers(8, 14))
        top = (round(at + slant * high), 46 - high)
        cv2.line(picture, (at, 46), top, 0, 3, cv2.LINE_AA)
        if round_:
            cv2.ellipse(picture, (at + wide // 2, 40), (wide // 2, 6), 0, 0, 360, 0, 2, cv2.LINE_AA)
        else:
            cv2.line(picture, top, (at + wide, 46), 0, 3, cv2.LINE_AA)
        at += wide + int(rng.integers(6, 12))
    return picture


KINDS = ((0.0, True), (0.8, True), (0.4, False))


def ink(kind: int, seed: int) -> np.ndarray:
    return (255 - writing(*KINDS[kind], seed).T.astype(np.float32)) / 255


def aligned(kinds: list[int], writers: list[str | None]) -> AlignedLines:
    """A page of three lines for each of the kinds; those without a writer are known by their page."""
    lines = AlignedLines(Charset("a"))
    for page, (kind, writer) in enumerate(zip(kinds, writers, strict=True)):
        lines.hands.append(writer or f"page {page}")
        if writer is None:
            lines.without_writer.add(page)
        for number in range(3):
            picture = writing(*KINDS[kind], seed=10 * page + number)
            lines.add(LineOfHand("", "a", np.ones(1, np.int64), np.zeros((1, 2)), picture.shape[1], page), picture)
    return lines


def test_hinges_tell_hands_and_not_texts() -> None:
    counts = np.array([sum(hinges(ink(kind, 10 * page + n)) for n in range(3)) for kind in range(3) for page in (1, 2)])
    assert counts.shape == (6, BINS * BINS) and (counts.sum(1) > 1000).all()
    apart = distances(counts)
    same = [apart[0, 1], apart[2, 3], apart[4, 5]]
    other = [apart[i, j] for i in range(6) for j in range(i) if i // 2 != j // 2]
    assert max(same) < SAME < min(other)
    assert not hinges(np.zeros((100, 64), np.float32)).any()


def test_few_points_count_as_less_certain_than_many() -> None:
    """The same difference of shares is a smaller distance between short lines than between pages."""
    shares = np.zeros((2, BINS * BINS))
    shares[0, :10], shares[1, 2:12] = 0.1, 0.1
    few, many = (float(distances(points * shares)[0, 1]) for points in (500, 50_000))
    assert few < many < 1 - shares[0] @ shares[1] * 10 + 1e-6 and many - few > SAME


def test_average_linkage() -> None:
    places = np.array([0.0, 10, 0.1, 10.2, 0.2, 30])
    apart = np.abs(places[:, None] - places).astype(np.float32)
    assert clusters(apart, 1.0).tolist() == [0, 1, 0, 1, 0, 2]
    assert clusters(apart, 0.0).tolist() == [0, 1, 2, 3, 4, 5] and set(clusters(apart, 99.0)) == {0}
    chain = np.abs(np.arange(6.0)[:, None] - np.arange(6.0)).astype(np.float32)
    assert len(set(clusters(chain, 1.2))) >= 2  # not single linkage, which would make one of them
    assert clusters(apart[:1, :1]).tolist() == [0]


def test_pages_become_hands_and_writers_stay() -> None:
    lines = aligned([0, 1, 0, 2, 1, 2, 0], [None, None, None, None, None, "anna", None])
    assert cluster_hands(lines) == 3
    assert lines.hands == ["anna", "cluster 1", "cluster 2", "cluster 3"]
    assert [lines.lines[3 * page].hand for page in range(7)] == [1, 2, 1, 3, 2, 0, 1]
    assert cluster_hands(lines) is None  # nothing is left to cluster


def test_groups_with_little_ink_stay_alone_and_do_not_join_others() -> None:
    """Less than what sampling adds to a short text is left of its distance to any hand: it would join them all."""
    lines = aligned([0, 1, 0, 1], [None] * 4)
    dash = np.full((64, 60), 255, np.uint8)
    cv2.line(dash, (10, 30), (40, 30), 0, 3)
    for number in (4, 5):
        lines.hands.append(f"page {number}")
        lines.without_writer.add(number)
        lines.add(LineOfHand("", "a", np.ones(1, np.int64), np.zeros((1, 2)), 60, number), dash)
    assert 0 < hinges((255 - dash.T.astype(np.float32)) / 255).sum() < FEWEST
    assert cluster_hands(lines) == 4
    assert lines.hands == ["page 4", "page 5", "cluster 1", "cluster 2"]
    assert [line.hand for line in lines.lines[::3]] == [2, 3, 2, 3, 0] and lines.lines[-1].hand == 1


def test_one_page_and_too_many_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    one = aligned([0], [None])
    assert cluster_hands(one) is None and one.hands == ["page 0"] and MOST >= 1000
    monkeypatch.setattr("scriven.training.hand_clusters.MOST", 2)
    three = aligned([0, 1, 2], [None, None, None])
    assert cluster_hands(three) is None and three.hands == ["page 0", "page 1", "page 2"]
