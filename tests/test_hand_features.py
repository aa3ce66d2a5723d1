"""The network of hands and its recipe: batches, training that resumes exactly, which lines are used, verification."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from scriven.images import encode
from scriven.judging.pictures import HEIGHT, ink_of
from scriven.lines import Line, LinesWriter
from scriven.training import hand_batches, hand_fit
from scriven.training.checkpoint import resume, save_state
from scriven.training.hand_batches import HandBatches, HandPictures, varied
from scriven.training.hand_fit import HandRun, accuracy, embeddings, fit_hands
from scriven.training.settings import FitSettings
from toy_pictures import drawn
from toy_recipes import _recipes_on_the_path, module  # noqa: F401


@pytest.fixture
def pictures() -> HandPictures:
    """Eight words in each of two hands: thin upright letters, and letters upside down."""
    found = HandPictures()
    for i in range(8):
        picture = drawn(f"word {i}", i)
        found.add(picture, 0)
        found.add(np.ascontiguousarray(picture[::-1]), 1)
    return found


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand_batches, "AREA", 1024)
    monkeypatch.setattr(hand_fit, "EVALUATIONS", 2)


def test_a_batch_depends_on_its_number_and_seed_alone(pictures: HandPictures) -> None:
    batches = HandBatches(pictures, range(16), [0, 1], (0.5, 0.5), 3)
    images, widths, hands = batches.batch(5)
    again = HandBatches(pictures, range(16), [0, 1], (0.5, 0.5), 3)
    again.batch(0)
    assert all(torch.equal(a, b) for a, b in zip((images, widths, hands), again.batch(5), strict=True))
    assert not torch.equal(images[:1], HandBatches(pictures, range(16), [0, 1], (0.5, 0.5), 4).batch(5)[0][:1])
    assert images.shape[1:3] == (1, HEIGHT) and images.min() >= 0 and images.max() <= 1
    for image, width in zip(images, widths, strict=True):
        assert not image[..., int(width) :].any()
    assert {int(h) for n in range(8) for h in batches.batch(n)[2]} == {0, 1}
    only = HandBatches(pictures, range(16), [0, 1], (1.0, 0.0), 3)
    assert {int(h) for n in range(8) for h in only.batch(n)[2]} == {0}


def test_varied_ink_keeps_its_letters(pictures: HandPictures) -> None:
    """What is varied moves the ink and its thickness little: it still covers most of what it covered."""
    ink = ink_of(pictures.images.get(0))
    changes, covers = [], []
    for seed in range(40):
        other = varied(ink, np.random.default_rng(seed))
        assert other.shape == ink.shape and other.dtype == np.float32 and 0 <= other.min() <= other.max() <= 1
        changes.append(float(np.abs(other - ink).mean()))
        covers.append(float((other[:, 20:60] > 0.2).any(0).mean()))
    assert min(changes) > 0.005 and np.median(covers) > 0.6


def test_training_resumes_exactly(pictures: HandPictures, tmp_path: Path) -> None:
    batches = HandBatches(pictures, range(16), [0, 1], (0.5, 0.5), 0)
    settings = FitSettings(steps=4, lr=4e-3, weight_decay=0.02)

    def none(run: HandRun, row: dict[str, object]) -> None:
        if run.progress.step == 2:
            save_state(tmp_path, run, asdict(settings), {})

    whole = HandRun.begin(2, settings)
    fit_hands(whole, batches, settings, none)
    assert [row["step"] for row in whole.progress.rows] == [2, 4]
    rest = HandRun.begin(2, settings)
    assert resume(tmp_path, rest, asdict(settings), {}, Fabric(accelerator="cpu", devices=1))
    assert rest.progress.step == 2
    fit_hands(rest, batches, settings, none)
    for name, value in whole.average.state_dict().items():
        assert torch.allclose(value, rest.average.state_dict()[name], atol=1e-6), name


def test_pictures_are_embedded_in_their_order(pictures: HandPictures) -> None:
    net = HandRun.begin(2, FitSettings(steps=1, lr=1e-3, weight_decay=0.0)).average
    together = embeddings(net, pictures, range(16))
    for i in (0, 7, 15):
        assert torch.allclose(embeddings(net, pictures, [i])[0], together[i], atol=1e-5)
    assert 0 <= accuracy(net, pictures, range(16)) <= 1


def collection(place: Path, level: str, lines: dict[str, str]) -> None:
    made = place / "made" / level
    with LinesWriter(made, {}) as writer:
        for split in ("train", "test"):
            for id, hand in lines.items():
                writer.write(Line(id, encode(drawn("word")), "word", hand=hand), split)
    for split in ("train", "test"):
        (place / split).mkdir(parents=True, exist_ok=True)
        (made / f"{split}-00000.parquet").rename(place / split / f"{level}.parquet")


def test_unseen_hands_are_left_out_and_words_go_with_their_lines(tmp_path: Path) -> None:
    recipe = module("hand-features")
    for name in ("copiste_fr", "peraire_fr"):
        collection(tmp_path / name, "lines", {f"{name}/p/{i:03d}": "a" if i < 8 else "b" for i in range(10)})
        collection(tmp_path / name, "words", {f"{name}/p/{i:03d}/00": "a" for i in range(4)})
    found = [(hand, line.id) for hand, _, line in recipe.of_collections(tmp_path, 4)]
    assert {hand for hand, _ in found} == {"copiste_fr/a", "copiste_fr/b"}
    assert len(found) == 4 + 2 + 4  # four lines of a, evenly over them, two of b, and four words
    assert len({id for _, id in found}) == len(found)
    held = [recipe.held_out(f"copiste_fr/p/{i:03d}") for i in range(300)]
    assert 15 < sum(held) < 45
    assert all(recipe.held_out(f"copiste_fr/p/{i:03d}/{w:02d}") == held[i] for i in range(300) for w in (0, 7))


def test_verification_has_its_closed_forms() -> None:
    verify = module("_verify.py")
    same = np.array([True] * 4 + [False] * 4)
    assert verify.equal_error_rate(np.array([1.0, 2, 3, 4, 5, 6, 7, 8]), same) == 0
    assert verify.equal_error_rate(np.array([1.0, 2, 3, 6, 4, 5, 7, 8]), same) == 0.25
    features = np.array([[1.0, 0], [0.99, 0.1], [0, 1], [0.1, 0.99]])
    assert verify.retrieved(features, ["a", "a", "b", "b"]) == (1.0, 0.0)
    assert verify.retrieved(features, ["a", "b", "a", "b"])[0] == 0
