"""The optimisers by name: their updates, the settings that each has, and what is saved of them."""

import pytest
import torch
from torch import nn

from scriven.base import SettingsError
from scriven.base.settings import override
from scriven.jobs.train import TrainSettings
from scriven.training.devices import fabric_of
from scriven.training.fit import begin
from scriven.training.optimisers import optimiser_of
from scriven.training.settings import FitSettings, learning_rate
from test_training_values import ToyNetwork, whole_and_resumed
from test_training_values import settings as toy_settings

REFERENCE = {
    "adadelta": lambda p, **more: torch.optim.Adadelta(p, lr=1.0, rho=0.95, eps=1e-8, **more),
    "adam": lambda p, **more: torch.optim.Adam(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, **more),
    "adamw": lambda p, **more: torch.optim.AdamW(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01),
}


def updated(optimizer: torch.optim.Optimizer, net: nn.Module) -> torch.Tensor:
    torch.manual_seed(1)
    for _ in range(4):
        optimizer.zero_grad()
        net(torch.randn(6, 5)).square().mean().backward()
        optimizer.step()
    return net.weight.detach().clone()  # type: ignore[operator,return-value]


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(5, 4)


@pytest.mark.parametrize("name", REFERENCE)
def test_an_optimiser_has_the_values_of_the_program_that_used_it(name: str) -> None:
    ours, theirs = linear(), linear()
    got = updated(optimiser_of(ours, FitSettings(steps=1, optimiser=name)), ours)  # type: ignore[arg-type]
    torch.testing.assert_close(got, updated(REFERENCE[name](theirs.parameters()), theirs))


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        (("optimiser=adam", "betas=0.5,0.9"), ("optimiser=adam",)),
        (("optimiser=adamw", "eps=0.1"), ("optimiser=adamw",)),
        (("optimiser=adadelta", "rho=0.1"), ("optimiser=adadelta",)),
        (("optimiser=adadelta", "lr=0.1"), ("optimiser=adadelta",)),
        (("optimiser=adam", "weight_decay=5"), ("optimiser=adam",)),
    ],
)
def test_the_settings_of_an_optimiser_change_its_updates(changes: tuple[str, ...], other: tuple[str, ...]) -> None:
    nets = linear(), linear()
    made = [
        updated(optimiser_of(net, override(FitSettings(steps=1), some)), net)
        for net, some in zip(nets, (changes, other), strict=True)
    ]
    assert not torch.allclose(*made)


def test_biases_have_no_weight_decay_whatever_the_optimiser() -> None:
    for name in ("muon", "adamw", "adam", "adadelta"):
        chosen = FitSettings(steps=1, optimiser=name, weight_decay=0.3)  # type: ignore[arg-type]
        groups = optimiser_of(linear(), chosen).param_groups
        assert [(group["params"][0].ndim, group["weight_decay"]) for group in groups] == [(2, 0.3), (1, 0.0)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("betas=0.9,0.99",), "muon has no setting 'betas'; leave it out or set optimiser=adamw or adam"),
        (("optimiser=adadelta", "betas=0.9,0.99"), "adadelta has no setting 'betas'"),
        (("optimiser=adam", "rho=0.9"), "adam has no setting 'rho'; leave it out or set optimiser=adadelta"),
        (("eps=1e-8",), "muon has no setting 'eps'"),
        (("optimiser=sgd",), "'optimiser' is 'sgd'"),
        (("optimiser=adam", "betas=0.9,1"), "'betas'"),
    ],
)
def test_a_setting_of_another_optimiser_is_refused(change: tuple[str, ...], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        override(TrainSettings(steps=1), change)
    assert words in str(refused.value)


def test_values_that_depend_on_the_optimiser_and_the_schedule_are_resolved_once() -> None:
    resolved = FitSettings(steps=1, optimiser="adadelta", schedule="one-cycle").resolved()
    assert (resolved.lr, resolved.rho, resolved.eps, resolved.weight_decay) == (1.0, 0.95, 1e-8, 0.0)
    assert resolved.warmup == 0.3 and resolved.resolved() is resolved
    assert FitSettings(steps=1).resolved().lr == 2e-3
    changed = override(override(TrainSettings(steps=1), []), ["optimiser=adadelta"])
    assert changed.resolved().lr == 1.0  # the default of Muon is not kept


def test_one_cycle_with_the_values_of_stackmix_and_a_constant_rate() -> None:
    """Ten percent of the run up from a 25th of the peak, then down to a 100,000th of that, both along a cosine."""
    chosen = FitSettings(steps=100, optimiser="adamw", schedule="one-cycle", warmup=0.1)
    weight = nn.Parameter(torch.zeros(1))
    theirs = torch.optim.AdamW([weight], lr=1e-3)
    cycle = torch.optim.lr_scheduler.OneCycleLR(theirs, 1e-3, 101, pct_start=11 / 101, final_div_factor=1e5)
    for step in range(101):
        if step != 100:
            assert learning_rate(chosen, step / 100) == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-4), step
        theirs.step()
        if step < 100:
            cycle.step()
    constant = FitSettings(steps=100, optimiser="adadelta", schedule="constant")
    assert {learning_rate(constant, step / 100) for step in range(101)} == {1.0}


@pytest.mark.parametrize("name", ["adam", "adamw", "adadelta"])
def test_a_run_with_another_optimiser_is_resumed_exactly(name: str) -> None:
    whole, cut = whole_and_resumed(ToyNetwork, toy_settings(steps=5, optimiser=name), after=3)
    assert whole.keys() == cut.keys() and all(torch.equal(whole[key], cut[key]) for key in whole)
    assert float(whole["optimizer.0.step"]) == 5


def test_the_state_of_another_optimiser_is_refused() -> None:
    run = begin(ToyNetwork(), toy_settings(optimiser="adam"), fabric_of(toy_settings()))  # type: ignore[arg-type]
    other = {"optimizer.0.square_avg": torch.zeros(2, 2)}
    with pytest.raises(SettingsError, match="another optimiser"):
        run.restore({**run.tensors(), **other}, {})
