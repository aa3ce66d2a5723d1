"""The augmentation of earlier systems: CLAHE, rotation, thresholds, JPEG, the weak and strong sets, and their names."""

from collections.abc import Callable
from dataclasses import asdict, fields

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriven.augment import SETS, AugmentSettings, Sampler, SetName, augment, settings_of
from scriven.augment.changes import LEAST_SCALE, STRONG, clahe, placed, rotate, strong, threshold, weak
from scriven.augment.settings import NONE
from scriven.augment.writing import writing
from scriven.base import SettingsError
from scriven.training.loader import AugmentSchedule
from scriven.training.settings import FitSettings
from test_blots import line

OFF_BY_DEFAULT = ("strike", "scribble", "stain", "rotate", "threshold", "clahe", "weak", "strong")
SHAPES = [(64, 200), (64, 1024), (64, 1), (1, 1), (1, 50), (5, 7), (64, 7), (100, 300)]
each_set = pytest.mark.parametrize("name", list(SETS))


def alone(**changes: object) -> AugmentSettings:
    """Only the given settings on."""
    return settings_of("none", changes)


def test_the_default_has_none_of_them() -> None:
    assert SETS["default"] == AugmentSettings()
    assert not any(getattr(AugmentSettings(), name) for name in OFF_BY_DEFAULT)
    assert (
        FitSettings(steps=1).augmentation == "default"
        and AugmentSchedule.of(FitSettings(steps=1)).augment == SETS["default"]
    )


def test_what_is_off_takes_no_random_number() -> None:
    """The pictures of the default set do not depend on the settings of what is off."""
    other = AugmentSettings(rotate_most=40, marks=(7, 9))
    for seed in range(20):
        views = [augment(line(), np.random.default_rng(seed), 1.0, chosen) for chosen in (AugmentSettings(), other)]
        assert np.array_equal(*views)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_empty_set_changes_nothing(shape: tuple[int, int]) -> None:
    image = line(shape[1], shape[0])
    for seed in range(10):
        made = augment(image, np.random.default_rng(seed), 1.0, NONE)
        assert np.array_equal(made, image) and made is not image


@each_set
@pytest.mark.parametrize("shape", SHAPES)
def test_sets_keep_height_and_type_and_depend_on_the_seed_alone(name: SetName, shape: tuple[int, int]) -> None:
    for image in (line(shape[1], shape[0]), np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8)):
        before = image.copy()
        for seed in range(5):
            made = augment(image, np.random.default_rng(seed), 1.0, SETS[name])
            assert made.shape[0] == shape[0] and made.shape[1] >= 1 and made.dtype == np.uint8
            assert np.array_equal(made, augment(image, np.random.default_rng(seed), 1.0, SETS[name]))
        assert np.array_equal(image, before)


@each_set
def test_strength_0_changes_nothing(name: SetName) -> None:
    assert np.array_equal(augment(line(), np.random.default_rng(0), 0.0, SETS[name]), line())


@pytest.mark.parametrize("name", OFF_BY_DEFAULT)
def test_each_is_applied_as_often_as_its_probability_says(name: str) -> None:
    image = np.clip(line(200) + np.random.default_rng(0).normal(0, 3, (64, 200)), 0, 255).astype(np.uint8)
    full = 13 if name == "strong" else 1
    always = [augment(image, np.random.default_rng(s), 1.0, alone(**{name: full})) for s in range(60)]
    assert sum(one.shape != image.shape or not np.array_equal(one, image) for one in always) >= 57
    if name not in ("strong", "weak"):
        some = [augment(image, np.random.default_rng(s), 1.0, alone(**{name: 0.3})) for s in range(200)]
        changed = np.mean([one.shape != image.shape or not np.array_equal(one, image) for one in some])
        assert changed == pytest.approx(0.3, abs=0.1)


@given(
    shape=st.tuples(st.integers(1, 80), st.integers(1, 300)),
    seed=st.integers(0, 2**32 - 1),
    turn=st.floats(-0.6, 0.6),
    slant=st.floats(-0.4, 0.4),
)
@settings(max_examples=100, deadline=None)
def test_rotated_and_sheared_pictures_of_any_size_keep_their_height(
    shape: tuple[int, int], seed: int, turn: float, slant: float
) -> None:
    image = line(shape[1], shape[0])
    sampler = Sampler(np.random.default_rng(seed))
    for change in ({"turn": turn}, {"slant": slant}, {"fall": slant}):
        made = placed(image, sampler, **change)
        assert made.shape[0] == shape[0] and made.dtype == np.uint8


@pytest.mark.parametrize("width", [100, 400, 1024])
def test_rotation_cuts_off_no_letter_and_reduces_none_too_far(width: int) -> None:
    image = np.full((64, width), 230, np.uint8)
    image[20:44, 2:6] = image[20:44, width - 6 : width - 2] = 20
    image[30:34, 2 : width - 2] = 20
    ink = (230.0 - image).sum()
    angles = set()
    for seed in range(60):
        made = rotate(image, 3.0, Sampler(np.random.default_rng(seed)))
        left = np.maximum(230.0 - made, 0).sum()
        assert left > (LEAST_SCALE - 0.02) ** 2 * 0.95 * ink
        for end in (made[:, : made.shape[1] // 8], made[:, -made.shape[1] // 8 :]):
            assert (end < 120).sum() > 20
        heights = [np.flatnonzero(made[:, x] < 160).mean() for x in (width // 5, made.shape[1] - width // 5)]
        angles.add(round(float(np.diff(heights)[0])))
    assert len(angles) > 4 and min(angles) < 0 < max(angles)


def test_a_threshold_whitens_the_paper_and_keeps_faint_words() -> None:
    image = line(ink=30, paper=220)
    image[22:46, 330:] = np.where(image[22:46, 330:] == 30, 150, 220)  # fainter words from here on
    for seed in range(20):
        made = threshold(image, Sampler(np.random.default_rng(seed)))
        assert (made[image == 220] == 255).all() and np.array_equal(made[image < 220], image[image < 220])


def test_a_threshold_is_drawn_for_every_word() -> None:
    image = line()
    ramp = np.linspace(240, 40, 24)[:, None].astype(np.uint8)
    image[22:46] = np.where(image[22:46] == 40, ramp, image[22:46])
    made = threshold(image, Sampler(np.random.default_rng(0)))
    found = writing(image)
    assert found is not None
    about = found[0].words
    limits = {int(made[:, left:right][made[:, left:right] < 255].max()) for left, right in about}
    assert len(about) >= 3 and len(limits) >= 3


def test_clahe_raises_local_contrast() -> None:
    faint = line(ink=200, paper=220)
    made = clahe(faint, Sampler(np.random.default_rng(0)))
    assert made.shape == faint.shape and made.std() > faint.std()


def test_jpeg_qualities_of_the_settings_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, encode = [], cv2.imencode

    def spy(kind: str, image: np.ndarray, options: tuple[int, int]) -> object:
        seen.append(options[1])
        return encode(kind, image, options)

    monkeypatch.setattr(cv2, "imencode", spy)
    for seed in range(200):
        augment(line(), np.random.default_rng(seed), 1.0, SETS["stackmix"])
    assert 60 < len(seen) < 140 and 75 <= min(seen) < 80 and 95 < max(seen) <= 100


def test_the_weak_set_rotates_adds_noise_and_blurs() -> None:
    image = line()
    assert np.array_equal(weak(image, 0.0, Sampler(np.random.default_rng(0))), image)
    views = [weak(image, 0.4, Sampler(np.random.default_rng(seed))) for seed in range(150)]
    same = np.mean([v.shape == image.shape and np.array_equal(v, image) for v in views])
    assert same == pytest.approx(0.6**3, abs=0.1)
    bare = np.full((64, 200), 128, np.uint8)
    noise = [float(weak(bare, 0.4, Sampler(np.random.default_rng(seed))).std()) for seed in range(60)]
    assert max(noise) == pytest.approx(10, abs=0.4) and min(noise) == 0  # blurred noise lies in between


@pytest.mark.parametrize("number", range(13))
def test_each_strong_operation_keeps_the_height_and_does_nothing_at_strength_0(number: int) -> None:
    operation: Callable[[np.ndarray, Sampler, float], np.ndarray] = STRONG[number]
    for shape in SHAPES:
        for image in (line(shape[1], shape[0]), np.full(shape, 255, np.uint8)):
            for seed in range(4):
                made = operation(image, Sampler(np.random.default_rng(seed)), 1.0)
                assert made.shape[0] == shape[0] and made.shape[1] >= 1 and made.dtype == np.uint8
            assert np.array_equal(operation(image, Sampler(np.random.default_rng(0)), 0.0), image)


def test_the_strong_set_takes_different_operations() -> None:
    image, names = line(), []
    views = [strong(image, 2, Sampler(np.random.default_rng(seed))) for seed in range(40)]
    assert len({v.tobytes() for v in views}) > 25
    assert np.array_equal(strong(image, 0, Sampler(np.random.default_rng(0))), image)
    names = [operation.__name__ for operation in STRONG]
    assert len(names) == len(set(names)) == 13
    assert strong(image, 99, Sampler(np.random.default_rng(0))).dtype == np.uint8


def test_strong_translations_keep_all_ink() -> None:
    image = line()
    moves = [operation for operation in STRONG if "translate" in operation.__name__]
    assert len(moves) == 2
    for move in moves:
        for seed in range(30):
            made = move(image, Sampler(np.random.default_rng(seed)), 1.0)
            assert (made == 40).sum() == (image == 40).sum()


@each_set
def test_every_set_is_a_setting_of_train(name: SetName) -> None:
    chosen = AugmentSchedule.of(
        FitSettings(steps=1, augmentation=name, augment={"stain": "0.5", "marks": "2,3"}, ramp=3)
    )
    wanted = {**asdict(SETS[name]), "stain": 0.5, "marks": (2, 3)}
    assert asdict(chosen.augment) == wanted and chosen.ramp == 3


def test_values_need_not_be_text() -> None:
    assert settings_of("none", {"stain": 0.5, "marks": [2, 3], "clahe": "0.25"}) == alone(
        stain=0.5, marks=(2, 3), clahe=0.25
    )


@pytest.mark.parametrize(
    ("named", "changes", "message"),
    [
        ("default", {"stan": "1"}, "did you mean 'stain'"),
        ("default", {"stan": 1}, "did you mean 'stain'"),
        ("default", {"stain": "2"}, "'stain' is 2"),
        ("default", {"marks": "3,1"}, "smaller number first"),
        ("default", {"strong": "14"}, "at most 13"),
        ("weaker", {}, "default or none or blots"),
    ],
)
def test_wrong_settings_are_refused(named: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        FitSettings(steps=1, augmentation=named, augment=changes)  # type: ignore[arg-type]


def test_no_probability_was_forgotten_in_the_empty_set() -> None:
    kept = {f.name for f in fields(AugmentSettings) if getattr(NONE, f.name)}
    assert kept == {"wide", "high", "jpeg_quality", "marks", "rotate_most"}
