"""The precision of training: when it is half, how it is resumed, gradients that are not finite."""

import pytest
import torch
from safetensors.torch import load_file

from scriven.base import SettingsError
from scriven.jobs import train as training
from scriven.jobs.train import fabric_of, train
from scriven.recognisers import build
from scriven.text import Charset
from scriven.training import devices
from toy_training import WORDS, Stopped, lines  # noqa: F401
from toy_training import brief_settings as settings


def test_bfloat16_is_used_only_if_it_is_faster(monkeypatch):
    from scriven.training import precision

    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    for speedup, expected in ((0.6, "32-true"), (1.05, "32-true"), (1.6, "bf16-mixed")):
        monkeypatch.setattr(precision, "speedup", lambda speedup=speedup: speedup)
        assert precision.precision_of("cpu") == expected
    monkeypatch.undo()
    before = torch.get_rng_state()
    assert 0 < precision.speedup() < 100
    assert torch.equal(before, torch.get_rng_state())  # training is not changed by the measurement


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_network_computes_in_half_precision(lines, tmp_path, monkeypatch, replicas):
    found = []
    loss = build("convtext", Charset.of(WORDS), size="tiny").__class__.loss

    def spied(net, batch, smoothing=0.0):
        found.append(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32)
        return loss(net, batch, smoothing)

    monkeypatch.setattr("scriven.recognisers.convtext.ConvText.loss", spied)
    for precision in ("bf16-mixed", "32-true"):
        train([lines], tmp_path / precision, settings=settings(replicas=replicas, precision=precision))
    half = len(found) // 2
    assert found == [torch.bfloat16] * half + [torch.float32] * half and half >= 2 * replicas


def test_non_finite_gradients_are_skipped_and_many_in_a_row_end_the_run(lines, tmp_path, monkeypatch):
    loss = build("convtext", Charset.of(WORDS), size="tiny").__class__.loss
    calls = iter(range(10_000))
    bad = {1}

    def spoilt(net, batch, smoothing=0.0):
        return loss(net, batch, smoothing) * (float("nan") if next(calls) in bad else 1.0)

    monkeypatch.setattr("scriven.recognisers.convtext.ConvText.loss", spoilt)
    train([lines], tmp_path / "a", settings=settings(steps=3, replicas=1))
    weights = load_file(tmp_path / "a" / "weights.safetensors")
    assert all(torch.isfinite(w).all() for w in weights.values())
    bad.update(range(10_000))
    with pytest.raises(SettingsError, match="were not finite"):
        train([lines], tmp_path / "b", settings=settings(steps=100, replicas=1))


def test_a_run_is_resumed_in_the_precision_it_began_with(lines, tmp_path, monkeypatch):
    found = []

    def stopped(*arguments):
        raise Stopped

    monkeypatch.setattr(training, "publish", stopped)
    for measured in ("bf16-mixed", "32-true"):
        monkeypatch.setattr(devices, "precision_of", lambda device, measured=measured: measured)
        monkeypatch.setattr(training, "fabric_of", lambda s: found.append(s.precision) or fabric_of(s))
        with pytest.raises(Stopped):
            train([lines], tmp_path / "m", settings=settings(replicas=1))
    assert found == ["auto", "bf16-mixed"]
