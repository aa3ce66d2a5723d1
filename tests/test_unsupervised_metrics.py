"""Adapting: metrics without labels, gates on them, and the models of rejected rounds, which equal their parents."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from scriven.estimate.regression import LineFeatures
from scriven.jobs.adapt import adapt
from scriven.jobs.train import fabric_of
from scriven.language.model import CharLM
from scriven.metrics import score
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import Graph, read_info, write_info
from scriven.reader.session import Picture, Reader
from scriven.recognisers.export import export
from scriven.selftrain import rounds as rounds_module
from scriven.selftrain.gates import drift, rejection
from scriven.selftrain.held_out import improvement
from scriven.selftrain.metrics import Assessment, UnsupervisedMetrics, reader_of, unsupervised_metrics
from scriven.training.checkpoint import load_net
from scriven.training.publish import _loss
from scriven.training.quantise import StoredGraphs
from toy_hand import (  # noqa: F401
    WORDS,
    accepting,
    folder,
    parent,
    picture,
    published,
    rejecting,
    same_weights,
    settings,
    small_world,
)
from toy_reader import logits_of, runs_of


def test_a_worse_student_is_rejected(parent, tmp_path, monkeypatch):
    seen = []

    def harsh(*arguments):
        seen.append(unsupervised_metrics(*arguments))
        return seen[0] if len(seen) == 1 else replace(seen[0], lm_bits_per_char=seen[0].lm_bits_per_char + 1)

    monkeypatch.setattr(rounds_module, "unsupervised_metrics", harsh)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings(rounds=3))
    assert not done.helped and "less plausible in the language" in done.why and len(done.rounds) == 2
    old, kept = load_file(parent / "weights.safetensors"), load_file(tmp_path / "m" / "weights.safetensors")
    assert all(torch.equal(old[k], kept[k]) for k in old)


def test_a_model_without_an_accepted_round_equals_its_parent(published, tmp_path, monkeypatch):
    rejecting(monkeypatch)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=published, settings=settings())
    assert not done.helped
    for name in ("small.onnx", "weights.safetensors"):
        assert (tmp_path / "m" / name).read_bytes() == (published / name).read_bytes()
    assert not (tmp_path / "m" / "reader.onnx").exists()
    old, new = (read_info(one) for one in (published, tmp_path / "m"))
    assert (new.graphs, new.temperature, new.calibration) == (old.graphs, 0.9, (0.1, 0.8))
    drawn = [(word, picture(word, 0.1)) for word in WORDS]
    assert list(Reader.load(published, threads=1).read(drawn)) == list(
        Reader.load(tmp_path / "m", threads=1).read(drawn)
    )


@pytest.mark.parametrize("named", [True, False])
def test_a_graph_is_exported_if_the_parent_of_a_rejected_run_has_none(named, parent, tmp_path, monkeypatch):
    rejecting(monkeypatch)
    shutil.copytree(parent, tmp_path / "parent")
    write_info(
        tmp_path / "parent", read_info(parent).model_copy(update={"graphs": {"reader": Graph()} if named else {}})
    )
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=tmp_path / "parent", settings=settings())
    assert (tmp_path / "m" / "reader.onnx").read_bytes() == b"graph"
    assert read_info(tmp_path / "m").graphs == {"reader": Graph()} and same_weights(parent, tmp_path / "m")


@pytest.mark.parametrize(("held_out", "small"), [(0.6, True), (0.3, False)])
def test_an_adapted_model_is_quantised_if_it_reads_the_held_out_pictures_the_same(
    held_out, small, parent, tmp_path, monkeypatch
):
    """54 of 90 pictures are held out, or 27, which are too few to compare graphs."""
    accepting(monkeypatch)
    if small:
        monkeypatch.setattr("scriven.training.publish.export", export)
    held = {}

    def judging(reader, pictures, *more):
        held.update(pictures)
        return unsupervised_metrics(reader, pictures, *more)

    monkeypatch.setattr(rounds_module, "unsupervised_metrics", judging)
    lines = [folder(tmp_path / name, lean=lean) for name, lean in (("a", 0.15), ("b", 0.21), ("c", 0.09))]
    adapt(lines, tmp_path / "m", parent=parent, settings=settings(held_out=held_out, level="lines"))
    net, info = load_net(tmp_path / "m")
    assert (info.graphs["reader"].precision in ("int8", "fp16")) == small
    if small:
        seen = [Picture.of(id, ink) for id, ink in held.items()]
        plain = [
            r.text
            for r in reader_of(net, info, fabric_of(settings(precision="32-true").training(steps=1))).read_prepared(
                seen
            )
        ]
        read = [r.text for r in Reader.load(tmp_path / "m", threads=1).read_prepared(seen)]
        assert any(plain) and score(plain, read).cer <= 0.002


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"lm_bits_per_char": 2.5}, "less plausible in the language"),
        ({"view_disagreement": 0.5, "lm_bits_per_char": 1.5}, "agree less than before"),
        ({"lm_bits_per_char": 1.9}, "agree no more than before"),
        ({"characters": 5.0, "lm_bits_per_char": 1.0}, "changed in length"),
        (
            {"empty": 0.03, "lm_bits_per_char": 1.0, "view_disagreement": 0.1},
            "reads nothing in 3% of the pictures, before in 0%",
        ),
        ({"empty": 0.01, "lm_bits_per_char": 1.9, "view_disagreement": 0.1}, None),
        ({"view_disagreement": 0.194}, "no improvement beyond chance"),
        ({"lm_bits_per_char": 1.9, "view_disagreement": 0.194}, None),
        ({"view_disagreement": 0.15}, None),
        ({"before": 0.0262, "view_disagreement": 0.0233, "lm_bits_per_char": 1.9}, "agree no more than before"),
        ({"before": 0.0262, "view_disagreement": 0.02, "lm_bits_per_char": 1.9}, None),
        ({"before": 0.004, "view_disagreement": 0.0, "lm_bits_per_char": 1.9}, "agree no more than before"),
    ],
)
def test_a_rejection_states_its_reason(changes, why):
    changes = dict(changes)
    old = UnsupervisedMetrics(view_disagreement=changes.pop("before", 0.2), lm_bits_per_char=2.0, characters=10.0)
    reason = rejection(replace(old, **changes), old)
    assert reason is None if why is None else why in reason


@pytest.mark.parametrize(
    ("edits", "count", "improved"), [(2, 30, True), (6, 30, False), (None, 30, False), (2, 9, None), (2, 0, None)]
)
def test_an_improvement_is_a_reduction_of_the_estimate_beyond_chance(edits, count, improved):
    """Six edits in 40 characters before; after, `edits`, or one fewer in some lines and one more in others."""
    before = [LineFeatures(40, 6, 12.0)] * count
    after = [LineFeatures(40, 6 + (-1) ** i if edits is None else edits, 12.0) for i in range(count)]
    assert improvement(Assessment([], before, None), Assessment([], after, None)) is improved


def test_lengths_may_not_drift_in_several_rounds():
    first = UnsupervisedMetrics(view_disagreement=0.3, lm_bits_per_char=3.0, characters=10.0)
    second, third = (
        replace(first, characters=c, lm_bits_per_char=s, view_disagreement=s / 10)
        for c, s in ((11.3, 2.5), (12.8, 2.0))
    )
    assert rejection(second, first) is rejection(third, second) is drift(second, first) is None
    assert "drifted in length (12.8 characters, before 10.0)" in drift(third, first)


def test_a_network_whose_readings_become_empty_is_rejected(parent, tmp_path, monkeypatch):
    """Pictures with empty readings neither raise the bits per character nor differ between two views."""
    net, info = load_net(parent)
    pictures = [(str(i), picture(w)) for i, w in enumerate(WORDS)]
    reader, lm, plain = (
        reader_of(net, info, fabric_of(settings().training(steps=1))),
        CharLM.train(WORDS),
        reader_of(net, info, fabric_of(settings().training(steps=1))).decoder(),
    )
    old, run = unsupervised_metrics(reader, pictures, lm, plain), logits_of(reader)
    widest = max(ink.shape[1] for _, ink in pictures)

    def blind(images, widths):  # to the widest picture
        logits = run(images, widths)
        logits[widths >= 0.9 * widest, :, 0] = 100
        return logits

    reader.runs = runs_of(blind)
    new = unsupervised_metrics(reader, pictures, lm, plain)
    assert old.empty == 0 < new.empty <= 0.2
    better = replace(
        new,
        view_disagreement=old.view_disagreement / 2,
        lm_bits_per_char=old.lm_bits_per_char / 2,
        characters=old.characters,
    )
    assert "reads nothing in" in rejection(better, old)


def test_metrics_of_words_are_without_spaces(parent):
    net, info = load_net(parent)
    reader, told = reader_of(net, info, fabric_of(settings().training(steps=1))), []
    lm = SimpleNamespace(logprob=lambda text: told.append(text) or -1.0)
    space, run = info.characters.encode(" ")[0], logits_of(reader)

    def spaced(images, widths):
        logits = run(images, widths)
        logits[:, ::4, space] = 100
        return logits

    reader.runs = runs_of(spaced)
    pictures = [(str(i), picture(w)) for i, w in enumerate(WORDS)]
    for word in (False, True):
        told.clear()
        unsupervised_metrics(reader, pictures, lm, reader.decoder(DecodeSettings(word=word)))
        assert any(" " in text for text in told) is not word


def test_without_texts_a_small_graph_differs_and_has_no_error_rate():
    way = StoredGraphs("int8", 6.0, 0.0232, 0.9)
    assert _loss(way, None) == ", its readings differ from fp32 by 2.32 % of the characters"
    assert _loss(replace(way, precision="fp32"), None) == ""
    assert _loss(way, ["a"] * 60) == ", CER 2.32 % on 60 validation lines"
