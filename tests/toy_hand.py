"""A slanted hand, and a network trained on it upright: small enough to adapt in a second or two."""

from functools import cache
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.images import encode
from scriven.jobs import adapt as job
from scriven.jobs.adapt import AdaptSettings
from scriven.language.model import CharLM
from scriven.lines import Line, LinesWriter
from scriven.reader.model import Graph, ModelInfo, write_info
from scriven.recognisers import build
from scriven.recognisers.export import export, inference_graphs
from scriven.scribes.typefaces import bundled
from scriven.selftrain import prior as prior_module
from scriven.selftrain import pseudo_labels as labelling
from scriven.selftrain import rounds as rounds_module
from scriven.selftrain import settings as settings_module
from scriven.selftrain import students as students_module
from scriven.selftrain import time_budget
from scriven.tensors import collate
from scriven.text import Charset
from scriven.training import fit as fitting
from scriven.training.checkpoint import load_net, save_weights
from scriven.training.quantise import store_fp16

WORDS = ("ink", "paper", "quill", "letter", "seal", "wax", "desk", "folio", "hand", "script")


def picture(text: str, lean: float = 0.0) -> np.ndarray:
    image = np.full((64, 26 * len(text) + 40), 255, np.uint8)
    cv2.putText(image, text, (20, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
    matrix = np.array([[1, -lean, 32 * lean], [0, 1, 0]], np.float32)
    return cv2.warpAffine(image, matrix, (image.shape[1], 64), borderValue=(255,))


@cache
def trained():
    """A network that reads upright drawn words, trained once per process, with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = build("convtext", Charset.of(["abcdefghijklmnopqrstuvwxyz .,"]), size="tiny")
    batch = collate([picture(w) for w in WORDS], WORDS)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(75):
        optimizer.zero_grad()
        net.loss(batch).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    torch.set_num_threads(threads)
    return net


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """The trained network as a model folder without its graph."""
    net = trained()
    folder = tmp_path_factory.mktemp("parent")
    save_weights(folder, net)
    write_info(
        folder,
        ModelInfo(
            name="drawn",
            network="convtext",
            sizes={"size": "tiny"},
            charset=net.charset.characters,
            graphs={"reader": Graph()},
            languages=["en"],
        ),
    )
    return folder


@pytest.fixture(autouse=True)
def small_world(monkeypatch):
    """One thread, three typefaces, a language of ten words, no export, to be fast; the rest is tested elsewhere."""
    torch.set_num_threads(1)
    faces = tuple(f for f in bundled() if f.id in ("caveat", "kalam", "homemade-apple"))
    assert len(faces) == 3
    monkeypatch.setattr("scriven.scribes.fonts.bundled", lambda: faces)
    monkeypatch.setattr(prior_module, "language_model", lambda name: CharLM.train(WORDS * 3, order=3))
    monkeypatch.setattr("scriven.training.publish.export", lambda net, path: path.write_bytes(b"graph"))


def folder(path, texts=None, lean=0.15):
    with LinesWriter(path, {}) as writer:
        for i in range(30):
            word = WORDS[i % len(WORDS)]
            text = word if texts is None else texts[i]
            writer.write(Line(f"p{i}", encode(picture(word, lean + 0.002 * i)), text))
    return path


def settings(**changes):
    return AdaptSettings(
        **{"steps": 2, "affine_steps": 0, "rounds": 1, "batch_width_px": 900, "language": "en", **changes}
    )


def accepting(monkeypatch):
    """Every round is accepted, regardless of its metrics."""
    monkeypatch.setattr(rounds_module, "rejection", lambda new, old: None)
    monkeypatch.setattr(rounds_module, "drift", lambda new, first: None)


def rejecting(monkeypatch):
    """Every round is rejected."""
    monkeypatch.setattr(rounds_module, "rejection", lambda new, old: "it is worse")


def counted(monkeypatch):
    """The settings of each training from now on."""
    fit, given = students_module.fit, []

    def fitted(run, plan, valid, chosen, *rest):
        given.append(chosen)
        return fit(run, plan, valid, chosen, *rest)

    monkeypatch.setattr(students_module, "fit", fitted)
    return given


def cut(call, monkeypatch, name, at=1):
    """Call, and interrupt at the `at`-th call of the function `name` of the job or of the rounds."""
    place = next(one for one in (job, rounds_module, students_module) if hasattr(one, name))
    real, calls = getattr(place, name), []

    def stopping(*arguments):
        calls.append(name)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(place, name, stopping)
        with pytest.raises(KeyboardInterrupt):
            call()


def same_weights(a, b):
    one, other = (load_file(folder / "weights.safetensors") for folder in (a, b))
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.fixture(scope="module")
def published(parent, tmp_path_factory):
    """The parent as a finished folder: its graph and its weights in 16 bits, confidences calibrated."""
    made = tmp_path_factory.mktemp("published")
    net, info = load_net(parent)
    export(inference_graphs(net)["reader"], made / "plain.onnx")
    store_fp16(made / "plain.onnx", made / "small.onnx")
    (made / "plain.onnx").unlink()
    save_weights(made, net, half=True)
    changes = {
        "graphs": {"reader": Graph(file="small.onnx", precision="fp16")},
        "temperature": 0.9,
        "calibration": (0.1, 0.8),
    }
    write_info(made, info.model_copy(update=changes))
    return made


@pytest.fixture
def clock(monkeypatch):
    """A clock that advances in training only: 24 seconds per batch."""
    now, step = [0.0], fitting.training_step

    def stepped(*arguments):
        now[0] += 24
        return step(*arguments)

    timed = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(fitting, "training_step", stepped)
    monkeypatch.setattr(fitting, "time", timed)
    for place in (job, rounds_module, students_module, labelling, time_budget):
        monkeypatch.setattr(place, "time", timed)
    monkeypatch.setattr(settings_module, "MIN_ROUND", 0.5)
    return now
