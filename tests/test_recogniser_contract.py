"""The contract of a recogniser, over every network in RECOGNISERS and a toy of another height and stride."""

import copy
import logging
import unicodedata

import cv2
import numpy as np
import onnxruntime
import pytest
import torch

from scriven.base import SettingsError, TextError
from scriven.images import encode, prepare
from scriven.jobs.adapt import adapt
from scriven.jobs.read import read
from scriven.jobs.train import TrainSettings, train
from scriven.lines import Line, LinesWriter
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import ModelInfo, write_info
from scriven.reader.session import Picture, Reader
from scriven.reader.trainable import InputSpec
from scriven.recognisers import RECOGNISERS, build
from scriven.recognisers.convtext import ConvText
from scriven.recognisers.ctc_head import ctc_loss, grown_rows
from scriven.recognisers.export import export, inference_graphs
from scriven.selftrain.metrics import reader_of
from scriven.selftrain.settings import AdaptSettings
from scriven.tensors import collate, length_mask
from scriven.text import Charset
from scriven.training import fit as fitting
from scriven.training.checkpoint import load_net, load_tensors, save_weights
from scriven.training.consistency import Consistency, Views
from scriven.training.devices import fabric_of
from scriven.training.loader import Mixture, Plan
from scriven.training.settings import FitSettings
from toy_networks import SMALL
from toy_recogniser import ToyNetwork

TEXTS = ("ink", "paper on", "a quill", "dip it")
NETWORKS = {**RECOGNISERS, "convtext, two heads": ConvText, "toy": ToyNetwork}


def drawn(text: str, height: int = 64) -> np.ndarray:
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.0, 2)
    picture = np.full((64, width + 32), 255, np.uint8)
    cv2.putText(picture, text, (6, 42), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.0, 0, 2)
    wide = cv2.resize(
        picture, (picture.shape[1] * 64 // height, 64)
    )  # the same number of frames per letter at every height
    return prepare(wide, height)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    for name in ("toy", "convtext, two heads"):
        monkeypatch.setitem(RECOGNISERS, name, NETWORKS[name])


SLOW = {"trba", "resnet34", "lafhtr"}  # networks that take half a minute to overfit


@pytest.fixture(scope="module", params=[pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in NETWORKS])
def learnt(request):
    """A network of each kind that was overfitted to four drawn lines."""
    torch.manual_seed(0)
    net = NETWORKS[request.param](Charset.of(TEXTS), **SMALL[request.param])
    batch = collate([drawn(t, net.height) for t in TEXTS], TEXTS)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(900):  # the number needed depends on the processor
        optimizer.zero_grad()
        loss = net.loss(batch)
        if loss < (0.1 if request.param in SLOW else 0.005):
            break
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    for _ in range(10):  # let the statistics of the norms settle
        net.loss(batch)
    return request.param, net.eval(), batch


def test_overfits_four_lines(learnt):
    _, net, batch = learnt
    assert net.read(batch) == list(TEXTS)


def test_reads_a_line_the_same_alone_and_in_a_batch(learnt):
    _, net, batch = learnt
    together, steps = net(batch.images, batch.widths)
    for i, text in enumerate(TEXTS):
        alone = collate([drawn(text, net.height)])
        logits, count = net(alone.images, alone.widths)
        assert count[0] == steps[i]
        torch.testing.assert_close(logits[0, : count[0]], together[i, : count[0]], atol=1e-4, rtol=1e-4)


def test_what_it_reads_in_weak_views_is_trained_on_in_strong_ones(learnt):
    network, net, batch = learnt
    sizes, charset = SMALL[network], net.charset.characters
    info = ModelInfo(
        network=network, sizes=sizes, charset=charset, decoders=net.decoders,
        height=net.height, stride=net.stride, frames=net.frames,
    )  # fmt: skip
    reader = reader_of(net, info, fabric_of(FitSettings(steps=1, device="cpu", precision="32-true")))

    def read(views):
        return list(reader.read_prepared(Picture.of("", view) for view in views))

    spec, seen = InputSpec.of(net, net.charset), tuple(drawn(text, net.height) for text in TEXTS)
    shaded = tuple(view - view // 4 for view in seen)
    found = Consistency(Plan(Mixture((), ()), 0, 900), spec, read, 1.0, 0.5).confident(Views(seen, shaded))
    assert found.batch.texts == TEXTS and found.weight == 1.0
    student = copy.deepcopy(net).train()
    student.loss(found.batch).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in student.parameters() if weight.grad is not None)
    assert any(weight.grad is not None and weight.grad.abs().max() > 0 for weight in student.parameters())


def test_survives_save_and_load(learnt, tmp_path):
    network, net, batch = learnt
    save_weights(tmp_path, net)
    write_info(
        tmp_path,
        ModelInfo(
            network=network,
            sizes=SMALL[network],
            charset=net.charset.characters,
            height=net.height,
            stride=net.stride,
            frames=net.frames,
        ),
    )
    loaded, info = load_net(tmp_path)
    assert info.characters == net.charset
    torch.testing.assert_close(loaded(batch.images, batch.widths)[0], net(batch.images, batch.widths)[0])


def test_grows_its_charset_and_keeps_old_characters(learnt):
    _, net, batch = learnt
    grown = net.grown(net.charset.grow("éß"))
    assert grown.read(batch) == net.read(batch) == list(TEXTS)
    assert "é" in grown.charset and len(grown.charset) == len(net.charset) + 2
    with pytest.raises(ValueError, match="begins with the old one"):
        net.grown(Charset(("z", *net.charset.characters)))


def test_new_characters_start_like_their_plain_letter_or_rarely_read():
    old = Charset(tuple("ae "))
    weight, bias = torch.randn(5, 4), torch.randn(5)
    rows, values = grown_rows(weight, bias, old, old.grow("é\u00b4ß"), 2)
    assert torch.equal(rows[:5], weight) and torch.equal(values[:5], bias)
    at = {c: old.grow("é\u00b4ß").encode(c)[0] + 1 for c in "é\u00b4ß"}
    assert torch.equal(rows[at["é"]], weight[3]) and values[at["é"]] < bias[3]
    assert unicodedata.normalize("NFKD", "\u00b4")[0] == " "  # yet a lone accent does not start as a space
    for c in "\u00b4ß":
        torch.testing.assert_close(rows[at[c]], weight[2:].mean(0))
        assert values[at[c]] == bias[2:].min()


def test_refuses_an_unknown_character_by_name(learnt):
    _, net, _ = learnt
    with pytest.raises(TextError, match="LATIN SMALL LETTER E WITH ACUTE"):
        net.loss(collate([drawn("ink", net.height)], ["iné"]))


def test_the_exported_graphs_equal_torch(learnt, tmp_path):
    """Those of pictures on batches of other sizes, those of single steps on what they were traced with."""
    _, net, _ = learnt
    level = logging.getLogger("torch.onnx").level
    for role, graph in inference_graphs(net).items():
        export(graph, tmp_path / f"{role}.onnx")
        session = onnxruntime.InferenceSession(str(tmp_path / f"{role}.onnx"), providers=["CPUExecutionProvider"])
        for inputs in given(graph, net.height):
            found = session.run(list(graph.outputs), {name: value.numpy() for name, value in inputs.items()})
            with torch.no_grad():
                expected = graph.module(*inputs.values())
            for name, got, want in zip(graph.outputs, found, expected, strict=True):
                mask = length_mask(expected[1], got.shape[1]).numpy() if "images" in inputs and got.ndim == 3 else ...
                np.testing.assert_allclose(got[mask], want.numpy()[mask], atol=1e-3, err_msg=f"{role} {name}")
    assert logging.getLogger("torch.onnx").level == level


def given(graph, height):
    """Inputs of a graph by name: pictures in batches of several sizes, else the examples."""
    if "images" not in graph.inputs:
        return [graph.inputs]
    batches = (collate([drawn(text, height) for text in texts]) for texts in (TEXTS, ["ink"], ["a quill " * 6]))
    return [{"images": batch.images, "widths": batch.widths} for batch in batches]


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    with LinesWriter(tmp_path_factory.mktemp("contract") / "letters", {"command": "test"}) as writer:
        for split, count in (("train", 24), ("valid", 8)):
            for number in range(count):
                text = TEXTS[number % 4]
                picture = drawn(text)
                picture[5, 5 : 10 + number] = 0  # all pictures differ
                writer.write(Line(f"{split}-{number}", encode(picture), text), split)
    return writer.path


def trained(network, letters, out):
    chosen = TrainSettings(
        model=network, sizes=SMALL[network], steps=4, evaluations=2, ramp=1, batch_width_px=600, replicas=1
    )
    return train([letters], out, settings=chosen)


@pytest.mark.parametrize("network", NETWORKS)
def test_trains_exports_and_reads_through_the_model_folder(network, letters, tmp_path):
    info = trained(network, letters, tmp_path / "m").info
    net, _ = load_net(tmp_path / "m")
    assert (info.network, info.sizes, info.height, info.stride) == (network, net.sizes, net.height, net.stride)
    reader = Reader.load(tmp_path / "m", threads=1)
    pictures = [(text, drawn(text)) for text in TEXTS]
    decoder = reader.decoder(DecodeSettings(decoder="attention" if "attention" in net.decoders else "ctc"))
    together = {reading.id: reading for reading in reader.read(pictures, decoder)}
    for text, picture in pictures:
        (alone,) = reader.read([(text, picture)], decoder)
        (torch_text,) = net.read(collate([prepare(picture, net.height)]))
        assert alone.text == together[text].text == " ".join(torch_text.split())
        assert all(0 <= c.start < c.end <= picture.shape[1] for c in alone.characters)
    assert read([letters], tmp_path / "m").read == 32


@pytest.mark.parametrize("network", NETWORKS)
def test_resumes_exactly(network, letters, tmp_path, monkeypatch):
    monkeypatch.setattr("scriven.training.publish.export", lambda net, path: path.write_bytes(b"graph"))
    trained(network, letters, tmp_path / "whole")
    step, taken = fitting.training_step, []

    def interrupted(*args):
        if len(taken) == 3:  # after the first evaluation
            raise KeyboardInterrupt
        taken.append(1)
        return step(*args)

    monkeypatch.setattr(fitting, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(network, letters, tmp_path / "parts")
    monkeypatch.setattr(fitting, "training_step", step)
    trained(network, letters, tmp_path / "parts")
    whole, parts = (load_tensors(tmp_path / name / "weights.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys() and all(torch.equal(whole[key], parts[key]) for key in whole)


@pytest.mark.parametrize("network", NETWORKS)
def test_adapts(network, letters, tmp_path):
    trained(network, letters, tmp_path / "m")
    few = AdaptSettings(steps=1, affine_steps=1, rounds=1, language="en", batch_width_px=600, synthetic_fraction=0.0)
    done = adapt([letters], tmp_path / "hand", parent=tmp_path / "m", settings=few)
    info = Reader.load(done.folder, threads=1).info
    assert (info.network, info.height) == (network, NETWORKS[network].height) and done.why


def test_unknown_networks_and_sizes_are_refused_by_name():
    with pytest.raises(SettingsError, match="convtext"):
        build("convtxt", Charset.of(["a"]), size="tiny")
    with pytest.raises(SettingsError, match="tiny, small, base"):
        build("convtext", Charset.of(["a"]), size="huge")


@pytest.mark.parametrize(
    ("size", "low", "high"), [("tiny", 1.5e6, 2.0e6), ("small", 4.0e6, 5.0e6), ("base", 9e6, 11e6)]
)
def test_sizes_have_the_documented_numbers_of_parameters(size, low, high):
    net = build("convtext", Charset(tuple(chr(c) for c in range(32, 252))), size=size)
    assert low <= sum(p.numel() for p in net.parameters()) <= high


def test_too_few_frames_raise_text_error():
    logits = torch.zeros(1, 4, 5)
    with pytest.raises(TextError, match="too long for the width of its picture .5 frames"):
        ctc_loss(logits, torch.tensor([4]), ["boot"], Charset.of(["boot"]))
    assert torch.isfinite(ctc_loss(torch.zeros(1, 5, 5), torch.tensor([5]), ["boot"], Charset.of(["boot"])))


def test_an_empty_text_is_refused():
    with pytest.raises(TextError, match="empty"):
        ctc_loss(torch.zeros(1, 4, 5), torch.tensor([4]), [""], Charset.of(["boot"]))
