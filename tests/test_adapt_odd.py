"""Adapting to pictures without handwriting: the parent's weights are kept, with a reason, or the model improves."""

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.base import InputError, OutputError
from scriven.images import encode, prepare
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.jobs.train import fabric_of
from scriven.lines import Line, LinesWriter
from scriven.metrics import score
from scriven.reader.model import find_model
from scriven.scribes.fonts.scribe import FontScribe
from scriven.scribes.typefaces import bundled
from scriven.selftrain.metrics import reader_of, readings
from scriven.training.checkpoint import load_net
from toy_bad_input import full_disk
from toy_hand import WORDS, folder, parent, picture, settings, small_world  # noqa: F401


def noise(i: int) -> np.ndarray:
    return np.random.default_rng(i).integers(0, 255, (64, 180), np.uint8)


def drawing(i: int) -> np.ndarray:
    image = np.full((64, 240), 250, np.uint8)
    cv2.ellipse(image, (60 + 3 * i, 32), (40, 20), 5.0 * i, 0, 300, 60, 2)
    cv2.rectangle(image, (140, 10), (220 - i, 50), 40, 3)
    return image


def russian(i: int) -> np.ndarray:
    faces = [face for face in bundled() if "щ" in face][:4]
    words = ("чернила", "бумага", "письмо", "рука")
    return FontScribe(faces).write(words[i % 4], np.random.default_rng(i)).picture


def form(i: int) -> np.ndarray:
    """Every other picture is printed."""
    if i % 2:
        return picture(("ink", "paper", "quill", "letter")[i // 2 % 4], 0.2)
    image = np.full((64, 300), 255, np.uint8)
    cv2.putText(image, f"Form No. {i}", (10, 40), cv2.FONT_HERSHEY_TRIPLEX, 1.0, 0, 1)
    return image


def printed(i: int) -> np.ndarray:
    image = np.full((64, 360), 255, np.uint8)
    cv2.putText(image, f"{WORDS[i % 10]} {i}", (10, 42), cv2.FONT_HERSHEY_TRIPLEX, 1.0, 0, 2)
    return image


ODD = {
    "alike": lambda i: picture("ink", 0.2 + 0.002 * i),
    "noise": noise,
    "drawing": drawing,
    "russian": russian,
    "form": form,
    "printed": printed,
}


@pytest.mark.parametrize("kind", ODD)
def test_pictures_without_handwriting_never_make_a_model_worse(kind, parent, tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(20):
            writer.write(Line(f"p{i}", encode(ODD[kind](i))))
    done = adapt(
        [tmp_path / "lines"], tmp_path / "m", parent=parent, settings=settings(lr=0.3)
    )  # a rate that destroys the weights
    assert not done.helped and done.why
    old, kept = load_file(parent / "weights.safetensors"), load_file(tmp_path / "m" / "weights.safetensors")
    assert all(torch.equal(old[k], kept[k]) for k in old)
    page = (tmp_path / "m" / "report.html").read_text()
    assert "the weights of the parent are kept" in page and done.why.split("(")[0].strip() in page


@pytest.mark.slow
@pytest.mark.parametrize("kind", ODD)
def test_at_the_usual_learning_rate_pictures_without_handwriting_do_little_harm(kind, tmp_path):
    """A bundled model with default settings, affine round included, still reads what it read before."""
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(20):
            writer.write(Line(f"p{i}", encode(ODD[kind](i))))
    usual = AdaptSettings(language="en", steps=5, affine_steps=5, rounds=2, batch_width_px=1500)
    done = adapt([tmp_path / "lines"], tmp_path / "m", parent="scriven-synthetic", settings=usual)
    assert done.sentence() and (done.helped or done.why)
    scribe, said = FontScribe(bundled()), [f"{word} {other}" for word in WORDS for other in WORDS[:4]]
    shown, rates = (
        [(str(i), prepare(scribe.write(t, np.random.default_rng(i)).picture)) for i, t in enumerate(said)],
        [],
    )
    for model in (find_model("scriven-synthetic"), tmp_path / "m"):
        net, info = load_net(model)
        reader = reader_of(net, info, fabric_of(usual.training(steps=1)))
        rates.append(score(said, [r.text for r in readings(reader, shown)]).cer)
    assert rates[0] < 0.1 and rates[1] <= rates[0] + 0.03


def test_pictures_in_another_alphabet_than_the_texts_are_refused(parent, tmp_path):
    (tmp_path / "texts.txt").write_text("чернила бумага письмо рука\n" * 30)
    given = settings(texts=str(tmp_path / "texts.txt"))
    with pytest.raises(InputError, match="the model cannot write the texts"):
        adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=given)
    assert not (tmp_path / "m").exists()


def test_a_full_disk_is_reported_and_the_run_can_be_resumed(parent, tmp_path):
    lines = folder(tmp_path / "lines")
    with full_disk(60_000), pytest.raises(OutputError, match="cannot (write|keep) .*free some"):
        adapt([lines], tmp_path / "m", parent=parent, settings=settings())
    assert not (tmp_path / "m" / "model.json").exists()
    done = adapt([lines], tmp_path / "m", parent=parent, settings=settings())
    assert (tmp_path / "m" / "model.json").exists() and len(done.rounds) == 2
    assert not list((tmp_path / "m").rglob("*.part"))
