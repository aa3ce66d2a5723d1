"""Room augment: the height is kept, no letter is cut off, strength 0 changes nothing."""

import numpy as np
import pytest

from scriven.augment import Affine, Sampler, augment, blot, crop, mask_spans, pool


def line(width: int = 200, height: int = 64) -> np.ndarray:
    """White paper with a black bar at either end."""
    image = np.full((height, width), 230, np.uint8)
    image[20:44, 2:6] = 20
    image[20:44, width - 6 : width - 2] = 20
    image[28:36, 40 : width - 40 : 8] = 60
    return image


def test_the_rng_determines_the_augmented_picture() -> None:
    image = line()
    first = augment(image, np.random.default_rng(1))
    assert np.array_equal(first, augment(image, np.random.default_rng(1)))
    other = augment(image, np.random.default_rng(2))
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_strength_0_changes_nothing() -> None:
    image = line()
    assert np.array_equal(augment(image, np.random.default_rng(3), strength=0), image)


@pytest.mark.parametrize("shape", [(64, 200), (64, 1200), (48, 90), (64, 7), (100, 300)])
def test_augmentation_keeps_the_height(shape: tuple[int, int]) -> None:
    image = np.full(shape, 200, np.uint8)
    image[shape[0] // 3 : shape[0] // 2, 1:-1] = 50
    for seed in range(30):
        view = augment(image, np.random.default_rng(seed))
        assert view.shape[0] == shape[0] and view.shape[1] >= 0.6 * shape[1] and view.dtype == np.uint8


def test_letters_at_both_ends_are_not_cut_off() -> None:
    for seed in range(200):
        view = augment(line(), np.random.default_rng(seed)).astype(int)
        paper = np.median(view)
        third = view.shape[1] // 4
        for end in (view[:, :third], view[:, -third:]):
            assert (end < paper - 0.3 * (paper - view.min())).sum() > 20, seed


def test_blot_does_not_change_its_input() -> None:
    given = np.full((64, 200), 220, np.uint8)
    given[20:40, 30:90] = 30
    before = given.copy()
    changed = blot(given, Sampler(np.random.default_rng(0)))
    assert np.array_equal(given, before) and not np.array_equal(changed, before)


@pytest.mark.parametrize("share", [0.0, 0.15, 0.5])
def test_masked_spans_are_paper_and_cover_the_given_share(share: float) -> None:
    given = np.full((64, 2000), 230, np.uint8)
    given[10:20] = 20  # a line of ink along the whole picture
    made = [mask_spans(given, np.random.default_rng(seed), share) for seed in range(20)]
    painted = [(one[15] == 230).mean() for one in made]
    expected = 1 - np.exp(-share) if share else 16 / 2000  # spans overlap; at least one
    assert np.mean(painted) == pytest.approx(expected, rel=0.15)
    assert all(np.array_equal(one[30], given[30]) for one in made) and given[15].max() == 20
    narrow = mask_spans(given[:, :5], np.random.default_rng(0), 0.15)
    assert narrow.shape == (64, 5)


def test_blank_paper_can_be_augmented() -> None:
    for level in (0, 128, 255):
        assert augment(np.full((64, 50), level, np.uint8), np.random.default_rng(0)).shape[0] == 64


def test_affine_inverse() -> None:
    forward = Affine.of(slant=0.4, wide=1.2, high=0.9, turn=0.1).scaled(0.8).moved(7, -3)
    back = forward.inverse()
    for x, y in ((0.0, 0.0), (10.0, -4.0), (300.0, 63.0)):
        u, v = forward.a * x + forward.b * y + forward.c, forward.d * x + forward.e * y + forward.f
        assert back.a * u + back.b * v + back.c == pytest.approx(x, abs=1e-6)
        assert back.d * u + back.e * v + back.f == pytest.approx(y, abs=1e-6)


def test_noise_fields_have_mean_128_and_crop_to_any_size() -> None:
    for kind in ("grain", "soft", "cloud", "wide", "fibre"):
        assert abs(float(pool(kind).mean()) - 128) < 3 and 20 < float(pool(kind).std()) < 36
        assert crop(kind, (64, 300), Sampler(np.random.default_rng(0))).shape == (64, 300)
        assert crop(kind, (250, 4000), Sampler(np.random.default_rng(0))).shape == (250, 4000)
