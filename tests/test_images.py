"""Preparing pictures: polarity, height, illumination and contrast, cutting out a polygon."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from scriven import images
from scriven.base import ImageError
from toy_drawing import drawing, off


def test_forty_thousand_pixels_wide() -> None:
    wide = drawing(40_000)
    image = images.open_image(images.encode(wide))
    assert np.array_equal(image, wide)
    assert images.prepare(image, 64).shape == (64, 40_000)
    assert images.prepare(drawing(40_000, 32), 64).shape == (64, 80_000)


def test_light_ink_is_inverted() -> None:
    for image in (drawing(), drawing(600), drawing(ink=150, paper=190)):
        assert images.polarity(image) > 0.5
        assert images.polarity(255 - image) < -0.5
        assert np.array_equal(images.open_image(images.encode(255 - image)), image)
    blank = np.full((64, 200), 30, np.uint8)
    assert np.array_equal(images.dark_ink(blank), blank)


@pytest.mark.real
def test_no_real_line_is_inverted() -> None:
    import pyarrow.parquet as pq

    flipped, back, count = [], 0, 0
    for file in sorted(Path(os.environ["SCRIVEN_REAL_DATA"]).glob("*/*/lines.parquet")):
        for row in pq.read_table(file, columns=["id", "image"]).slice(0, 200).to_pylist():
            image = images.open_image(row["image"]["bytes"], name=row["id"])
            plain = cv2.imdecode(np.frombuffer(row["image"]["bytes"], np.uint8), cv2.IMREAD_GRAYSCALE)
            flipped += [] if np.array_equal(image, plain) else [row["id"]]
            back += np.array_equal(images.dark_ink(np.asarray(255 - plain, np.uint8)), plain)
            count += 1
    assert count > 1000
    assert flipped == []
    assert back / count > 0.99


def test_to_height_keeps_the_aspect_ratio_and_a_minimum_width() -> None:
    assert images.to_height(drawing(300, 100), 64).shape == (64, 192)
    assert images.to_height(drawing(300, 32), 64).shape == (64, 600)
    narrow = images.to_height(np.full((200, 10), 230, np.uint8), 64)
    assert narrow.shape == (64, 32)
    assert (narrow == 230).all()
    assert images.to_height(drawing(10, 5000), 64).shape == (64, 32)


def test_normalise_corrects_illumination_and_contrast() -> None:
    shade = np.linspace(0.4, 1, 600)[None]
    dark_left = (drawing(600) * shade).astype(np.uint8)
    pale = drawing(600, ink=170, paper=210)
    clear = drawing(600, ink=10, paper=250)
    results = [images.normalise(image) for image in (dark_left, pale, clear)]
    for image in results:
        assert np.median(image) > 245
        assert 20 < np.percentile(image, 2) < 90
    assert off(results[1], results[2]) < 10
    assert off(results[0], results[2]) < 10


def test_blank_paper_stays_blank() -> None:
    noise = np.random.default_rng(0).normal(220, 3, (64, 300)).clip(0, 255).astype(np.uint8)
    assert images.normalise(noise).min() > 160
    assert (images.normalise(np.full((64, 300), 17, np.uint8)) == 255).all()
    assert (images.normalise(np.zeros((64, 300), np.uint8)) >= 0).all()


def test_prepare_is_deterministic_and_leaves_its_input_unchanged() -> None:
    image = drawing(300, 90)
    before = image.copy()
    assert np.array_equal(images.prepare(image, 64), images.prepare(image, 64))
    assert np.array_equal(image, before)
    assert images.prepare(image, 64).dtype == np.uint8


@pytest.mark.parametrize("width", [64, 320, 512, 992])
def test_prepare_is_continuous_at_widths_that_are_multiples_of_32(width: int) -> None:
    """One px more or less changes as little there as at neighbouring widths: no scaling, padding or cropping."""
    large, made = drawing(2 * width, 128), []
    for near in range(width - 1, width + 4):
        made.append(images.prepare(cv2.resize(large, (near, 64), interpolation=cv2.INTER_AREA)))
        assert made[-1].shape == (64, near)
    wide = [cv2.resize(picture, (2 * width, 64), interpolation=cv2.INTER_LINEAR) for picture in made]
    steps = [off(one, other) for one, other in zip(wide, wide[1:], strict=False)]
    assert max(steps) < 5 and max(steps[:2]) < 1.3 * min(steps[2:])
    paper = [images.prepare(drawing(width + 1)[:, : width + more])[:, : width - 1] for more in (-1, 0, 1)]
    assert off(paper[0], paper[1]) < 0.1 and off(paper[1], paper[2]) < 0.1


def test_crop_polygon_fills_with_the_background() -> None:
    image = drawing(200, 64, ink=10, paper=200)
    cut = images.crop_polygon(image, [(20, 10), (120, 10), (120, 50), (20, 50)])
    assert cut.shape == (41, 101)
    assert np.array_equal(cut, image[10:51, 20:121])
    triangle = images.crop_polygon(image, [(20, 10), (120, 10), (20, 50)])
    assert triangle[-1, -1] == pytest.approx(200, abs=3)
    assert images.crop_polygon(image, [(-50, -50), (300, -50), (300, 300), (-50, 300)]).shape == image.shape
    with pytest.raises(ImageError, match="outside the picture"):
        images.crop_polygon(image, [(500, 10), (600, 10), (600, 50)])
    with pytest.raises(ImageError, match="has no area"):
        images.crop_polygon(image, [(1, 1), (5, 5)])
