"""The legibility loss: which characters are read, what it pushes ink towards, and what is no critic."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from scriven.base import ModelError, SettingsError
from scriven.jobs.train_scribe import FlowTrainSettings, train_scribe
from scriven.text import Charset
from scriven.training.checkpoint import WEIGHTS, load_tensors
from scriven.training.legibility import MOST, Critic
from test_train_scribe import FEW, letters, model, no_export  # noqa: F401

CPU = torch.device("cpu")


class Stripes(nn.Module):
    """A recogniser of 8-px frames: dark frames are 'a', grey ones 'b', light ones blank."""

    charset, height, stride, frames, decoders = Charset("ba"), 64, 8, None, ("ctc",)

    def forward(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        ink = images[:, 0].mean(1).unflatten(1, (-1, 8)).mean(2)  # (N, T)
        distance = (ink[:, :, None] - torch.tensor([0.0, 0.5, 1.0])).abs()  # blank, b, a
        return -16 * distance, widths // 8


def critic() -> Critic:
    return Critic(Stripes(), Charset("abz"), CPU)  # type: ignore[arg-type]


def drawn(*levels: float) -> Tensor:
    return torch.tensor(levels, dtype=torch.float32).repeat_interleave(8)[None, None, None].expand(1, 1, 64, -1).clone()


A, B, Z = 1, 2, 3
ONE = torch.ones(1)


def loss(ink: Tensor, classes: list[int], edges: list[list[float]], weights: Tensor = ONE) -> float:
    return float(critic().loss(ink, weights, torch.tensor([classes]), torch.tensor([edges])))


def test_what_is_written_costs_little_and_another_letter_much() -> None:
    edges = [[8.0, 16.0], [24.0, 32.0]]
    right = loss(drawn(0, 1, 0, 0.5, 0), [A, B], edges)
    assert right < 0.01 < 1 < loss(drawn(0, 0.5, 0, 1, 0), [A, B], edges) <= MOST
    assert loss(drawn(0, 0.5, 0, 1, 0), [A, B], edges, torch.tensor([0.5])) == pytest.approx(
        loss(drawn(0, 0.5, 0, 1, 0), [A, B], edges) / 2
    )


def test_recurrent_layers_of_a_critic_have_a_gradient_on_a_gpu() -> None:
    """cuDNN refuses it in evaluation mode; nothing is dropped, so that the reading is the same."""
    net = Stripes()
    net.rows, net.norm = nn.LSTM(4, 4, num_layers=2, dropout=0.5), nn.BatchNorm1d(4)
    Critic(net, Charset("ab"), CPU)  # type: ignore[arg-type]
    assert net.rows.training and net.rows.dropout == 0 and not net.norm.training and not net.training


def test_characters_that_the_critic_lacks_are_named(caplog: pytest.LogCaptureFixture) -> None:
    critic()
    assert [record.message for record in caplog.records] == [
        "the critic does not know z; pieces with them are trained without it"
    ]


def test_characters_that_the_border_cuts_are_covered() -> None:
    """The first and the last lie partly outside: what is drawn of them is neither expected nor read."""
    edges = [[-4.0, 8.0], [16.0, 24.0], [32.0, 60.0]]
    assert loss(drawn(0.5, 0, 1, 0, 0.5), [B, A, B], edges) < 0.01
    assert loss(drawn(0.5, 0, 1, 0, 0.5), [B, A, 0], [*edges[:2], [0.0, 0.0]]) > 1  # nothing follows: it is read


def test_pictures_that_cannot_be_read_are_left_out() -> None:
    ink = drawn(0, 1, 0).requires_grad_()
    for classes, edges, weights in (
        ([0], [[0.0, 0.0]], ONE),
        ([A], [[-1.0, 9.0]], ONE),
        ([Z], [[8.0, 16.0]], ONE),
        ([B], [[8.0, 16.0]], torch.zeros(1)),
    ):
        found = critic().loss(ink, weights, torch.tensor([classes]), torch.tensor([edges]))
        found.backward()
        assert found.item() == 0 and ink.grad is not None and not ink.grad.any()


def test_the_gradient_writes_the_letter_and_the_critic_stays_as_it_is() -> None:
    ink = torch.full((1, 1, 64, 24), 0.7).requires_grad_()
    optimizer = torch.optim.Adam([ink], 0.05)
    for _ in range(60):
        optimizer.zero_grad()
        critic().loss(ink, ONE, torch.tensor([[A]]), torch.tensor([[[8.0, 16.0]]])).backward()
        optimizer.step()
    assert np.argmax(Stripes()(ink, torch.tensor([24]))[0][0].detach().numpy(), 1).max() == 2
    assert all(not weight.requires_grad for weight in critic().net.parameters())


def test_a_model_that_is_no_critic_is_named(letters: Path, model: Path, tmp_path: Path) -> None:  # noqa: F811
    other = Stripes()
    other.decoders = ("attention",)
    with pytest.raises(SettingsError, match="decodes by CTC at 64 px, or train with legibility=0"):
        Critic(other, Charset("a"), CPU)  # type: ignore[arg-type]
    settings = replace(FEW, legibility=0.1, critic="no-such-model")
    with pytest.raises(ModelError, match="no-such-model"):
        train_scribe([letters], tmp_path / "out", model=model, settings=settings)


def test_it_changes_the_training_and_not_the_loss_of_held_out_lines(
    letters: Path,  # noqa: F811
    model: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    few = replace(FEW, steps=3, evaluations=1)
    runs = [
        train_scribe([letters], tmp_path / f"{weight}", model=model, settings=replace(few, legibility=weight))
        for weight in (0.0, 0.5)
    ]
    tensors = [load_tensors(run.folder / WEIGHTS) for run in runs]
    assert any(not torch.equal(tensors[0][k], tensors[1][k]) for k in tensors[0])
    assert isinstance(FlowTrainSettings(steps=1).critic, str)
