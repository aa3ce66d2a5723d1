"""Settings of training: each changes the weights, the loss, the gradients or the order of the data."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.jobs import train as training
from scriven.jobs.train import fabric_of, train
from scriven.recognisers import build
from scriven.tensors import collate
from scriven.text import Charset
from scriven.training import fit as fitting
from scriven.training.fit import begin
from scriven.training.settings import learning_rate
from toy_training import WORDS, Stopped, captured_plans, folder, lines, picture  # noqa: F401
from toy_training import brief_settings as settings


def test_the_saved_weights_are_those_of_the_best_evaluation(lines, tmp_path, monkeypatch):
    rates, seen = iter([0.5, 0.2, 0.4, 0.3]), []

    def validate(net, valid, batch_width_px):
        seen.append({k: v.clone() for k, v in net.state_dict().items()})
        return SimpleNamespace(cer=next(rates), wer=1.0)

    monkeypatch.setattr(fitting, "validate", validate)
    done = train([lines], tmp_path / "m", settings=settings(steps=4, evaluations=4))
    kept = load_file(tmp_path / "m" / "weights.safetensors")
    equal = [all(torch.equal(kept[k], weights[k]) for k in kept) for weights in seen]
    assert equal == [False, True, False, False]
    assert done.info.scores["valid"]["cer"] == 0.2 and done.info.scores["valid"]["step"] == 2


def test_inputs_are_mixed_by_their_weights(lines, tmp_path, monkeypatch):
    plans = captured_plans(monkeypatch, training)
    other = folder(tmp_path / "other")
    for weights in ((3.0, 1.0), (1.0, 4.0), ()):
        with pytest.raises(Stopped):
            train([lines, other], tmp_path / f"m{len(plans)}", settings=settings(weights=weights))
    counts = [[sum(i.source == n for i in plan.items(0, 400)) for n in (0, 1)] for plan in plans]
    assert counts == [[300, 100], [80, 320], [200, 200]]


def _begun(**changes):
    torch.manual_seed(0)
    chosen = settings(device="cpu", **changes)
    net = build("convtext", Charset.of([" ".join(WORDS)]), size="tiny")
    fabric = fabric_of(chosen)
    return begin(net, chosen, fabric), chosen, fabric, collate([picture(w) for w in WORDS[:4]], WORDS[:4])


@pytest.mark.parametrize("replicas", [1, 2])
def test_label_smoothing_changes_the_loss(replicas):
    losses = []
    for smoothing in (0.0, 0.4):
        run, chosen, fabric, batch = _begun(smoothing=smoothing, replicas=replicas)
        losses.append(float(fitting.training_step(run, batch, chosen, fabric)))
    assert abs(losses[1] - losses[0]) > 0.02 * losses[0]


def test_gradients_are_clipped():
    norms = []
    for clip in (1e9, 1e-3):
        run, chosen, fabric, batch = _begun(clip=clip)
        fitting.training_step(run, batch, chosen, fabric)
        norms.append(float(torch.stack([p.grad.norm() for p in run.net.parameters() if p.grad is not None]).norm()))
    assert norms[0] > 0.01 and norms[1] == pytest.approx(1e-3, rel=0.01)


def test_one_cycle_warms_up_over_a_third_and_decays_to_zero(lines, tmp_path):
    chosen = settings(steps=10, evaluations=10, schedule="one-cycle").resolved()
    rates = [learning_rate(chosen, f) / chosen.lr for f in (0.0, 0.15, 0.3, 0.65, 1.0)]
    assert rates == pytest.approx([0.04, 0.52, 1.0, 0.5, 4e-7])
    done = train([lines], tmp_path / "m", settings=chosen)
    trained = [row["lr"] for row in done.progress.rows]
    assert trained == pytest.approx([learning_rate(chosen, step / 10) for step in range(10)])
    assert np.argmax(trained) == 3
