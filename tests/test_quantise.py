"""Graphs in int8 and fp16 read the same as fp32, or are not kept."""

import logging
import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from scriven.base import InputError, ModelError
from scriven.images import prepare
from scriven.reader.model import Graph, read_info, write_info
from scriven.reader.session import Picture, Reader
from scriven.training.quantise import QuantiseSettings, calibration_feeds, quantise, reduce_precision, store_fp16
from toy_reader import LETTERS, picture, write_model

ALL = QuantiseSettings(keep_first=False, keep_last=False)


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


@pytest.fixture(scope="module")
def lines():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(LETTERS[:-1], rng.integers(1, 12))) for _ in range(40)]
    return [Picture.of(text, prepare(picture(text))) for text in texts], texts


def test_int8_graphs_are_int8_and_read_the_same(model, lines, tmp_path, caplog):
    reader = Reader.load(model, threads=1)
    feeds = calibration_feeds(reader, lines[0], 16)["reader"]
    assert sum(len(feed["widths"]) for feed in feeds) == 16
    quantise(model / "reader.onnx", tmp_path / "int8.onnx", feeds, ALL)
    kinds = {tensor.data_type for tensor in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    assert onnx.TensorProto.INT8 in kinds
    shutil.copy(tmp_path / "int8.onnx", model / "reader.onnx")
    other = Reader.load(model, threads=1)
    assert [r.text for r in other.read_prepared(lines[0])] == lines[1]
    alone = [next(other.read_prepared([line])) for line in lines[0]]
    assert [r.text for r in alone] == lines[1]
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_the_first_and_the_last_layer_stay_fp32(model, lines, tmp_path):
    feeds = calibration_feeds(Reader.load(model, threads=1), lines[0], 4)["reader"]
    quantise(model / "reader.onnx", tmp_path / "same.onnx", feeds)  # the toy has no other layers
    assert not [n for n in onnx.load(tmp_path / "same.onnx").graph.node if "Quantize" in n.op_type]


def test_fp16_weights_take_half_the_space_and_read_the_same(model, lines, tmp_path):
    store_fp16(model / "reader.onnx", tmp_path / "half.onnx")
    assert (tmp_path / "half.onnx").stat().st_size < 0.75 * (model / "reader.onnx").stat().st_size
    shutil.copy(tmp_path / "half.onnx", model / "reader.onnx")
    assert [r.text for r in Reader.load(model, threads=1).read_prepared(lines[0])] == lines[1]


def test_reduce_precision_keeps_the_smallest_graph_within_the_loss(model, lines):
    report = reduce_precision(model, lines[0], *lines, ALL)
    assert report.kept == "int8" and report.n == 40 and report.tried[1].same == 1.0
    info = read_info(model)
    assert info.graphs == {"reader": Graph(precision="int8")}
    assert [r.text for r in Reader.load(model, threads=1).read_prepared(lines[0])] == lines[1]
    for precision in ("int8", "fp32"):  # the second: stopped before model.json was written
        write_info(model, info.model_copy(update={"graphs": {"reader": Graph(precision=precision)}}))
        with pytest.raises(ModelError, match="no fp32 reading graph"):
            reduce_precision(model, lines[0], *lines, ALL)


def test_without_texts_the_fp32_graph_is_the_reference(model, lines):
    report = reduce_precision(model, lines[0], lines[0], None, ALL)
    assert report.kept == "int8" and [c.cer for c in report.tried] == [0.0, 0.0]


def test_without_texts_a_graph_that_reads_differently_is_not_kept(model, lines, monkeypatch):
    """If the smaller graphs lose letters, fp32 is kept."""
    full = (model / "reader.onnx").read_bytes()

    def spoil(source, target, *rest):
        broken = onnx.load(source)
        for tensor in broken.graph.initializer:
            if tensor.name == "bands":
                tensor.CopyFrom(numpy_helper.from_array(0 * numpy_helper.to_array(tensor), "bands"))
        onnx.save(broken, target)

    monkeypatch.setattr("scriven.training.quantise.quantise", spoil)
    monkeypatch.setattr("scriven.training.quantise.store_fp16", spoil)
    report = reduce_precision(model, lines[0], lines[0], None)
    assert report.kept == "fp32" and [c.cer for c in report.tried] == [0.0, 1.0, 1.0]
    assert (model / "reader.onnx").read_bytes() == full


def test_reduce_precision_keeps_fp32_if_all_smaller_graphs_read_worse(model, lines):
    report = reduce_precision(model, lines[0], *lines, QuantiseSettings(loss=-1.0))
    assert report.kept == "fp32" and [c.precision for c in report.tried] == ["fp32", "int8", "fp16"]
    assert read_info(model).graphs["reader"].precision == "fp32" and (model / "reader.onnx").exists()


def test_calibration_without_pictures_is_refused(model):
    with pytest.raises(InputError, match="no pictures to calibrate"):
        calibration_feeds(Reader.load(model, threads=1), [])
