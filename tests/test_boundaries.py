"""Boundaries of characters: where a network emits them, and the ink around; measured where the font scribe knows."""

import numpy as np
import pytest

from scriven.language.texts import source
from scriven.language.texts.sources import text_at
from scriven.reader.align import align
from scriven.reader.boundaries import BLANK, Emissions, best_place, ink_profile, refined
from scriven.reader.calibrate import fit_boundary
from scriven.reader.ctc_paths import Runs, log_posteriors, runs
from scriven.reader.session import Picture, Reader
from scriven.scribes.specs import scribe_of
from scriven.text import Charset, normalise

CHARSET = Charset.of(["a b"])
SPACE, LETTER = CHARSET.encode(" a")


def strokes(*bars: tuple[int, int], width: int = 100) -> np.ndarray:
    """A picture 64 px high with black bars from column to column, on grey paper with a ruled line."""
    picture = np.full((64, width), 230, np.uint8)
    picture[48] = 120
    for left, right in bars:
        picture[20:45, left:right] = 20
    return picture


def line(classes: list[int], frames: list[int], picture: np.ndarray) -> tuple[Runs, Emissions]:
    at = np.array(frames)
    found = Runs(np.array(classes), at, at, at)
    return found, Emissions.of(found, CHARSET, 4.0, picture)


def test_the_profile_is_of_the_ink_and_not_of_the_ruling() -> None:
    profile = ink_profile(strokes((10, 30), (60, 80)))
    assert profile.mean() == pytest.approx(1) and (profile[35:55] < BLANK).all() and (profile[10:30] > 1).all()
    assert not ink_profile(np.full((64, 20), 200, np.uint8)).any()
    assert ink_profile(np.zeros((1, 3), np.uint8)).shape == (3,)


@pytest.mark.parametrize("offset", [1, 4])
def test_the_place_is_found_where_a_network_emits_early_and_where_it_emits_late(offset: int) -> None:
    """Letters 20 px apart and 12 wide, emitted in the first px or in the middle of each."""
    starts = list(range(8, 168, 20))
    picture = strokes(*((s, s + 12) for s in starts), width=180)
    found, emitted = line([LETTER] * len(starts), [(s + offset) // 4 for s in starts], picture)
    gap = 16  # px from the left edge of a letter to the middle of the paper after it
    centre = ((starts[0] + offset) // 4 + 0.5) * 4 - starts[0]
    assert best_place([emitted], 0.5) == pytest.approx((gap - centre) / 20, abs=0.2)


def test_without_letters_side_by_side_the_place_is_the_one_given() -> None:
    _, emitted = line([LETTER, SPACE, LETTER], [2, 10, 20], strokes((4, 20), (70, 90)))
    assert best_place([emitted], 0.7) == 0.7 and best_place([], 0.6) == 0.6


def test_cuts_go_to_the_paper_and_edges_of_words_to_their_ink() -> None:
    picture = strokes((6, 18), (24, 36), (70, 90))
    found, emitted = line([LETTER, LETTER, SPACE, LETTER], [2, 7, 12, 19], picture)
    edges = refined(emitted, found, 0.5, 4.0, 25)
    assert edges[0, 0] == 6 and 18 <= edges[0, 1] == edges[1, 0] <= 24
    assert edges[1, 1] == 36 == edges[2, 0] and edges[2, 1] == 70 == edges[3, 0] and edges[3, 1] == 90
    assert (np.diff(edges.ravel()) >= 0).all()


@pytest.mark.parametrize("classes", [[], [LETTER], [SPACE], [SPACE, SPACE], [LETTER, SPACE, LETTER]])
@pytest.mark.parametrize("picture", [np.full((64, 40), 255, np.uint8), strokes((0, 40), width=40)])
def test_edges_stay_in_the_picture_whatever_is_in_it(classes: list[int], picture: np.ndarray) -> None:
    found, emitted = line(classes, list(range(0, 3 * len(classes), 3)), picture)
    edges = refined(emitted, found, 0.7, 4.0, 10)
    assert edges.shape == (len(classes), 2) and (edges >= 0).all() and (edges <= 40).all()
    assert (np.diff(edges.ravel()) >= 0).all()


def test_on_synthetic_lines_the_mean_error_is_three_px_at_most() -> None:
    """Between two letters it is the distance to the middle between the ink of both, else that to the ink."""
    reader, scribe, texts = Reader.load("scriven-general", threads=1), scribe_of("fonts"), source("mixed:en")
    lines, truths = [], []
    for number in range(80):
        text = normalise(text_at(texts, number, 0))
        given = scribe.write(text, np.random.default_rng(number))
        ((picture, frames),) = reader.frames([reader.prepare(text, given.picture)])
        log_probs = log_posteriors(frames)
        found = runs(align(log_probs, reader.charset.encode(text)), log_probs)
        lines.append((found, Emissions.of(found, reader.charset, 4.0, picture.ink), len(frames), picture.scale))
        truths.append((text, scribe.extents(text, np.random.default_rng(number))))
    place = best_place((one for _, one, _, _ in lines), 0.5)
    errors = []
    for (found, emitted, steps, scale), (text, inked) in zip(lines, truths, strict=True):
        edges = refined(emitted, found, place, 4.0, steps) * scale
        for k, (left, right) in inked.items():
            after = inked.get(k + 1)
            errors.append(edges[k, 1] - ((right + after[0]) / 2 if after else right))
            if k == 0 or text[k - 1] == " ":
                errors.append(edges[k, 0] - left)
    assert len(errors) > 2000 and np.abs(errors).mean() <= 3, (len(errors), np.abs(errors).mean(), place)


def test_the_boundary_of_a_model_is_fitted_without_texts() -> None:
    reader, scribe = Reader.load("scriven-general", threads=1), scribe_of("fonts")
    words = ("quill and ink", "the letter", "folded paper", "sealing wax") * 3
    pictures = [scribe.write(text, np.random.default_rng(n)).picture for n, text in enumerate(words)]
    lines = [(Picture.of(str(n), reader.prepare(str(n), one).ink), "") for n, one in enumerate(pictures)]
    assert 0.6 <= fit_boundary(reader, lines).boundary <= 0.9
