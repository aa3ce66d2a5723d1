"""Invalid settings are refused in one sentence, before anything is written to the output path."""

import sys

import cv2
import numpy as np
import pytest
import torch

from scriven.base import SettingsError
from scriven.base.settings import override
from scriven.images import encode
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.jobs.read import ReadSettings
from scriven.jobs.train import TrainSettings, check_available, fabric_of, train
from scriven.lines import Line, LinesWriter
from scriven.reader.model import Graph, ModelInfo, write_info
from scriven.recognisers import build
from scriven.scribes.fonts import FontSettings
from scriven.scribes.fonts.scribe import FontScribe
from scriven.scribes.typefaces import bundled
from scriven.text import Charset
from scriven.training.checkpoint import save_weights

TRAIN = (
    "steps=0", "lr=-1", "lr=0", "workers=-1", "weights=0", "weights=-1,2", "devices=0", "ema=2", "validate_on=0",
    "validate_fonts=0", "batch_width_px=0", "level=foo", "replicas=0", "device=foo", "precision=foo", "warmup=2",
    "clip=0",
    "evaluations=0", "patience=0", "ramp=-1", "smoothing=-1", "weight_decay=-1", "lines=2", "seed=-1", "lr=inf",
    "seed=4294967296", "schedule=linear", "thaw=2", "layer_decay=0", "layer_decay=2", "optimiser=sgd", "betas=0.9",
    "betas=1,0.9", "rho=1", "eps=0", "usage=0", "usage=2", "replay=1", "replay=-1", "forgetting=-1", "gate=maybe",
)  # fmt: skip
ADAPT = (
    "steps=0", "minutes=-1", "rounds=0", "keep_fraction=0", "keep_fraction=2", "synthetic_fraction=2", "held_out=1",
    "lr=-1", "ema=2",
    "batch_width_px=0", "level=both", "device=foo", "precision=foo", "seed=-1",
    "augmentation=foo", "consistency=-1", "consistency_threshold=2", "consistency_augmentation=foo",
)  # fmt: skip
READ = ("beam=-1", "alpha=inf", "cut=2", "blank=0", "threads=0", "threads=1000000")
FONTS = (
    "height=0", "height=100000", "hands=0", "strength=5", "strength=-1", "x_height=30,10", "x_height=0,10", "seed=-1",
    "print=-1", "blur=2", "pace=0,1", "noise_most=-1",
)  # fmt: skip


def told(result, *words):
    """Check that the command ended with exit code 2 and one sentence that contains these words."""
    code, out, err = result
    assert (code, out) == (2, ""), result
    last = err.splitlines()[-1]
    assert last.startswith("scriven: ") and "Traceback" not in err, err
    for word in words:
        assert word in last, last


def lines(path):
    with LinesWriter(path, {}) as writer:
        for i in range(12):
            image = np.full((64, 150), 255, np.uint8)
            cv2.putText(image, "ink", (15 + i, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
            writer.write(Line(f"p{i}", encode(image), "ink"))
    return path


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    torch.manual_seed(0)
    net = build("convtext", Charset.of(["abcdefghijklmnopqrstuvwxyz "]), size="tiny")
    folder = tmp_path_factory.mktemp("parent")
    save_weights(folder, net)
    info = ModelInfo(
        network="convtext",
        sizes={"size": "tiny"},
        charset=net.charset.characters,
        graphs={"reader": Graph()},
        languages=["en"],
    )
    write_info(folder, info)
    return folder


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize(
    ("start", "change"),
    [
        *((TrainSettings(steps=1), change) for change in TRAIN),
        *((TrainSettings(minutes=1.0), f"minutes={minutes}") for minutes in ("-1", "0", "inf")),
        *((AdaptSettings(), change) for change in ADAPT),
        *((ReadSettings(), change) for change in READ),
        *((FontSettings(), change) for change in FONTS),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_invalid_settings_are_refused_by_name(start, change):
    with pytest.raises(SettingsError, match=f"'{change.partition('=')[0]}'"):
        override(start, [change])


@pytest.mark.parametrize("change", ["weights=0,1", "ema=0", "workers=0", "patience=1", "level=both", "lines=1", "lr=1"])
def test_limits_of_settings_are_inclusive(change):
    assert override(TrainSettings(steps=1), [change]) != TrainSettings(steps=1)


@pytest.mark.parametrize("change", ["height=16", "height=512", "x_height=2,2", "x_height=64,64", "strength=0"])
def test_scribe_settings_work_at_their_limits(change):
    scribe = FontScribe(bundled()[:2], override(FontSettings(), [change]))
    picture = scribe.write("ink and quill", np.random.default_rng(0)).picture
    assert picture.shape[0] == scribe.settings.height and picture.min() < picture.max()


@pytest.mark.parametrize(
    "changes",
    [{"device": "cuda"}, {"device": "mps"}, {"precision": "16-mixed"}, {"device": "mps", "devices": 2}],
    ids=str,
)
def test_unavailable_devices_are_refused(changes, no_gpu):
    with pytest.raises(SettingsError, match=r"'(device|precision)' is .*; use "):
        fabric_of(TrainSettings(steps=1, **changes))


def test_more_devices_than_available_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_available(TrainSettings(steps=1, device="cuda", devices=2))
    with pytest.raises(SettingsError, match="'devices' is 3, but this machine has 2"):
        check_available(TrainSettings(steps=1, device="cuda", devices=3))


@pytest.mark.parametrize(
    "changes", [("device=cuda",), ("precision=foo",), ("keep_fraction=0",), ("language=nolanguage",)]
)
def test_a_refused_adapt_leaves_its_output_path_free(changes, tmp_path, parent, scriven, no_gpu):
    given = ("adapt", lines(tmp_path / "lines"), "-o", tmp_path / "m", "-m", parent)
    told(scriven(*given, *(f"--set={change}" for change in changes)))
    assert not (tmp_path / "m").exists()


def test_an_adapt_without_language_model_leaves_its_output_path_free(tmp_path, parent, monkeypatch):
    """The folder is only marked as begun once the language model has been made."""

    def fails(name):
        raise SettingsError("no language model")

    monkeypatch.setattr(sys.modules["scriven.selftrain.prior"], "language_model", fails)
    with pytest.raises(SettingsError, match="no language model"):
        adapt(
            [lines(tmp_path / "lines")],
            tmp_path / "m",
            parent=parent,
            settings=AdaptSettings(device="cpu", precision="32-true", language="en"),
        )
    assert not (tmp_path / "m").exists()


def test_a_refused_train_leaves_its_output_path_free(tmp_path, no_gpu, monkeypatch):
    """It is refused before anything is read."""
    monkeypatch.setattr(
        sys.modules["scriven.jobs.train_network"], "characters", lambda *_: pytest.fail("lines were read")
    )
    with pytest.raises(SettingsError, match="'device' is cuda"):
        train([tmp_path / "lines"], tmp_path / "m", settings=TrainSettings(steps=1, device="cuda"))
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("train", "fonts:en", "--steps", "0"), "steps"),
        (("train", "fonts:en", "--minutes", "-1"), "minutes"),
        (("train", "fonts:en", "--steps", "1", "--set", "weights=0"), "weights"),
        (("write", "--texts", "words:en", "-n", "0"), "count"),
        (("write", "--texts", "words:en", "-n", "2", "--seed", "-1"), "seed"),
        (("write", "--texts", "words:en", "-n", "2", "--workers", "-1"), "workers"),
        (("write", "--texts", "words:en", "-n", "2", "--set", "strength=5"), "strength"),
        (("import", "filename", ".", "--set", "separator="), "separator"),
        (("adapt", ".", "--set", "synthetic_fraction=2"), "synthetic_fraction"),
        (("read", ".", "--beam", "-1"), "beam"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_commands_refuse_invalid_settings_and_write_nothing(arguments, name, tmp_path, scriven):
    told(scriven(*arguments, "-o", tmp_path / "out"), f"'{name}'", ";")
    assert not (tmp_path / "out").exists()
