"""The optimiser: orthogonalised steps for convolutions, AdamW for the rest, faster learning of rare directions."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from scriven.training.muon import BETAS, EPSILON, MOMENTUM, RMS, Muon, orthogonal


@pytest.mark.parametrize("shape", [(24, 60), (60, 24), (32, 32)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_orthogonalisation_brings_singular_values_near_one_and_keeps_directions(
    shape: tuple[int, int], dtype: torch.dtype
) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    made = orthogonal(matrix[None], dtype)[0]
    assert made.dtype == torch.float32
    values = torch.linalg.svdvals(made)
    assert 0.6 < values.min() and values.max() < 1.3
    along = torch.diagonal(u.T @ made @ v.T)
    assert (along > 0.6).all()


def test_a_zero_gradient_changes_nothing() -> None:
    assert torch.equal(orthogonal(torch.zeros(2, 4, 9)), torch.zeros(2, 4, 9))


def test_a_stack_of_matrices_equals_each_computed_alone() -> None:
    stack = torch.randn((3, 6, 20), generator=torch.Generator().manual_seed(4))
    stack *= torch.tensor([1.0, 9.0, 0.1])[:, None, None]
    alone = torch.cat([orthogonal(matrix[None]) for matrix in stack])
    assert torch.allclose(orthogonal(stack), alone, atol=1e-5)


def test_weights_updated_together_equal_weights_updated_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU all weights of one shape are computed together: tall, wide and square ones."""
    shapes = [(8, 2, 1, 3), (4, 6, 1, 3), (8, 2, 1, 3), (4, 6, 1, 3), (8, 8, 1, 1)]
    made = []
    for together in (False, True):
        torch.manual_seed(5)
        weights = [nn.Parameter(torch.randn(shape).to(memory_format=torch.channels_last)) for shape in shapes]
        optimizer = Muon(weights, 1e-2, 0.1, torch.float32)
        if together:
            monkeypatch.setattr("scriven.training.muon.group_by_shape", lambda kernels: [[0, 2], [1, 3], [4]])
        for _ in range(2):
            for weight in weights:
                weight.grad = torch.randn_like(weight)
            optimizer.step()
        made.append([weight.detach().clone() for weight in weights])
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*made, strict=True))


def test_muon_gets_convolutions_with_several_inputs_and_adamw_the_rest() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3), nn.Flatten(), nn.Linear(6, 3))
    net[1].bias.requires_grad_(False)
    optimizer = Muon(net.parameters(), 1e-3, 0.1, torch.float32)
    names = {id(p): n for n, p in net.named_parameters()}
    groups = [
        (sorted(names[id(p)] for p in g["params"]), g["whole"], g["weight_decay"]) for g in optimizer.param_groups
    ]
    assert groups == [
        (["1.weight"], True, 0.1),
        (["0.weight", "3.weight"], False, 0.1),
        (["0.bias", "3.bias"], False, 0.0),
    ]


def test_muon_gets_the_matrices_of_a_group_that_says_so() -> None:
    """Steps of such weights are orthogonal; without the key they are those of AdamW."""
    torch.manual_seed(6)
    marked, plain = nn.Linear(6, 4), nn.Linear(6, 4)
    groups = [{"params": list(marked.parameters()), "matrices": True}, {"params": list(plain.parameters())}]
    optimizer = Muon(groups, 0.01, 0.0, torch.float32)
    named = [(g["params"], g["whole"], g["weight_decay"]) for g in optimizer.param_groups]
    assert [[id(p) for p in given] for given, whole, _ in named if whole] == [[id(marked.weight)]]
    assert {id(p) for given, _, decay in named if decay == 0.0 for p in given} >= {id(marked.bias), id(plain.bias)}
    before = [net.weight.detach().clone() for net in (marked, plain)]
    for weight in (*marked.parameters(), *plain.parameters()):
        weight.grad = torch.randn_like(weight)
    optimizer.step()
    steps = [(net.weight.detach() - was) / -0.01 for net, was in zip((marked, plain), before, strict=True)]
    values = torch.linalg.svdvals(steps[0]) / (RMS * 6**0.5)
    assert 0.6 < values.min() and values.max() < 1.3
    assert torch.allclose(steps[1].abs(), torch.ones(4, 6), atol=1e-2)  # the first step of AdamW: the sign


def test_a_muon_step_has_the_size_of_an_adamw_step_and_weight_decay() -> None:
    weight = nn.Parameter(torch.ones(8, 6, 3, 3).to(memory_format=torch.channels_last))
    optimizer = Muon([weight], 0.01, 0.5, torch.float32)
    weight.grad = torch.randn(8, 6, 3, 3, generator=torch.Generator().manual_seed(2)).to(
        memory_format=torch.channels_last
    )
    optimizer.step()
    step = weight.detach() - (1 - 0.01 * 0.5)
    assert float(step.square().mean().sqrt()) == pytest.approx(0.01 * RMS, rel=0.2)
    assert float((step * weight.grad).sum()) < 0


def test_all_other_weights_equal_those_of_adamw() -> None:
    torch.manual_seed(3)
    ours, theirs = nn.Linear(5, 4), nn.Linear(5, 4)
    theirs.load_state_dict(ours.state_dict())
    decay = [{"params": [theirs.weight], "weight_decay": 0.1}, {"params": [theirs.bias], "weight_decay": 0.0}]
    reference = torch.optim.AdamW(decay, lr=1e-2, betas=BETAS, eps=EPSILON)
    optimizer = Muon(ours.parameters(), 1e-2, 0.1, torch.float32)
    for _ in range(5):
        x = torch.randn(7, 5)
        for net, by in ((ours, optimizer), (theirs, reference)):
            by.zero_grad()
            net(x).square().mean().backward()
            by.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)
    assert torch.allclose(ours.bias, theirs.bias, atol=1e-6)


def test_weights_without_a_gradient_do_not_change() -> None:
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3))
    optimizer = Muon(net.parameters(), 1e-2, 0.1, torch.float32)
    net[0](torch.randn(1, 2, 5, 5)).mean().backward()
    before = net[1].weight.clone()
    optimizer.step()
    assert torch.equal(net[1].weight, before)


def test_rare_directions_are_learnt_faster_than_by_adamw() -> None:
    """With targets of very different size per channel, small ones are learnt in as few steps as large ones."""

    def error(make: str) -> float:
        torch.manual_seed(4)
        net, goal = nn.Conv2d(16, 16, 3, bias=False), torch.randn(16, 16, 3, 3)
        nn.init.zeros_(net.weight)
        mix = torch.linalg.qr(torch.randn(16, 16)).Q
        optimizer: torch.optim.Optimizer = (
            Muon(net.parameters(), 0.2, 0.0, torch.float32)
            if make == "muon"
            else torch.optim.AdamW(net.parameters(), lr=0.2 * RMS, weight_decay=0.0, betas=BETAS)
        )
        for _ in range(60):
            for group in optimizer.param_groups:
                group["lr"] *= 0.95
            x = torch.randn(4, 16, 8, 8) * torch.logspace(0, -1.5, 16).view(1, 16, 1, 1)
            x = torch.einsum("ij,njhw->nihw", mix, x)
            loss = F.mse_loss(net(x), F.conv2d(x, goal))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return float((net.weight.detach() - goal).square().mean())

    assert error("muon") < 0.85 * error("adamw")


def test_a_muon_step_uses_nesterov_momentum() -> None:
    """Two steps with different gradients: the second follows the running mean, moved again to the new gradient."""
    torch.manual_seed(7)
    weight = nn.Parameter(torch.randn(6, 4, 1, 1))
    start, gradients = weight.detach().clone(), torch.randn(2, 6, 4, 1, 1)
    optimizer = Muon([weight], 0.01, 0.0, torch.float32)
    expected, mean = start.clone(), torch.zeros_like(start)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
        mean = MOMENTUM * mean + (1 - MOMENTUM) * gradient
        ahead = MOMENTUM * mean + (1 - MOMENTUM) * gradient
        expected -= 0.01 * RMS * 6**0.5 * orthogonal(ahead.flatten(1)[None])[0].view_as(start)
    torch.testing.assert_close(weight.detach(), expected, atol=1e-5, rtol=1e-4)
