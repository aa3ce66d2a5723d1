"""Freezing parts of a network, thawing them, and learning rates that fall from the last layer down."""

from typing import Any

import pytest
import torch
from torch import nn

from scriven.base import SettingsError
from scriven.base.settings import override
from scriven.jobs.train import TrainSettings, train
from scriven.reader.model import Graph, ModelInfo, write_info
from scriven.recognisers import RECOGNISERS, build
from scriven.tensors import Batch, collate
from scriven.text import Charset
from scriven.training import fit as fitting
from scriven.training.checkpoint import load_tensors, save_weights
from scriven.training.devices import fabric_of
from scriven.training.layers import by_depth, layers, parts, rate_factors
from scriven.training.optimisers import optimiser_of
from scriven.training.settings import FitSettings
from test_recogniser_contract import SMALL
from test_training_values import ToyNetwork, whole_and_resumed
from test_training_values import settings as toy_settings
from toy_training import WORDS, Stopped, lines, no_export, picture  # noqa: F401
from toy_training import brief_settings as settings

FROZEN = ("stem", "enter", "context.0")


def tiny() -> nn.Module:
    torch.manual_seed(0)
    net = build("convtext", Charset.of([" ".join(WORDS)]), size="tiny")
    assert isinstance(net, nn.Module)
    return net


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory):
    net, path = tiny(), tmp_path_factory.mktemp("parent")
    for name, value in net.named_buffers():
        if name.endswith("running_mean"):
            value.copy_(torch.randn(value.shape) / 100)
        elif name.endswith("running_var"):  # that of the activations of a new network, and no round number
            value.copy_((torch.rand(value.shape) + 0.5) / 10)
    save_weights(path, net)  # type: ignore[arg-type]
    sizes = {"network": "convtext", "sizes": {"size": "tiny"}, "charset": net.charset.characters}
    write_info(path, ModelInfo(**sizes, graphs={"reader": Graph()}))
    return path


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def frozen(name: str) -> bool:
    return name.split(".")[0] in ("stem", "enter") or name.startswith("context.0.")


# --- freezing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("optimiser", "replicas"), [("muon", 1), ("adamw", 3)])
def test_frozen_parts_do_not_change_at_all_and_the_others_do(lines, tmp_path, parent, replicas, optimiser):
    """Neither weights nor running statistics; the statistics of three replicas are not averaged either."""
    chosen = settings(freeze=FROZEN, replicas=replicas, optimiser=optimiser, weight_decay=0.5)
    train([lines], tmp_path / "m", parent=parent, settings=chosen)
    before, after = (load_tensors(path / "weights.safetensors") for path in (parent, tmp_path / "m"))
    moved = changed(before, after)
    assert {name for name in before if frozen(name)} and not {name for name in moved if frozen(name)}
    assert moved == {name for name in before if not frozen(name)}


def test_frozen_parts_change_from_the_step_on_at_which_they_are_thawed(lines, tmp_path, parent, monkeypatch):
    seen, step = list[set[str]](), fitting.training_step
    before = load_tensors(parent / "weights.safetensors")

    def watched(run, *rest):
        loss = step(run, *rest)
        moved = changed(before, run.net.state_dict())
        seen.append({name for name in moved if frozen(name)})
        return loss

    monkeypatch.setattr(fitting, "training_step", watched)
    chosen = settings(steps=4, freeze=FROZEN, thaw=0.5)
    train([lines], tmp_path / "m", parent=parent, settings=chosen)
    assert [bool(moved) for moved in seen] == [False] * 2 + [True] * 2
    assert {name for name in before if frozen(name)} == seen[-1]


class Parts(ToyNetwork):
    """A toy with two parts, the first of which is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = nn.Linear(2, 2), nn.Linear(2, 2)

    def loss(self, batch: Batch, smoothing: float = 0.0) -> torch.Tensor:
        return super().loss(batch) + self.high(self.low(torch.ones(1, 2)).tanh()).square().sum()


@pytest.mark.parametrize("after", [1, 3])
def test_a_run_interrupted_before_or_after_the_thaw_is_resumed_exactly(after: int) -> None:
    whole, cut = whole_and_resumed(Parts, toy_settings(steps=5, freeze=("low",), thaw=0.4), after)
    assert whole.keys() == cut.keys() and all(torch.equal(whole[key], cut[key]) for key in whole)
    torch.manual_seed(0)
    assert not torch.equal(whole["net.low.weight"], Parts().low.weight)


def test_frozen_parts_cost_no_gradient(parent):
    chosen = settings(freeze=("stem", "enter"), device="cpu", replicas=1, precision="32-true")
    run = fitting.begin(tiny(), chosen, fitting.Fabric(accelerator="cpu", devices=1))
    run.net.train()
    run.freeze(chosen.freeze, alone=True)
    learnt = {
        name.split(".")[0] for name, weight in fitting.unwrapped(run.net).named_parameters() if weight.requires_grad
    }
    assert learnt == {"stages", "column", "context", "head"}
    run.freeze((), alone=True)
    assert all(weight.requires_grad for weight in run.net.parameters()) and all(m.training for m in run.net.modules())


def test_among_several_processes_frozen_weights_have_a_gradient_that_is_dropped() -> None:
    """Which gradients the processes exchange is decided when the network is wrapped, so it must not change."""
    net, chosen = Parts(), toy_settings(freeze=("low",), weight_decay=0.5)
    fabric = fabric_of(chosen)
    run = fitting.begin(net, chosen, fabric)  # type: ignore[arg-type]
    run.net.train()
    run.freeze(chosen.freeze, alone=False)
    assert all(weight.requires_grad for weight in net.parameters())
    before = {name: value.clone() for name, value in net.state_dict().items()}
    fitting.training_step(run, collate([picture("ink")], ["ink"]), chosen, fabric)
    moved = changed(before, dict(net.state_dict()))
    assert moved == {"weight", "bias", "high.weight", "high.bias", "count"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            ("freeze=stem,trunk",),
            "names 'trunk', which is no part of this network; its parts: stem, enter, stages, col",
        ),
        (("freeze=con",), "names 'con', which is no part"),
        (("freeze=stem,enter,stages,column,context,head",), "names all parts"),
    ],
)
def test_parts_that_cannot_be_frozen_are_refused_by_name(lines, tmp_path, parent, changes, words):
    with pytest.raises(SettingsError) as refused:
        train([lines], tmp_path / "m", parent=parent, settings=override(settings(), changes))
    assert words in str(refused.value) and not (tmp_path / "m").exists()


def test_freezing_needs_trained_weights_and_thawing_something_frozen(lines, tmp_path):
    with pytest.raises(SettingsError, match="'freeze'.*--from"):
        train([lines], tmp_path / "m", settings=settings(freeze=("stem",)))
    with pytest.raises(SettingsError, match="'thaw' has no effect without freeze"):
        TrainSettings(steps=1, thaw=0.5)
    assert not (tmp_path / "m").exists()


def test_a_run_of_a_version_without_these_settings_is_resumed(lines, tmp_path, monkeypatch):
    """Settings that it did not record have their defaults; another value is refused."""
    from safetensors.torch import load_file

    from scriven.base import OutputError
    from scriven.training.checkpoint import STATE, save_tensors, unfinished_run

    monkeypatch.setattr("scriven.jobs.train.publish", lambda *_: (_ for _ in ()).throw(Stopped()))
    with pytest.raises(Stopped):
        train([lines], tmp_path / "m", settings=settings(steps=1))
    about = unfinished_run(tmp_path / "m")
    for new in ("freeze", "thaw", "layer_decay", "optimiser", "betas", "rho", "eps"):
        about["settings"].pop(new)
    about["settings"]["columns"] = about["settings"].pop("batch_width_px")
    save_tensors(tmp_path / "m" / STATE, load_file(tmp_path / "m" / STATE), about)
    with pytest.raises(OutputError, match=r"other settings \(layer_decay\)"):
        train([lines], tmp_path / "m", settings=settings(steps=1, layer_decay=0.5))
    with pytest.raises(OutputError, match=r"other settings \(batch_width_px\)"):
        train([lines], tmp_path / "m", settings=settings(steps=1, batch_width_px=64))
    with pytest.raises(Stopped):
        train([lines], tmp_path / "m", settings=settings(steps=1))


# --- layers ---------------------------------------------------------------------------------------------------------


def test_layers_are_ordered_as_they_compute() -> None:
    net = tiny()
    assert parts(net) == ["stem", "enter", "stages", "column", "context", "head"]
    assert layers(net)[:6] == ["stem", "enter.0", "enter.1", "enter.2", "stages.0.0", "stages.1.0"]
    order = ["stem", "enter.0", "stages.0.0", "enter.1", "stages.1.0", "enter.2", "column"]
    assert by_depth(net) == [*order, *(f"context.{i}" for i in range(6)), "head"]
    assert net.training and all(module.training for module in net.modules())
    statistics = {k: v for k, v in net.state_dict().items() if "running" in k or "num_batches" in k}
    assert all(torch.equal(statistics[k], v) for k, v in tiny().state_dict().items() if k in statistics)


def test_every_layer_has_the_learning_rate_of_its_depth_and_an_update_of_that_size() -> None:
    net = tiny()
    factors = rate_factors(net, 0.5)
    depth = {name: n for n, name in enumerate(reversed(by_depth(net)))}
    expected = {
        name: 0.5 ** next(n for layer, n in depth.items() if name.startswith(f"{layer}."))
        for name, _ in net.named_parameters()
    }
    assert {name: factors[weight] for name, weight in net.named_parameters()} == expected
    assert expected["head.weight"] == 1 and expected["context.5.a.conv.weight"] == 0.5
    assert expected["stem.conv.weight"] == 0.5**13
    weights = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    optimizer = optimiser_of(net, FitSettings(steps=1, optimiser="adam", lr=0.1, layer_decay=0.5))
    for group in optimizer.param_groups:
        group["lr"] = 0.1 * group["factor"]
    for weight in net.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()  # the first step of Adam is the learning rate
    for name, weight in net.named_parameters():
        moved = (weights[name] - weight.detach()).abs().max()
        assert float(moved) == pytest.approx(0.1 * expected[name], rel=1e-2, abs=2e-7), name


def test_the_loop_applies_the_factors(lines, tmp_path, parent, monkeypatch):
    seen = list[dict[float, float]]()
    step = fitting.training_step

    def watched(run, *rest):
        seen.append({group["factor"]: group["lr"] for group in run.optimizer.param_groups})
        return step(run, *rest)

    monkeypatch.setattr(fitting, "training_step", watched)
    train([lines], tmp_path / "m", parent=parent, settings=settings(layer_decay=0.5, lr=0.01, schedule="constant"))
    assert len(seen) == 2
    for rates in seen:
        assert len(rates) == 14
        assert all(rate == pytest.approx(0.01 * factor) for factor, rate in rates.items())


def test_without_decay_nothing_is_computed_and_all_rates_are_equal(monkeypatch) -> None:
    net = tiny()
    monkeypatch.setattr(type(net), "forward", lambda *_: pytest.fail("the network was run"))
    assert set(rate_factors(net, 1.0).values()) == {1.0}


@pytest.mark.parametrize("network", RECOGNISERS)
def test_every_weight_of_every_network_has_a_depth(network: str) -> None:
    """The first weights that the picture meets have the smallest rate, the classes the full one."""
    net: Any = build(network, Charset.of(["abc "]), **SMALL[network])
    order, factors = by_depth(net), rate_factors(net, 0.5)
    rates = {name: factors[weight] for name, weight in net.named_parameters()}
    assert all(any(f"{name}.".startswith(f"{layer}.") for layer in order) or name.startswith("head.") for name in rates)
    first = [rate for name, rate in rates.items() if name.startswith(f"{order[0]}.")]
    assert set(first) == {min(rates.values())}
    assert {rate for name, rate in rates.items() if name.startswith("head.")} == {1.0}
    assert len(set(rates.values())) > 4 and set(rates.values()) == {0.5**i for i in range(len(set(rates.values())))}


def test_norms_have_the_rate_of_the_layer_before() -> None:
    net: Any = build("trba", Charset.of(["abc "]), **SMALL["trba"])
    order = by_depth(net)
    norms = "transformation.localiser.norms"
    assert order[:2] == ["transformation.localiser.convs.0", norms]
    factors, weights = rate_factors(net, 0.5), dict(net.named_parameters())
    assert factors[weights[f"{norms}.0.weight"]] == factors[weights["transformation.localiser.convs.0.weight"]] < 0.01


def test_a_decoder_beside_the_forward_pass_has_the_full_rate() -> None:
    class Decoded(nn.Module):
        height = 8

        def __init__(self) -> None:
            super().__init__()
            self.decoder = nn.Linear(3, 2)
            self.late, self.early = nn.Linear(8, 3), nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1))
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, images: torch.Tensor, widths: torch.Tensor) -> torch.Tensor:
            return self.late(self.early(images).mean(2)[:, 0, :8] * self.scale)

    net = Decoded()
    assert by_depth(net) == ["early.0", "early.1", "late"] and "decoder" in layers(net)
    factors = rate_factors(net, 0.5)
    assert [factors[net.scale], factors[net.decoder.weight], factors[net.late.bias]] == [1, 1, 1]
    assert factors[net.early[0].weight] == 0.25
    both: Any = build("convtext", Charset.of(["abc "]), size="tiny", decoder_layers=2)
    factors = rate_factors(both, 0.5)
    heads = {factors[weight] for name, weight in both.named_parameters() if name.startswith(("head.", "attention."))}
    assert heads == {1.0} and factors[both.stem.conv.weight] == 0.5**13
